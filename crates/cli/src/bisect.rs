//! `ksplat bisect`: bisection logs as data, and whether their results can be believed.

mod audit;
mod git;
pub mod show;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use bisect::Log;
use rayon::prelude::*;

use crate::args::Shared;
use crate::input::inputs;
use crate::output::{Outcome, Output, printable, reason};

/// What to do with bisection logs.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// The whole log: each tested revision, its runs, git's decisions, the result
    Show(show::Arguments),
    /// How probably the result is right, why, and what to test next
    Audit(audit::Arguments),
}

/// The logs to read.
#[derive(Debug, clap::Args)]
pub struct Logs {
    /// Bisection logs, directories or archives; standard input if none, or for `-`
    #[arg(value_name = "LOG")]
    paths: Vec<PathBuf>,
}

/// Runs the command.
pub fn run(shared: &Shared, command: &Command, output: &Output) -> io::Result<Outcome> {
    match command {
        Command::Show(arguments) => show::run(shared, arguments, output),
        Command::Audit(arguments) => audit::run(shared, arguments, output),
    }
}

/// A longer file is no bisection log (bytes): the longest of 1,757 has 0.6 MB.
const LONGEST: u64 = 64 << 20;
/// Logs that are worked on at the same time.
const BATCH: usize = 64;
/// Bytes of logs that are held at the same time.
const BATCH_BYTES: usize = 64 << 20;

/// Logs that were read and wait for their turn.
#[derive(Default)]
struct Batch {
    logs: Vec<(String, Vec<u8>)>,
    bytes: usize,
}

/// Reads all logs and writes what `each` makes of them, in their order.
fn for_each_log(
    shared: &Shared,
    logs: &Logs,
    output: &Output,
    each: &(dyn Fn(&str, &Log<'_>) -> io::Result<Vec<u8>> + Sync),
) -> io::Result<Outcome> {
    let mut results = output.results();
    let (mut found, mut written) = (false, Ok(()));
    let mut batch = Batch::default();
    let mut flush = |batch: &mut Batch| -> io::Result<()> {
        let Batch { logs, .. } = std::mem::take(batch);
        let texts: Vec<Option<io::Result<Vec<u8>>>> = logs
            .par_iter()
            .map(|(name, bytes)| {
                let log = Log::parse(bytes);
                (log.lines.is_bisection()).then(|| each(name, &log))
            })
            .collect();
        for ((name, _), text) in logs.iter().zip(texts) {
            match text {
                Some(text) => {
                    found = true;
                    results.write_all(&text?)?;
                }
                None if !shared.quiet => output.note(&format!("{name}: no line of a bisection log")),
                None => {}
            }
        }
        Ok(())
    };
    for input in inputs(&logs.paths, output) {
        let done = input.read(&mut |name, reader| {
            if written.is_err() {
                return Ok(());
            }
            let mut bytes = Vec::new();
            reader.take(LONGEST + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > LONGEST {
                output.error(Path::new(name), &"too long for a bisection log");
                return Ok(());
            }
            batch.bytes += bytes.len();
            batch.logs.push((name.to_owned(), bytes));
            if batch.logs.len() >= BATCH || batch.bytes >= BATCH_BYTES {
                written = flush(&mut batch);
            }
            Ok(())
        });
        if let Err(error) = done {
            output.error(input.path(), &reason(&error));
        }
    }
    written?;
    flush(&mut batch)?;
    results.flush()?;
    Ok(output.finish(found, "no bisection log found", shared.quiet))
}

/// Text of several lines, safe for a terminal.
fn lines(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 1);
    for line in text.lines() {
        out.extend_from_slice(printable(line).as_bytes());
        out.push(b'\n');
    }
    out
}

/// One object on a line.
fn json(record: &impl serde::Serialize) -> io::Result<Vec<u8>> {
    let mut out = serde_json::to_vec(record).map_err(io::Error::from)?;
    out.push(b'\n');
    Ok(out)
}
