//! Two kernels taken apart, part against part.

use std::collections::BTreeMap;

use super::{Digests, Part, PartKind, Program};

/// What differs between two kernels, sorted by kind and name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Parts that are not the same, or only in one of both.
    pub changes: Vec<Change>,
}

/// A part that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What the part is.
    pub kind: PartKind,
    /// Its name without what compilers number; the text of a string; the section of a table.
    pub name: String,
    /// How it differs.
    pub what: What,
    /// Which part of the first kernel it is.
    pub first: Option<usize>,
    /// Which part of the second kernel it is.
    pub second: Option<usize>,
}

/// How a part differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// It is in the second kernel only.
    Added,
    /// It is in the first kernel only.
    Removed,
    /// Its own bytes differ: instructions, constants.
    Bytes,
    /// Its own bytes are the same, and it refers to something else: calls another function, prints another string.
    References,
}

type Key<'p> = (PartKind, &'p str);
type Members<'p> = Vec<(usize, &'p Digests)>;

impl Difference {
    /// Compares two kernels, each with the digests of its parts.
    pub fn new(first: (&Program<'_>, &[Option<Digests>]), second: (&Program<'_>, &[Option<Digests>])) -> Difference {
        let mut groups: BTreeMap<Key<'_>, [Members<'_>; 2]> = BTreeMap::new();
        for (side, (program, digests)) in [first, second].into_iter().enumerate() {
            for (at, (part, digests)) in program.parts.iter().zip(digests).enumerate() {
                let Some(digests) = digests else { continue };
                let kind = match part.kind {
                    PartKind::Table { .. } => PartKind::Table { stride: 0 },
                    kind => kind,
                };
                let name = match kind {
                    PartKind::Table { .. } | PartKind::Orc if part.name.is_empty() => program.section_of(part),
                    _ => &part.name,
                };
                groups.entry((kind, name)).or_default()[side].push((at, digests));
            }
        }
        let mut difference = Difference::default();
        for ((kind, name), [mut ours, mut theirs]) in groups {
            without_equals(&mut ours, &mut theirs);
            // Literals have no names by which one could be another's successor.
            let pairs = if kind == PartKind::Literal { 0 } else { ours.len().min(theirs.len()) };
            let mut add = |what, name: String, a: Option<usize>, b: Option<usize>| {
                difference.changes.push(Change { kind, name, what, first: a, second: b });
            };
            for (a, b) in ours.iter().zip(&theirs).take(pairs) {
                let what = if a.1.shape == b.1.shape { What::References } else { What::Bytes };
                add(what, name.to_owned(), Some(a.0), Some(b.0));
            }
            for (at, _) in &ours[pairs..] {
                add(What::Removed, named(name, first.0, *at), Some(*at), None);
            }
            for (at, _) in &theirs[pairs..] {
                add(What::Added, named(name, second.0, *at), None, Some(*at));
            }
        }
        difference.changes.sort_by(|a, b| (a.kind, &a.name, a.what).cmp(&(b.kind, &b.name, b.what)));
        difference
    }
}

/// Takes what is the same out of both; the rest stays in the order of addresses.
fn without_equals(ours: &mut Members<'_>, theirs: &mut Members<'_>) {
    let mut counts: BTreeMap<[u8; 32], (usize, usize)> = BTreeMap::new();
    ours.iter().for_each(|(_, digests)| counts.entry(digests.content).or_default().0 += 1);
    theirs.iter().for_each(|(_, digests)| counts.entry(digests.content).or_default().1 += 1);
    counts.values_mut().for_each(|(a, b)| {
        let same = (*a).min(*b);
        (*a, *b) = (same, same);
    });
    let mut take = |digests: &Digests, is_ours: bool| {
        let Some((a, b)) = counts.get_mut(&digests.content) else { return false };
        let left = if is_ours { a } else { b };
        let taken = *left > 0;
        *left -= usize::from(taken);
        taken
    };
    ours.retain(|(_, digests)| !take(digests, true));
    theirs.retain(|(_, digests)| !take(digests, false));
}

/// A literal is named by its text.
fn named(name: &str, program: &Program<'_>, at: usize) -> String {
    let part: &Part<'_> = &program.parts[at];
    match program.text_at(part.begin) {
        Some(text) if part.kind == PartKind::Literal => String::from_utf8_lossy(text).into_owned(),
        _ => name.to_owned(),
    }
}
