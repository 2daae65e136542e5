//! `ksplat bisect audit`: can the result be believed?

use std::io;
use std::path::PathBuf;

use super::git::Repository;
use super::{Logs, for_each_log, json, lines};
use crate::args::{Format, Shared};
use crate::output::{Outcome, Output};

/// What `audit` takes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    logs: Logs,
    /// A repository with the culprits: their files and functions are compared with the crash (calls git)
    #[arg(long, value_name = "DIR")]
    git: Option<PathBuf>,
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
    for_each_log(shared, &arguments.logs, output, &|name, log| {
        let culprit = log.culprit.as_ref().map(|culprit| culprit.hash.as_ref());
        let facts = repository.as_ref().zip(culprit).map(|(repository, hash)| repository.commit(hash));
        let mut audit = bisect::audit(log, facts.as_ref());
        audit.log = Some(name.to_owned());
        match shared.format {
            Format::Ndjson => json(&audit),
            Format::Text => Ok(lines(&(audit.to_text() + "\n"))),
        }
    })
}
