//! `ksplat bisect show`: the whole log as data.

use std::io;

use bisect::{CrashReport, Log};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Logs, for_each_log, json, lines};
use crate::args::{Format, Shared};
use crate::output::{Outcome, Output};

/// What `show` takes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    logs: Logs,
    /// Show each line that was not understood, not only how many
    #[arg(long, short)]
    verbose: bool,
}

/// The NDJSON record of a log.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Record<'a> {
    /// The name of the log's file.
    log: &'a str,
    #[serde(flatten)]
    contents: &'a Log<'a>,
    /// The crash report, as `ksplat report` would name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    crash_report: Option<CrashReport>,
}

/// Runs the command.
pub fn run(shared: &Shared, arguments: &Arguments, output: &Output) -> io::Result<Outcome> {
    for_each_log(shared, &arguments.logs, output, &|name, log| match shared.format {
        Format::Ndjson => json(&Record { log: name, contents: log, crash_report: CrashReport::of(log) }),
        Format::Text => {
            let mut text = format!("{name}: {}", log.to_text());
            if arguments.verbose {
                for (number, line) in &log.lines.unread {
                    text += &format!("  unread {number}: {line}\n");
                }
            }
            text.push('\n');
            Ok(lines(&text))
        }
    })
}
