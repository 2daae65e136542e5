//! How probably a verdict that rests on silence is a miss.

use crate::{
    verdict::Counts,
    view::{View, missed},
};
use schemars::JsonSchema;
use serde::Serialize;

/// A revision that was judged to be without the bug, since no run showed it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Silence {
    /// The revision.
    pub revision: String,
    /// Runs without a crash.
    pub runs: usize,
    /// The probability that the bug is there and stayed silent in all of them: (1 - chance) ^ runs, where chance is the
    /// share of runs that crash at the revision where the bug showed most rarely.
    pub miss: f64,
    /// First line of its test.
    pub line: usize,
}

/// All revisions without the bug, in the order of the log.
pub(crate) fn silences(view: &View<'_>) -> Vec<Silence> {
    let (chance, _) = view.chances();
    let mut silent = view.silent();
    silent.sort_by_key(|test| test.lines.0);
    let silence = |test: &crate::Revision<'_>| {
        let runs = Counts::of(test).good;
        let miss = (missed(chance, runs) * 1000.0).round() / 1000.0;
        Silence { revision: test.hash.to_string(), runs, miss, line: test.lines.0 }
    };
    silent.into_iter().map(silence).collect()
}
