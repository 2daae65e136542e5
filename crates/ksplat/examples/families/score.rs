//! How good families are, by the measures of the dedup literature.

use std::collections::{HashMap, HashSet};
use std::fmt;

use family::Placement;

use crate::data::Labelled;

/// The measures of one run.
pub struct Table {
    rows: Vec<(&'static str, Clusters)>,
    recall: f64,
    auc: f64,
}

/// Two ways to group the same reports, compared.
#[derive(Clone, Copy, Debug)]
struct Clusters {
    pair: (f64, f64),
    cubed: (f64, f64),
    reports: usize,
}

impl Table {
    /// Judges the families of these reports. Storms are left out.
    pub fn of(reports: &[Labelled], placements: &[Option<Placement>]) -> Table {
        let family: Vec<usize> = placements
            .iter()
            .enumerate()
            .map(|(number, placement)| placement.as_ref().map_or(usize::MAX - number, |p| p.family as usize))
            .collect();
        let clusters = |keep: &dyn Fn(&Labelled) -> bool| {
            let kept = reports.iter().zip(&family).filter(|(report, _)| !report.storm && keep(report));
            Clusters::of(kept.map(|(report, family)| (report.group.as_str(), *family)))
        };
        let rows = vec![
            ("no storms", clusters(&|_| true)),
            ("known fix", clusters(&|report| report.fixed)),
            ("not by title", clusters(&|report| !report.by_title)),
        ];
        Table { rows, recall: recall(reports, placements), auc: auc(reports, placements) }
    }
}

impl Clusters {
    fn of<'r>(reports: impl Iterator<Item = (&'r str, usize)>) -> Clusters {
        let (mut groups, mut families, mut both) = (HashMap::new(), HashMap::new(), HashMap::new());
        let mut count = 0usize;
        for (group, family) in reports {
            *groups.entry(group).or_insert(0usize) += 1;
            *families.entry(family).or_insert(0usize) += 1;
            *both.entry((group, family)).or_insert(0usize) += 1;
            count += 1;
        }
        let pairs = |n: &usize| (n * (n - 1) / 2) as f64;
        let right: f64 = both.values().map(pairs).sum();
        let (said, are): (f64, f64) = (families.values().map(pairs).sum(), groups.values().map(pairs).sum());
        // Sums of whole numbers over a sorted list: the result does not depend on the order of the maps.
        let cubed = |size: &dyn Fn(&(&str, usize)) -> usize| {
            let mut shares: Vec<f64> = both.iter().map(|(key, n)| (n * n) as f64 / size(key) as f64).collect();
            shares.sort_by(f64::total_cmp);
            shares.iter().sum::<f64>() / count as f64
        };
        let cubed = (cubed(&|key| families[&key.1]), cubed(&|key| groups[key.0]));
        Clusters { pair: (right / said, right / are), cubed, reports: count }
    }
}

/// Of the reports whose bug was seen before under another title, the share with one of it among the ten best.
fn recall(reports: &[Labelled], placements: &[Option<Placement>]) -> f64 {
    let numbers: Vec<usize> = (0..reports.len()).filter(|number| placements[*number].is_some()).collect();
    let mut seen: HashMap<&str, Vec<usize>> = HashMap::new();
    let (mut found, mut all) = (0usize, 0usize);
    for (number, (report, placement)) in reports.iter().zip(placements).enumerate() {
        let before = seen.entry(&report.group).or_default();
        let other: HashSet<usize> =
            before.iter().copied().filter(|other| reports[*other].title != report.title).collect();
        if !report.storm && !other.is_empty() {
            all += 1;
            let best = placement.iter().flat_map(|p| p.candidates.iter().take(10)).map(|c| numbers[c.report as usize]);
            found += usize::from(best.into_iter().any(|best| other.contains(&best)));
        }
        before.push(number);
    }
    found as f64 / all as f64
}

/// The area under the curve of telling known bugs from new ones by the best candidate's probability.
fn auc(reports: &[Labelled], placements: &[Option<Placement>]) -> f64 {
    let mut seen: HashSet<&str> = HashSet::new();
    let mut scored: Vec<(f32, bool)> = Vec::new();
    for (report, placement) in reports.iter().zip(placements) {
        let known = !seen.insert(&report.group);
        let best = placement.as_ref().and_then(|placement| placement.candidates.first());
        if !report.storm {
            scored.push((best.map_or(0.0, |best| best.probability), known));
        }
    }
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut sum) = (0.0, 0.0);
    for ties in scored.chunk_by(|a, b| a.0 == b.0) {
        let known = ties.iter().filter(|(_, known)| *known).count() as f64;
        let new = ties.len() as f64 - known;
        sum += known * (below + new / 2.0);
        below += new;
    }
    let known = scored.iter().filter(|(_, known)| *known).count() as f64;
    sum / (known * (scored.len() as f64 - known))
}

fn harmonic((p, r): (f64, f64)) -> f64 {
    2.0 * p * r / (p + r)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, clusters) in &self.rows {
            let (pair, cubed) = (clusters.pair, clusters.cubed);
            writeln!(
                f,
                "{name:14} pair P {:.3} R {:.3} F1 {:.3} | B3 P {:.3} R {:.3} F1 {:.3} | {} reports",
                pair.0,
                pair.1,
                harmonic(pair),
                cubed.0,
                cubed.1,
                harmonic(cubed),
                clusters.reports
            )?;
        }
        write!(f, "recall@10 across titles {:.3} | AUC known against new {:.3}", self.recall, self.auc)
    }
}
