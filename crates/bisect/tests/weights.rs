//! The table of weights in the crate is what the labelled logs say, and is as good as it says.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

#[path = "../examples/calibrate/model.rs"]
mod model;
#[path = "../examples/calibrate/table.rs"]
mod table;

use std::path::Path;
use table::{TRUST, Table, columns, mean_predictions, read};

/// The penalty that `make calibrate` chooses, and prints.
const PENALTY: f64 = 0.3;

/// What `make calibrate CHECK=--check` holds, too, with the choice of the penalty.
#[test]
fn the_table_is_what_fits_the_labelled_logs() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    if !corpus.join("bisection-labels.tsv").exists() {
        println!("skipped: ../shared/corpus is missing");
        return;
    }
    let data = read(&corpus);
    assert_eq!(data.samples.len(), 493);
    let predictions = mean_predictions(&data, PENALTY);
    assert_eq!(Table::fit(&data, PENALTY, &predictions).source(), include_str!("../src/weights.rs"));

    // The goal, on predictions of models that have not seen the culprit, by thresholds that have not either.
    let model::Figures { auc, recall, precision } = data.figures(&columns(&data), Some(PENALTY));
    println!("AUC {auc:.3}, {precision:.3} right at 60 % recall, recall {recall:.2} at 90 % right");
    assert!(auc >= 0.92 && precision >= 0.90 && recall >= 0.60, "{auc} {precision} {recall}");
    let (trusted, hits, rights) = data.thresholded(&columns(&data), Some(PENALTY), TRUST);
    let (precision, recall) = (hits as f64 / trusted as f64, hits as f64 / rights as f64);
    println!("{precision:.3} of the trusted are right, {recall:.3} of the right ones are trusted");
    assert!(precision >= 0.90 && recall >= 0.60, "{precision} {recall}");
}
