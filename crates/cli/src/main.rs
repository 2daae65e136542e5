//! The `ksplat` command: arguments, files, text, JSON, exit codes. How anything works is in the `ksplat` crate.

mod addr;
mod args;
mod batch;
mod bisect;
mod decode;
mod dedup;
mod doctor;
mod explain;
mod facts;
mod index;
mod input;
mod kernel;
mod kernel_diff;
mod kernel_file;
mod kernel_signature;
mod mmap;
mod output;
mod record;
mod report;
mod schema;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use output::{Outcome, Output};

fn main() -> ExitCode {
    let args = Args::parse();
    let output = Output::new(args.shared.color);
    if let Some(jobs) = args.shared.jobs {
        // It only fails where a pool exists, and none does yet.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(jobs.get()).build_global();
    }
    let outcome = match &args.command {
        Command::Report(command) => report::run(&args.shared, &command.logs.paths, command.options(), &output),
        Command::Decode(command) => decode::run(&args.shared, command, &output),
        Command::Dedup(command) => dedup::run(&args.shared, &command.logs.paths, command.options(), &output),
        Command::Doctor(paths) => doctor::run(&args.shared, &paths.paths, &output),
        Command::Addr(command) => addr::run(&args.shared, command, &output),
        Command::Index(command) => index::run(command, &output),
        Command::Bisect(command) => bisect::run(&args.shared, command, &output),
        Command::Explain(command) => explain::run(&args.shared, command, &output),
        Command::KernelDiff(command) => kernel_diff::run(command, &args.shared, &output),
        Command::KernelSignature(command) => kernel_signature::run(command, &args.shared, &output),
        Command::Schema(arguments) => schema::run(arguments, &output),
    };
    outcome.unwrap_or_else(|error| output.fail(&error)).into()
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        ExitCode::from(match outcome {
            Outcome::Found => 0,
            Outcome::Nothing => 1,
            Outcome::Failed => 2,
        })
    }
}
