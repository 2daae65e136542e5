//! `ksplat kernel-diff`: which sections, functions and data of two kernels differ, and how.

mod findings;
pub mod record;
mod shown;
mod side;
mod text;

use std::io::{self, Write};
use std::path::PathBuf;

use ksplat::image::{Algorithm, Signature};
use ksplat::kernel::sign;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::{Format, Shared};
use crate::output::{Outcome, Output};
use findings::{Class, Finding, Kind, findings};
use shown::Shown;
use side::Side;

/// The kernels to compare.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  ksplat kernel-diff old/vmlinux new/vmlinux\n  \
                  ksplat kernel-diff --summary old/vmlinux new/vmlinux      # verdict, counts, sections\n  \
                  ksplat kernel-diff --names old/vmlinux new/vmlinux        # and each name\n  \
                  ksplat kernel-diff --function tcp_sendmsg old/vmlinux new/vmlinux\n  \
                  ksplat kernel-diff --format ndjson old/vmlinux.o new/vmlinux.o\n\n\
                  Verdicts: identical (all that is loaded is the same), equivalent (the normalised signatures are equal: \
                  crates/image/NORMALIZED.md says what does not count), different.\n\
                  Exit status: 0 identical or equivalent, 1 different, 2 an error happened.")]
pub struct KernelDiff {
    /// Only the verdict, counts and sections
    #[arg(long, conflicts_with_all = ["function", "names"])]
    summary: bool,
    /// All names, and no instructions of changed functions
    #[arg(long, conflicts_with = "function")]
    names: bool,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All that is loaded is the same.
    Identical,
    /// The normalised signatures are equal.
    Equivalent,
    /// They are not.
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

/// A section that differs, or that only one of the kernels has.
pub struct SectionChange {
    name: String,
    /// Bytes in each kernel.
    sizes: [Option<usize>; 2],
}

/// What is said first.
pub struct Summary<'s> {
    verdict: Verdict,
    /// The normalised signatures, where both kernels have symbols.
    signatures: Option<[Signature; 2]>,
    sections: &'s [SectionChange],
    findings: &'s [Finding<'s>],
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
        writer.summary(&Summary { verdict: Verdict::Identical, signatures: None, sections: &[], findings: &[] })?;
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
            let verdict = Verdict::Different;
            writer.summary(&Summary { verdict, signatures: None, sections: &sections, findings: &[] })?;
            results.flush()?;
            return Ok(Outcome::Nothing);
        }
    };
    let signatures = [ours.signature(), theirs.signature()];
    let difference = ours.difference(&theirs);
    let verdict = if signatures[0] == signatures[1] { Verdict::Equivalent } else { Verdict::Different };
    let findings = findings(&difference.changes, [&ours, &theirs]);
    writer.summary(&Summary { verdict, signatures: Some(signatures), sections: &sections, findings: &findings })?;
    let wanted: Vec<&Finding<'_>> = findings.iter().filter(|finding| writer.is_wanted(finding)).collect();
    let sides = [(&first, &ours), (&second, &theirs)];
    for batch in wanted.chunks(BATCH) {
        let shown: Vec<Shown<'_>> =
            batch.par_iter().map(|finding| Shown::new(finding, sides, !command.names)).collect();
        for shown in &shown {
            writer.finding(shown)?;
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

/// Writes what is found, in one of the forms.
struct Writer<'w, W> {
    format: Format,
    command: &'w KernelDiff,
    out: &'w mut W,
}

impl<W: Write> Writer<'_, W> {
    fn summary(&mut self, summary: &Summary<'_>) -> io::Result<()> {
        match self.format {
            Format::Ndjson => record::summary(summary, self.out),
            Format::Text if !self.command.function.is_empty() => Ok(()),
            Format::Text => {
                text::summary(summary, self.out)?;
                // The names of functions whose instructions follow stand there.
                let has_names =
                    |finding: &Finding<'_>| !self.command.summary && (self.command.names || !has_code(finding));
                text::names(summary.findings.iter().filter(|finding| has_names(finding)), self.out)
            }
        }
    }

    fn is_wanted(&self, finding: &Finding<'_>) -> bool {
        let KernelDiff { summary, names, function, .. } = self.command;
        match self.format {
            _ if !function.is_empty() => finding.kind == Kind::Function && function.contains(&finding.change.name),
            Format::Text => has_code(finding) && !summary && !names,
            Format::Ndjson => !summary,
        }
    }

    fn finding(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        match self.format {
            Format::Text => text::function(shown, self.out),
            Format::Ndjson => record::finding(shown, self.out),
        }
    }
}

/// Whether it is a function that both kernels have.
fn has_code(finding: &Finding<'_>) -> bool {
    finding.kind == Kind::Function && !matches!(finding.class, Class::Added | Class::Removed)
}
