//! What to test next: of the two verdicts between which the result lies, the weaker one.

use crate::{
    log::{Log, Outcome},
    revision::{Revision, Role, Verdict},
    verdict::Counts,
    view::{LIKE, LIKELY, View, missed},
};
use schemars::JsonSchema;
use serde::Serialize;

/// Runs that a test may cost, at least and at most.
const RUNS: std::ops::RangeInclusive<usize> = 10..=100;

/// A test that would tell more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NextTest {
    /// The revision.
    pub revision: String,
    /// How many runs.
    pub runs: usize,
    /// Why this one.
    pub reason: String,
}

/// Chooses a revision, and as many runs as show the bug there with 99 %.
///
/// In a straight history the last revision with the bug and the last one without it decide alone: if both were judged
/// rightly, so were all others, since a bug stays until it is fixed.
pub(crate) fn next_test(log: &Log<'_>, view: &View<'_>) -> Option<NextTest> {
    let (chance, _) = view.chances();
    let runs =
        ((0.01_f64.ln() / (1.0 - chance.clamp(0.01, 0.99)).ln()).ceil() as usize).clamp(*RUNS.start(), *RUNS.end());
    let test = |revision: &str, reason: String| Some(NextTest { revision: revision.to_owned(), runs, reason });
    match log.outcome {
        Outcome::Found => {}
        Outcome::Inconclusive => {
            let skipped = log.steps().filter(|(_, told)| told.verdict == Verdict::Skip).last();
            let (skipped, _) = skipped?;
            return test(
                &skipped.hash,
                "it was skipped, and is among those that are left: make it build or boot".into(),
            );
        }
        _ => {
            if let Some(chosen) = &log.untested {
                return test(&chosen.hash, "git chose it, and the log ends before it was tested".into());
            }
            let open = log.revisions.last().filter(|test| test.role == Role::Bisect && test.decision.is_none())?;
            return test(&open.hash, "git chose it, and the log ends before it was judged".into());
        }
    }
    let shows = |test: &Revision<'_>| test.crashes().any(|title| view.bug.likeness(title) >= LIKE);
    if let Some(last) = view.with_bug.last() {
        if !shows(last) {
            let crash = last.crashes().next().unwrap_or("no crash");
            let reason = format!("it counts as one with the bug because of `{crash}`: count the original bug only");
            return test(&last.hash, reason);
        }
        if !last.all_runs && Counts::of(last).bad == 1 {
            return test(&last.hash, "one crash alone says that the bug is there: see whether it comes back".into());
        }
    }
    if let Some(parent) = &log.untested_parent {
        return test(parent, "the culprit's parent was not tested: if the bug shows, the culprit is wrong".into());
    }
    let last = view.without_bug.last().copied().or(view.silent().pop())?;
    let good = Counts::of(last).good;
    let miss = missed(chance, good);
    let likely = if miss >= LIKELY { format!(", a miss with probability {miss:.2}") } else { String::new() };
    let reason =
        format!("the last revision without the bug ({good} silent runs{likely}): if it shows, the result is wrong");
    test(&last.hash, reason)
}
