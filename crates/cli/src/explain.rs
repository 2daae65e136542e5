//! `ksplat explain`: why a report is called what it is, and why two are or are not one bug.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ksplat::Options;

use crate::args::{Format, Reports, Shared};
use crate::input::{Input, inputs};
use crate::output::{Outcome, Output, reason};

mod account;
mod compare;
mod text;

pub use account::Account;
pub use compare::Comparison;

/// The reports to explain.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// Compare the first report of one log with that of another: why are they one bug, or two?
    #[arg(long, value_names = ["A", "B"], num_args = 2, conflicts_with = "paths")]
    pub compare: Vec<PathBuf>,
    /// The logs, and how they are read.
    #[command(flatten)]
    pub reports: Reports,
}

/// Runs the command.
pub fn run(shared: &Shared, command: &Explain, output: &Output) -> io::Result<Outcome> {
    let options = command.reports.options();
    let mut results = output.results();
    if let [a, b] = &command.compare[..] {
        let (Some(a), Some(b)) = (first(a, options, output), first(b, options, output)) else {
            return Ok(output.finish(false, "no two reports to compare", shared.quiet));
        };
        match shared.format {
            Format::Text => compare::text(&a, &b, &mut results)?,
            Format::Ndjson => json(&Comparison::new(&a, &b), &mut results)?,
        }
        results.flush()?;
        return Ok(output.finish(true, "", shared.quiet));
    }
    let mut found = false;
    for input in inputs(&command.reports.logs.paths, output) {
        let mut written = Ok(());
        let done = each(&input, options, &mut |account| {
            found = true;
            if written.is_ok() {
                written = match shared.format {
                    Format::Text => text::write(&account, &mut results),
                    Format::Ndjson => json(&account, &mut results),
                };
            }
        });
        written?;
        if let Err(error) = done {
            output.error(input.path(), &reason(&error));
        }
    }
    results.flush()?;
    Ok(output.finish(found, "no report found", shared.quiet))
}

/// The first report of a file; what went wrong is told.
fn first(path: &Path, options: Options, output: &Output) -> Option<Account> {
    let mut first = None;
    for input in inputs(&[PathBuf::from(path)], output) {
        let done = each(&input, options, &mut |account| {
            first.get_or_insert(account);
        });
        if let Err(error) = done {
            output.error(input.path(), &reason(&error));
        }
    }
    if first.is_none() {
        output.error(path, &"no report found");
    }
    first
}

/// Explains each report of an input.
fn each(input: &Input, options: Options, show: &mut dyn FnMut(Account)) -> io::Result<()> {
    input.read(&mut |file, bytes| {
        options.stream(bytes, |found| show(Account::new(file, found)))?;
        Ok(())
    })
}

fn json(value: &impl serde::Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value).map_err(io::Error::from)?;
    writeln!(out)
}
