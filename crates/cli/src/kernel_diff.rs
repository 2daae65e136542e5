//! `ksplat kernel-diff`: which sections, functions and data of two kernels differ, and how.

mod record;
mod side;
mod text;

use std::io::{self, Write};
use std::path::PathBuf;

use ksplat::image::program::{Change, Line, PartKind, What};
use ksplat::image::{Algorithm, Signature};
use ksplat::kernel::{Hunk, hunks, sign};
use rayon::prelude::*;

use crate::args::{Format, Shared};
use crate::output::{Outcome, Output};
use side::Side;

/// The kernels to compare.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  ksplat kernel-diff old/vmlinux new/vmlinux\n  \
                  ksplat kernel-diff --summary old/vmlinux new/vmlinux      # names only\n  \
                  ksplat kernel-diff --function tcp_sendmsg old/vmlinux new/vmlinux\n  \
                  ksplat kernel-diff --format ndjson old/vmlinux.o new/vmlinux.o\n\n\
                  Verdicts: identical (all that is loaded is the same), equivalent (the normalised signatures are equal: \
                  crates/image/NORMALIZED.md says what does not count), different.\n\
                  Exit status: 0 identical or equivalent, 1 different, 2 an error happened.")]
pub struct KernelDiff {
    /// Leave out the instructions of changed functions
    #[arg(long, conflicts_with = "function")]
    summary: bool,
    /// Show only functions of this name
    #[arg(long, value_name = "NAME")]
    function: Vec<String>,
    /// A kernel or module (.gz .xz .zst .bz2 are unpacked)
    #[arg(value_name = "A")]
    first: PathBuf,
    /// Another
    #[arg(value_name = "B")]
    second: PathBuf,
}

/// What is said of two kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Identical,
    Equivalent,
    Different,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Verdict::Identical => "identical",
            Verdict::Equivalent => "equivalent",
            Verdict::Different => "different",
        }
    }
}

/// A section that at least one of the kernels has.
struct SectionChange {
    name: String,
    /// Bytes in each kernel.
    sizes: [Option<usize>; 2],
}

/// A changed part with its instructions.
struct Shown<'c> {
    change: &'c Change,
    /// Source of the function, in the second kernel if it is there.
    place: Option<String>,
    hunks: Vec<ShownHunk>,
}

/// A stretch of a changed function.
struct ShownHunk {
    place: Option<String>,
    rows: Vec<ShownRow>,
}

/// Instructions that stand beside each other.
struct ShownRow {
    sides: [Option<Line>; 2],
    is_same: bool,
}

/// Changed functions whose instructions are held at the same time.
const BATCH: usize = 256;

/// Runs the command.
pub fn run(command: &KernelDiff, shared: &Shared, output: &Output) -> io::Result<Outcome> {
    let (first, second) = rayon::join(|| Side::open(&command.first), || Side::open(&command.second));
    let open = |side: Result<Side, String>, path| side.map_err(|error| output.error(path, &error)).ok();
    let Some((first, second)) = open(first, &command.first).zip(open(second, &command.second)) else {
        return Ok(Outcome::Failed);
    };
    let sections = match sections(&first, &second) {
        Ok(sections) => sections,
        Err(error) => {
            output.note(&error);
            return Ok(Outcome::Failed);
        }
    };
    let mut results = output.results();
    let mut writer = Writer { format: shared.format, command, out: &mut results };
    if sections.is_empty() {
        writer.verdict(Verdict::Identical, None, &[], &[])?;
        results.flush()?;
        return Ok(Outcome::Found);
    }
    // What is known of one kernel's lines only would differ.
    let with_sources = first.sources().is_some() && second.sources().is_some();
    let (ours, theirs) = rayon::join(|| first.apart(with_sources), || second.apart(with_sources));
    let (ours, theirs) = match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (ours, theirs) => {
            let failed = [(ours.err(), &command.first), (theirs.err(), &command.second)];
            failed.iter().for_each(|(error, path)| {
                error
                    .iter()
                    .for_each(|error| output.note(&format!("{}: {error}; only sections are compared", path.display())));
            });
            writer.verdict(Verdict::Different, None, &sections, &[])?;
            results.flush()?;
            return Ok(Outcome::Nothing);
        }
    };
    let signatures = [ours.signature(), theirs.signature()];
    let difference = ours.difference(&theirs);
    let verdict = if signatures[0] == signatures[1] { Verdict::Equivalent } else { Verdict::Different };
    writer.verdict(verdict, Some(signatures), &sections, &difference.changes)?;
    let show = |change| shown(change, [(&first, &ours), (&second, &theirs)]);
    for batch in difference.changes.chunks(BATCH) {
        let wanted: Vec<&Change> = batch.iter().filter(|change| writer.is_wanted(change)).collect();
        let shown: Vec<Shown<'_>> = wanted.into_par_iter().map(show).collect();
        for shown in &shown {
            writer.change(shown)?;
        }
    }
    results.flush()?;
    Ok(if verdict == Verdict::Different { Outcome::Nothing } else { Outcome::Found })
}

/// The sections that differ, in the order of names.
fn sections(first: &Side, second: &Side) -> Result<Vec<SectionChange>, String> {
    let signed = |side: &Side| -> Result<Vec<(String, usize, Signature)>, String> {
        let signed = sign(side.bytes(), Algorithm::Blake3).map_err(|error| format!("{}: {error}", side.path()))?;
        let sections = signed.sections.into_iter();
        Ok(sections.map(|(section, digest)| (section.name.to_owned(), section.bytes.len(), digest)).collect())
    };
    let (ours, theirs) = (signed(first)?, signed(second)?);
    let mut names: Vec<&String> = ours.iter().chain(&theirs).map(|(name, ..)| name).collect();
    names.sort();
    names.dedup();
    let of = |sections: &[(String, usize, Signature)], name: &str| -> Vec<(usize, Signature)> {
        sections.iter().filter(|(other, ..)| other == name).map(|(_, size, digest)| (*size, *digest)).collect()
    };
    let changed = names.into_iter().filter(|name| of(&ours, name) != of(&theirs, name));
    let size = |sections: Vec<(usize, Signature)>| {
        (!sections.is_empty()).then(|| sections.iter().map(|(size, _)| size).sum::<usize>())
    };
    Ok(changed
        .map(|name| SectionChange { name: name.clone(), sizes: [size(of(&ours, name)), size(of(&theirs, name))] })
        .collect())
}

fn shown<'c>(change: &'c Change, sides: [(&Side, &side::Parts<'_>); 2]) -> Shown<'c> {
    let parts = [change.first, change.second];
    if change.kind != PartKind::Function {
        return Shown { change, place: None, hunks: Vec::new() };
    }
    let place = |which: usize, offset: u64| {
        let (side, apart) = sides[which];
        let part = &apart.program.parts()[parts[which]?];
        side.sources()?.place(apart.program.link_addr(part, offset))
    };
    let whole = place(1, 0).or_else(|| place(0, 0));
    let (Some(ours), Some(theirs)) = (change.first, change.second) else {
        return Shown { change, place: whole, hunks: Vec::new() };
    };
    let listings = [(0, ours), (1, theirs)].map(|(which, at)| {
        let program = &sides[which].1.program;
        program.listing(&program.parts()[at])
    });
    let shown = |hunk: &Hunk| {
        let changed = hunk.rows.iter().find(|row| !row.is_same);
        let place = changed.and_then(|row| {
            let at = |which: usize, line: Option<usize>| place(which, listings[which].lines[line?].offset);
            at(1, row.second).or_else(|| at(0, row.first))
        });
        let line = |which: usize, line: Option<usize>| line.map(|line| listings[which].lines[line].clone());
        let rows = hunk
            .rows
            .iter()
            .map(|row| ShownRow { sides: [line(0, row.first), line(1, row.second)], is_same: row.is_same });
        ShownHunk { place, rows: rows.collect() }
    };
    let hunks = hunks(&listings[0], &listings[1]).iter().map(shown).collect();
    Shown { change, place: whole, hunks }
}

/// Writes what is found, in one of the forms.
struct Writer<'w, W> {
    format: Format,
    command: &'w KernelDiff,
    out: &'w mut W,
}

impl<W: Write> Writer<'_, W> {
    fn verdict(
        &mut self,
        verdict: Verdict,
        signatures: Option<[Signature; 2]>,
        sections: &[SectionChange],
        changes: &[Change],
    ) -> io::Result<()> {
        match self.format {
            Format::Text if self.command.function.is_empty() => text::verdict(verdict, sections, changes, self.out),
            Format::Text => Ok(()),
            Format::Ndjson => record::verdict(verdict, signatures, sections, self.out),
        }
    }

    fn is_wanted(&self, change: &Change) -> bool {
        let named = &self.command.function;
        let is_changed = matches!(change.what, What::Bytes | What::References) && change.kind == PartKind::Function;
        match self.format {
            _ if !named.is_empty() => change.kind == PartKind::Function && named.contains(&change.name),
            Format::Text => is_changed && !self.command.summary,
            Format::Ndjson => true,
        }
    }

    fn change(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        match self.format {
            Format::Text => text::function(shown, self.out),
            Format::Ndjson => record::change(shown, self.command.summary, self.out),
        }
    }
}
