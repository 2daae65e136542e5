//! A logistic model: fitted, cross-validated, ablated.

use std::collections::BTreeMap;

/// The measures of all labelled logs.
#[derive(Default)]
pub struct Data {
    /// Names of the measures.
    pub names: Vec<&'static str>,
    /// The logs.
    pub samples: Vec<Sample>,
}

/// One labelled log.
pub struct Sample {
    /// Its name.
    pub log: String,
    /// Whether its culprit is the right one.
    pub right: bool,
    /// Its culprit: logs of one culprit are never split over training and test.
    pub group: String,
    /// Its measures.
    pub values: Vec<f64>,
    /// The highest probability that its measures leave it.
    pub at_most: f64,
}

pub const FOLDS: usize = 10;
const SHUFFLES: u64 = 10;
/// Penalties that the inner cross-validation chooses from; on measures that are not scaled.
const PENALTIES: [f64; 5] = [0.1, 0.3, 1.0, 3.0, 10.0];

/// Figures of one set of predictions.
#[derive(Clone, Copy, Default)]
pub struct Figures {
    /// Area under the curve.
    pub auc: f64,
    /// Share of the right ones that can be called `trust` with 90 % precision, the threshold being chosen afterwards.
    pub recall: f64,
    /// Precision at the threshold that calls 60 % of the right ones `trust`.
    pub precision: f64,
}

impl Data {
    /// The columns of all logs, behind a constant 1.
    pub fn matrix(&self, columns: &[usize]) -> Vec<Vec<f64>> {
        let row = |sample: &Sample| [1.0].into_iter().chain(columns.iter().map(|&c| sample.values[c])).collect();
        self.samples.iter().map(row).collect()
    }

    pub fn right(&self) -> Vec<f64> {
        self.samples.iter().map(|sample| f64::from(u8::from(sample.right))).collect()
    }

    /// Which fold each log belongs to: whole groups, large ones first, to the fold with the fewest logs.
    pub fn folds(&self, among: &[usize], seed: u64) -> Vec<usize> {
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for &at in among {
            groups.entry(&self.samples[at].group).or_default().push(at);
        }
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut random = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            state >> 33
        };
        let mut groups: Vec<(u64, Vec<usize>)> = groups.into_values().map(|group| (random(), group)).collect();
        groups.sort_by_key(|(random, group)| (std::cmp::Reverse(group.len()), *random));
        let (mut folds, mut sizes) = (vec![usize::MAX; self.samples.len()], [0; FOLDS]);
        for (_, group) in groups {
            let fold = (0..FOLDS).min_by_key(|&fold| (sizes[fold], random())).unwrap_or(0);
            sizes[fold] += group.len();
            for at in group {
                folds[at] = fold;
            }
        }
        folds
    }

    /// Predictions for every log by models that have not seen its culprit.
    pub fn predict(&self, columns: &[usize], penalty: Option<f64>, seed: u64) -> Vec<f64> {
        let (rows, right) = (self.matrix(columns), self.right());
        let all: Vec<usize> = (0..rows.len()).collect();
        let folds = self.folds(&all, seed);
        let mut predictions = vec![0.0; rows.len()];
        for fold in 0..FOLDS {
            let train: Vec<usize> = all.iter().copied().filter(|&at| folds[at] != fold).collect();
            let penalty = penalty.unwrap_or_else(|| self.best_penalty(columns, &train, seed));
            let weights = fit(&rows, &right, &train, penalty);
            for &at in all.iter().filter(|&&at| folds[at] == fold) {
                predictions[at] = probability(&weights, &rows[at]).min(self.samples[at].at_most);
            }
        }
        predictions
    }

    /// The penalty with the best likelihood in a cross-validation inside the training logs.
    pub fn best_penalty(&self, columns: &[usize], train: &[usize], seed: u64) -> f64 {
        let (rows, right) = (self.matrix(columns), self.right());
        let folds = self.folds(train, seed + 1000);
        let loss = |penalty: f64| -> f64 {
            let one = |fold: usize| -> f64 {
                let inner: Vec<usize> = train.iter().copied().filter(|&at| folds[at] != fold).collect();
                let weights = fit(&rows, &right, &inner, penalty);
                let tested = train.iter().filter(|&&at| folds[at] == fold);
                tested.map(|&at| likelihood_loss(probability(&weights, &rows[at]), right[at])).sum()
            };
            (0..FOLDS).map(one).sum()
        };
        let losses = PENALTIES.map(|penalty| (loss(penalty), penalty));
        losses.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).map_or(1.0, |(_, penalty)| penalty)
    }

    /// The mean figures over all shuffles.
    pub fn figures(&self, columns: &[usize], penalty: Option<f64>) -> Figures {
        let right = self.right();
        let mut mean = Figures::default();
        for seed in 0..SHUFFLES {
            let figures = figures(&self.predict(columns, penalty, seed), &right);
            mean.auc += figures.auc / SHUFFLES as f64;
            mean.recall += figures.recall / SHUFFLES as f64;
            mean.precision += figures.precision / SHUFFLES as f64;
        }
        mean
    }

    /// Weights over all logs: the constant, then one for each column.
    pub fn fit_all(&self, columns: &[usize], penalty: f64) -> Vec<f64> {
        let all: Vec<usize> = (0..self.samples.len()).collect();
        fit(&self.matrix(columns), &self.right(), &all, penalty)
    }

    /// What thresholds chosen on the training logs do to the others, over all shuffles:
    /// (called trust, right among them, right in all).
    pub fn thresholded(&self, columns: &[usize], penalty: Option<f64>, wanted: f64) -> (usize, usize, usize) {
        let right = self.right();
        let all: Vec<usize> = (0..right.len()).collect();
        let mut sums = (0, 0, 0);
        for seed in 0..SHUFFLES {
            let folds = self.folds(&all, seed);
            let predictions = self.predict(columns, penalty, seed);
            for fold in 0..FOLDS {
                let others: Vec<f64> = all.iter().filter(|&&at| folds[at] != fold).map(|&at| predictions[at]).collect();
                let threshold = threshold(others, wanted);
                for &at in all.iter().filter(|&&at| folds[at] == fold) {
                    let trusted = predictions[at] >= threshold;
                    sums.0 += usize::from(trusted);
                    sums.1 += usize::from(trusted && right[at] > 0.5);
                    sums.2 += usize::from(right[at] > 0.5);
                }
            }
        }
        sums
    }
}

/// The lowest threshold above which the mean probability is the wanted one. It looks at no label: the model is
/// calibrated, and a threshold that follows the labels of the few best results jumps with each of them.
pub fn threshold(mut predictions: Vec<f64>, wanted: f64) -> f64 {
    predictions.sort_by(|a, b| b.total_cmp(a));
    let (mut sum, mut lowest) = (0.0, 1.0);
    for (rank, prediction) in predictions.into_iter().enumerate() {
        sum += prediction;
        if sum / (rank + 1) as f64 >= wanted {
            lowest = prediction;
        }
    }
    lowest
}

pub fn probability(weights: &[f64], row: &[f64]) -> f64 {
    let sum: f64 = weights.iter().zip(row).map(|(weight, value)| weight * value).sum();
    1.0 / (1.0 + (-sum).exp())
}

/// What a prediction costs: the negative logarithm of the probability of what is true.
pub fn likelihood_loss(probability: f64, right: f64) -> f64 {
    let probability = probability.clamp(1e-9, 1.0 - 1e-9);
    -(right * probability.ln() + (1.0 - right) * (1.0 - probability).ln())
}

/// Newton's method for the penalised likelihood; the constant is not penalised.
pub fn fit(rows: &[Vec<f64>], right: &[f64], train: &[usize], penalty: f64) -> Vec<f64> {
    let size = rows[0].len();
    let mut weights = vec![0.0; size];
    for _ in 0..25 {
        let (mut gradient, mut hessian) = (vec![0.0; size], vec![vec![0.0; size]; size]);
        for (index, weight) in weights.iter().enumerate().skip(1) {
            gradient[index] = penalty * weight;
            hessian[index][index] = penalty;
        }
        for &at in train {
            let p = probability(&weights, &rows[at]);
            for i in 0..size {
                gradient[i] += (p - right[at]) * rows[at][i];
                for j in 0..size {
                    hessian[i][j] += p * (1.0 - p) * rows[at][i] * rows[at][j];
                }
            }
        }
        let step = solve(hessian, gradient);
        for (weight, step) in weights.iter_mut().zip(&step) {
            *weight -= step;
        }
        if step.iter().all(|step| step.abs() < 1e-9) {
            break;
        }
    }
    weights
}

/// Gauss's elimination; the matrix is positive definite.
fn solve(mut matrix: Vec<Vec<f64>>, mut vector: Vec<f64>) -> Vec<f64> {
    let size = vector.len();
    for pivot in 0..size {
        for row in pivot + 1..size {
            let factor = matrix[row][pivot] / matrix[pivot][pivot];
            let (above, below) = matrix.split_at_mut(row);
            for (value, upper) in below[0].iter_mut().zip(&above[pivot]).skip(pivot) {
                *value -= factor * upper;
            }
            vector[row] -= factor * vector[pivot];
        }
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|column| matrix[row][column] * vector[column]).sum();
        vector[row] = (vector[row] - known) / matrix[row][row];
    }
    vector
}

/// Figures of predictions against the truth.
pub fn figures(predictions: &[f64], right: &[f64]) -> Figures {
    let (mut wins, mut pairs) = (0.0, 0.0);
    for (a, _) in right.iter().enumerate().filter(|(_, right)| **right > 0.5) {
        for (b, _) in right.iter().enumerate().filter(|(_, right)| **right < 0.5) {
            pairs += 1.0;
            wins += match predictions[a].total_cmp(&predictions[b]) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    let mut order: Vec<usize> = (0..right.len()).collect();
    order.sort_by(|&a, &b| predictions[b].total_cmp(&predictions[a]));
    let total: f64 = right.iter().sum();
    let (mut hits, mut recall, mut precision) = (0.0, 0.0, 0.0);
    for (rank, at) in order.into_iter().enumerate() {
        hits += right[at];
        let share = hits / (rank + 1) as f64;
        if share >= 0.9 {
            recall = hits / total;
        }
        if precision == 0.0 && hits / total >= 0.6 {
            precision = share;
        }
    }
    Figures { auc: wins / pairs, recall, precision }
}
