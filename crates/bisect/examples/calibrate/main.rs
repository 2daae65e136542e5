//! Fits the weights of the audit on labelled logs and measures them by cross-validation.
//!
//! `cargo run --release -p ksplat-bisect --example calibrate -- CORPUS` reads `bisection-logs.tar.zst` and
//! `bisection-labels.tsv` in that directory, writes `src/weights.rs`, and prints the tables of `CALIBRATION.md`. With `--check`
//! behind that it writes nothing, and fails if `src/weights.rs` is something else.

#![expect(clippy::unwrap_used, reason = "a calibration without its data has nothing to say")]

mod model;
mod selection;
mod table;

use model::{Sample, figures, probability};
use std::{collections::BTreeMap, path::Path, process::ExitCode};
use table::{GROUPS, TRUST, Table, column, read};

/// Where the table is kept.
const WEIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/weights.rs");
/// Shuffles for the choice of measures, which is slow.
const SELECTIONS: u64 = 3;

fn main() -> ExitCode {
    let directory = std::env::args().nth(1).unwrap_or_else(|| "../shared/corpus".into());
    let is_check = std::env::args().nth(2).is_some_and(|argument| argument == "--check");
    let data = read(Path::new(&directory));
    let right = data.right();
    let wrong = right.len() - right.iter().sum::<f64>() as usize;
    println!("{} labelled logs, {} right, {wrong} wrong\n", right.len(), right.len() - wrong);
    let columns = table::columns(&data);
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
        line(&format!("only {label}"), &names.iter().map(|name| column(&data, name)).collect::<Vec<_>>());
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
        let (trusted, hits, rights) = data.thresholded(&columns, None, wanted);
        let (precision, recall) = (hits as f64 / trusted.max(1) as f64, hits as f64 / rights as f64);
        println!("| {wanted:.2} | {:.1} | {precision:.3} | {recall:.3} |", trusted as f64 / 10.0);
    }

    let every: Vec<usize> = (0..right.len()).collect();
    let penalty = data.best_penalty(&columns, &every, 0);
    let mean = table::mean_predictions(&data, penalty);
    let table = Table::fit(&data, penalty, &mean);
    calibration(&mean, &right);
    println!("\npenalty {penalty}, trust from {:.3}, reject below {:.3}", table.trust, table.reject);

    println!("\n| measure | weight | mean | AUC alone |\n|---|---|---|---|");
    for (&at, (name, weight)) in columns.iter().zip(&table.weights) {
        let values: Vec<f64> = data.samples.iter().map(|sample| -sample.values[at]).collect();
        let average = -values.iter().sum::<f64>() / values.len() as f64;
        println!("| `{name}` | {weight:.2} | {average:.2} | {:.3} |", figures(&values, &right).auc);
    }
    let weights: Vec<f64> =
        [table.constant].into_iter().chain(table.weights.iter().map(|(_, weight)| *weight)).collect();
    let fitted = data.samples.iter().map(|sample| probability(&weights, &row(sample, &columns)).min(sample.at_most));
    println!(
        "\non the logs it was fitted to (not a promise): AUC {:.3}",
        figures(&fitted.collect::<Vec<_>>(), &right).auc
    );
    if !is_check {
        std::fs::write(WEIGHTS, table.source()).unwrap();
    } else if std::fs::read_to_string(WEIGHTS).unwrap() != table.source() {
        println!("\n{WEIGHTS} is not what fits the logs:\n{}", table.source());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
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
