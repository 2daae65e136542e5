//! One test of a revision: its kernel, what each run did, and what git was told.

use crate::{
    log::{Note, Text},
    stamp::Stamp,
};
use schemars::JsonSchema;
use serde::Serialize;

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
    /// How many runs an entry of `runs` stands for: one, or with `all_runs` as many as the log's era had.
    pub runs_each: usize,
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
    /// When they were written, where the log says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<(Stamp, Stamp)>,
    /// The line with the signature, or 0.
    #[serde(skip)]
    pub(crate) signature_line: usize,
    /// The line with the compiler, or 0.
    #[serde(skip)]
    pub(crate) compiler_line: usize,
    /// The first line of the failures, or 0.
    #[serde(skip)]
    pub(crate) failure_line: usize,
}

impl Revision<'_> {
    /// Counts the runs that ended in a way.
    pub fn count(&self, result: RunResult) -> usize {
        self.runs.iter().filter(|run| run.result == result).count() * self.runs_each
    }

    /// The titles of the crashes that count, in order.
    pub fn crashes(&self) -> impl Iterator<Item = &str> {
        let crashed = self.runs.iter().filter(|run| run.result == RunResult::Crashed);
        crashed.filter_map(|run| run.title.as_deref())
    }
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
    /// When it was written, where the log says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Stamp>,
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
    /// When git was told, where the log says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Stamp>,
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
