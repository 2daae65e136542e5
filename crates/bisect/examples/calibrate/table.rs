//! The table of weights: what it is fitted on, and its source text.

use crate::model::{Data, Sample, threshold};
use bisect::Log;
use std::{collections::BTreeMap, fmt::Write, fs::File, io::Read, path::Path};

/// Measures that are in the model, in groups for the ablation. The other measures are findings without a weight.
pub const GROUPS: &[(&str, &[&str])] = &[
    ("another crash answered", &["crash-drift"]),
    ("culprit and report", &["files-elsewhere", "names-elsewhere"]),
    ("where it crashed", &["busy-subsystem"]),
    ("release walk", &["release-walk"]),
    ("what the culprit is", &["impossible-culprit", "exposing-culprit", "equal-kernels"]),
    ("runs and verdicts", &["single-crash", "good-end"]),
];
/// Mean probability of those that are called `trust`.
pub const TRUST: f64 = 0.89;
/// Mean probability of those that are called `reject`.
const REJECT: f64 = 0.07;

/// What is written into `src/weights.rs`.
pub struct Table {
    /// Log-odds of a result without any finding.
    pub constant: f64,
    /// Each measure's name and weight.
    pub weights: Vec<(&'static str, f64)>,
    /// The least probability that is called `trust`.
    pub trust: f64,
    /// The least probability that is not called `reject`.
    pub reject: f64,
}

impl Table {
    /// Fits the table with a penalty; `predictions` are the mean ones of a cross-validation with that penalty.
    pub fn fit(data: &Data, penalty: f64, predictions: &[f64]) -> Table {
        let columns = columns(data);
        let weights = data.fit_all(&columns, penalty);
        Table {
            constant: weights[0],
            weights: columns.iter().map(|&at| data.names[at]).zip(weights[1..].iter().copied()).collect(),
            trust: threshold(predictions.to_vec(), TRUST),
            reject: 1.0 - threshold(predictions.iter().map(|p| 1.0 - p).collect(), 1.0 - REJECT),
        }
    }

    /// The text of `src/weights.rs`.
    pub fn source(&self) -> String {
        let mut out = String::from(
            "//! The weights of the audit: written by `examples/calibrate`, explained in `CALIBRATION.md`.\n\n",
        );
        let Table { constant, trust, reject, .. } = self;
        for (doc, name, value) in [
            ("Log-odds that a result without any finding is right.", "CONSTANT", constant),
            ("Results with this probability or more are called `trust`.", "TRUST", trust),
            ("Results with less are called `reject`.", "REJECT", reject),
        ] {
            writeln!(out, "/// {doc}\npub(crate) const {name}: f64 = {value:.3};").unwrap();
        }
        out += "/// What a measure of 1 adds to the log-odds.\npub(crate) const WEIGHTS: &[(&str, f64)] = &[\n";
        for (name, weight) in &self.weights {
            writeln!(out, "    (\"{name}\", {weight:.3}),").unwrap();
        }
        out + "];\n"
    }
}

/// The columns of the model.
pub fn columns(data: &Data) -> Vec<usize> {
    GROUPS.iter().flat_map(|(_, names)| names.iter().map(|name| column(data, name))).collect()
}

/// The column of a measure.
pub fn column(data: &Data, name: &str) -> usize {
    data.names.iter().position(|other| *other == name).unwrap()
}

/// Mean predictions of a cross-validation with a penalty.
pub fn mean_predictions(data: &Data, penalty: f64) -> Vec<f64> {
    let mut mean = vec![0.0; data.samples.len()];
    for seed in 0..10 {
        for (sum, p) in mean.iter_mut().zip(data.predict(&columns(data), Some(penalty), seed)) {
            *sum += p / 10.0;
        }
    }
    mean
}

/// The labelled logs, measured, in the order of their names.
pub fn read(directory: &Path) -> Data {
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
        let measures = bisect::measures(&log, bisect::Context::default());
        data.names = measures.iter().map(|measure| measure.name).collect();
        let group = log.culprit.as_ref().map_or(name.clone(), |culprit| culprit.hash.to_string());
        let at_most = measures.iter().filter_map(|measure| measure.at_most).fold(1.0, f64::min);
        let values = measures.iter().map(|measure| measure.value).collect();
        data.samples.push(Sample { log: name, right, group, values, at_most });
    }
    data.samples.sort_by(|a, b| a.log.cmp(&b.log));
    data
}
