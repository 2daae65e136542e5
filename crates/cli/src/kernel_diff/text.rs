//! The difference of two kernels for people.

use std::io::{self, Write};

use ksplat::image::program::Line;

use super::findings::{Class, Finding, Kind, counts};
use super::shown::{Shown, ShownRow};
use super::{SectionChange, Summary};
use crate::output::printable;

/// Characters of each column of instructions.
const WIDTH: usize = 60;

fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Function => "functions",
        Kind::Data => "data objects",
        Kind::Checksum => "checksums of exports",
        Kind::Space => "zeroed objects",
        Kind::Literal => "literals",
        Kind::Table => "tables",
        Kind::Unwind => "unwind data",
    }
}

/// The verdict, the counts, the sections.
pub fn summary(summary: &Summary<'_>, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", summary.verdict.name())?;
    let counts: Vec<_> = counts(summary.findings).into_iter().collect();
    if !counts.is_empty() {
        writeln!(out)?;
    }
    for of_kind in counts.chunk_by(|((a, _), _), ((b, _), _)| a == b) {
        let ((kind, _), _) = of_kind[0];
        let said: Vec<String> = of_kind.iter().map(|((_, class), count)| format!("{count} {}", class.name())).collect();
        writeln!(out, "{:<21} {}", plural(kind), said.join(", "))?;
    }
    if !summary.sections.is_empty() {
        writeln!(out, "\nsections that differ      bytes before      after")?;
    }
    for SectionChange { name, sizes } in summary.sections {
        let [first, second] = sizes.map(|size| size.map_or("-".to_owned(), |size| size.to_string()));
        writeln!(out, "  {:<25} {first:>10} {second:>10}", printable(name))?;
    }
    Ok(())
}

/// Names by kind and class; checksums have been counted.
pub fn names<'f>(findings: impl Iterator<Item = &'f Finding<'f>>, out: &mut impl Write) -> io::Result<()> {
    let findings: Vec<&Finding<'_>> = findings.filter(|finding| finding.kind != Kind::Checksum).collect();
    for of_class in findings.chunk_by(|a, b| (a.kind, a.class) == (b.kind, b.class)) {
        let Finding { kind, class, .. } = of_class[0];
        writeln!(out, "\n{} {}: {}", plural(*kind), class.name(), of_class.len())?;
        let mut unnamed = 0;
        // One of several of the same name is a line with their number.
        for same in of_class.chunk_by(|a, b| a.change.name == b.change.name) {
            match (same[0].change.name.as_str(), same.len()) {
                ("", count) => unnamed += count,
                (text, _) if *kind == Kind::Literal => writeln!(out, "  \"{}\"", text.escape_debug())?,
                (name, 1) => writeln!(out, "  {}", printable(name))?,
                (name, count) => writeln!(out, "  {} ({count})", printable(name))?,
            }
        }
        if unnamed > 0 {
            writeln!(out, "  {unnamed} without a text: constants and jump tables")?;
        }
    }
    Ok(())
}

/// A function that differs: its instructions side by side, and where only offsets differ just the lines that do.
pub fn function(shown: &Shown<'_>, out: &mut impl Write) -> io::Result<()> {
    let Finding { change, class, .. } = shown.finding;
    let place = shown.place.as_deref().unwrap_or("no source line");
    writeln!(out, "\n{} ({}): {}", printable(&change.name), printable(place), verb(*class))?;
    if shown.hunks.is_empty() && !matches!(class, Class::Added | Class::Removed) {
        writeln!(out, "  no instruction differs, save in the content of what it refers to")?;
    }
    for hunk in &shown.hunks {
        if *class != Class::Offsets {
            writeln!(out, "  @ {}", printable(hunk.place.as_deref().unwrap_or("no source line")))?;
        }
        hunk.rows.iter().filter(|row| *class != Class::Offsets || !row.is_same).try_for_each(|row| write(row, out))?;
    }
    Ok(())
}

fn verb(class: Class) -> &'static str {
    match class {
        Class::References => "refers to something else",
        class => class.name(),
    }
}

fn write(row: &ShownRow, out: &mut impl Write) -> io::Result<()> {
    let shown = |line: &Line| format!("{:>5x}  {}", line.offset, printable(&line.text));
    let [first, second] = row.sides.each_ref().map(|side| side.as_ref().map_or(String::new(), shown));
    let mark = match &row.sides {
        _ if row.is_same => ' ',
        [Some(_), Some(_)] => '|',
        [Some(_), None] => '<',
        _ => '>',
    };
    let cut: String = first.chars().take(WIDTH).collect();
    writeln!(out, "{}", format!("{cut:<WIDTH$} {mark} {second}").trim_end())
}
