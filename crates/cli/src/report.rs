//! `ksplat report`: every report found.

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::ops::Range;
use std::path::PathBuf;

use ksplat::symbolize::Identity;
use ksplat::symbolize::proof::{Signs, Standing};
use ksplat::trace::{Boot, Boots, Build};
use ksplat::{Found, Options, Symbolized};
use rayon::prelude::*;

use crate::args::{Format, Shared};
use crate::batch::{self, Step};
use crate::facts::facts;
use crate::input::{Input, inputs};
use crate::kernel::{Booted, Kernels};
use crate::output::{Outcome, Output, printable, reason};
use crate::record::Record;

/// Inputs that are read at the same time; their results are held until those before them are written.
const BATCH: usize = 64;

/// Runs the command.
pub fn run(shared: &Shared, paths: &[PathBuf], options: Options, output: &Output) -> io::Result<Outcome> {
    let kernels = Kernels::named(shared, output);
    if kernels.is_some() && output.has_failed() {
        return Ok(Outcome::Failed);
    }
    let inputs = inputs(paths, output);
    let mut results = output.results();
    let mut found = false;
    let show = |file: &str, report: &Found<'_>, boots: &Parts, out: &mut dyn Write| {
        let kernel = kernels.as_ref().map(|kernels| kernels.of(&boot_of(report, boots)));
        let kernel = kernel.filter(|kernel| !kernel.is_refused());
        match shared.format {
            Format::Text => text(file, report, kernel.as_ref(), out),
            Format::Ndjson => ndjson(file, report, kernel.as_ref(), out),
        }
    };
    if let [input] = &inputs[..] {
        found = read(input, options, output, &show, kernels.is_some(), &mut results)?;
    } else {
        for batch in inputs.chunks(BATCH) {
            let look = |input| {
                let mut text = Vec::new();
                read(input, options, output, &show, kernels.is_some(), &mut text).map(|_| text)
            };
            let texts: Vec<io::Result<Vec<u8>>> = batch.par_iter().map(look).collect();
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

/// The boots of a log, where they were looked for.
type Parts = [(Range<usize>, Boot)];
type Show<'s> = dyn Fn(&str, &Found<'_>, &Parts, &mut dyn Write) -> io::Result<()> + Sync + 's;

/// The boot that a report comes from: what its header says, and the log around it.
fn boot_of(found: &Found<'_>, boots: &Parts) -> Boot {
    let mut own = Boot { build: Build::of(&found.report.origin), offset: None };
    let around = boots.iter().find(|(part, _)| part.contains(&found.span.start));
    if let Some((_, boot)) = around.filter(|(_, boot)| boot.build.agrees(&own.build)) {
        own.build.learn(boot.build.clone());
        own.offset = boot.offset;
    }
    own
}

/// Reads one input and shows its reports; true where it has some. Only a failure to write is an error.
fn read(
    input: &Input,
    options: Options,
    output: &Output,
    show: &Show<'_>,
    with_boots: bool,
    out: &mut dyn Write,
) -> io::Result<bool> {
    let mut found = false;
    let mut written = Ok(());
    let small = |file: &str, log: &[u8]| {
        let mut text = Vec::new();
        let mut written = Ok(());
        let boots = if with_boots { Boots::default().next(log) } else { Vec::new() };
        options.reports(log, |report| {
            if written.is_ok() {
                written = show(file, report, &boots, &mut text);
            }
        });
        written.map(|()| text)
    };
    let done = batch::logs(input, small, &mut |step| {
        match step {
            Step::Small(text) => {
                let text = text?;
                found |= !text.is_empty();
                written = out.write_all(&text);
            }
            Step::Large(file, bytes) => {
                options.stream(bytes, |report| {
                    found = true;
                    if written.is_ok() {
                        written = show(file, report, &[], out);
                    }
                })?;
            }
        }
        // Nothing more is read where nothing more can be written.
        if written.is_err() { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
    });
    written?;
    if let Err(error) = done {
        output.error(input.path(), &reason(&error));
    }
    Ok(found)
}

fn ndjson(file: &str, found: &Found<'_>, kernel: Option<&Booted<'_>>, out: &mut dyn Write) -> io::Result<()> {
    let mut line = serde_json::to_vec(&Record::new(file, found, kernel)).map_err(io::Error::from)?;
    line.push(b'\n');
    out.write_all(&line)
}

/// The report for a person: the title, then a fact a line.
fn text(file: &str, found: &Found<'_>, kernel: Option<&Booted<'_>>, out: &mut dyn Write) -> io::Result<()> {
    let Found { title, report, splat, span, .. } = found;
    let origin = &report.origin;
    let mut page = Page { text: String::with_capacity(1024), value: String::new() };
    page.text.push_str(&title.title);
    page.text.push('\n');
    page.list("also", ", ", title.alternatives.iter().map(String::as_str));
    page.fact("type", title.crash_type.map_or("", |kind| kind.name()));
    page.tell("signature", format_args!("{}", found.signature));
    page.tell("where", format_args!("{file}, report {}, bytes {}..{}", found.index, span.start, span.region_end));
    facts(report, |name, words| page.tell(name, format_args!("{words}")));
    if let Some(follows) = found.follows {
        page.tell("follows", format_args!("report {} ({})", follows.report, follows.why.name()));
    }
    let (pid, cpu) = (origin.pid.map(|pid| format!("pid {pid}")), origin.cpu.map(|cpu| format!("cpu {cpu}")));
    page.list("task", ", ", [origin.comm.as_deref(), pid.as_deref(), cpu.as_deref()].into_iter().flatten());
    let taint = origin.taint.as_deref().filter(|flags| !flags.is_empty()).map(|flags| format!("tainted {flags}"));
    page.list("kernel", ", ", [origin.release, taint.as_deref()].into_iter().flatten());
    page.fact("hardware", origin.hardware.as_deref().unwrap_or(""));
    page.list("blamed", " < ", found.signature.frames());
    page.fact("trapped at", ksplat::trapping_instruction(splat, title).as_deref().unwrap_or(""));
    let guilty = match kernel {
        Some(kernel) => Symbolized::of(splat, title, |frames| kernel.resolve_all(frames)).guilty_file(title),
        None => title.guilty_file(splat),
    };
    if let Some(kernel) = kernel {
        let signs = kernel.checked(report).map(|checked| checked.signs).unwrap_or_default();
        let standing = Standing::of(kernel.identity(), &signs).name();
        page.tell("image", format_args!("{standing}: {}", words(kernel.identity(), &signs)));
    }
    page.fact("file", guilty.as_deref().unwrap_or(""));
    page.fact("corrupted", title.corrupted.map_or("", |why| why.reason()));
    let flags = [(splat.panicked, "panicked"), (splat.suppressed, "suppressed"), (splat.cut, "cut")];
    page.list("flags", ", ", flags.into_iter().filter(|(set, _)| *set).map(|(_, name)| name));
    page.text.push('\n');
    out.write_all(page.text.as_bytes())
}

/// What is known of an image, and what agrees with it.
pub fn words(identity: &Identity, signs: &Signs) -> String {
    let signs = signs.to_string();
    let between = if signs.is_empty() { "" } else { "; " };
    format!("{identity}{between}{signs}")
}

/// Lines of a name and what is known under it; nothing where nothing is.
struct Page {
    text: String,
    value: String,
}

impl Page {
    fn fact(&mut self, name: &str, value: &str) {
        const BLANKS: &str = "           ";
        if !value.is_empty() {
            let blanks = BLANKS.get(name.len()..).unwrap_or(" ");
            for part in ["  ", name, blanks, &printable(value), "\n"] {
                self.text.push_str(part);
            }
        }
    }

    fn tell(&mut self, name: &str, value: fmt::Arguments<'_>) {
        let mut text = std::mem::take(&mut self.value);
        text.clear();
        // A string takes whatever is written.
        let _ = text.write_fmt(value);
        self.fact(name, &text);
        self.value = text;
    }

    fn list<'v>(&mut self, name: &str, between: &str, values: impl Iterator<Item = &'v str>) {
        let mut text = std::mem::take(&mut self.value);
        text.clear();
        for (n, value) in values.enumerate() {
            text.push_str(if n > 0 { between } else { "" });
            text.push_str(value);
        }
        self.fact(name, &text);
        self.value = text;
    }
}
