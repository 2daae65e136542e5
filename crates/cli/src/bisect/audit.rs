//! `ksplat bisect audit`: can the result be believed?

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bisect::{Context, CrashReport};

use super::git::Repository;
use super::{Logs, for_each_log, json, lines};
use crate::args::{Format, Shared};
use crate::output::{Outcome, Output, reason};

/// What `audit` takes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    logs: Logs,
    /// A repository with the culprits: their files and functions are compared with the crash (calls git)
    #[arg(long, value_name = "DIR")]
    git: Option<PathBuf>,
    /// The report of the original crash, of which a log has the titles only: its names and its signature tell when another bug was
    /// answered
    #[arg(long, value_name = "FILE")]
    crash: Option<PathBuf>,
}

/// Runs the command.
pub fn run(shared: &Shared, arguments: &Arguments, output: &Output) -> io::Result<Outcome> {
    let repository = match arguments.git.as_deref().map(Repository::open).transpose() {
        Ok(repository) => repository,
        Err((directory, why)) => {
            output.error(&directory, &why);
            return Ok(Outcome::Failed);
        }
    };
    let crash = match arguments.crash.as_deref().map(crash).transpose() {
        Ok(crash) => crash,
        Err((file, why)) => {
            output.error(&file, &why);
            return Ok(Outcome::Failed);
        }
    };
    for_each_log(shared, &arguments.logs, output, &|name, log| {
        let culprit = log.culprit.as_ref().map(|culprit| culprit.hash.as_ref());
        let facts = repository.as_ref().zip(culprit).map(|(repository, hash)| repository.commit(hash));
        let mut audit = bisect::audit(log, Context { git: facts.as_ref(), crash: crash.as_ref() });
        audit.log = Some(name.to_owned());
        match shared.format {
            Format::Ndjson => json(&audit),
            Format::Text => Ok(lines(&(audit.to_text() + "\n"))),
        }
    })
}

/// A longer file is no report (bytes).
const LONGEST: u64 = 64 << 20;

/// The first report of a file; its name and the reason where there is none.
fn crash(file: &Path) -> Result<CrashReport, (PathBuf, String)> {
    let failed = |why| (file.to_owned(), why);
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
    read.map_err(|error| failed(reason(&error)))?;
    CrashReport::read(&String::from_utf8_lossy(&bytes)).ok_or_else(|| failed("no report of a crash in it".into()))
}
