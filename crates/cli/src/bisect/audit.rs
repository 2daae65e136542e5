//! `ksplat bisect audit`: can the result be believed?

use std::io;

use super::{Logs, for_each_log, json, lines};
use crate::args::{Format, Shared};
use crate::output::{Outcome, Output};

/// What `audit` takes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    logs: Logs,
}

/// Runs the command.
pub fn run(shared: &Shared, arguments: &Arguments, output: &Output) -> io::Result<Outcome> {
    for_each_log(shared, &arguments.logs, output, &|name, log| {
        let mut audit = bisect::audit(log, None);
        audit.log = Some(name.to_owned());
        match shared.format {
            Format::Ndjson => json(&audit),
            Format::Text => Ok(lines(&(audit.to_text() + "\n"))),
        }
    })
}
