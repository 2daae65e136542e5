//! Buckets: the reports of one signature, counted.

use std::collections::BTreeMap;

use crate::signature::Signature;

/// Where a report was found: the number of its input, then its own number in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Number of the input, in the order in which they were given.
    pub input: usize,
    /// Number of the report in that input.
    pub index: usize,
}

/// One report as a bucket counts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Where it was found.
    pub place: Place,
    /// Its title.
    pub title: String,
    /// True where the title may be wrong, since the report is damaged.
    pub corrupted: bool,
    /// Length of the report, in bytes.
    pub length: usize,
}

impl Sighting {
    /// Smaller is the better sample: whole, then short enough to be read, then early.
    fn rank(&self) -> (bool, usize, Place) {
        (self.corrupted, self.length, self.place)
    }
}

/// The reports of one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// What they have in common.
    pub signature: Signature,
    /// How many there are.
    pub count: usize,
    /// The first one.
    pub first: Place,
    /// The last one.
    pub last: Place,
    /// The one to read: it is not corrupted if any of them is not, and the shortest of these.
    pub sample: Sighting,
}

/// All buckets of a flood. Adding is associative and commutative: the result does not depend on the order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    buckets: BTreeMap<Signature, Bucket>,
}

impl Buckets {
    /// Counts a report.
    pub fn add(&mut self, signature: Signature, sighting: Sighting) {
        let place = sighting.place;
        self.join(Bucket { signature, count: 1, first: place, last: place, sample: sighting });
    }

    /// Counts the reports of other buckets, which must come from other inputs.
    pub fn merge(&mut self, other: Buckets) {
        other.buckets.into_values().for_each(|bucket| self.join(bucket));
    }

    /// The same buckets, where the inputs are preceded by so many others.
    pub fn shifted(self, inputs: usize) -> Buckets {
        let shift = |place: Place| Place { input: place.input + inputs, ..place };
        let bucket = |bucket: Bucket| Bucket {
            first: shift(bucket.first),
            last: shift(bucket.last),
            sample: Sighting { place: shift(bucket.sample.place), ..bucket.sample },
            ..bucket
        };
        Buckets { buckets: self.buckets.into_iter().map(|(signature, b)| (signature, bucket(b))).collect() }
    }

    /// The buckets by count, most first, then in the order in which they were first seen.
    pub fn ranked(&self) -> Vec<&Bucket> {
        let mut ranked: Vec<_> = self.buckets.values().collect();
        ranked.sort_by_key(|bucket| (std::cmp::Reverse(bucket.count), bucket.first));
        ranked
    }

    fn join(&mut self, bucket: Bucket) {
        match self.buckets.entry(bucket.signature.clone()) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                vacant.insert(bucket);
            }
            std::collections::btree_map::Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.count += bucket.count;
                known.first = known.first.min(bucket.first);
                known.last = known.last.max(bucket.last);
                if bucket.sample.rank() < known.sample.rank() {
                    known.sample = bucket.sample;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Title;
    use trace::{Log, Report};

    fn report(kind: &str, input: usize, corrupted: bool) -> (Signature, Sighting) {
        let text = format!("{kind}\n");
        let log = Log::parse(text.as_bytes(), trace::Rules::Syzbot);
        let splat = log.splats().next().expect("a splat");
        let title = Title::of(&splat);
        let signature = Signature::of(&splat, &Report::parse(&splat), &title);
        let sighting = Sighting { place: Place { input, index: 0 }, title: title.title, corrupted, length: text.len() };
        (signature, sighting)
    }

    #[test]
    fn buckets_do_not_depend_on_the_order() {
        let reports = [
            report("SYZFAIL: a", 0, true),
            report("SYZFAIL: b", 1, false),
            report("SYZFAIL: a", 2, false),
            report("SYZFAIL: a", 3, false),
        ];
        let mut forward = Buckets::default();
        reports.iter().cloned().for_each(|(signature, sighting)| forward.add(signature, sighting));
        let (mut one, mut two) = (Buckets::default(), Buckets::default());
        reports[2..].iter().rev().cloned().for_each(|(signature, sighting)| one.add(signature, sighting));
        reports[..2].iter().cloned().for_each(|(signature, sighting)| two.add(signature, sighting));
        one.merge(two);
        assert_eq!(one, forward);
        let counts: Vec<_> =
            forward.ranked().iter().map(|b| (b.sample.title.clone(), b.count, b.sample.place.input)).collect();
        assert_eq!(counts, [("SYZFAIL: a".into(), 3, 2), ("SYZFAIL: b".into(), 1, 1)]);
    }
}
