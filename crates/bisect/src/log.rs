//! A bisection log as data: what was tested, what it did, what git concluded, and where each of it stands.

use crate::{Foreign, clock::Clock};
use schemars::JsonSchema;
use serde::Serialize;
use std::{borrow::Cow, collections::BTreeMap, ops::Range};

/// Text of a log, borrowed from it unless invalid UTF-8 had to be replaced.
pub type Text<'a> = Cow<'a, str>;

/// A bisection log, read. Lines are numbered from 1; byte ranges are those of the input.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Log<'a> {
    #[serde(skip)]
    pub(crate) bytes: &'a [u8],
    /// Byte range of each line, without its line end.
    #[serde(skip)]
    pub(crate) spans: Vec<Range<usize>>,
    /// The machine that ran the bisection, and when.
    pub started: Option<Start<'a>>,
    /// Whether the commit that made or the one that fixed the bug was looked for.
    pub direction: Option<Direction>,
    /// The commit on which the bug was seen.
    pub original: Option<Text<'a>>,
    /// The revision of syzkaller that ran the tests.
    pub syzkaller: Option<Text<'a>>,
    /// Every test block, in order; a revision that was tested twice is here twice.
    pub revisions: Vec<Revision<'a>>,
    /// What `git bisect start` was given.
    pub bisect: Option<Bounds<'a>>,
    /// Steps of dropping and minimising the kernel configuration, in order.
    pub config: Vec<Note<'a>>,
    /// The release tags that were chosen for the walk back.
    pub picked: Vec<Text<'a>>,
    /// The merge base that a cross-tree bisection tested: hash and title.
    pub merge_base: Option<Commit<'a>>,
    /// Lines of the bisection that are no part of the other fields.
    pub notes: Vec<Note<'a>>,
    /// How the bisection ended.
    pub outcome: Outcome,
    /// The commit that was found.
    pub culprit: Option<Culprit<'a>>,
    /// The commits of an inconclusive bisection.
    pub candidates: Vec<Text<'a>>,
    /// Kernel signature of the culprit (hex).
    pub culprit_signature: Option<Text<'a>>,
    /// Kernel signature of the culprit's parent (hex).
    pub parent_signature: Option<Text<'a>>,
    /// The culprit's parent, where it had to be built only for its signature.
    pub untested_parent: Option<Text<'a>>,
    /// Whether the log says that the reproducer is flaky.
    pub flaky: bool,
    /// The log's own estimate of how often the reproducer works (0 to 1).
    pub repro_chance: Option<f64>,
    /// The log's own estimate of the probability that a good verdict was wrong (0 to 1).
    pub error_probability: Option<f64>,
    /// Revisions tested and the time it took.
    pub totals: Option<Totals>,
    /// Mail recipients.
    pub recipients: Recipients<'a>,
    /// Title of the tip commit, printed where no commit was found.
    pub tip: Option<Text<'a>>,
    /// Why no commit was found, in the log's words.
    pub reasons: Vec<Text<'a>>,
    /// The errors that ended the bisection, or all its attempts.
    pub errors: Vec<Text<'a>>,
    /// The crash at the end.
    pub crash: Option<Crash<'a>>,
    /// How each line was read.
    pub lines: Lines<'a>,
}

/// Where and when a bisection began.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Start<'a> {
    /// Name of the manager.
    pub host: Text<'a>,
    /// The time as Go prints it.
    pub time: Text<'a>,
}

/// What a bisection looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The commit that introduced the bug.
    Cause,
    /// The commit that fixed it; git's `bad` then means "fixed".
    Fix,
}

/// One test block: a revision, its kernel and what its runs did.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Revision<'a> {
    /// The commit.
    pub hash: Text<'a>,
    /// Its title, where git printed one.
    pub title: Option<Text<'a>>,
    /// Why it was tested.
    pub role: Role,
    /// The release tag, for a step of the release walk.
    pub release: Option<Text<'a>>,
    /// The compiler: what the built tree says, or else what the log announced.
    pub compiler: Option<Text<'a>>,
    /// The kernel signature (hex).
    pub signature: Option<Text<'a>>,
    /// Whether all runs said the same and are one entry of `runs`.
    pub all_runs: bool,
    /// What each run did.
    pub runs: Vec<Run<'a>>,
    /// Lines that say why the kernel could not be built or tested.
    pub failures: Vec<Text<'a>>,
    /// The log's own words about this test: representative crash, false negative chance.
    pub notes: Vec<Note<'a>>,
    /// How many commits git had left when it chose this one.
    pub remaining: Option<Remaining>,
    /// What git was told about it.
    pub decision: Option<Decision>,
    /// First and last line of the block.
    pub lines: (usize, usize),
}

/// Why a revision was tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The bug's own commit, at the start.
    Original,
    /// The same commit again with another configuration.
    Config,
    /// A step of the walk over releases.
    Release,
    /// The head of the tree.
    Head,
    /// The merge base of two trees.
    MergeBase,
    /// A step of `git bisect`.
    Bisect,
    /// The culprit's parent, built for its signature.
    Parent,
    /// None of these can be told.
    #[default]
    Other,
}

/// What one run did, or all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Run<'a> {
    /// The run's number; none for `all runs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// How it ended.
    pub result: RunResult,
    /// The crash title or the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text<'a>>,
    /// Its line.
    pub line: usize,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunResult {
    /// No crash.
    Ok,
    /// A crash that counts.
    Crashed,
    /// A crash that was not counted.
    Ignored,
    /// The kernel did not boot.
    BootFailed,
    /// The machine failed before the reproducer ran.
    BasicFailed,
    /// The infrastructure failed.
    Infra,
    /// Another error, counted as infrastructure.
    Failed,
}

/// What git had left to test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Remaining {
    /// Commits.
    pub revisions: u32,
    /// Steps, roughly.
    pub steps: u32,
}

/// What git was told about a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Decision {
    /// The word.
    pub verdict: Verdict,
    /// Its line.
    pub line: usize,
}

/// A word of `git bisect`; in a fix bisection `Bad` means that the bug is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The bug is not there.
    Good,
    /// The bug is there.
    Bad,
    /// It cannot be told.
    Skip,
}

/// What `git bisect start` was given, as hashes or tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Bounds<'a> {
    /// The bad end.
    pub bad: Text<'a>,
    /// The good end.
    pub good: Text<'a>,
    /// Its line.
    pub line: usize,
}

/// A line that is kept as text under the name of its template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Note<'a> {
    /// The template.
    pub template: &'static str,
    /// The line.
    pub text: Text<'a>,
    /// Its number.
    pub line: usize,
}

/// A commit and its title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Commit<'a> {
    /// The hash.
    pub hash: Text<'a>,
    /// The first line of its message.
    pub title: Text<'a>,
}

/// The commit that a bisection found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Culprit<'a> {
    /// The hash.
    pub hash: Text<'a>,
    /// The first line of its message.
    pub title: Text<'a>,
    /// Its parents, abbreviated, if it is a merge.
    pub merge: Vec<Text<'a>>,
    /// The author's date as git prints it.
    pub date: Option<Text<'a>>,
    /// The lines of its message that the log shows, without the title.
    pub message: Vec<Text<'a>>,
    /// The paths that it touches, as far as the log shows them; git cuts long ones to `.../end`.
    pub files: Vec<Text<'a>>,
    /// Files changed, lines added, lines deleted.
    pub changed: Option<(u32, u32, u32)>,
    /// The line that names it last.
    pub line: usize,
}

/// How a bisection ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// One commit was found.
    Found,
    /// Several commits are left.
    Inconclusive,
    /// The crash is on the oldest release, or still on the head.
    NotFound,
    /// An error ended it.
    Error,
    /// The log just stops.
    #[default]
    Unfinished,
}

/// What a bisection cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Totals {
    /// Revisions tested.
    pub revisions: u32,
    /// Seconds in all.
    pub total: Clock,
    /// Seconds spent on building.
    pub build: Clock,
    /// Seconds spent on testing.
    pub test: Clock,
}

/// Who was to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Recipients<'a> {
    /// Mail addresses.
    pub to: Vec<Text<'a>>,
    /// Mail addresses.
    pub cc: Vec<Text<'a>>,
}

/// The crash at the end of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Crash<'a> {
    /// Its title.
    pub title: Text<'a>,
    /// The line with the title.
    pub line: usize,
    /// Byte range of the report's text in the log.
    pub report: Range<usize>,
}

/// How the lines of a log were read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Lines<'a> {
    /// All lines.
    pub total: usize,
    /// Lines of the bisection itself, by template.
    pub known: BTreeMap<&'static str, usize>,
    /// Lines of others, by kind.
    pub foreign: BTreeMap<Foreign, usize>,
    /// Lines that fit no template, with their numbers.
    pub unread: Vec<(usize, Text<'a>)>,
}

impl Lines<'_> {
    /// Whether any line is one that only a bisection writes.
    pub fn is_bisection(&self) -> bool {
        self.known.keys().any(|template| *template != "blank")
    }
}

impl<'a> Log<'a> {
    /// The text of a line, by its number from 1; empty where there is none.
    pub fn line(&self, number: usize) -> Text<'a> {
        let span = number.checked_sub(1).and_then(|index| self.spans.get(index));
        span.map_or(Text::default(), |span| String::from_utf8_lossy(&self.bytes[span.clone()]))
    }

    /// The text of the crash report at the end, empty where there is none.
    pub fn report(&self) -> Text<'a> {
        let range = self.crash.as_ref().map_or(0..0, |crash| crash.report.clone());
        String::from_utf8_lossy(self.bytes.get(range).unwrap_or_default())
    }

    /// The revisions that git was told about, in order.
    pub fn steps(&self) -> impl Iterator<Item = (&Revision<'a>, Decision)> {
        self.revisions.iter().filter_map(|revision| Some((revision, revision.decision?)))
    }
}

impl Revision<'_> {
    /// Counts the runs that ended in a way; `all runs` counts as many as `assumed`.
    pub fn count(&self, result: RunResult, assumed: usize) -> usize {
        let entries = self.runs.iter().filter(|run| run.result == result).count();
        if self.all_runs { entries * assumed } else { entries }
    }

    /// The titles of the crashes that count, in order.
    pub fn crashes(&self) -> impl Iterator<Item = &str> {
        let crashed = self.runs.iter().filter(|run| run.result == RunResult::Crashed);
        crashed.filter_map(|run| run.title.as_deref())
    }
}
