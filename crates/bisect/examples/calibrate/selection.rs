//! Which measures would be chosen by one who has not seen the logs that they are tested on?

use crate::model::{Data, FOLDS, fit, likelihood_loss, probability};
use std::collections::BTreeMap;

/// The penalty that all candidates are compared with.
const PENALTY: f64 = 0.3;

impl Data {
    /// Predictions by models whose measures are chosen in the training folds, forward from none; how often each was.
    pub fn predict_selected(&self, seed: u64) -> (Vec<f64>, BTreeMap<&'static str, usize>) {
        let right = self.right();
        let all: Vec<usize> = (0..right.len()).collect();
        let folds = self.folds(&all, seed);
        let (mut predictions, mut chosen) = (vec![0.0; right.len()], BTreeMap::new());
        for fold in 0..FOLDS {
            let train: Vec<usize> = all.iter().copied().filter(|&at| folds[at] != fold).collect();
            let columns = self.select(&train, seed);
            for &column in &columns {
                *chosen.entry(self.names[column]).or_insert(0) += 1;
            }
            let rows = self.matrix(&columns);
            let weights = fit(&rows, &right, &train, PENALTY);
            for &at in all.iter().filter(|&&at| folds[at] == fold) {
                predictions[at] = probability(&weights, &rows[at]).min(self.samples[at].at_most);
            }
        }
        (predictions, chosen)
    }

    /// Adds the measure that lowers the loss of an inner cross-validation most, as long as one does.
    fn select(&self, train: &[usize], seed: u64) -> Vec<usize> {
        let right = self.right();
        let folds = self.folds(train, seed + 2000);
        let loss = |columns: &[usize]| -> f64 {
            let rows = self.matrix(columns);
            let one = |fold: usize| -> f64 {
                let inner: Vec<usize> = train.iter().copied().filter(|&at| folds[at] != fold).collect();
                let weights = fit(&rows, &right, &inner, PENALTY);
                let tested = train.iter().filter(|&&at| folds[at] == fold);
                tested.map(|&at| likelihood_loss(probability(&weights, &rows[at]), right[at])).sum()
            };
            (0..FOLDS).map(one).sum()
        };
        let (mut columns, mut best) = (Vec::new(), f64::INFINITY);
        loop {
            let candidates = (0..self.names.len()).filter(|column| !columns.contains(column));
            let with = candidates.map(|column| {
                let columns = [&columns[..], &[column]].concat();
                (loss(&columns), column)
            });
            match with.min_by(|a, b| a.0.total_cmp(&b.0)) {
                Some((loss, column)) if loss < best => {
                    best = loss;
                    columns.push(column);
                }
                _ => return columns,
            }
        }
    }
}
