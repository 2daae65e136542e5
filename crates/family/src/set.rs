//! Sets of names, each with what it weighs.

/// A set of names by number, ascending, each with its weight.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Set(Vec<(u32, f32)>);

impl Set {
    /// The set of these; the largest weight of one name counts.
    pub(crate) fn new(mut names: Vec<(u32, f32)>) -> Set {
        names.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        names.dedup_by_key(|name| name.0);
        Set(names)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, f32)> + '_ {
        self.0.iter().copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn contains(&self, name: u32) -> bool {
        self.0.binary_search_by_key(&name, |name| name.0).is_ok()
    }

    pub(crate) fn weight(&self) -> f32 {
        self.0.iter().map(|name| name.1).sum()
    }

    /// The names of both sets with their weights.
    pub(crate) fn shared<'a>(&'a self, other: &'a Set) -> impl Iterator<Item = (u32, f32, f32)> + 'a {
        let mut rest = &other.0[..];
        self.0.iter().filter_map(move |(name, weight)| {
            let skip = rest.iter().take_while(|other| other.0 < *name).count();
            rest = &rest[skip..];
            rest.first().filter(|other| other.0 == *name).map(|other| (*name, *weight, other.1))
        })
    }

    /// The weight of what is in both over the weight of what is in either, from 0 to 1.
    pub(crate) fn alike(&self, other: &Set) -> f32 {
        let shared: f32 = self.shared(other).map(|(_, a, b)| a.min(b)).sum();
        if shared <= 0.0 { 0.0 } else { shared / (self.weight() + other.weight() - shared) }
    }

    /// The weight of what is in both over that of the lighter set, from 0 to 1.
    pub(crate) fn contained(&self, other: &Set) -> f32 {
        let shared: f32 = self.shared(other).map(|(_, a, b)| a.min(b)).sum();
        if shared <= 0.0 { 0.0 } else { shared / self.weight().min(other.weight()) }
    }

    /// The cosine of the two as vectors, from 0 to 1.
    pub(crate) fn cosine(&self, other: &Set) -> f32 {
        let product: f32 = self.shared(other).map(|(_, a, b)| a * b).sum();
        if product <= 0.0 { 0.0 } else { product / (self.length() * other.length()) }
    }

    /// The length as a vector.
    pub(crate) fn length(&self) -> f32 {
        self.0.iter().map(|name| name.1 * name.1).sum::<f32>().sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_compared_by_weight() {
        let a = Set::new(vec![(3, 2.0), (1, 1.0), (3, 1.0)]);
        let b = Set::new(vec![(3, 2.0), (7, 4.0)]);
        assert_eq!(a.len(), 2);
        assert_eq!(a.alike(&b), 2.0 / 7.0);
        assert_eq!(a.contained(&b), 2.0 / 3.0);
        assert_eq!(a.alike(&Set::default()), 0.0);
        assert!((a.cosine(&a) - 1.0).abs() < 1e-6);
        assert!(a.contains(1) && !a.contains(2));
    }
}
