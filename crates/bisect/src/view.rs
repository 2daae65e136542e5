//! A log seen from the bug: which tests showed it, which were silent, how often it shows.

use crate::{
    bug::Bug,
    crash::CrashReport,
    log::{Direction, Log},
    revision::{Revision, Role, Verdict},
    verdict::Counts,
};

/// A miss is worth a word from this probability.
pub(crate) const LIKELY: f64 = 0.01;

/// Crashes so alike, or more, are of one bug.
pub(crate) const LIKE: f64 = 0.5;

/// Titles, tests and verdicts of a log, seen from the bug: a fix bisection swaps git's words.
pub(crate) struct View<'a> {
    pub(crate) log: &'a Log<'a>,
    pub(crate) bug: Bug<'a>,
    /// The report at the end.
    pub(crate) report: Option<&'a CrashReport>,
    /// Steps of git bisect at which the bug was said to be there.
    pub(crate) with_bug: Vec<&'a Revision<'a>>,
    /// Steps at which it was said not to be there.
    pub(crate) without_bug: Vec<&'a Revision<'a>>,
    /// Steps of the release walk.
    pub(crate) releases: Vec<&'a Revision<'a>>,
    /// The word of git that says that the bug is there.
    pub(crate) bug_word: Verdict,
}

impl<'a> View<'a> {
    /// The log, the report at its end, and that of the original crash, where somebody has one.
    pub(crate) fn of(log: &'a Log<'a>, report: Option<&'a CrashReport>, original: Option<&'a CrashReport>) -> View<'a> {
        let (bug_word, other_word) = match log.direction {
            Some(Direction::Fix) => (Verdict::Good, Verdict::Bad),
            _ => (Verdict::Bad, Verdict::Good),
        };
        let told = |word| log.steps().filter(|(_, told)| told.verdict == word).map(|(test, _)| test).collect();
        View {
            log,
            bug: Bug::of(log, original, report),
            report,
            with_bug: told(bug_word),
            without_bug: told(other_word),
            bug_word,
            releases: log.revisions.iter().filter(|test| test.role == Role::Release).collect(),
        }
    }

    /// What git is told for a verdict about the bug.
    pub(crate) fn word_for(&self, verdict: Verdict) -> Verdict {
        match (verdict, self.bug_word) {
            (Verdict::Bad, word) => word,
            (Verdict::Good, Verdict::Good) => Verdict::Bad,
            (other, _) => other,
        }
    }

    /// Tests that crashed: the first one, releases, and steps of git bisect.
    pub(crate) fn crashed(&self) -> Vec<&'a Revision<'a>> {
        let releases = self.releases.iter().copied().filter(|test| test.crashes().next().is_some());
        self.log.revisions.first().into_iter().chain(releases).chain(self.with_bug.iter().copied()).collect()
    }

    /// Tests whose silence decided: the last release, and steps of git bisect.
    pub(crate) fn silent(&self) -> Vec<&'a Revision<'a>> {
        let silent = |test: &&&Revision<'_>| Counts::of(test).bad == 0 && Counts::of(test).good > 0;
        let release = self.releases.iter().rfind(silent).copied();
        self.without_bug.iter().copied().chain(release).collect()
    }

    /// The smallest and the mean share of runs that show the original bug or one like it.
    pub(crate) fn chances(&self) -> (f64, f64) {
        let ratios: Vec<f64> = self
            .crashed()
            .into_iter()
            .filter_map(|test| {
                let like = test.crashes().filter(|title| self.bug.likeness(title) >= LIKE).count() * test.runs_each;
                (like > 0).then(|| like as f64 / (like + Counts::of(test).good) as f64)
            })
            .collect();
        let smallest = ratios.iter().copied().fold(1.0, f64::min);
        match ratios.len() {
            0 => (0.1, 0.1),
            count => (smallest, ratios.iter().sum::<f64>() / count as f64),
        }
    }
}

/// The probability that a bug that shows in a share of the runs stays silent in so many.
pub(crate) fn missed(chance: f64, runs: usize) -> f64 {
    (1.0 - chance.clamp(0.0, 0.99)).powi(runs.min(1000) as i32)
}
