//! The difference of two kernels for programs: one object a line. The names are a contract; the documentation is that of the
//! JSON Schema.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::findings::{Class, Kind, counts};
use super::shown::{Shown, ShownHunk};
use super::{SectionChange, Summary, Verdict};

/// A record of `ksplat kernel-diff`: first the verdict, then the sections that differ, then the parts.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Record<'r> {
    /// What is said of the two kernels.
    Verdict {
        /// `identical`, `equivalent` or `different`.
        verdict: Verdict,
        /// The normalised signatures of both kernels, where these have symbols.
        #[serde(skip_serializing_if = "Option::is_none")]
        normalized: Option<[String; 2]>,
        /// How many parts differ, by kind and change.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        counts: Vec<Count>,
    },
    /// A section that differs.
    Section {
        /// Its name.
        name: &'r str,
        /// Its bytes in the first kernel; absent where that has no such section.
        #[serde(skip_serializing_if = "Option::is_none")]
        first_size: Option<usize>,
        /// Its bytes in the second kernel.
        #[serde(skip_serializing_if = "Option::is_none")]
        second_size: Option<usize>,
    },
    /// Code with a name.
    Function(Part<'r>),
    /// Data with a name.
    Data(Part<'r>),
    /// The checksum of an exported name and its types (`__crc_…`).
    Checksum(Part<'r>),
    /// Memory that the file has no content for (`.bss`).
    Space(Part<'r>),
    /// A string, a constant, a jump table: what has no name.
    Literal(Part<'r>),
    /// A table of which the order says nothing.
    Table(Part<'r>),
    /// What objtool says of the stack (ORC).
    Unwind(Part<'r>),
}

/// How many parts there are of a kind that differ in one way.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Count {
    /// What they are.
    of: Kind,
    /// How they differ.
    change: Class,
    /// How many.
    count: usize,
}

/// A part that differs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Part<'r> {
    /// Its name without what compilers number; the text of a string; the section of a table; empty for other literals.
    name: &'r str,
    /// How it differs.
    change: Class,
    /// Source of the function, as `file:line`, in the second kernel if it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'r str>,
    /// Where the instructions of a function differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hunks: Vec<Hunk<'r>>,
}

/// A stretch of a function that differs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Hunk<'r> {
    /// Source of the first instruction that differs, as `file:line`.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'r str>,
    /// Instructions that stand beside each other, with two before and after those that differ.
    rows: Vec<Row<'r>>,
}

/// Instructions that stand beside each other.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Row<'r> {
    /// Of the first kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<Instruction<'r>>,
    /// Of the second kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    second: Option<Instruction<'r>>,
    /// Whether they say the same.
    same: bool,
}

/// An instruction.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Instruction<'r> {
    /// Bytes from the start of the function.
    offset: u64,
    /// AT&T syntax, with names for what is referred to.
    text: &'r str,
}

/// The verdict, then the sections that differ.
pub fn summary(summary: &Summary<'_>, out: &mut impl Write) -> io::Result<()> {
    let normalized = summary.signatures.map(|both| both.map(|signature| signature.to_string()));
    let counts =
        counts(summary.findings).into_iter().map(|((of, change), count)| Count { of, change, count }).collect();
    write(&Record::Verdict { verdict: summary.verdict, normalized, counts }, out)?;
    for SectionChange { name, sizes: [first_size, second_size] } in summary.sections {
        write(&Record::Section { name, first_size: *first_size, second_size: *second_size }, out)?;
    }
    Ok(())
}

/// A part that differs.
pub fn finding(shown: &Shown<'_>, out: &mut impl Write) -> io::Result<()> {
    let part = Part {
        name: &shown.finding.change.name,
        change: shown.finding.class,
        place: shown.place.as_deref(),
        hunks: shown.hunks.iter().map(hunk).collect(),
    };
    let record = match shown.finding.kind {
        Kind::Function => Record::Function(part),
        Kind::Data => Record::Data(part),
        Kind::Checksum => Record::Checksum(part),
        Kind::Space => Record::Space(part),
        Kind::Literal => Record::Literal(part),
        Kind::Table => Record::Table(part),
        Kind::Unwind => Record::Unwind(part),
    };
    write(&record, out)
}

fn hunk(hunk: &ShownHunk) -> Hunk<'_> {
    let rows = hunk.rows.iter().map(|row| {
        let [first, second] = row.sides.each_ref().map(|side| side.as_ref().map(instruction));
        Row { first, second, same: row.is_same }
    });
    Hunk { place: hunk.place.as_deref(), rows: rows.collect() }
}

fn instruction(line: &ksplat::image::program::Line) -> Instruction<'_> {
    Instruction { offset: line.offset, text: &line.text }
}

fn write(record: &Record<'_>, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, record).map_err(io::Error::from)?;
    out.write_all(b"\n")
}
