//! What speaks against a bisection's result, as numbers: 0 is nothing, more is worse.

mod course;
mod culprit;
mod kernels;

use crate::{git::GitFacts, log::Log, view::View};

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
    /// The highest probability that this leaves the result, where it settles it alone.
    pub at_most: Option<f64>,
}

impl Measure {
    fn new(name: &'static str, value: f64, text: impl Into<String>, lines: Vec<usize>) -> Measure {
        Measure { name, value, text: text.into(), lines, at_most: None }
    }
}

/// What a result has at most whose culprit cannot have changed the kernel in a way that git could find: it is the same
/// program as its parent, a merge, or a release. None of the 62 labelled ones is right; this is the rule of succession, 1/64.
pub(crate) const SETTLED: f64 = 0.016;

/// Takes all measures of a log, always the same ones in the same order.
pub fn measures(log: &Log<'_>, git: Option<&GitFacts>) -> Vec<Measure> {
    let view = View::of(log);
    let [files, names, busy, impossible, exposing] = culprit::measures(&view, git);
    vec![
        course::drift(&view),
        files,
        names,
        busy,
        course::walk(&view),
        impossible,
        kernels::equal(&view),
        course::end(&view),
        course::single_crashes(&view),
        course::miss(&view),
        exposing,
        course::skips(&view),
        kernels::compilers(&view),
    ]
}
