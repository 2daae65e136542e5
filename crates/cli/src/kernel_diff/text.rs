//! The difference of two kernels for people.

use std::io::{self, Write};

use ksplat::image::program::{Change, PartKind, What};

use super::{SectionChange, Shown, Verdict};
use crate::output::printable;

/// Characters of each column of instructions.
const WIDTH: usize = 60;
/// Kinds and how they are called, in the order of the summary.
const KINDS: [(PartKind, &str); 6] = [
    (PartKind::Function, "functions"),
    (PartKind::Data, "data objects"),
    (PartKind::Space, "zeroed objects"),
    (PartKind::Literal, "literals"),
    (PartKind::Table { stride: 0 }, "tables"),
    (PartKind::Orc, "unwind data"),
];
/// Changes and how they are called.
const WHATS: [(What, &str); 4] = [
    (What::Removed, "removed"),
    (What::Added, "added"),
    (What::Bytes, "changed"),
    (What::References, "refer to something else"),
];

/// The verdict, the sections, and all names.
pub fn verdict(
    verdict: Verdict,
    sections: &[SectionChange],
    changes: &[Change],
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "{}", verdict.name())?;
    if !sections.is_empty() {
        writeln!(out, "\nsections that differ (bytes)")?;
    }
    for SectionChange { name, sizes } in sections {
        let [first, second] = sizes.map(|size| size.map_or("-".to_owned(), |size| size.to_string()));
        writeln!(out, "  {:<24} {first:>10} {second:>10}", printable(name))?;
    }
    for (kind, kind_name) in KINDS {
        for (what, what_name) in WHATS {
            let of = changes.iter().filter(|change| change.kind == kind && change.what == what);
            let names: Vec<&str> = of.map(|change| change.name.as_str()).collect();
            if names.is_empty() {
                continue;
            }
            writeln!(out, "\n{kind_name} {what_name}: {}", names.len())?;
            let (mut unnamed, mut checksums) = (0, 0);
            // One of several of the same name is a line with their number.
            for same in names.chunk_by(|a, b| a == b) {
                match (same[0], same.len()) {
                    ("", count) => unnamed += count,
                    (name, count) if name.starts_with("__crc_") => checksums += count,
                    (name, 1) => writeln!(out, "  {}", printable(name))?,
                    (name, count) => writeln!(out, "  {} ({count})", printable(name))?,
                }
            }
            if checksums > 0 {
                writeln!(out, "  {checksums} checksums of exported symbols (__crc_…)")?;
            }
            if unnamed > 0 {
                writeln!(out, "  {unnamed} without a text: constants and jump tables")?;
            }
        }
    }
    Ok(())
}

/// A changed function, its instructions side by side.
pub fn function(shown: &Shown<'_>, out: &mut impl Write) -> io::Result<()> {
    let what = WHATS.iter().find(|(what, _)| *what == shown.change.what).map_or("", |(_, name)| name);
    let place = shown.place.as_deref().unwrap_or("no source line");
    writeln!(out, "\n{} {what} ({})", printable(&shown.change.name), printable(place))?;
    if shown.hunks.is_empty() && !matches!(shown.change.what, What::Added | What::Removed) {
        writeln!(out, "  no instruction differs, save in the content of what it refers to")?;
    }
    for hunk in &shown.hunks {
        let place = hunk.place.as_deref().unwrap_or("");
        writeln!(out, "  @ {}", printable(place))?;
        for row in &hunk.rows {
            let [first, second] = row.sides.each_ref().map(|side| {
                side.as_ref().map_or(String::new(), |line| format!("{:>5x}  {}", line.offset, printable(&line.text)))
            });
            let mark = match &row.sides {
                _ if row.is_same => ' ',
                [Some(_), Some(_)] => '|',
                [Some(_), None] => '<',
                _ => '>',
            };
            let cut: String = first.chars().take(WIDTH).collect();
            writeln!(out, "{}", format!("{cut:<WIDTH$} {mark} {second}").trim_end())?;
        }
    }
    Ok(())
}
