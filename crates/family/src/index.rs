//! Which known reports may be like a new one: those that share rare names with it.

use std::collections::HashMap;

use crate::profile::Profile;

/// How many reports are compared with a new one.
pub(crate) const CANDIDATES: usize = 80;

/// How many reports of a name are remembered, the latest: what many reports have says little, and a bug's reports come
/// close together. It bounds what a report costs, however many are known.
const REMEMBERED: usize = 256;

/// For each name, the reports that have it.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// By name: a ring of the latest reports, with what the name weighs in them.
    postings: Vec<Postings>,
}

#[derive(Clone, Debug, Default)]
struct Postings {
    reports: Vec<(u32, f32)>,
    next: usize,
}

impl Index {
    /// Adds a report.
    pub fn add(&mut self, report: u32, profile: &Profile) {
        let length = profile.bag.length();
        for (name, weight) in profile.bag.iter() {
            let name = name as usize;
            if self.postings.len() <= name {
                self.postings.resize_with(name + 1, Postings::default);
            }
            let Postings { reports, next } = &mut self.postings[name];
            if reports.len() < REMEMBERED {
                reports.push((report, weight / length));
            } else {
                reports[*next] = (report, weight / length);
                *next = (*next + 1) % REMEMBERED;
            }
        }
    }

    /// The reports that have most in common with this one, best first; ties in the order of their numbers.
    pub fn candidates(&self, profile: &Profile) -> Vec<u32> {
        let mut found: HashMap<u32, f32> = HashMap::new();
        for (name, weight) in profile.bag.iter() {
            let Some(postings) = self.postings.get(name as usize) else { continue };
            for (report, other) in &postings.reports {
                *found.entry(*report).or_default() += weight * other;
            }
        }
        let mut found: Vec<(u32, f32)> = found.into_iter().collect();
        let better = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0));
        if found.len() > CANDIDATES {
            found.select_nth_unstable_by(CANDIDATES - 1, better);
            found.truncate(CANDIDATES);
        }
        found.sort_unstable_by(better);
        found.into_iter().map(|(report, _)| report).collect()
    }
}
