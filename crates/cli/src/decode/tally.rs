//! What was symbolized, what was not, and what is said of it at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use ksplat::symbolize::proof::{Signs, Standing};
use ksplat::symbolize::{Identity, Miss};

use crate::kernel::Kernel;
use crate::output::{Outcome, Output};
use crate::report::words;

/// Frames that were symbolized, and the reasons why others were not.
#[derive(Default)]
pub(super) struct Tally {
    frames: usize,
    missed: BTreeMap<String, usize>,
    /// Releases of which no kernel was found.
    without: BTreeSet<String>,
    /// By image, what is known of it, and what agrees with it.
    images: BTreeMap<PathBuf, (Identity, Signs)>,
}

impl Tally {
    /// Counts a frame; true where it has calls.
    pub(super) fn count(&mut self, kernel: &Kernel<'_>, miss: Option<&Miss>) -> bool {
        self.frames += 1;
        if let Some(why) = miss {
            *self.missed.entry(kind(why)).or_default() += 1;
        }
        if miss == Some(&Miss::NoVmlinux) {
            self.without.insert(kernel.release().unwrap_or("a log that names no release").to_owned());
        }
        miss.is_none()
    }

    /// Adds what was compared.
    pub(super) fn compared(&mut self, kernel: &Kernel<'_>, with: &Signs) {
        let Some(path) = kernel.path() else { return };
        let image = self.images.entry(path.to_owned());
        let (identity, signs) = image.or_insert_with(|| (Identity::Unknown, Signs::default()));
        if !matches!(identity, Identity::Same(_)) {
            *identity = kernel.identity().clone();
        }
        *signs += *with;
    }

    /// Says what was not symbolized, and how the command ends.
    pub(super) fn say(&self, quiet: bool, output: &Output) -> Outcome {
        let missed = self.missed.values().sum::<usize>();
        if missed > 0 && missed == self.frames && !self.without.is_empty() {
            let releases: Vec<&str> = self.without.iter().map(String::as_str).collect();
            output.note(&format!(
                "no kernel found for {}: give --vmlinux FILE, --modules DIR or --debug-dir DIR; `ksplat doctor` shows where it was looked for",
                releases.join(", ")
            ));
            return Outcome::Failed;
        }
        for (path, (identity, signs)) in self.images.iter().filter(|_| !quiet) {
            let (path, standing) = (path.to_string_lossy(), Standing::of(identity, signs).name());
            output.note(&format!("{path}: {standing}: {}", words(identity, signs)));
        }
        if !quiet && missed > 0 {
            let reasons: Vec<String> = self.missed.iter().map(|(why, count)| format!("{count} {why}")).collect();
            output.note(&format!("{missed} of {} frames stay as they were: {}", self.frames, reasons.join("; ")));
        }
        output.finish(self.frames > 0, "no stack frame found", quiet)
    }
}

/// The reason without the numbers that differ from frame to frame.
fn kind(miss: &Miss) -> String {
    match miss {
        Miss::OtherSize { .. } => "size differs from the image's".into(),
        Miss::Ambiguous(_) => "several symbols have this name and size".into(),
        other => other.to_string(),
    }
}
