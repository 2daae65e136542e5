//! A bisection log as data: what was tested, what it did, what git concluded, and where each of it stands.

use crate::{
    Foreign,
    clock::Clock,
    revision::{Decision, Revision},
    stamp::Stamp,
};
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
    /// Where each line starts.
    #[serde(skip)]
    pub(crate) starts: Vec<usize>,
    /// The machine that ran the bisection, and when.
    pub started: Option<Start<'a>>,
    /// The first and the last time that stands before a line, in a log of the standalone tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<(Stamp, Stamp)>,
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
    /// The commit that git chose last, if it was not tested any more.
    pub untested: Option<Commit<'a>>,
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
    #[serde(skip)]
    pub(crate) places: Places,
}

/// Numbers of lines that findings quote; 0 for those that a log lacks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    pub(crate) culprit_signature: usize,
    pub(crate) parent_signature: usize,
    pub(crate) untested_parent: usize,
    pub(crate) inconclusive: usize,
    pub(crate) merge: usize,
    /// Lines with the culprit's files, one for each of `Culprit::files`.
    pub(crate) files: Vec<usize>,
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
    /// The line that names it last, with its title where the log has one.
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
        let Some(start) = number.checked_sub(1).and_then(|index| self.starts.get(index)) else {
            return Text::default();
        };
        let end = self.starts.get(number).copied().unwrap_or(self.bytes.len());
        let line = self.bytes.get(*start..end).unwrap_or_default();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// The text of the crash report at the end, empty where there is none.
    pub fn report(&self) -> Text<'a> {
        let range = self.crash.as_ref().map_or(0..0, |crash| crash.report.clone());
        String::from_utf8_lossy(self.bytes.get(range).unwrap_or_default())
    }

    /// The number of a line of the report, which is counted from 0.
    pub(crate) fn report_line(&self, index: usize) -> usize {
        self.crash.as_ref().map_or(0, |crash| crash.line + 1 + index)
    }

    /// The revisions that git was told about, in order.
    pub fn steps(&self) -> impl Iterator<Item = (&Revision<'a>, Decision)> {
        self.revisions.iter().filter_map(|revision| Some((revision, revision.decision?)))
    }
}
