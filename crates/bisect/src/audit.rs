//! A log's result, judged: how probably it is right, why, and what to test next.

use crate::{
    checks::checks,
    git::GitFacts,
    log::{Log, Outcome, Revision, Verdict},
    measure::{Measure, measures},
    verdict::{Counts, Rule},
    view::{View, missed},
    weights::{CONSTANT, REJECT, TRUST, WEIGHTS},
};
use schemars::JsonSchema;
use serde::Serialize;

/// Lines that one finding quotes at most.
const QUOTES: usize = 8;
/// A missed bug is worth a finding from this probability.
const LIKELY: f64 = 0.01;
/// Runs that a next test may cost.
const MOST_RUNS: usize = 100;

/// The judgement of one log.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Audit {
    /// The name of the log, for whoever has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// How the bisection ended.
    pub outcome: Outcome,
    /// Why it found nothing, in the log's words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// The commit that was found.
    pub culprit: Option<String>,
    /// The probability that it is the right one (0 to 1); none without a result.
    pub probability: Option<f64>,
    /// What to make of it.
    pub verdict: Trust,
    /// The rule by which the verdicts were recomputed.
    pub rule: Rule,
    /// Why that rule.
    pub rule_reason: String,
    /// What was found, the heaviest first.
    pub findings: Vec<Finding>,
    /// What would tell more.
    pub next: Option<NextTest>,
}

/// What to make of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// It can be acted upon.
    Trust,
    /// It needs another test.
    Doubt,
    /// It is probably wrong, or there is none.
    Reject,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// The name of the measure or check.
    pub kind: &'static str,
    /// What it does to the log-odds of the result; 0 where the labelled logs gave it no weight.
    pub weight: f64,
    /// What it means.
    pub text: String,
    /// The lines that show it.
    pub quote: Vec<Quote>,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Quote {
    /// Its number, from 1.
    pub line: usize,
    /// Its text.
    pub text: String,
}

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

/// Judges a log. What git knows of the culprit replaces the paths that the log shows.
pub fn audit(log: &Log<'_>, git: Option<&GitFacts>) -> Audit {
    let view = View::of(log);
    let (rule, rule_reason) = Rule::of(log);
    let checks = checks(log, &view, rule, git);
    let judged = log.culprit.is_some() || log.outcome == Outcome::Inconclusive;
    let mut findings: Vec<Finding> = Vec::new();
    let mut sum = CONSTANT;
    // Without a result there is nothing that the measures could speak against.
    for measure in if judged { measures(log, git) } else { Vec::new() } {
        let weight = WEIGHTS.iter().find(|(name, _)| *name == measure.name).map_or(0.0, |(_, weight)| *weight);
        let weight = weight * measure.value;
        sum += weight;
        if worth_a_word(&measure, weight) {
            findings.push(Finding::new(log, measure.name, weight, measure.text, measure.lines));
        }
    }
    sum += checks.iter().map(|finding| finding.weight).sum::<f64>();
    findings.extend(checks);
    findings.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    let probability = judged.then(|| (1000.0 / (1.0 + (-sum).exp())).round() / 1000.0);
    Audit {
        log: None,
        outcome: log.outcome,
        reasons: log.reasons.iter().chain(&log.errors).map(ToString::to_string).collect(),
        culprit: log.culprit.as_ref().map(|culprit| culprit.hash.to_string()),
        probability,
        verdict: match probability {
            Some(probability) if probability >= TRUST => Trust::Trust,
            Some(probability) if probability >= REJECT => Trust::Doubt,
            _ => Trust::Reject,
        },
        rule,
        rule_reason,
        findings,
        next: next_test(log, &view),
    }
}

fn worth_a_word(measure: &Measure, weight: f64) -> bool {
    match measure.name {
        // Overlap that is not perfect is no finding; overlap that is poor is one.
        "files-elsewhere" | "names-elsewhere" => measure.value > 0.5,
        "missed-bug" => measure.value >= LIKELY,
        "busy-subsystem" => measure.value >= 0.5,
        "good-end" => measure.value >= 1.0,
        _ => measure.value > 0.0 && (weight == 0.0 || weight.abs() >= 0.02),
    }
}

/// The revision whose verdict is the weakest, and the runs that would settle it at one percent.
fn next_test(log: &Log<'_>, view: &View<'_>) -> Option<NextTest> {
    let (smallest, mean) = view.chances();
    let chance = ((smallest + mean) / 2.0).clamp(0.05, 0.99);
    let runs = ((0.01_f64.ln() / (1.0 - chance).ln()).ceil() as usize).clamp(10, MOST_RUNS);
    let suggest =
        |test: &Revision<'_>, reason: String| Some(NextTest { revision: test.hash.to_string(), runs, reason });
    let related = |test: &Revision<'_>| test.crashes().any(|title| view.likeness(title) >= 0.5);
    if let Some(test) = view.with_bug.iter().find(|test| !related(test)) {
        return suggest(
            test,
            "it was called bad for crashes that are not the original bug: count only that one".into(),
        );
    }
    let weak = |test: &&&Revision<'_>| !test.all_runs && Counts::of(test).bad == 1;
    if let Some(test) = view.with_bug.iter().find(weak) {
        return suggest(test, "it was called bad for a single crash".into());
    }
    let silent = view.silent();
    let doubtful = silent.iter().min_by_key(|test| Counts::of(test).good);
    if let Some(test) = doubtful.filter(|test| missed(chance, Counts::of(test).good) > LIKELY) {
        let miss = missed(chance, Counts::of(test).good);
        return suggest(test, format!("its silence is a miss with probability {miss:.2}"));
    }
    let skipped = log
        .steps()
        .filter(|(test, told)| told.verdict == Verdict::Skip && test.remaining.is_some_and(|left| left.revisions <= 8));
    if let Some((test, _)) = skipped.last() {
        return suggest(test, "it was skipped, and is near the culprit".into());
    }
    let parent = log.untested_parent.as_deref().map(str::to_owned);
    let last_good = view.without_bug.last().map(|test| test.hash.to_string());
    let revision = parent.or(last_good)?;
    Some(NextTest {
        revision,
        runs,
        reason: "the nearest revision without the bug: more runs make its silence sure".into(),
    })
}

impl Finding {
    /// A finding that quotes these lines; line 0 is none.
    pub(crate) fn new(log: &Log<'_>, kind: &'static str, weight: f64, text: String, mut lines: Vec<usize>) -> Finding {
        lines.retain(|line| *line > 0);
        lines.sort_unstable();
        lines.dedup();
        let quote = lines.iter().take(QUOTES).map(|&line| Quote { line, text: log.line(line).into_owned() });
        Finding { kind, weight: (weight * 1000.0).round() / 1000.0, text, quote: quote.collect() }
    }
}

impl Audit {
    /// The judgement as text for people.
    pub fn to_text(&self) -> String {
        let verdict = match self.verdict {
            Trust::Trust => "trust",
            Trust::Doubt => "doubt",
            Trust::Reject => "reject",
        };
        let probability =
            self.probability.map_or("no result to judge".into(), |p| format!("right with probability {p:.2}"));
        let mut out = match &self.log {
            Some(log) => format!("{log}: {verdict}, {probability}\n"),
            None => format!("{verdict}, {probability}\n"),
        };
        if let Some(culprit) = &self.culprit {
            out += &format!("culprit: {culprit}\n");
        }
        for reason in &self.reasons {
            out += &format!("ended: {reason}\n");
        }
        out += &format!("rule: {}\n", self.rule_reason);
        for finding in &self.findings {
            out += &format!("\n{:+.2} {}: {}\n", finding.weight, finding.kind, finding.text);
            for quote in &finding.quote {
                out += &format!("  {}: {}\n", quote.line, quote.text);
            }
        }
        if let Some(next) = &self.next {
            out += &format!("\nnext: test {} with {} runs: {}\n", next.revision, next.runs, next.reason);
        }
        out
    }
}
