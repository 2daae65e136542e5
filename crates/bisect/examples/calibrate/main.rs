//! Fits the weights of the audit on labelled logs and measures them by cross-validation.
//!
//! `cargo run --release -p ksplat-bisect --example calibrate -- CORPUS` reads `bisection-logs.tar.zst` and
//! `bisection-labels.tsv` in that directory, writes `src/weights.rs`, and prints the tables of `CALIBRATION.md`.

#![expect(clippy::unwrap_used, reason = "a calibration without its data has nothing to say")]

mod model;
mod selection;

use bisect::Log;
use model::{Data, Sample, figures, probability, threshold};
use std::{collections::BTreeMap, fmt::Write, fs::File, io::Read, path::Path};

/// Measures that are in the model, in groups for the ablation. The other measures are findings without a weight.
const GROUPS: &[(&str, &[&str])] = &[
    ("another crash answered", &["crash-drift"]),
    ("culprit and report", &["files-elsewhere", "names-elsewhere"]),
    ("where it crashed", &["busy-subsystem"]),
    ("release walk", &["release-walk"]),
    ("what the culprit is", &["impossible-culprit", "exposing-culprit", "equal-kernels"]),
    ("runs and verdicts", &["single-crash", "good-end"]),
];
/// Mean probability of those that are called `trust`.
const TRUST: f64 = 0.89;
/// Shuffles for the choice of measures, which is slow.
const SELECTIONS: u64 = 3;
/// Mean probability of those that are called `reject`.
const REJECT: f64 = 0.07;

fn main() {
    let directory = std::env::args().nth(1).unwrap_or_else(|| "../shared/corpus".into());
    let data = read(Path::new(&directory));
    let right = data.right();
    let wrong = right.len() - right.iter().sum::<f64>() as usize;
    println!("{} labelled logs, {} right, {wrong} wrong\n", right.len(), right.len() - wrong);
    let column = |name: &&str| data.names.iter().position(|other| other == name).unwrap();
    let columns: Vec<usize> = GROUPS.iter().flat_map(|(_, names)| names.iter().map(column)).collect();
    let all: Vec<usize> = (0..data.names.len()).collect();

    println!("| measures | AUC | recall at 90 % precision | precision at 60 % recall |\n|---|---|---|---|");
    let line = |label: &str, columns: &[usize]| {
        let model::Figures { auc, recall, precision } = data.figures(columns, None);
        println!("| {label} | {auc:.3} | {recall:.2} | {precision:.3} |");
    };
    line("**the model**", &columns);
    line("all measures, also those without a weight", &all);
    for (label, names) in GROUPS {
        let without: Vec<usize> = columns.iter().copied().filter(|at| !names.contains(&data.names[*at])).collect();
        line(&format!("without {label}"), &without);
    }
    for (label, names) in GROUPS {
        line(&format!("only {label}"), &names.iter().map(column).collect::<Vec<_>>());
    }

    let (mut chosen, mut mean) = (BTreeMap::new(), model::Figures::default());
    for seed in 0..SELECTIONS {
        let (predictions, names) = data.predict_selected(seed);
        let figures = figures(&predictions, &right);
        mean.auc += figures.auc / SELECTIONS as f64;
        mean.recall += figures.recall / SELECTIONS as f64;
        mean.precision += figures.precision / SELECTIONS as f64;
        for (name, count) in names {
            *chosen.entry(name).or_insert(0) += count;
        }
    }
    println!("| chosen inside the training folds | {:.3} | {:.2} | {:.3} |", mean.auc, mean.recall, mean.precision);
    println!("\nchosen in how many of {} training sets: {chosen:?}", SELECTIONS * model::FOLDS as u64);

    println!(
        "\n| wanted mean probability | called trust | right among them | share of the right ones |\n|---|---|---|---|"
    );
    for wanted in [0.87, 0.88, TRUST, 0.90, 0.92] {
        let (trusted, hits, rights) = data.thresholded(&columns, wanted);
        let (precision, recall) = (hits as f64 / trusted.max(1) as f64, hits as f64 / rights as f64);
        println!("| {wanted:.2} | {:.1} | {precision:.3} | {recall:.3} |", trusted as f64 / 10.0);
    }

    let every: Vec<usize> = (0..right.len()).collect();
    let penalty = data.best_penalty(&columns, &every, 0);
    let weights = data.fit_all(&columns, penalty);
    let mut mean = vec![0.0; right.len()];
    for seed in 0..10 {
        for (sum, p) in mean.iter_mut().zip(data.predict(&columns, Some(penalty), seed)) {
            *sum += p / 10.0;
        }
    }
    let trust = threshold(mean.clone(), TRUST);
    let reject = 1.0 - threshold(mean.iter().map(|p| 1.0 - p).collect(), 1.0 - REJECT);
    calibration(&mean, &right);
    println!("\npenalty {penalty}, trust from {trust:.3}, reject below {reject:.3}");

    println!("\n| measure | weight | mean | AUC alone |\n|---|---|---|---|");
    for (&at, weight) in columns.iter().zip(&weights[1..]) {
        let values: Vec<f64> = data.samples.iter().map(|sample| -sample.values[at]).collect();
        let average = -values.iter().sum::<f64>() / values.len() as f64;
        println!("| `{}` | {weight:.2} | {average:.2} | {:.3} |", data.names[at], figures(&values, &right).auc);
    }
    write(&data, &columns, &weights, (trust, reject));
    let fitted: Vec<f64> =
        data.samples.iter().map(|sample| probability(&weights, &row(sample, &columns)).min(sample.at_most)).collect();
    println!("\non the logs it was fitted to (not a promise): AUC {:.3}", figures(&fitted, &right).auc);
}

fn row(sample: &Sample, columns: &[usize]) -> Vec<f64> {
    [1.0].into_iter().chain(columns.iter().map(|&at| sample.values[at])).collect()
}

/// How often the result is right among those that were given about the same probability.
fn calibration(predictions: &[f64], right: &[f64]) {
    println!("\n| predicted | logs | mean prediction | right |\n|---|---|---|---|");
    for bin in 0..5 {
        let low = f64::from(bin) / 5.0;
        let inside: Vec<usize> =
            (0..right.len()).filter(|&at| ((predictions[at] * 5.0) as i32).min(4) == bin).collect();
        let mean = |values: &[f64]| inside.iter().map(|&at| values[at]).sum::<f64>() / inside.len().max(1) as f64;
        println!("| {low:.1} to {:.1} | {} | {:.2} | {:.2} |", low + 0.2, inside.len(), mean(predictions), mean(right));
    }
}

fn write(data: &Data, columns: &[usize], weights: &[f64], (trust, reject): (f64, f64)) {
    let mut out = String::from(
        "//! The weights of the audit: written by `examples/calibrate`, explained in `CALIBRATION.md`.\n\n\
         /// Log-odds that a result without any finding is right.\n",
    );
    writeln!(out, "pub(crate) const CONSTANT: f64 = {:.3};", weights[0]).unwrap();
    writeln!(
        out,
        "/// Results with this probability or more are called `trust`.\npub(crate) const TRUST: f64 = {trust:.3};"
    )
    .unwrap();
    writeln!(out, "/// Results with less are called `reject`.\npub(crate) const REJECT: f64 = {reject:.3};").unwrap();
    writeln!(out, "/// What a measure of 1 adds to the log-odds.\npub(crate) const WEIGHTS: &[(&str, f64)] = &[")
        .unwrap();
    for (&at, weight) in columns.iter().zip(&weights[1..]) {
        writeln!(out, "    (\"{}\", {weight:.3}),", data.names[at]).unwrap();
    }
    out.push_str("];\n");
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/weights.rs"), out).unwrap();
}

/// The labelled logs, measured, in the order of their names.
fn read(directory: &Path) -> Data {
    let labels = std::fs::read_to_string(directory.join("bisection-labels.tsv")).unwrap();
    let labels: BTreeMap<&str, bool> = labels
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut columns = line.split('\t');
            let (log, right) = (columns.next()?, columns.nth(3)?);
            (!right.is_empty()).then_some((log, right == "1"))
        })
        .collect();
    let archive = zstd::Decoder::new(File::open(directory.join("bisection-logs.tar.zst")).unwrap()).unwrap();
    let mut archive = tar::Archive::new(archive);
    let mut data = Data::default();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let Some(&right) = labels.get(name.as_str()) else { continue };
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let log = Log::parse(&bytes);
        let measures = bisect::measures(&log, None);
        data.names = measures.iter().map(|measure| measure.name).collect();
        let group = log.culprit.as_ref().map_or(name.clone(), |culprit| culprit.hash.to_string());
        let at_most = measures.iter().filter_map(|measure| measure.at_most).fold(1.0, f64::min);
        let values = measures.iter().map(|measure| measure.value).collect();
        data.samples.push(Sample { log: name, right, group, values, at_most });
    }
    data.samples.sort_by(|a, b| a.log.cmp(&b.log));
    data
}
