//! Findings that are no measures: single verdicts that do not follow from their runs, builds, and what git adds.

use crate::{
    audit::Finding,
    git::GitFacts,
    log::Log,
    overlap::frames,
    revision::{Revision, Role, RunResult, Verdict},
    runs::flags,
    verdict::{Counts, Judgement, Rule},
    view::View,
};
use std::collections::BTreeMap;

/// What a verdict that does not follow from its runs, or has none, costs in log-odds. No labelled log has one: this is a decree.
const UNFOUNDED: f64 = -3.0;

/// Lines that were found, and what of.
#[derive(Default)]
struct Found {
    findings: Vec<(&'static str, f64, String, Vec<usize>)>,
}

impl Found {
    fn add(&mut self, kind: &'static str, weight: f64, text: &str, lines: Vec<usize>) {
        if !lines.is_empty() {
            self.findings.push((kind, weight, text.to_owned(), lines));
        }
    }
}

/// Checks the verdicts of a log by a rule, its builds, and the functions of its culprit.
pub(crate) fn checks(log: &Log<'_>, view: &View<'_>, rule: Rule, git: Option<&GitFacts>) -> Vec<Finding> {
    let mut found = Found::default();
    verdicts(log, view, rule, &mut found);
    builds(log, &mut found);
    repository(log, git, &mut found);
    let finding = |(kind, weight, text, lines)| Finding::new(log, kind, weight, text, lines);
    found.findings.into_iter().map(finding).collect()
}

/// What a repository adds: the functions that the culprit touches, or that it does not have it.
fn repository(log: &Log<'_>, git: Option<&GitFacts>, found: &mut Found) {
    let (Some(facts), Some(culprit)) = (git, &log.culprit) else { return };
    if facts.files.is_empty() {
        let text = "the repository has no patch of the culprit: the files are those that the log shows";
        return found.add("no-patch", 0.0, text, vec![culprit.line]);
    }
    let report = log.report();
    let touched =
        frames(&report).into_iter().find(|located| facts.functions.iter().any(|name| name == located.function));
    match touched {
        Some(located) => {
            let text = format!("the culprit touches `{}`, which is in the report", located.function);
            found.add("touched-functions", 0.0, &text, vec![culprit.line, log.report_line(located.line)]);
        }
        None => {
            found.add("touched-functions", 0.0, "the culprit touches no function of the report", vec![culprit.line]);
        }
    }
}

/// What git was told, against the runs.
fn verdicts(log: &Log<'_>, view: &View<'_>, rule: Rule, found: &mut Found) {
    let (mut unfounded, mut threshold, mut flaky) = (Vec::new(), Vec::new(), Vec::new());
    let (mut is_flaky, mut misled) = (false, false);
    for test in &log.revisions {
        let counts = Counts::of(test);
        let judgement = rule.judge(counts, is_flaky);
        if let (Some(decision), false) = (test.decision, test.runs.is_empty()) {
            let judged = match judgement {
                Judgement::Verdict(verdict) => Some(view.word_for(verdict)),
                Judgement::Abort => None,
            };
            if judged != Some(decision.verdict) {
                // A skip only leaves more to test.
                misled |= decision.verdict != Verdict::Skip;
                unfounded.extend(test.runs.iter().map(|run| run.line).chain([decision.line]));
            }
            if !test.all_runs && counts.bad > 0 && counts.bad == rule.threshold(counts) {
                threshold.extend(crashes(test).chain([decision.line]));
            }
        }
        if flags(rule, counts, is_flaky) {
            is_flaky = true;
            let silent = test.runs.iter().find(|run| run.result == RunResult::Ok).map(|run| run.line);
            flaky.extend([test.lines.0].into_iter().chain(crashes(test).next()).chain(silent));
        }
    }
    let weight = if misled { UNFOUNDED } else { 0.0 };
    found.add("unfounded-verdict", weight, "git was told what does not follow from the runs", unfounded);
    found.add("threshold-verdict", 0.0, "just enough crashes to be bad", threshold);
    found.add("flaky-runs", 0.0, "fewer than half of the runs crash where the bug is", flaky);
}

/// Kernels that are not what a verdict about them supposes.
fn builds(log: &Log<'_>, found: &mut Found) {
    let mut unstable = Vec::new();
    let mut seen: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    for test in log.revisions.iter().filter(|test| test.role != Role::Config) {
        if let Some(signature) = test.signature.as_deref().filter(|signature| !signature.is_empty()) {
            let (first, line) = *seen.entry(test.hash.as_ref()).or_insert((signature, test.signature_line));
            if first != signature {
                unstable.extend([line, test.signature_line]);
            }
        }
    }
    found.add("unstable-build", 0.0, "one commit was built to two different kernels", unstable);
    let parent = log.untested_parent.as_ref().map(|_| log.places.untested_parent);
    found.add("untested-parent", 0.0, "the culprit's parent was not tested", parent.into_iter().collect());
    // Nobody can have seen the bug in a kernel that could not be built.
    let is_culprit = |test: &&Revision<'_>| log.culprit.as_ref().is_some_and(|culprit| culprit.hash == test.hash);
    let (tested, failed): (Vec<_>, Vec<_>) =
        log.revisions.iter().filter(is_culprit).partition(|test| !test.runs.is_empty());
    let failed = failed.iter().filter(|test| tested.is_empty() && !test.failures.is_empty());
    let failed = failed.flat_map(|test| [test.lines.0, test.failure_line]).collect();
    found.add("unbuilt-culprit", UNFOUNDED, "the culprit could not be built or tested", failed);
    let switched = |template: &str| ["config-not-needed", "config-minimized"].contains(&template);
    let config = log.config.iter().filter(|note| switched(note.template)).map(|note| note.line);
    found.add("config-switch", 0.0, "the bisection ran with another configuration than the crash", config.collect());
    // A build failure is stored with its report, which is then taken for a crash.
    let presence = log.notes.iter().filter(|note| note.template == "guilty-reachable").filter(|note| {
        let before = log.revisions.iter().rfind(|test| test.lines.0 < note.line);
        before.is_some_and(|test| test.runs.is_empty() && !test.failures.is_empty())
    });
    let presence = presence.map(|note| note.line).collect();
    found.add("presence-unproved", 0.0, "the bug was taken for present after a build that failed", presence);
}

/// The lines of the runs that crashed.
fn crashes<'t>(test: &'t Revision<'_>) -> impl Iterator<Item = usize> + 't {
    test.runs.iter().filter(|run| run.result == RunResult::Crashed).map(|run| run.line)
}
