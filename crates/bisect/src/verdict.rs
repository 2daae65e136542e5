//! What the runs of one revision say, by the rules of the time when the log was written.

use crate::{
    log::Log,
    revision::{Revision, RunResult, Verdict},
};
use schemars::JsonSchema;
use serde::Serialize;

/// How many runs ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// All of them.
    pub total: usize,
    /// No crash.
    pub good: usize,
    /// A crash that counts.
    pub bad: usize,
    /// Infrastructure problems.
    pub infra: usize,
}

impl Counts {
    /// Counts the runs of a revision.
    pub fn of(revision: &Revision<'_>) -> Counts {
        let count = |result| revision.count(result);
        Counts {
            total: revision.runs.len() * revision.runs_each,
            good: count(RunResult::Ok),
            bad: count(RunResult::Crashed),
            infra: count(RunResult::Infra) + count(RunResult::Failed),
        }
    }

    /// The share of crashes among the runs that say something; none if no run does.
    pub fn ratio(self) -> Option<f64> {
        let telling = self.good + self.bad;
        (telling > 0).then(|| self.bad as f64 / telling as f64)
    }
}

/// The rule by which runs make a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Until mid-2024: one crash is bad; without one, more than a third must be good.
    OneCrash,
    /// Since mid-2024: a sixth of the runs, at least two, must crash to be bad; half, or three quarters if the
    /// reproducer is flaky, must be good (syzkaller #4888).
    Share,
}

/// What the runs say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// A verdict for git.
    Verdict(Verdict),
    /// The infrastructure is too broken to go on.
    Abort,
}

impl Rule {
    /// Chooses the rule by the era of a log, and says why.
    pub fn of(log: &Log<'_>) -> (Rule, String) {
        let announced = log.started.as_ref().and_then(|start| {
            let mut parts = start.time.split('-');
            Some((parts.next()?.parse::<u16>().ok()?, parts.next()?.parse::<u8>().ok()?))
        });
        let year_and_month = announced.or(log.times.map(|(first, _)| (first.year, first.month)));
        const LATER: &[&str] =
            &["representative-crash", "false-negative-chance", "verdict-undetermined", "repro-flaky-chance"];
        let later = LATER.iter().find(|template| log.lines.known.contains_key(*template));
        match (year_and_month, later) {
            (Some((year, month)), _) if (year, month) >= (2024, 6) => (
                Rule::Share,
                format!("started {year}-{month:02}: two crashes or a sixth of the runs make a revision bad"),
            ),
            (Some((year, month)), _) => {
                (Rule::OneCrash, format!("started {year}-{month:02}: one crash makes a revision bad"))
            }
            (None, Some(template)) => (
                Rule::Share,
                format!("no date, but the line `{template}`: two crashes or a sixth of the runs make a revision bad"),
            ),
            (None, None) => {
                (Rule::OneCrash, "no date and no wording of mid-2024 or later: one crash makes a revision bad".into())
            }
        }
    }

    /// The verdict of one revision; `flaky` is what the bisection knew of the reproducer at that time.
    pub fn judge(self, counts: Counts, flaky: bool) -> Judgement {
        let Counts { total, good, bad, infra } = counts;
        let skip = total.saturating_sub(good + bad + infra);
        match self {
            Rule::OneCrash if bad > 0 => Judgement::Verdict(Verdict::Bad),
            Rule::OneCrash if good * 3 > total => Judgement::Verdict(Verdict::Good),
            Rule::OneCrash => Judgement::Verdict(Verdict::Skip),
            Rule::Share => {
                let want_bad = (total.saturating_sub(infra) / 6).max(2);
                let want_good = if flaky { total * 3 / 4 } else { total / 2 };
                if bad == 0 && good >= want_good && total > 0 {
                    Judgement::Verdict(Verdict::Good)
                } else if bad >= want_bad && good + bad >= total / 2 {
                    Judgement::Verdict(Verdict::Bad)
                } else if infra > skip {
                    Judgement::Abort
                } else {
                    Judgement::Verdict(Verdict::Skip)
                }
            }
        }
    }

    /// The fewest crashes that make these runs bad.
    pub fn threshold(self, counts: Counts) -> usize {
        match self {
            Rule::OneCrash => 1,
            Rule::Share => (counts.total.saturating_sub(counts.infra) / 6).max(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of syzkaller's own test: total, good, bad, infra, flaky, then what it must be.
    #[test]
    fn the_rule_of_2024_agrees_with_its_reference() {
        let verdict = Judgement::Verdict;
        for (total, good, bad, infra, flaky, want) in [
            (10, 0, 1, 8, false, Judgement::Abort),
            (10, 5, 0, 3, false, verdict(Verdict::Good)),
            (10, 4, 2, 2, false, verdict(Verdict::Bad)),
            (10, 2, 2, 3, false, verdict(Verdict::Skip)),
            (20, 10, 0, 3, true, verdict(Verdict::Skip)),
            (20, 15, 0, 3, true, verdict(Verdict::Good)),
            (20, 6, 1, 0, true, verdict(Verdict::Skip)),
            (20, 7, 3, 0, true, verdict(Verdict::Bad)),
            (10, 9, 1, 0, false, verdict(Verdict::Skip)),
        ] {
            let counts = Counts { total, good, bad, infra };
            assert_eq!(Rule::Share.judge(counts, flaky), want, "{counts:?} {flaky}");
        }
    }

    #[test]
    fn one_crash_was_enough_before() {
        let counts = Counts { total: 10, good: 9, bad: 1, infra: 0 };
        assert_eq!(Rule::OneCrash.judge(counts, false), Judgement::Verdict(Verdict::Bad));
        assert_eq!(Rule::Share.judge(counts, false), Judgement::Verdict(Verdict::Skip));
        let broken = Counts { total: 10, good: 3, bad: 0, infra: 0 };
        assert_eq!(Rule::OneCrash.judge(broken, false), Judgement::Verdict(Verdict::Skip));
    }
}
