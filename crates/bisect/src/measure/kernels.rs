//! Measures of the kernels that were tested: equal ones that were judged differently, and what built them.

use super::{Measure, SETTLED};
use crate::{revision::Revision, view::View};
use std::collections::{BTreeMap, BTreeSet};

/// Kernels that are the same program and were judged differently.
pub(super) fn equal(view: &View<'_>) -> Measure {
    let log = view.log;
    let known = |signature: Option<&'_ str>| signature.is_some_and(|signature| !signature.is_empty());
    let (culprit, parent) = (log.culprit_signature.as_deref(), log.parent_signature.as_deref());
    if known(culprit) && culprit == parent {
        let lines = vec![log.places.culprit_signature, log.places.parent_signature];
        let text = "the culprit and its parent are the same kernel: the commit changes nothing that runs";
        return Measure { at_most: Some(SETTLED), ..Measure::new("equal-kernels", 1.0, text, lines) };
    }
    let mut tests: BTreeMap<&str, Vec<&Revision<'_>>> = BTreeMap::new();
    for test in view.with_bug.iter().chain(&view.without_bug).filter(|test| known(test.signature.as_deref())) {
        tests.entry(test.signature.as_deref().unwrap_or_default()).or_default().push(test);
    }
    let verdict = |test: &&Revision<'_>| test.decision.map(|told| told.verdict);
    tests.retain(|_, tests| tests.iter().map(verdict).collect::<BTreeSet<_>>().len() > 1);
    let quoted = |test: &&Revision<'_>| [test.signature_line, test.decision.map_or(0, |told| told.line)];
    let lines: Vec<usize> = tests.values().flatten().flat_map(quoted).collect();
    match tests.is_empty() {
        true => Measure::new("equal-kernels", 0.0, "no two equal kernels were judged differently", lines),
        false => Measure::new("equal-kernels", 1.0, "kernels with one signature were judged differently", lines),
    }
}

/// Whether one compiler built all tested kernels.
pub(super) fn compilers(view: &View<'_>) -> Measure {
    // What was not built has only the name of a configuration.
    let tests = view.log.revisions.iter().filter(|test| !test.runs.is_empty() && test.compiler.is_some());
    let compilers: BTreeMap<_, _> =
        tests.map(|test| (test.compiler.as_deref().map(without_date), test.compiler_line)).collect();
    let value = if compilers.len() > 1 { 1.0 } else { 0.0 };
    let last = |tests: &[&Revision<'_>]| {
        tests
            .iter()
            .rfind(|test| !test.runs.is_empty())
            .and_then(|test| test.compiler.as_deref().map(without_date).map(str::to_owned))
    };
    let text = match (last(&view.with_bug), last(&view.without_bug)) {
        (Some(with), Some(without)) if with != without => {
            format!("the last revision with the bug was built by {with}, the last one without it by {without}")
        }
        _ => format!(
            "{} compilers built the tested kernels, but one those between which the result lies",
            compilers.len()
        ),
    };
    Measure::new("compiler-switch", value, text, compilers.into_values().collect())
}

/// Debian's and gcc's builds carry a date that changes without the compiler.
fn without_date(compiler: &str) -> &str {
    let cut = compiler.find(" 20").or(compiler.find(", GNU ld"));
    cut.map_or(compiler, |at| &compiler[..at])
}
