//! Explanations: why a report is called what it is, decision by decision.
//!
//! The code that names reports tells a `Watch` what it decides; the watch of those who do not ask is `()`, which costs nothing.

use trace::format::{Pick, Step};
use trace::shape::Place;
use trace::{Format, Report, Splat};

use crate::list::Line;
use crate::signature::frames;
use crate::skip::Skip;
use crate::title::Title;

/// Why a report is called what it is.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    /// The rows whose shape stands in the report, in the order of the table.
    pub rows: Vec<Tried>,
    /// What the row that named it decided on its way to the blamed functions.
    pub walk: Vec<Decision>,
    /// The title before what varies was taken out.
    pub draft: String,
    /// What the signature's frames were chosen from.
    pub frames: Vec<Decision>,
}

/// A row whose shape stands in the report.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The row.
    pub format: &'static Format,
    /// Where its shape first stands, among the lines of the report.
    pub at: Place,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a row whose shape stands in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It names the report.
    Fired,
    /// What it wants besides stands nowhere.
    NoReport,
    /// Another row's shape stands nearer to the start.
    Further,
    /// Another row of the same place stands before it in the table.
    Later,
}

/// One decision on the way to a title or a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The row's steps found no function, so that its other steps are taken.
    Otherwise,
    /// A step was looked for, and found on this line, or nowhere.
    Step(Step, Option<String>),
    /// A line of another report stands among the frames.
    Foreign(String),
    /// A function that may be blamed was looked at.
    Candidate {
        /// Its name, demangled.
        function: String,
        /// Why it is passed over; `None` where it is kept.
        skip: Option<Skip>,
    },
    /// A function was chosen among those that were kept; `None` where none fits.
    Blamed {
        /// How it was chosen.
        pick: Pick,
        /// The function as it was printed.
        printed: String,
        /// Its name in the title.
        name: Option<String>,
        /// The kept functions that a list knows, with its lines: the entry into a subsystem, or what a task waits with.
        known: Vec<(String, Line)>,
    },
}

impl Explanation {
    /// Explains the title that these rules give, and the signature.
    pub fn of(splat: &Splat<'_>, report: &Report<'_>) -> Explanation {
        let mut explanation = Explanation::default();
        Title::watched(splat, &mut explanation);
        frames(report, &Title::of(splat), &mut explanation.frames);
        explanation
    }
}

/// What is told of the decisions on the way to a title.
pub(crate) trait Watch {
    /// The rows that were tried.
    fn rows(&mut self, _rows: impl FnOnce() -> Vec<Tried>) {}
    /// A row was taken to name the report, and the decisions of rows before it do not count.
    fn row(&mut self) {}
    /// A decision.
    fn see(&mut self, _decision: impl FnOnce() -> Decision) {}
    /// The title before it is scrubbed.
    fn draft(&mut self, _title: &str) {}
}

impl Watch for () {}

impl Watch for Explanation {
    fn rows(&mut self, rows: impl FnOnce() -> Vec<Tried>) {
        self.rows = rows();
    }

    fn row(&mut self) {
        self.walk.clear();
    }

    fn see(&mut self, decision: impl FnOnce() -> Decision) {
        self.walk.push(decision());
    }

    fn draft(&mut self, title: &str) {
        self.draft = title.into();
    }
}

impl Watch for Vec<Decision> {
    fn see(&mut self, decision: impl FnOnce() -> Decision) {
        self.push(decision());
    }
}

/// Which of the rows that stand in a report named it, and why the others did not.
pub(crate) fn fates(found: impl Iterator<Item = (&'static Format, Place, bool)>, fired: Option<&Format>) -> Vec<Tried> {
    let tried = |(format, at, whole): (&'static Format, Place, bool)| Tried {
        format,
        at,
        fate: match fired {
            Some(fired) if fired.index == format.index => Fate::Fired,
            _ if !whole => Fate::NoReport,
            _ => Fate::Later,
        },
    };
    let mut rows: Vec<Tried> = found.map(tried).collect();
    // A row without what it wants besides still takes the place, as syzkaller has it.
    let nearest = rows.iter().map(|row| row.at).min();
    for row in rows.iter_mut().filter(|row| row.fate != Fate::Fired && Some(row.at) > nearest) {
        row.fate = Fate::Further;
    }
    rows
}
