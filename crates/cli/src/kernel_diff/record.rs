//! The difference of two kernels for programs: one object a line.

use std::io::{self, Write};

use ksplat::image::Signature;
use ksplat::image::program::{PartKind, What};
use serde::Serialize;

use super::{SectionChange, Shown, ShownHunk, Verdict};

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Record<'r> {
    Verdict {
        verdict: &'r str,
        #[serde(skip_serializing_if = "Option::is_none")]
        normalized: Option<[String; 2]>,
    },
    Section {
        name: &'r str,
        #[serde(skip_serializing_if = "Option::is_none")]
        first_size: Option<usize>,
        #[serde(skip_serializing_if = "Option::is_none")]
        second_size: Option<usize>,
    },
    Function(Part<'r>),
    Data(Part<'r>),
    Space(Part<'r>),
    Literal(Part<'r>),
    Table(Part<'r>),
    Unwind(Part<'r>),
}

#[derive(Serialize)]
struct Part<'r> {
    name: &'r str,
    change: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'r str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hunks: Vec<Hunk<'r>>,
}

#[derive(Serialize)]
struct Hunk<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'r str>,
    rows: Vec<Row<'r>>,
}

#[derive(Serialize)]
struct Row<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<Line<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    second: Option<Line<'r>>,
    same: bool,
}

#[derive(Serialize)]
struct Line<'r> {
    offset: u64,
    text: &'r str,
}

/// The verdict, then the sections that differ.
pub fn verdict(
    verdict: Verdict,
    signatures: Option<[Signature; 2]>,
    sections: &[SectionChange],
    out: &mut impl Write,
) -> io::Result<()> {
    let normalized = signatures.map(|both| both.map(|signature| signature.to_string()));
    write(&Record::Verdict { verdict: verdict.name(), normalized }, out)?;
    for SectionChange { name, sizes: [first_size, second_size] } in sections {
        write(&Record::Section { name, first_size: *first_size, second_size: *second_size }, out)?;
    }
    Ok(())
}

/// A part that differs.
pub fn change(shown: &Shown<'_>, is_summary: bool, out: &mut impl Write) -> io::Result<()> {
    let part = Part {
        name: &shown.change.name,
        change: match shown.change.what {
            What::Added => "added",
            What::Removed => "removed",
            What::Bytes => "bytes",
            What::References => "references",
        },
        place: shown.place.as_deref(),
        hunks: if is_summary { Vec::new() } else { shown.hunks.iter().map(hunk).collect() },
    };
    let record = match shown.change.kind {
        PartKind::Function => Record::Function(part),
        PartKind::Data => Record::Data(part),
        PartKind::Space => Record::Space(part),
        PartKind::Literal => Record::Literal(part),
        PartKind::Table { .. } => Record::Table(part),
        PartKind::Orc => Record::Unwind(part),
    };
    write(&record, out)
}

fn hunk(hunk: &ShownHunk) -> Hunk<'_> {
    let rows = hunk.rows.iter().map(|row| {
        let [first, second] =
            row.sides.each_ref().map(|side| side.as_ref().map(|line| Line { offset: line.offset, text: &line.text }));
        Row { first, second, same: row.is_same }
    });
    Hunk { place: hunk.place.as_deref(), rows: rows.collect() }
}

fn write(record: &Record<'_>, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, record).map_err(io::Error::from)?;
    out.write_all(b"\n")
}
