//! A log's result, judged: how probably it is right, why, and what to test next.

use crate::{
    checks::checks,
    crash::CrashReport,
    git::GitFacts,
    log::{Log, Outcome},
    measure,
    next::{NextTest, next_test},
    silence::{Silence, silences},
    verdict::Rule,
    view::View,
    weights::{CONSTANT, REJECT, TRUST, WEIGHTS},
};
use schemars::JsonSchema;
use serde::Serialize;
use std::cmp::Ordering;

/// Lines that one finding quotes at most.
const QUOTES: usize = 8;
/// Characters of a line that are repeated at most.
const LONGEST: usize = 1000;
/// What a finding does to the log-odds at least, if it has a weight.
const LEAST: f64 = 0.02;

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
    /// The probability that it is the right one (0 to 1); null without a result.
    pub probability: Option<f64>,
    /// What to make of it; null without a result.
    pub verdict: Option<Trust>,
    /// The rule by which the verdicts were recomputed.
    pub rule: Rule,
    /// Why that rule.
    pub rule_reason: String,
    /// The log-odds that a result starts with. With the weights of all findings it is the log-odds of the probability, where
    /// none has `at_most`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<f64>,
    /// Everything that changes the probability, and facts that do not; the heaviest first, the minor ones last.
    pub findings: Vec<Finding>,
    /// The share of runs that crash at the revision where the bug showed most rarely (0 to 1), if any verdict rests on silence.
    pub chance: Option<f64>,
    /// The revisions that were judged to be without the bug, and how probably each is a miss.
    pub silences: Vec<Silence>,
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
    /// It is probably wrong.
    Reject,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// The name of the measure or check.
    pub kind: &'static str,
    /// What it does to the log-odds of the result; 0 where the labelled logs gave it no weight.
    pub weight: f64,
    /// Whether it is no more than most right results have, too: it counts, but nothing is wrong with the result for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub minor: bool,
    /// The highest probability that it leaves the result, where it settles it alone, whatever else was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
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
    /// Its text, or the start of a long one.
    pub text: String,
}

/// What is known beside a log.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'c> {
    /// What git knows of the culprit: it replaces the paths that the log shows.
    pub git: Option<&'c GitFacts>,
    /// The report of the original crash, of which a log has only the titles.
    pub crash: Option<&'c CrashReport>,
}

/// Judges a log.
pub fn audit(log: &Log<'_>, context: Context<'_>) -> Audit {
    let report = CrashReport::of(log);
    let view = View::of(log, report.as_ref(), context.crash);
    let (rule, rule_reason) = Rule::of(log);
    let checks = checks(log, &view, rule, context.git);
    let is_result = log.culprit.is_some() || log.outcome == Outcome::Inconclusive;
    let mut findings = Vec::new();
    // Without a result there is nothing that the measures could speak against.
    for mut measure in if is_result { measure::of(&view, context) } else { Vec::new() } {
        // What is missing stands nowhere: then the line with the result is quoted.
        if measure.lines.iter().all(|line| *line == 0) {
            measure.lines = vec![log.culprit.as_ref().map_or(log.places.inconclusive, |culprit| culprit.line)];
        }
        let weight = WEIGHTS.iter().find(|(name, _)| *name == measure.name).map_or(0.0, |(_, weight)| *weight);
        // A weight that no digit shows is no finding.
        let minor = measure.minor || (weight != 0.0 && (weight * measure.value).abs() < LEAST);
        let finding = Finding::new(log, measure.name, weight * measure.value, measure.text, measure.lines);
        if !minor || finding.weight != 0.0 {
            findings.push(Finding { at_most: measure.at_most, minor, ..finding });
        }
    }
    findings.extend(checks);
    let rank = |finding: &Finding| (finding.minor, finding.at_most.unwrap_or(1.0), -finding.weight.abs());
    findings.sort_by(|a, b| rank(a).partial_cmp(&rank(b)).unwrap_or(Ordering::Equal));
    let sum = CONSTANT + findings.iter().map(|finding| finding.weight).sum::<f64>();
    let at_most = findings.iter().filter_map(|finding| finding.at_most).fold(1.0, f64::min);
    let probability = is_result.then(|| ((1000.0 / (1.0 + (-sum).exp())).round() / 1000.0).min(at_most));
    Audit {
        log: None,
        outcome: log.outcome,
        reasons: reasons(log),
        culprit: log.culprit.as_ref().map(|culprit| culprit.hash.to_string()),
        probability,
        verdict: probability.map(|probability| match probability {
            _ if probability >= TRUST => Trust::Trust,
            _ if probability >= REJECT => Trust::Doubt,
            _ => Trust::Reject,
        }),
        rule,
        rule_reason,
        base: is_result.then_some(CONSTANT),
        findings,
        chance: (!view.silent().is_empty()).then(|| (view.chances().0 * 1000.0).round() / 1000.0),
        silences: silences(&view),
        next: next_test(log, &view),
    }
}

/// Why there is no result.
fn reasons(log: &Log<'_>) -> Vec<String> {
    let mut reasons: Vec<String> = log.reasons.iter().chain(&log.errors).map(|reason| cut(reason)).collect();
    if log.outcome == Outcome::Unfinished {
        reasons.push(format!("the log ends with line {}: {}", log.lines.total, cut(&log.line(log.lines.total))));
    }
    reasons
}

/// The start of a line; nobody reads more of a line that is longer.
fn cut(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

impl Finding {
    /// A finding that quotes these lines; line 0 is none.
    pub(crate) fn new(log: &Log<'_>, kind: &'static str, weight: f64, text: String, mut lines: Vec<usize>) -> Finding {
        lines.retain(|line| *line > 0);
        lines.sort_unstable();
        lines.dedup();
        let quote = lines.iter().take(QUOTES).map(|&line| Quote { line, text: cut(&log.line(line)) });
        let weight = (weight * 1000.0).round() / 1000.0;
        Finding { kind, weight, minor: false, at_most: None, text, quote: quote.collect() }
    }
}
