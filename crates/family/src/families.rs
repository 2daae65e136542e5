//! Families as reports come: each joins the family that it is most like, or founds one.

use crate::index::Index;
use crate::model::Model;
use crate::profile::{Names, Profile};
use crate::rarity::Rarity;
use crate::terms::Terms;
use crate::traits::Traits;

/// A report joins a family from this probability on.
const JOIN: f32 = 0.45;

/// A family is judged by so many of its members, those that are most like the report: one that is alike by chance must
/// not stand for a family that is not.
const JUDGES: usize = 5;

/// Reports that do not say their release have that of the reports around them: the median of so many.
const AROUND: usize = 41;

/// All reports, in families.
#[derive(Clone, Debug, Default)]
pub struct Families {
    names: Names,
    index: Index,
    members: Vec<Member>,
    sizes: Vec<u32>,
    releases: std::collections::VecDeque<i32>,
}

#[derive(Clone, Debug)]
struct Member {
    profile: Profile,
    family: u32,
    time: i32,
}

/// Where a report was put.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// Number of the report, in the order in which they came.
    pub report: u32,
    /// Number of its family, in the order in which they were founded.
    pub family: u32,
    /// The probability that it is the bug of the family that it joined, or of the one that it was closest to.
    pub probability: f32,
    /// True where the report founded the family.
    pub founded: bool,
    /// The known reports that are most like it, best first.
    pub candidates: Vec<Candidate>,
}

/// A known report that may be the same bug.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Its number.
    pub report: u32,
    /// The probability that both are one bug.
    pub probability: f32,
}

impl Families {
    /// No reports yet; how rare names are from this table.
    pub fn new(rarity: Rarity) -> Families {
        Families { names: Names::new(rarity), ..Families::default() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sizes.len()
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// Puts a report into its family, by this model.
    pub fn add(&mut self, traits: &Traits, model: &Model) -> Placement {
        let profile = self.names.profile(traits);
        let time = self.time(&profile);
        let mut candidates: Vec<Candidate> = self
            .index
            .candidates(&profile)
            .into_iter()
            .map(|report| {
                let terms = self.terms_with(&profile, time, report);
                Candidate { report, probability: model.probability(&terms) }
            })
            .collect();
        candidates.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.report.cmp(&b.report)));
        let best = self.closest(&candidates);
        let report = u32::try_from(self.members.len()).expect("memory ends before reports do");
        let (family, probability, founded) = match best {
            Some((family, probability)) if probability >= JOIN => (family, probability, false),
            best => {
                (u32::try_from(self.sizes.len()).expect("no more than reports"), best.map_or(0.0, |best| best.1), true)
            }
        };
        if founded {
            self.sizes.push(0);
        }
        self.sizes[family as usize] += 1;
        self.index.add(report, &profile);
        self.members.push(Member { profile, family, time });
        Placement { report, family, probability, founded, candidates }
    }

    /// How two known reports are alike.
    pub fn terms(&self, a: u32, b: u32) -> Terms {
        let a = &self.members[a as usize];
        self.terms_with(&a.profile, a.time, b)
    }

    fn terms_with(&self, profile: &Profile, time: i32, other: u32) -> Terms {
        let other = &self.members[other as usize];
        Terms::of(profile, &other.profile, (time, other.time))
    }

    /// The family that a report is most like, judged by the mean over some of its members.
    fn closest(&self, candidates: &[Candidate]) -> Option<(u32, f32)> {
        let mut families: Vec<(u32, f32, usize)> = Vec::new();
        for candidate in candidates {
            let family = self.members[candidate.report as usize].family;
            match families.iter_mut().find(|known| known.0 == family) {
                Some((_, sum, count)) if *count < JUDGES => (*sum, *count) = (*sum + candidate.probability, *count + 1),
                Some(_) => {}
                None => families.push((family, candidate.probability, 1)),
            }
        }
        let judged = families
            .into_iter()
            .map(|(family, sum, _)| (family, sum / JUDGES.min(self.sizes[family as usize] as usize) as f32));
        judged.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
    }

    /// When a report was printed, in mainline releases.
    fn time(&mut self, profile: &Profile) -> i32 {
        if let Some(number) = profile.number {
            self.releases.push_back(number);
            if self.releases.len() > AROUND {
                self.releases.pop_front();
            }
            return number;
        }
        let mut around: Vec<i32> = self.releases.iter().copied().collect();
        around.sort_unstable();
        around.get(around.len() / 2).copied().unwrap_or(0)
    }
}
