//! `ksplat dedup`: one line per bug.

use std::io::{self, Write};
use std::path::PathBuf;

use ksplat::Options;
use ksplat::signature::{Buckets, Place, Sighting};
use rayon::prelude::*;
use serde::Serialize;

use crate::args::{Format, Shared};
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
    let (mut files, mut buckets) = (Vec::new(), Buckets::default());
    for input in counted {
        buckets.merge(input.buckets.shifted(files.len()));
        files.extend(input.files);
    }
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
    let mut counted = Counted::default();
    let done = input.read(&mut |file, bytes| {
        let number = counted.files.len();
        counted.files.push(file.to_owned());
        options.stream(bytes, |found| {
            let sighting = Sighting {
                place: Place { input: number, index: found.index },
                title: found.title.title.clone(),
                corrupted: found.title.corrupted.is_some(),
                length: found.span.region_end.saturating_sub(found.span.start),
            };
            counted.buckets.add(found.signature.clone(), sighting);
        })?;
        Ok(())
    });
    if let Err(error) = done {
        output.error(input.path(), &reason(&error));
    }
    counted
}

fn text(row: &Row<'_>, out: &mut impl Write) -> io::Result<()> {
    let Row { signature, count, share, title, corrupted, sample, .. } = row;
    let damaged = if *corrupted { " (corrupted)" } else { "" };
    let place = format!("{}:{}", sample.file, sample.index);
    writeln!(out, "{count:>7} {:>5.1}%  {signature}  {title}{damaged}  {}", share * 100.0, printable(&place))
}
