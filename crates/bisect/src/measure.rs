//! What speaks against a bisection's result, as numbers: 0 is nothing, more is worse.

use crate::{
    crash::CrashReport,
    git::GitFacts,
    log::{Culprit, Decision, Log, Outcome, Revision, RunResult, Verdict},
    overlap::overlap,
    verdict::Counts,
    view::{View, missed},
};
use std::collections::{BTreeMap, BTreeSet};

/// One number about a log, its meaning and the lines that it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// The name in the table of weights.
    pub name: &'static str,
    /// 0 where nothing is wrong; mostly up to 1.
    pub value: f64,
    /// What was found, as a sentence.
    pub text: String,
    /// Numbers of the lines that show it.
    pub lines: Vec<usize>,
}

/// Words in the title of a commit that makes bugs visible, or reachable, that were there before.
const EXPOSING: &[&str] = &[
    "allow",
    "annotate",
    "annotation",
    "annotations",
    "assert",
    "check",
    "checking",
    "checks",
    "config",
    "convert",
    "debug",
    "default",
    "detect",
    "enable",
    "enabled",
    "expose",
    "kasan",
    "kconfig",
    "kmsan",
    "lockdep",
    "reenable",
    "report",
    "sanitize",
    "sanity",
    "select",
    "switch",
    "syscall",
    "track",
    "tracker",
    "tracking",
    "unify",
    "validate",
    "validation",
    "verify",
    "warn",
    "warning",
];
/// Paths that are in no x86 kernel.
const UNBUILT: &[&str] =
    &["Documentation", "tools", "samples", "scripts", "MAINTAINERS", "CREDITS", "usr", "LICENSES", "."];
/// Releases after which a longer walk says no more.
const WALK: usize = 10;
/// Verdicts at the end of a bisection that are looked at.
const END: usize = 5;

/// Takes all measures of a log, always the same ones in the same order.
pub fn measures(log: &Log<'_>, git: Option<&GitFacts>) -> Vec<Measure> {
    let view = View::of(log);
    let nobody = Culprit::default();
    let culprit = log.culprit.as_ref().unwrap_or(&nobody);
    let files: Vec<&str> = match git {
        Some(facts) => facts.files.iter().map(String::as_str).collect(),
        None => culprit.files.iter().map(AsRef::as_ref).collect(),
    };
    let built: Vec<&str> = files.iter().copied().filter(|file| is_built(file)).collect();
    let functions = git.map_or(&[][..], |facts| &facts.functions);
    let overlap = overlap(log, culprit, &built, functions, &view.originals);
    let here = vec![culprit.line];
    let simple = |name, value, text: &str, lines: Vec<usize>| Measure { name, value, text: text.into(), lines };
    vec![
        view.drift(),
        simple("files-elsewhere", 1.0 - overlap.files, "the culprit's files are not those of the report", here.clone()),
        simple(
            "names-elsewhere",
            1.0 - overlap.names,
            "the culprit does not speak of the functions that crashed",
            here.clone(),
        ),
        simple(
            "busy-subsystem",
            overlap.busy,
            "the crash is in networking: so many commits touch it that one of them is near by chance",
            log.crash.iter().map(|crash| crash.line).collect(),
        ),
        view.walk(),
        impossible(log, culprit, &files, &built),
        view.noop(),
        view.end(),
        view.single_crashes(),
        view.miss(),
        exposing(culprit),
        view.skips(),
        view.compilers(),
    ]
}

impl View<'_> {
    fn drift(&self) -> Measure {
        let mean = |test: &Revision<'_>| {
            let likes: Vec<f64> = test.crashes().map(|title| self.likeness(title)).collect();
            if likes.is_empty() { 0.0 } else { likes.iter().sum::<f64>() / likes.len() as f64 }
        };
        let steps = match self.with_bug.len() {
            0 => 1.0,
            count => self.with_bug.iter().map(|test| mean(test)).sum::<f64>() / count as f64,
        };
        let named = CrashReport::of(self.log).unwrap_or_default();
        let last = match (&self.log.crash, self.with_bug.last()) {
            (Some(crash), _) => {
                named.titles().map(|title| self.likeness(title)).fold(self.likeness(&crash.title), f64::max)
            }
            (None, Some(test)) if self.log.outcome == Outcome::Found => mean(test),
            (None, _) => 0.0,
        };
        let mut lines = Vec::new();
        for test in &self.with_bug {
            let strange = test.runs.iter().find(|run| {
                run.result == RunResult::Crashed && run.title.as_deref().is_some_and(|title| self.likeness(title) < 0.5)
            });
            lines.extend(strange.map(|run| run.line));
        }
        let value = 1.0 - (steps + last) / 2.0;
        let originals: Vec<&str> = self.originals.iter().copied().collect();
        let text = format!("revisions were called bad for other crashes than `{}`", originals.join("`, `"));
        Measure { name: "crash-drift", value, text, lines }
    }

    fn walk(&self) -> Measure {
        let count = self.releases.len();
        let text = format!("the bug was followed back over {count} releases before one was good");
        let lines = self.releases.last().map(|test| test.lines.0).into_iter().collect();
        Measure { name: "release-walk", value: count.saturating_sub(1).min(WALK) as f64 / WALK as f64, text, lines }
    }

    /// Kernels that are the same program and were judged differently.
    fn noop(&self) -> Measure {
        let log = self.log;
        let (culprit, parent) = (log.culprit_signature.as_deref(), log.parent_signature.as_deref());
        let same_as_parent = culprit.is_some_and(|signature| !signature.is_empty()) && culprit == parent;
        let mut verdicts: BTreeMap<&str, Vec<&Revision<'_>>> = BTreeMap::new();
        for test in self.with_bug.iter().chain(&self.without_bug) {
            if let Some(signature) = test.signature.as_deref().filter(|signature| !signature.is_empty()) {
                verdicts.entry(signature).or_default().push(test);
            }
        }
        let opposite: Vec<&Vec<&Revision<'_>>> = verdicts
            .values()
            .filter(|tests| {
                let told: BTreeSet<_> = tests.iter().filter_map(|test| Some(test.decision?.verdict)).collect();
                told.len() > 1
            })
            .collect();
        let mut lines: Vec<usize> = opposite.iter().flat_map(|tests| tests.iter().map(|test| test.lines.1)).collect();
        let text = match (same_as_parent, opposite.is_empty()) {
            (true, _) => "the culprit and its parent are the same kernel",
            (false, false) => "kernels with one signature were judged differently",
            (false, true) => "no two equal kernels were judged differently",
        };
        if same_as_parent {
            lines.extend(log.culprit.iter().map(|culprit| culprit.line));
        }
        let value = if same_as_parent || !opposite.is_empty() { 1.0 } else { 0.0 };
        Measure { name: "equal-kernels", value, text: text.into(), lines }
    }

    /// How much of the end was good verdicts: after one false crash, all that follows is good.
    fn end(&self) -> Measure {
        let told: Vec<Decision> =
            self.log.steps().map(|(_, told)| told).filter(|told| told.verdict != Verdict::Skip).collect();
        let with_bug = |told: &&Decision| told.verdict == self.bug_word;
        let bad = told.iter().rev().take(END).take_while(with_bug).count();
        let good = told.iter().rev().take_while(|told| !with_bug(told)).count();
        let text = match good {
            0 => format!("only the last {bad} verdicts were bad"),
            1 => "the last verdict was good: the culprit's own test is the last that crashed".into(),
            _ => format!("the last {good} verdicts were all good, as after a crash of another kind"),
        };
        let lines = told.iter().rev().find(with_bug).map(|told| told.line).into_iter().collect();
        Measure { name: "good-end", value: (END - bad) as f64 / END as f64, text, lines }
    }

    fn single_crashes(&self) -> Measure {
        let single: Vec<_> =
            self.crashed().into_iter().filter(|test| !test.all_runs && Counts::of(test).bad == 1).collect();
        let lines = single.iter().flat_map(|test| test.runs.iter().filter(|run| run.result == RunResult::Crashed));
        Measure {
            name: "single-crash",
            value: single.len().min(2) as f64 / 2.0,
            text: match single.len() {
                1 => "a revision is bad for one crash of all its runs".into(),
                count => format!("{count} revisions are bad for one crash of all their runs"),
            },
            lines: lines.map(|run| run.line).collect(),
        }
    }

    /// The probability that the bug was there at one of the good verdicts, if it shows as rarely as it once did.
    fn miss(&self) -> Measure {
        let (smallest, _) = self.chances();
        let silent = self.silent();
        let caught: f64 = silent.iter().map(|test| 1.0 - missed(smallest, Counts::of(test).good)).product();
        let worst = silent.iter().min_by_key(|test| Counts::of(test).good);
        Measure {
            name: "missed-bug",
            value: 1.0 - caught,
            text: format!(
                "one good verdict or more is a miss with probability {:.2}, if {smallest:.2} of the runs crash",
                1.0 - caught
            ),
            lines: worst.and_then(|test| test.decision).map(|told| told.line).into_iter().collect(),
        }
    }

    fn skips(&self) -> Measure {
        let near: Vec<usize> = self
            .log
            .steps()
            .filter(|(test, told)| {
                told.verdict == Verdict::Skip && test.remaining.is_some_and(|left| left.revisions <= 8)
            })
            .map(|(_, told)| told.line)
            .collect();
        let text = format!("{} revisions near the culprit were skipped", near.len());
        Measure { name: "skipped-near", value: near.len().min(4) as f64 / 4.0, text, lines: near }
    }

    fn compilers(&self) -> Measure {
        // What was not built has only the name of a configuration.
        let tests = self.log.revisions.iter().filter(|test| !test.runs.is_empty() && test.compiler.is_some());
        let compilers: BTreeMap<_, _> =
            tests.map(|test| (test.compiler.as_deref().map(without_date), test.lines.0)).collect();
        let value = if compilers.len() > 1 { 1.0 } else { 0.0 };
        let text = format!("{} compilers built the tested kernels", compilers.len());
        Measure { name: "compiler-switch", value, text, lines: compilers.into_values().collect() }
    }
}

/// Debian's and gcc's builds carry a date that changes without the compiler.
fn without_date(compiler: &str) -> &str {
    let cut = compiler.find(" 20").or(compiler.find(", GNU ld"));
    cut.map_or(compiler, |at| &compiler[..at])
}

fn is_built(file: &str) -> bool {
    let other_arch = file.strip_prefix("arch/").is_some_and(|arch| !arch.starts_with("x86"));
    let text = [".rst", ".txt", ".yaml", ".dts", ".dtsi"].iter().any(|end| file.ends_with(end));
    let unbuilt = UNBUILT.iter().any(|path| match *path {
        "." => file.starts_with('.') && !file.starts_with("..."),
        path => file.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
    });
    !(other_arch || text || unbuilt || file.contains("/selftests/"))
}

fn impossible(log: &Log<'_>, culprit: &Culprit<'_>, files: &[&str], built: &[&str]) -> Measure {
    let configures = |file: &&str| ["Kconfig", "Makefile", "defconfig"].iter().any(|part| file.contains(part));
    let release =
        culprit.title.strip_prefix("Linux ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let (reason, value) = if !culprit.merge.is_empty() || culprit.title.starts_with("Merge ") {
        ("the culprit is a merge", 1.0)
    } else if release {
        ("the culprit is a release", 1.0)
    } else if !files.is_empty() && built.is_empty() {
        ("the culprit is in no x86 kernel", 1.0)
    } else if !built.is_empty() && built.iter().all(configures) {
        ("the culprit changes no code", 1.0)
    } else if log.outcome == Outcome::Inconclusive {
        // That there is no culprit to compare with the report is counted by the measures that compare.
        ("several commits are left", 0.25)
    } else {
        ("the culprit changes code", 0.0)
    };
    let lines = vec![culprit.line];
    Measure { name: "impossible-culprit", value, text: reason.into(), lines }
}

fn exposing(culprit: &Culprit<'_>) -> Measure {
    let title: Vec<String> = crate::words::words(&culprit.title).collect();
    let word = EXPOSING.iter().find(|word| title.iter().any(|other| other == *word));
    let text = match word {
        Some(word) => format!("the culprit's title says `{word}`: it may only show an older bug"),
        None => "the culprit's title is not that of a check or a switch".into(),
    };
    Measure { name: "exposing-culprit", value: if word.is_some() { 1.0 } else { 0.0 }, text, lines: vec![culprit.line] }
}
