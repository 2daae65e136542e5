//! Formats: how the kernel words its reports, how syzbot names them, and where the blamed function stands.
//!
//! A format is known in one place, a row of the table (`format/table.rs`). Inside one trigger the order matters: the format whose shape stands
//! nearest to the report's start names it, and of two at one place the first row.
//! `README.md` of this crate shows how to add one.

use std::sync::LazyLock;

use crate::rules::Rules;
use crate::shape::{Place, Shape};
use crate::trigger::Trigger;

mod table;

pub(crate) use table::TABLE;

/// One step on the way to the frames of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Go on to the first line that holds this shape; what it captures are candidates.
    Line(&'static str),
    /// Go on to the line with the instruction pointer; its function is a candidate.
    InstructionPointer,
    /// The same, or powerpc's `--- interrupt: 380 at func`.
    Interrupted,
    /// Go on to the line that heads a call trace.
    CallTrace,
    /// Go on to the line that says where KMSAN's value came from; the line itself is a candidate, of last resort.
    Origin,
    /// Read a stack trace; its functions are candidates.
    Stack,
}

/// Which of the candidates is blamed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pick {
    /// The first one.
    #[default]
    First,
    /// What a stalled task was called with: the one below the entry into a subsystem.
    Stall,
    /// What a hung task waits for.
    Hang,
}

/// How a report's frames are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recipe {
    /// The steps; empty where a title needs no frame.
    pub steps: &'static [Step],
    /// The steps to take from the start where the others fail.
    pub otherwise: &'static [Step],
    /// Steps to take one after the other from the start, by ksplat's rules, where all others fail.
    pub at_last: &'static [&'static [Step]],
    /// Which candidate is blamed.
    pub pick: Pick,
}

/// What trapped where the registers of a report point to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trap {
    /// Nothing: they show what the CPU ran when somebody asked.
    #[default]
    Nothing,
    /// The instruction that they point to.
    At,
    /// The one before: `int3` is done by the time that it is reported.
    Before,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The trigger that the report starts with.
    pub trigger: &'static str,
    /// Shapes of lines that hold the trigger and are no report, whatever row of the trigger says so.
    pub harmless: &'static [&'static str],
    /// What the kernel prints (see [`crate::shape`]).
    pub shape: &'static str,
    /// What must stand in the report besides; captures come from here then.
    pub report: Option<&'static str>,
    /// The title: `{1}` is the first capture, `{f1}` the first blamed function.
    pub title: &'static str,
    /// Other names that the same bug is known under.
    pub alternatives: &'static [&'static str],
    /// The crash type; `None` where syzbot's list of titles knows it.
    pub kind: Option<&'static str>,
    /// Where the blamed functions stand.
    pub recipe: Recipe,
    /// Functions that this format never blames, besides those that none does.
    pub skip: &'static [&'static str],
    /// What such a report must have to be believed.
    pub integrity: Integrity,
    /// What trapped, and so made the report.
    pub trap: Trap,
    /// A line with the trigger still belongs to the report above it: it starts no second one there.
    pub goes_on: bool,
    /// The rules that have the row: syzbot's rows are ours too.
    pub rules: Rules,
    /// Its line in `format/table.rs`.
    pub line: u32,
}

impl Row {
    /// True where these rules have the row.
    pub fn is_of(&self, rules: Rules) -> bool {
        self.rules <= rules
    }
}

/// What a report of a format must have to be believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Integrity {
    /// A stack trace with frames.
    #[default]
    Stack,
    /// Nothing: its kind has no stack trace.
    Nothing,
    /// It is never believed: the format takes what others left since something is missing.
    Corrupted,
}

/// A compiled row.
#[derive(Debug)]
pub struct Format {
    /// The row.
    pub row: &'static Row,
    /// Position in the table.
    pub index: usize,
    /// The `shape` of the row, compiled.
    pub shape: Shape,
    /// The `report` of the row, compiled.
    pub report: Option<Shape>,
    /// The shapes of `row.recipe.steps`, in order; `None` for steps without one.
    pub steps: Vec<Option<Shape>>,
    /// The shapes of `row.recipe.otherwise`.
    pub otherwise: Vec<Option<Shape>>,
    /// The shapes of `row.recipe.at_last`.
    pub at_last: Vec<Vec<Option<Shape>>>,
}

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| {
    let compile = |steps: &[Step]| {
        let shape = |step: &Step| {
            if let Step::Line(shape) = step { Some(Shape::new(shape)) } else { None }
        };
        steps.iter().map(shape).collect()
    };
    TABLE
        .iter()
        .enumerate()
        .map(|(index, row)| Format {
            row,
            index,
            shape: Shape::new(row.shape),
            report: row.report.map(Shape::new),
            steps: compile(row.recipe.steps),
            otherwise: compile(row.recipe.otherwise),
            at_last: row.recipe.at_last.iter().map(|steps| compile(steps)).collect(),
        })
        .collect()
});

static BY_TRIGGER: [LazyLock<Vec<Vec<&'static Format>>>; 2] =
    [LazyLock::new(|| by_trigger(Rules::Syzbot)), LazyLock::new(|| by_trigger(Rules::Ksplat))];

fn by_trigger(rules: Rules) -> Vec<Vec<&'static Format>> {
    let is_of = |format: &&Format, trigger: Trigger| format.row.trigger == trigger.text() && format.row.is_of(rules);
    Trigger::all().map(|trigger| FORMATS.iter().filter(|format| is_of(format, trigger)).collect()).collect()
}

impl Format {
    /// The formats that these rules have for a trigger, in the order in which they are tried.
    pub fn of(trigger: Trigger, rules: Rules) -> impl Iterator<Item = &'static Format> {
        BY_TRIGGER[rules as usize][usize::from(trigger.0)].iter().copied()
    }

    /// The text of a report that only needs this row: a text that its shapes match.
    pub fn sample(&self) -> String {
        let headline = self.shape.sample();
        // A shape may be shorter than its trigger.
        let headline = if self.row.trigger.starts_with(&headline) { self.row.trigger.to_owned() } else { headline };
        let Some(report) = self.report.as_ref().map(Shape::sample) else { return headline + "\n" };
        let lines: Vec<&[u8]> = report.split('\n').map(str::as_bytes).collect();
        let is_both = self.shape.match_at(&lines, Place::default()).is_some();
        if is_both { report + "\n" } else { headline + "\n" + &report + "\n" }
    }

    /// All formats.
    pub fn all() -> &'static [Format] {
        &FORMATS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_starts_with_its_trigger() {
        for format in Format::all() {
            let trigger = format.row.trigger;
            for shape in [Some(&format.shape), format.report.as_ref()].into_iter().flatten() {
                let head = String::from_utf8_lossy(shape.head());
                assert!(
                    head.starts_with(trigger) || trigger.starts_with(&*head),
                    "{head} can never start with {trigger}"
                );
            }
        }
    }

    #[test]
    fn a_row_knows_its_line() {
        let table: Vec<&str> = include_str!("format/table.rs").lines().collect();
        for format in Format::all() {
            let line = table[format.row.line as usize - 1];
            assert!(line.trim_start().starts_with("row("), "line {} is {line}", format.row.line);
        }
    }

    #[test]
    fn every_argument_of_a_title_exists() {
        for format in Format::all() {
            let stacks = format.row.recipe.steps.iter().filter(|step| **step == Step::Stack).count();
            let frames = stacks.max(usize::from(!format.row.recipe.steps.is_empty()));
            let text = format.row.report.unwrap_or(format.row.shape);
            let captures = Shape::new(text).captures();
            for title in std::iter::once(&format.row.title).chain(format.row.alternatives) {
                for n in 1..10 {
                    assert!(!title.contains(&format!("{{{n}}}")) || n <= captures, "{title}: no capture {n} in {text}");
                    assert!(!title.contains(&format!("{{f{n}}}")) || n <= frames, "{title}: no frame {n}");
                }
            }
        }
    }
}
