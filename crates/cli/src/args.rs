//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::explain::Explain;
use crate::kernel_diff::KernelDiff;
use crate::kernel_signature::KernelSignature;

/// Turns raw Linux kernel crashes into names, source lines and buckets.
#[derive(Debug, Parser)]
#[command(
    name = "ksplat",
    version,
    max_term_width = 100,
    after_help = "Examples:\n  dmesg | ksplat decode --vmlinux vmlinux --modules /lib/modules/$(uname -r)\n  \
                  ksplat report console.log\n  ksplat dedup --format ndjson crashes/\n  \
                  ksplat kernel-signature --algorithm sha256 vmlinux\n  \
                  ksplat bisect audit bisection.txt\n\n\
                  Exit status: 0 something found, 1 nothing found, 2 an error happened (others are read)."
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What all commands take.
    #[command(flatten)]
    pub shared: Shared,
}

/// Flags of all commands.
#[derive(Clone, Debug, clap::Args)]
pub struct Shared {
    /// The kernel with its debug information
    #[arg(long, value_name = "FILE", global = true)]
    pub vmlinux: Option<PathBuf>,
    /// Where the modules are (*.ko, *.ko.debug), searched through
    #[arg(long, value_name = "DIR", global = true)]
    pub modules: Vec<PathBuf>,
    /// Where debug files are: kernels, chosen by the log, and modules
    #[arg(long, value_name = "DIR", global = true)]
    pub debug_dir: Vec<PathBuf>,
    /// The kernel's release, for logs that name none
    #[arg(long, short, value_name = "RELEASE", global = true, hide_short_help = true)]
    pub release: Option<String>,
    /// What /usr/lib/debug, /lib/modules and /boot lie in [default: /]
    #[arg(long, value_name = "DIR", global = true, hide_short_help = true)]
    pub sysroot: Option<PathBuf>,
    /// Take this off the front of source paths [default: the directories of the build]
    #[arg(long, value_name = "DIR", global = true, hide_short_help = true)]
    pub strip_prefix: Vec<String>,
    /// Symbolize even where the image is proved to be another kernel's
    #[arg(long, global = true, hide_short_help = true)]
    pub force: bool,
    /// Whether a report is held against the image: its sizes, its code, its calls
    #[arg(long, value_enum, default_value_t, global = true, hide_short_help = true)]
    pub proof: Proof,
    /// How many threads to use [default: one for each core]
    #[arg(long, value_name = "N", global = true)]
    pub jobs: Option<NonZeroUsize>,
    /// Text for people, or one JSON object a line for programs
    #[arg(long, value_enum, default_value_t, global = true)]
    pub format: Format,
    /// Whether to use colours (NO_COLOR is honoured)
    #[arg(long, value_enum, default_value_t, global = true)]
    pub color: Color,
    /// Say nothing but results and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every report found: title, type, signature, where, details
    Report(Reports),
    /// The log again, byte for byte, with its stack frames symbolized
    Decode(crate::decode::Decode),
    /// One line per bug: count, title, signature, best sample
    Dedup(Reports),
    /// Why this title and signature: the row, the frames kept and skipped
    Explain(Explain),
    /// Source lines of addresses, as addr2line prints them
    Addr(crate::addr::Addr),
    /// Which kernel, modules and index are found for a log, and where
    Doctor(Paths),
    /// Builds symbol indexes ahead of time, lists them, drops old ones
    Index(crate::index::Index),
    /// One digest per kernel image that says whether two are the same binary
    KernelSignature(KernelSignature),
    /// Which functions and data of two kernels differ, instructions side by side
    KernelDiff(KernelDiff),
    /// Bisection logs: read, and judged
    #[command(subcommand)]
    Bisect(crate::bisect::Command),
    /// The JSON Schema of what `--format ndjson` writes
    Schema(crate::schema::Arguments),
}

/// The logs to read, and how.
#[derive(Debug, clap::Args)]
pub struct Reports {
    /// The logs.
    #[command(flatten)]
    pub logs: Paths,
    /// Whose titles, regions and flags: syzbot's to the letter, or the same with its known mistakes mended.
    /// Signatures are the same under both
    #[arg(long, value_enum, default_value_t)]
    pub rules: Rules,
}

impl Reports {
    /// How the logs are read.
    pub fn options(&self) -> ksplat::Options {
        ksplat::Options { rules: self.rules.into() }
    }
}

/// Whose judgement titles, regions and flags follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Rules {
    /// syzbot's, to the letter.
    #[default]
    Syzbot,
    /// The same, with its known mistakes mended.
    Ksplat,
}

impl From<Rules> for ksplat::trace::Rules {
    fn from(rules: Rules) -> Self {
        match rules {
            Rules::Syzbot => Self::Syzbot,
            Rules::Ksplat => Self::Ksplat,
        }
    }
}

/// The logs to read.
#[derive(Debug, clap::Args)]
pub struct Paths {
    /// Logs, directories or archives (.gz .xz .zst .bz2 .tar .zip are read through); standard input if none, or for `-`
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// The form of the results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people.
    #[default]
    Text,
    /// One JSON object a line.
    Ndjson,
}

/// Which checks tell whether an image is the right one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Proof {
    /// All: build-id, version line, sizes of functions, code bytes, call instructions.
    #[default]
    All,
    /// The build-id and the version line only.
    Identity,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn short_help_fits_a_screen() {
        let help = Args::command().render_help().to_string();
        assert!(help.lines().count() <= 40, "{help}");
    }
}
