//! `ksplat dedup`: one line per bug.

use std::io::{self, Write};
use std::path::PathBuf;

use ksplat::signature::{Buckets, Place, Sighting};
use ksplat::trace::Rules;
use ksplat::{Found, Options};
use rayon::prelude::*;
use serde::Serialize;

use crate::args::{Format, Shared};
use crate::batch::{self, Step};
use crate::input::{Input, inputs};
use crate::output::{Outcome, Output, printable, reason};

/// One bucket.
#[derive(Debug, Serialize)]
struct Row<'a> {
    signature: String,
    count: usize,
    share: f64,
    title: &'a str,
    corrupted: bool,
    first: Sample<'a>,
    last: Sample<'a>,
    sample: Sample<'a>,
}

/// A report of a bucket.
#[derive(Debug, Serialize)]
struct Sample<'a> {
    file: &'a str,
    index: usize,
}

/// The reports of one input, which may be an archive of many files.
#[derive(Default)]
struct Counted {
    files: Vec<String>,
    buckets: Buckets,
}

/// Runs the command.
pub fn run(shared: &Shared, paths: &[PathBuf], options: Options, output: &Output) -> io::Result<Outcome> {
    let inputs = inputs(paths, output);
    let counted: Vec<Counted> = inputs.par_iter().map(|input| count(input, options, output)).collect();
    let mut all = Counted::default();
    counted.into_iter().for_each(|input| all.join(input));
    let Counted { files, buckets } = all;
    let ranked = buckets.ranked();
    let total: usize = ranked.iter().map(|bucket| bucket.count).sum();
    let mut results = output.results();
    for bucket in &ranked {
        let sample = |place: Place| Sample { file: &files[place.input], index: place.index };
        let row = Row {
            signature: bucket.signature.to_string(),
            count: bucket.count,
            share: bucket.count as f64 / total as f64,
            title: &bucket.sample.title,
            corrupted: bucket.sample.corrupted,
            first: sample(bucket.first),
            last: sample(bucket.last),
            sample: sample(bucket.sample.place),
        };
        match shared.format {
            Format::Text => text(&row, &mut results)?,
            Format::Ndjson => {
                serde_json::to_writer(&mut results, &row).map_err(io::Error::from)?;
                writeln!(results)?;
            }
        }
    }
    results.flush()?;
    Ok(output.finish(!ranked.is_empty(), "no report found", shared.quiet))
}

fn count(input: &Input, options: Options, output: &Output) -> Counted {
    let mut all = Counted::default();
    let small = |file: &str, log: &[u8]| {
        let mut counted = Counted::of(file);
        options.reports(log, |found| counted.add(found, options));
        counted
    };
    let done = batch::logs(input, small, &mut |step| {
        match step {
            Step::Small(counted) => all.join(counted),
            Step::Large(file, bytes) => {
                let mut counted = Counted::of(file);
                let read = options.stream(bytes, |found| counted.add(found, options));
                all.join(counted);
                read?;
            }
        }
        Ok(())
    });
    if let Err(error) = done {
        output.error(input.path(), &reason(&error));
    }
    all
}

impl Counted {
    /// Nothing of one file yet.
    fn of(file: &str) -> Counted {
        Counted { files: vec![file.to_owned()], buckets: Buckets::default() }
    }

    /// Counts a report of the one file.
    fn add(&mut self, found: &Found<'_>, options: Options) {
        // By ksplat's rules an echo is no crash.
        if options.rules == Rules::Ksplat && found.follows.is_some() {
            return;
        }
        let sighting = Sighting {
            place: Place { input: 0, index: found.index },
            title: found.title.title.clone(),
            corrupted: found.title.corrupted.is_some(),
            length: found.span.region_end.saturating_sub(found.span.start),
        };
        self.buckets.add(found.signature.clone(), sighting);
    }

    /// Counts the reports of the files that follow.
    fn join(&mut self, next: Counted) {
        self.buckets.merge(next.buckets.shifted(self.files.len()));
        self.files.extend(next.files);
    }
}

fn text(row: &Row<'_>, out: &mut impl Write) -> io::Result<()> {
    let Row { signature, count, share, title, corrupted, sample, .. } = row;
    let damaged = if *corrupted { " (corrupted)" } else { "" };
    let place = format!("{}:{}", sample.file, sample.index);
    writeln!(out, "{count:>7} {:>5.1}%  {signature}  {title}{damaged}  {}", share * 100.0, printable(&place))
}
