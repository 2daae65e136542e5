//! Lines of a log to a `Log`: each line is classified once, in the context that the lines before it set.

use crate::{
    Foreign,
    clock::Clock,
    commit,
    log::*,
    revision::*,
    template::{Means, Place, Row, classify},
};

impl<'a> Log<'a> {
    /// Reads a bisection log. Any bytes can be read; what is not understood is in `lines.unread`.
    ///
    /// ```
    /// let log = bisect::Log::parse(b"bisecting cause commit starting from bef7b2a7be28638770972ab2709adf11d601c11a\n");
    /// assert_eq!(log.direction, Some(bisect::Direction::Cause));
    /// ```
    pub fn parse(bytes: &'a [u8]) -> Log<'a> {
        let mut reader = Reader::new(bytes);
        let mut start = 0;
        while start < bytes.len() {
            let end = bytes[start..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |at| start + at);
            let next = (end + 1).min(bytes.len());
            let end = if bytes[start..end].ends_with(b"\r") { end - 1 } else { end };
            reader.log.starts.push(start);
            match String::from_utf8_lossy(&bytes[start..end]) {
                Text::Borrowed(line) => reader.line(stripped(line), Text::Borrowed, next),
                Text::Owned(line) => reader.line(stripped(&line), |text| Text::Owned(text.to_owned()), next),
            }
            start = next;
        }
        reader.finish()
    }
}

/// Removes the `DD-Mon-YYYY HH:MM:SS: ` that the standalone tool puts before each line.
fn stripped(line: &str) -> &str {
    const SHAPE: &[u8] = b"00-Aaa-0000 00:00:00: ";
    let fits = line.len() >= SHAPE.len()
        && line.bytes().zip(SHAPE).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            b'A' | b'a' => byte.is_ascii_alphabetic(),
            other => byte == *other,
        });
    if fits { &line[SHAPE.len()..] } else { line }
}

/// What is known between two lines.
struct Reader<'a> {
    log: Log<'a>,
    place: Place,
    /// Role and release tag of the next test block.
    role: Option<Role>,
    release: Option<Text<'a>>,
    /// The commit that git chose, and what it had left.
    next: Option<Commit<'a>>,
    remaining: Option<Remaining>,
    /// Whether the last line of the log's result was read.
    named: bool,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Reader<'a> {
        let log = Log { bytes, ..Log::default() };
        Reader { log, place: Place::Top, role: None, release: None, next: None, remaining: None, named: false }
    }

    fn line<'l>(&mut self, line: &'l str, text: impl Fn(&'l str) -> Text<'a>, next: usize) {
        let number = self.log.starts.len();
        self.log.lines.total = number;
        let Some((row, holes)) = classify(self.place, line) else {
            self.log.lines.unread.push((number, text(line)));
            return;
        };
        if row.means == Means::ErrorTexts && number > 1 {
            self.log.lines.unread.push((number, text(line)));
            return;
        }
        match row.means {
            Means::Foreign(kind) => *self.log.lines.foreign.entry(kind).or_default() += 1,
            _ => *self.log.lines.known.entry(row.name).or_default() += 1,
        }
        self.read(row, line, &holes, text, next);
        self.place = self.place_after(row, line);
    }

    /// Where the line after this one stands.
    fn place_after(&self, row: &Row, line: &str) -> Place {
        match row.means {
            Means::Testing | Means::Compiler | Means::Signature => Place::Test,
            Means::Run | Means::AllRuns if line.contains("[\"") || line.contains("with body: ") => Place::Tool,
            Means::BuildFailed => Place::Build,
            Means::GitStart | Means::GitDecision | Means::Remaining | Means::Next | Means::OnlySkipped => Place::Git,
            Means::Found => Place::Commit,
            Means::Inconclusive | Means::Candidate => Place::Candidates,
            Means::Totals => Place::Result,
            Means::Failed | Means::ErrorTexts => Place::Error,
            Means::Crash => Place::Report,
            Means::Blank if self.place == Place::Tool => Place::Top,
            Means::Blank | Means::Foreign(_) => self.place,
            _ => Place::Top,
        }
    }

    fn read<'l>(
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
            Means::GitDecision => self.decide(hole(0), Decision { verdict: verdict_of(row.name), line: number }),
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

    /// Opens a test block.
    fn test(&mut self, hash: Text<'a>, compiler: Option<Text<'a>>) {
        let number = self.log.starts.len();
        let role = self.role.take().unwrap_or(match (&self.log.bisect, self.log.revisions.first()) {
            (Some(_), _) => Role::Bisect,
            (None, None) => Role::Original,
            (None, Some(first)) if first.hash == hash => Role::Config,
            _ => Role::Other,
        });
        let chosen = self.next.take_if(|next| next.hash == hash);
        let remaining = self.remaining.take_if(|_| chosen.is_some());
        self.log.revisions.push(Revision {
            title: chosen.map(|commit| commit.title),
            hash,
            role,
            release: self.release.take(),
            compiler,
            remaining,
            lines: (number, number),
            ..Revision::default()
        });
    }

    /// Adds to the open test block; without one, its lines still make a block, of an unknown revision.
    fn in_test(&mut self, add: impl FnOnce(&mut Revision<'a>)) {
        let number = self.log.starts.len();
        if self.log.revisions.is_empty() {
            self.log.revisions.push(Revision { lines: (number, number), ..Revision::default() });
        }
        if let Some(test) = self.log.revisions.last_mut() {
            test.lines.1 = number;
            add(test);
        }
    }

    /// Notes what git was told; a revision that was judged without a test becomes a block without runs.
    fn decide(&mut self, hash: Text<'a>, decision: Decision) {
        let open = self.log.revisions.last().is_some_and(|test| test.hash == hash && test.decision.is_none());
        if !open {
            self.role = Some(Role::Bisect);
            self.test(hash, None);
        }
        if let Some(test) = self.log.revisions.last_mut() {
            test.decision = Some(decision);
        }
    }

    fn finish(mut self) -> Log<'a> {
        let log = &mut self.log;
        log.untested = self.next;
        log.outcome = match log.outcome {
            _ if !log.errors.is_empty() => Outcome::Error,
            _ if self.named => Outcome::Found,
            Outcome::Inconclusive => Outcome::Inconclusive,
            _ if !log.reasons.is_empty() => Outcome::NotFound,
            // The log was cut after git had found the commit.
            _ if log.culprit.is_some() => Outcome::Found,
            _ => Outcome::Unfinished,
        };
        self.log
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
