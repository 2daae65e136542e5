//! `make bench`: what the command costs, in one run, beside a floor that is measured in the same run.
//!
//! A bench is a function with a name in [`BENCHES`]; it prints its own lines. Machines are noisy: compare CPU time and
//! the factor over the floor, not wall time.

mod bisect;
mod child;
mod inputs;
mod kernel;
mod peers;
mod quiet;
mod report;
mod stages;
mod stream;

use std::io;
use std::process::ExitCode;

use clap::Parser;

/// What can be measured, in the order of a whole run.
const BENCHES: &[(&str, Bench)] = &[
    ("report", report::bench),
    ("stages", stages::bench),
    ("quiet", quiet::bench),
    ("stream", stream::bench),
    ("bisect", bisect::bench),
    ("kernel-signature", kernel::signature),
    ("kernel-diff", kernel::diff),
    ("peers-inputs", peers::prepare),
    ("peers", peers::bench),
];

type Bench = fn(&Args) -> io::Result<()>;

/// Measures the ksplat command.
#[derive(Debug, Parser)]
struct Args {
    /// What to measure; everything if none is named
    #[arg(value_name = "BENCH", value_parser = BENCHES.iter().map(|(name, _)| *name).collect::<Vec<_>>())]
    names: Vec<String>,
    /// Length of the stream, in GB
    #[arg(long, value_name = "N", default_value_t = 1)]
    stream: u64,
    /// How often each command is run; the run with the least CPU time counts
    #[arg(long, value_name = "N", default_value_t = 5)]
    runs: usize,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let is_wanted = |name: &str| args.names.is_empty() || args.names.iter().any(|wanted| wanted == name);
    for (name, bench) in BENCHES.iter().filter(|(name, _)| is_wanted(name)) {
        if let Err(error) = bench(&args) {
            eprintln!("bench: {name}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Whether a speed is what the project wants.
fn verdict(speed: f64, goal: f64, unit: &str) -> String {
    format!(" (goal {goal} {unit}: {})", if speed >= goal { "reached" } else { "missed" })
}
