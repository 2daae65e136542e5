//! What speaks against a bisection's result, as numbers: 0 is nothing, more is worse.

mod built;
mod course;
mod culprit;
mod kernels;

use crate::{audit::Context, crash::CrashReport, log::Log, view::View};

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
    /// Whether it is no more than most right results have, too.
    pub minor: bool,
}

impl Measure {
    fn new(name: &'static str, value: f64, text: impl Into<String>, lines: Vec<usize>) -> Measure {
        Measure { name, value, text: text.into(), lines, at_most: None, minor: value <= 0.0 }
    }

    /// Takes it for minor in this case.
    fn minor_if(self, is_minor: bool) -> Measure {
        Measure { minor: self.minor || is_minor, ..self }
    }
}

/// What a result has at most whose culprit cannot have changed the kernel in a way that git could find: it is the same
/// program as its parent, a merge, or a release. None of the 62 labelled ones is right; this is the rule of succession, 1/64.
pub(crate) const SETTLED: f64 = 0.016;

/// Takes all measures of a log, always the same ones in the same order.
pub fn measures(log: &Log<'_>, context: Context<'_>) -> Vec<Measure> {
    let report = CrashReport::of(log);
    of(&View::of(log, report.as_ref(), context.crash), context)
}

/// Takes all measures of what is seen already.
pub(crate) fn of(view: &View<'_>, context: Context<'_>) -> Vec<Measure> {
    let [files, names, busy, impossible, exposing] = culprit::measures(view, context.git);
    vec![
        course::drift(view),
        files,
        names,
        busy,
        course::walk(view),
        impossible,
        kernels::equal(view),
        course::end(view),
        course::single_crashes(view),
        course::miss(view),
        exposing,
        course::skips(view),
        kernels::compilers(view),
    ]
}
