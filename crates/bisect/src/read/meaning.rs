//! What each line says, by the meaning of its template.

use super::Reader;
use crate::{
    Foreign,
    clock::Clock,
    commit,
    log::*,
    revision::*,
    template::{Means, Place, Row},
};

impl<'a> Reader<'a> {
    /// Notes what a line says.
    pub(super) fn read<'l>(
        &mut self,
        row: &Row,
        line: &'l str,
        holes: &[&'l str],
        text: impl Fn(&'l str) -> Text<'a>,
        next: usize,
    ) {
        let number = self.log.starts.len();
        let hole = |index: usize| text(holes.get(index).copied().unwrap_or_default());
        let note = || Note { template: row.name, text: text(line), line: number };
        let log = &mut self.log;
        match row.means {
            Means::Blank => {}
            Means::Start => log.started = Some(Start { host: hole(0), time: hole(1) }),
            Means::Cause | Means::Fix => {
                log.direction = Some(if row.means == Means::Cause { Direction::Cause } else { Direction::Fix });
                log.original = Some(hole(0));
            }
            Means::Syzkaller => log.syzkaller = Some(hole(0)),
            Means::Original => self.role = Some(Role::Original),
            Means::Release => (self.role, self.release) = (Some(Role::Release), Some(hole(0))),
            Means::Head => self.role = Some(Role::Head),
            Means::MergeBase => {
                self.role = Some(Role::MergeBase);
                log.merge_base = Some(Commit { hash: hole(0), title: hole(1) });
            }
            Means::ParentUntested => {
                self.role = Some(Role::Parent);
                (log.untested_parent, log.places.untested_parent) = (Some(hole(0)), number);
            }
            Means::Testing => {
                let compiler = holes.get(1).map(|compiler| text(compiler));
                self.test(hole(0), compiler);
                self.in_test(|test| test.compiler_line = number);
            }
            Means::Compiler => self.in_test(|test| (test.compiler, test.compiler_line) = (Some(hole(0)), number)),
            Means::Signature => self.in_test(|test| (test.signature, test.signature_line) = (Some(hole(0)), number)),
            Means::AllRuns | Means::Run => {
                let single = row.means == Means::Run;
                let run = Run {
                    number: if single { holes.first().and_then(|n| n.parse().ok()) } else { None },
                    result: result_of(row.name),
                    title: holes.get(usize::from(single)).map(|title| text(title)),
                    line: number,
                    time: self.now,
                };
                self.in_test(|test| {
                    test.all_runs = !single;
                    test.runs.push(run);
                });
            }
            Means::RunFailed | Means::BuildFailed | Means::Foreign(Foreign::Build) => self.in_test(|test| {
                if test.failures.is_empty() {
                    test.failure_line = number;
                }
                test.failures.push(text(line));
            }),
            Means::Flaky => {
                log.flaky = true;
                if let Some(chance) = holes.first().and_then(|chance| chance.parse().ok()) {
                    log.repro_chance = Some(chance);
                }
                log.notes.push(note());
            }
            Means::GitStart => {
                log.bisect = Some(Bounds { bad: hole(0), good: hole(1), line: number });
                self.role = None;
            }
            Means::GitDecision => {
                self.decide(hole(0), Decision { verdict: verdict_of(row.name), line: number, time: self.now })
            }
            Means::Remaining => {
                let count = |index: usize| holes.get(index).and_then(|n: &&str| n.parse().ok()).unwrap_or(0);
                self.remaining = Some(Remaining { revisions: count(0), steps: count(1) });
            }
            Means::Next => self.next = Some(Commit { hash: hole(0), title: hole(1) }),
            Means::Found => {
                log.culprit = Some(Culprit { hash: hole(0), line: number, ..Culprit::default() });
                log.places.files.clear();
            }
            Means::OnlySkipped | Means::MergeBases | Means::NoMergeBase => log.notes.push(note()),
            Means::CulpritSignature => {
                (log.culprit_signature, log.places.culprit_signature) = (Some(hole(0)), number);
            }
            Means::ParentSignature => {
                (log.parent_signature, log.places.parent_signature) = (Some(hole(0)), number);
            }
            Means::ErrorProbability => log.error_probability = holes.first().and_then(|p| p.parse().ok()),
            Means::Totals => {
                let clock = |index: usize| holes.get(index).and_then(|t: &&str| Clock::parse(t)).unwrap_or_default();
                log.totals = Some(Totals {
                    revisions: holes.first().and_then(|n| n.parse().ok()).unwrap_or(0),
                    total: clock(1),
                    build: clock(2),
                    test: clock(3),
                });
            }
            Means::Failed => log.errors.push(hole(0)),
            Means::ErrorTexts => log.errors.extend(commit::errors(line).map(text)),
            Means::NoResult => log.reasons.push(text(line)),
            Means::Inconclusive => (log.outcome, log.places.inconclusive) = (Outcome::Inconclusive, number),
            Means::Candidate => log.candidates.push(hole(0)),
            Means::Culprit => {
                self.named = true;
                let culprit = log.culprit.get_or_insert_default();
                if culprit.hash != holes.get(1).copied().unwrap_or_default() {
                    *culprit = Culprit::default();
                    log.places.files.clear();
                }
                (culprit.hash, culprit.title, culprit.line) = (hole(1), hole(2), number);
            }
            Means::To => log.recipients.to = quoted(holes).map(text).collect(),
            Means::Cc => log.recipients.cc = quoted(holes).map(text).collect(),
            Means::TipTitle => log.tip = Some(hole(0)),
            Means::Crash => log.crash = Some(Crash { title: hole(0), line: number, report: next..log.bytes.len() }),
            Means::Config => log.config.push(note()),
            Means::Picked => {
                let tags = holes.first().copied().unwrap_or_default();
                log.picked = tags.split(' ').filter(|tag| !tag.is_empty()).map(text).collect();
            }
            Means::Note => match (row.name, log.revisions.last_mut()) {
                ("representative-crash" | "false-negative-chance" | "verdict-undetermined", Some(test)) => {
                    test.notes.push(note());
                    test.lines.1 = number;
                }
                _ => log.notes.push(note()),
            },
            Means::Foreign(_) => {
                if let (Place::Commit, Some(culprit)) = (self.place, &mut log.culprit) {
                    let (untitled, files) = (culprit.title.is_empty(), culprit.files.len());
                    commit::read(culprit, row.name, holes, text);
                    if untitled && !culprit.title.is_empty() {
                        culprit.line = number;
                    }
                    if row.name == "commit-merge" {
                        log.places.merge = number;
                    }
                    log.places.files.extend((files < culprit.files.len()).then_some(number));
                }
            }
        }
    }
}

fn result_of(template: &str) -> RunResult {
    match template.trim_start_matches("all-runs-").trim_start_matches("run-") {
        "ok" => RunResult::Ok,
        "crashed" => RunResult::Crashed,
        "ignored" => RunResult::Ignored,
        "boot-failed" => RunResult::BootFailed,
        "basic-failed" => RunResult::BasicFailed,
        "infra" => RunResult::Infra,
        _ => RunResult::Failed,
    }
}

fn verdict_of(template: &str) -> Verdict {
    match template {
        "git-bisect-bad" => Verdict::Bad,
        "git-bisect-good" => Verdict::Good,
        _ => Verdict::Skip,
    }
}

/// The strings of Go's `["a" "b"]`.
fn quoted<'l>(holes: &[&'l str]) -> impl Iterator<Item = &'l str> {
    holes.first().copied().unwrap_or_default().split('"').skip(1).step_by(2)
}
