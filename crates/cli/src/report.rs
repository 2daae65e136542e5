//! `ksplat report`: every report found.

use std::io::{self, Write};
use std::path::PathBuf;

use ksplat::{Found, Options, Symbolized};
use rayon::prelude::*;

use crate::args::{Format, Shared};
use crate::facts::facts;
use crate::input::{Input, inputs};
use crate::kernel::Kernel;
use crate::output::{Outcome, Output, printable, reason};
use crate::record::Record;

/// Inputs that are read at the same time; their results are held until those before them are written.
const BATCH: usize = 64;

/// Runs the command.
pub fn run(shared: &Shared, paths: &[PathBuf], options: Options, output: &Output) -> io::Result<Outcome> {
    let kernel = Kernel::open(shared, output);
    if kernel.is_some() && output.outcome(true) == Outcome::Failed {
        return Ok(Outcome::Failed);
    }
    let inputs = inputs(paths, output);
    let mut results = output.results();
    let mut found = false;
    let mut show = |file: &str, report: &Found<'_>, out: &mut dyn Write| match shared.format {
        Format::Text => text(file, report, kernel.as_ref(), out),
        Format::Ndjson => ndjson(file, report, kernel.as_ref(), out),
    };
    if let [input] = &inputs[..] {
        found = read(input, options, output, &mut show, &mut results)?;
    } else {
        for batch in inputs.chunks(BATCH) {
            let texts: Vec<io::Result<Vec<u8>>> = batch
                .par_iter()
                .map(|input| {
                    let mut text = Vec::new();
                    let mut show = |file: &str, report: &Found<'_>, out: &mut dyn Write| match shared.format {
                        Format::Text => self::text(file, report, kernel.as_ref(), out),
                        Format::Ndjson => ndjson(file, report, kernel.as_ref(), out),
                    };
                    read(input, options, output, &mut show, &mut text)?;
                    Ok(text)
                })
                .collect();
            for text in texts {
                let text = text?;
                found |= !text.is_empty();
                results.write_all(&text)?;
            }
        }
    }
    results.flush()?;
    Ok(output.finish(found, "no report found", shared.quiet))
}

type Show<'s> = dyn FnMut(&str, &Found<'_>, &mut dyn Write) -> io::Result<()> + 's;

/// Reads one input and shows its reports; true where it has some. Only a failure to write is an error.
fn read(
    input: &Input,
    options: Options,
    output: &Output,
    show: &mut Show<'_>,
    out: &mut dyn Write,
) -> io::Result<bool> {
    let mut found = false;
    let mut written = Ok(());
    let done = input.read(&mut |file, bytes| {
        options.stream(bytes, |report| {
            found = true;
            if written.is_ok() {
                written = show(file, report, out);
            }
        })?;
        Ok(())
    });
    if let Err(error) = done {
        output.error(input.path(), &reason(&error));
    }
    written.map(|()| found)
}

fn ndjson(file: &str, found: &Found<'_>, kernel: Option<&Kernel<'_>>, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Record::new(file, found, kernel)).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// The report for a person: the title, then a fact a line.
fn text(file: &str, found: &Found<'_>, kernel: Option<&Kernel<'_>>, out: &mut dyn Write) -> io::Result<()> {
    let Found { title, report, splat, span, .. } = found;
    let origin = &report.origin;
    writeln!(out, "{}", title.title)?;
    let mut fact = |name: &str, value: &str| match value {
        "" => Ok(()),
        value => writeln!(out, "  {name:<10} {}", printable(value)),
    };
    fact("also", &title.alternatives.join(", "))?;
    fact("type", title.crash_type.map_or("", |kind| kind.name()))?;
    fact("signature", &found.signature.to_string())?;
    fact("where", &format!("{file}, report {}, bytes {}..{}", found.index, span.start, span.region_end))?;
    let mut written = Ok(());
    facts(report, |name, words| {
        if written.is_ok() {
            written = fact(name, &words.to_string());
        }
    });
    written?;
    let mut task = Vec::new();
    task.extend(origin.comm.as_deref().map(str::to_owned));
    task.extend(origin.pid.map(|pid| format!("pid {pid}")));
    task.extend(origin.cpu.map(|cpu| format!("cpu {cpu}")));
    fact("task", &task.join(", "))?;
    let mut release: Vec<String> = origin.release.map(str::to_owned).into_iter().collect();
    release.extend(origin.taint.as_deref().filter(|flags| !flags.is_empty()).map(|flags| format!("tainted {flags}")));
    fact("kernel", &release.join(", "))?;
    fact("hardware", origin.hardware.as_deref().unwrap_or(""))?;
    let blamed: Vec<&str> = found.signature.plaintext().lines().filter_map(|l| l.strip_prefix("frame: ")).collect();
    fact("blamed", &blamed.join(" < "))?;
    fact("trapped at", ksplat::trapping_instruction(splat, title).as_deref().unwrap_or(""))?;
    let guilty = match kernel {
        Some(kernel) => Symbolized::of(splat, title, |frames| kernel.resolve_all(frames)).guilty_file(title),
        None => title.guilty_file(splat),
    };
    fact("file", guilty.as_deref().unwrap_or(""))?;
    fact("corrupted", title.corrupted.map_or("", |why| why.reason()))?;
    let flags = [(splat.panicked, "panicked"), (splat.suppressed, "suppressed"), (splat.cut, "cut")];
    let flags: Vec<&str> = flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
    fact("flags", &flags.join(", "))?;
    writeln!(out)
}
