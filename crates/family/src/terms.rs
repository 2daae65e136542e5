//! How two reports are alike, as numbers with names.

use crate::profile::Profile;

/// A way in which two reports are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Its name in the model.
    pub name: &'static str,
    /// What it says, for people.
    pub meaning: &'static str,
}

const fn term(name: &'static str, meaning: &'static str) -> Term {
    Term { name, meaning }
}

/// All terms, in the order of [`Terms`].
pub const TERMS: [Term; COUNT] = [
    term("same-blamed", "the titles blame one function"),
    term("blamed-in-stacks", "a blamed function stands in the other's stacks: 1 or 2"),
    term("same-kind", "the crashes are of one kind"),
    term("functions", "functions of all stacks, by rarity"),
    term("contained", "functions of the smaller report that are in the other, by rarity"),
    term("own-stack", "functions of the crashes' own stacks, by rarity and place"),
    term("own-functions", "functions of the crashes' own stacks, as a set"),
    term("prefix", "innermost functions that are equal, one after the other: up to 6"),
    term("rarest", "how rare the rarest common function is"),
    term("allocated", "functions that allocated"),
    term("freed", "functions that freed"),
    term("chain", "functions of lock chains"),
    term("files", "source files, by rarity"),
    term("directories", "source directories, by rarity"),
    term("locks", "lock classes, by rarity"),
    term("caches", "slab caches in both"),
    term("title-words", "words of the titles"),
    term("blamed-words", "words of the blamed functions' names"),
    term("own-words", "words of the names in the crashes' own stacks"),
    term("words", "words of the names in all stacks"),
    term("overall", "everything by which reports are found"),
    term("same-source", "one line of the source complains"),
    term("releases", "mainline releases between the kernels"),
    term("no-release", "a report does not say its kernel's release"),
    term("same-release", "the kernels are of one release to the letter"),
    term("corrupted", "damaged reports: 0, 1 or 2"),
    term("size", "functions of the smaller report"),
    term("title-rarity", "how rare the title is that both have"),
];

const COUNT: usize = 28;

/// How two reports are alike, by [`TERMS`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// The values.
    pub values: [f32; COUNT],
    /// What the titles have in common.
    pub titles: Titles,
}

/// What the titles of two reports have in common; each has its own weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Titles {
    /// They are one.
    Same,
    /// An alternative title of one is a title of the other.
    Related,
    /// Nothing.
    Other,
}

impl Terms {
    /// How two reports are alike that were printed at these times, in mainline releases.
    pub fn of(a: &Profile, b: &Profile, times: (i32, i32)) -> Terms {
        let same = |a: Option<u32>, b: Option<u32>| f32::from(u8::from(a.is_some() && a == b));
        let blamed_in =
            |a: &Profile, b: &Profile| f32::from(u8::from(a.blamed.is_some_and(|blamed| b.functions.contains(blamed))));
        let rarest = a.functions.shared(&b.functions).map(|(_, a, _)| a).fold(0.0, f32::max);
        let prefix = a.own.iter().zip(&b.own).take(6).take_while(|(a, b)| a == b).count();
        let titles = if a.title.is_some() && a.title == b.title {
            Titles::Same
        } else if a.titles.shared(&b.titles).next().is_some() {
            Titles::Related
        } else {
            Titles::Other
        };
        let title_rarity = a.titles.shared(&b.titles).map(|(_, a, _)| a).fold(0.0, f32::max);
        let [allocated, freed, chain] = [0, 1, 2].map(|role| a.others[role].alike(&b.others[role]));
        let values = [
            same(a.blamed, b.blamed),
            blamed_in(a, b) + blamed_in(b, a),
            same(a.kind, b.kind),
            a.functions.alike(&b.functions),
            a.functions.contained(&b.functions),
            a.placed.alike(&b.placed),
            as_sets(&a.own, &b.own),
            prefix as f32,
            rarest,
            allocated,
            freed,
            chain,
            a.files.alike(&b.files),
            a.directories.alike(&b.directories),
            a.locks.alike(&b.locks),
            a.caches.shared(&b.caches).count().min(3) as f32,
            a.title_words.alike(&b.title_words),
            a.blamed_words.alike(&b.blamed_words),
            a.own_words.cosine(&b.own_words),
            a.words.alike(&b.words),
            a.bag.cosine(&b.bag),
            same(a.source, b.source),
            times.0.abs_diff(times.1).min(100) as f32,
            f32::from(u8::from(a.number.is_none() || b.number.is_none())),
            same(a.release, b.release),
            f32::from(u8::from(a.corrupted)) + f32::from(u8::from(b.corrupted)),
            a.functions.len().min(b.functions.len()) as f32,
            title_rarity,
        ];
        Terms { values, titles }
    }
}

/// How much two lists have in common as sets, from 0 to 1.
fn as_sets(a: &[u32], b: &[u32]) -> f32 {
    let shared = a.iter().filter(|name| b.contains(name)).count();
    if shared == 0 { 0.0 } else { shared as f32 / (a.len() + b.len() - shared) as f32 }
}
