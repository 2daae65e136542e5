//! A report as numbers: its names, each with what it weighs.

use std::collections::HashMap;

use crate::rarity::Rarity;
use crate::set::Set;
use crate::traits::{Role, Traits, release_number};

/// Functions that fewer bits than this tell nothing of where it crashed: `dump_stack`, `do_syscall_64`.
const COMMON: f32 = 3.5;

/// How many functions of the crash's own stack count by their place.
const DEEP: usize = 20;

/// The names that were met, by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    rarity: Rarity,
    numbers: HashMap<Box<str>, u32>,
    weights: Vec<f32>,
}

/// A report, ready to be compared.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The title and the alternative titles.
    pub(crate) titles: Set,
    /// The title itself; `None` for an empty one.
    pub(crate) title: Option<u32>,
    /// The kind of crash.
    pub(crate) kind: Option<u32>,
    /// The blamed function.
    pub(crate) blamed: Option<u32>,
    /// The line of the source that complains.
    pub(crate) source: Option<u32>,
    /// The release as it was printed.
    pub(crate) release: Option<u32>,
    /// The release as a time.
    pub(crate) number: Option<i32>,
    /// True where something is missing in the report.
    pub(crate) corrupted: bool,
    /// The functions of all stacks.
    pub(crate) functions: Set,
    /// The functions of the crash's own stack that say something, innermost first.
    pub(crate) own: Vec<u32>,
    /// The same, weighed by their place.
    pub(crate) placed: Set,
    /// The functions of the other stacks, by role: allocated, freed, chain.
    pub(crate) others: [Set; 3],
    /// The words of the names of the crash's own functions, weighed by place.
    pub(crate) own_words: Set,
    /// The words of the names of all functions.
    pub(crate) words: Set,
    /// The words of the blamed function's name.
    pub(crate) blamed_words: Set,
    /// The words of the title.
    pub(crate) title_words: Set,
    /// The source files.
    pub(crate) files: Set,
    /// Their directories.
    pub(crate) directories: Set,
    /// The locks.
    pub(crate) locks: Set,
    /// The slab caches.
    pub(crate) caches: Set,
    /// Everything that reports are found by, as a vector.
    pub(crate) bag: Set,
}

impl Names {
    pub(crate) fn new(rarity: Rarity) -> Names {
        Names { rarity, numbers: HashMap::new(), weights: Vec::new() }
    }

    /// The number of a name of a kind, and how much it says.
    fn number(&mut self, kind: char, name: &str) -> (u32, f32) {
        let key = format!("{kind}:{name}");
        let (rarity, weights) = (&self.rarity, &mut self.weights);
        let number = *self.numbers.entry(key.into_boxed_str()).or_insert_with_key(|key| {
            weights.push(rarity.weight(key));
            u32::try_from(weights.len() - 1).expect("memory ends before names do")
        });
        (number, self.weights[number as usize])
    }

    fn set<'n>(&mut self, kind: char, names: impl Iterator<Item = &'n str>) -> Set {
        Set::new(names.map(|name| self.number(kind, name)).collect())
    }

    /// The report as numbers.
    pub(crate) fn profile(&mut self, traits: &Traits) -> Profile {
        let functions = |role: Role| {
            let stacks = traits.stacks.iter().filter(move |stack| stack.role == role);
            stacks.flat_map(|stack| stack.functions.iter().map(String::as_str))
        };
        let all = || traits.stacks.iter().flat_map(|stack| stack.functions.iter().map(String::as_str));
        let mut own: Vec<(u32, &str)> = Vec::new();
        for name in functions(Role::Crash) {
            let (number, weight) = self.number('f', name);
            if weight >= COMMON && own.len() < DEEP && own.iter().all(|known| known.0 != number) {
                own.push((number, name));
            }
        }
        let placed = own.iter().enumerate().map(|(place, (number, _))| {
            let weight = self.weights[*number as usize];
            (*number, weight / (1.0 + 0.15 * place as f32))
        });
        let placed = Set::new(placed.collect());
        let mut own_words: HashMap<u32, f32> = HashMap::new();
        for (place, (_, name)) in own.iter().enumerate().take(12) {
            for word in words_of(name) {
                let (number, weight) = self.number('k', &word);
                *own_words.entry(number).or_default() += weight / (1.0 + 0.2 * place as f32);
            }
        }
        let own_words = Set::new(own_words.into_iter().collect());
        let words: Vec<String> = all().flat_map(words_of).collect();
        let words = self.set('k', words.iter().map(String::as_str));
        let blamed_words: Vec<String> = traits.blamed.iter().flat_map(|name| words_of(name)).collect();
        let blamed_words = self.set('k', blamed_words.iter().map(String::as_str));
        let title_words = self.set('w', title_words(&traits.title));
        let files = self.set('p', traits.files.iter().map(String::as_str));
        let directories = self.set('d', traits.files.iter().map(|path| directory(path)));
        let locks = self.set('l', traits.locks.iter().map(String::as_str));
        let caches = self.set('c', traits.caches.iter().map(String::as_str));
        let titles = std::iter::once(&traits.title).chain(&traits.alternatives).filter(|title| !title.is_empty());
        let titles = self.set('t', titles.map(String::as_str));
        let functions_of = |names: &mut Names, role| names.set('f', functions(role));
        let others = [Role::Allocated, Role::Freed, Role::Chain].map(|role| functions_of(self, role));
        let functions = self.set('f', all());
        let mut bag: Vec<(u32, f32)> = Vec::new();
        let mut add = |set: &Set, by: f32| bag.extend(set.iter().map(|(name, weight)| (name, by * weight)));
        add(&functions, 1.0);
        add(&files, 0.5);
        add(&directories, 0.5);
        add(&locks, 1.0);
        add(&caches, 0.5);
        add(&title_words, 0.8);
        add(&titles, 0.5);
        let shallow = own.iter().enumerate().take(8);
        bag.extend(
            shallow
                .map(|(place, (name, _))| (*name, self.weights[*name as usize] * (1.0 + 1.0 / (1.0 + place as f32)))),
        );
        bag.extend(own_words.iter().map(|(name, weight)| (name, 0.5 * weight.min(1.5 * self.weights[name as usize]))));
        let some = |names: &mut Names, kind, name: &Option<String>| {
            name.as_ref().filter(|name| !name.is_empty()).map(|name| names.number(kind, name).0)
        };
        Profile {
            title: (!traits.title.is_empty()).then(|| self.number('t', &traits.title).0),
            kind: (!traits.kind.is_empty()).then(|| self.number('K', &traits.kind).0),
            blamed: some(self, 'f', &traits.blamed),
            source: some(self, 's', &traits.source),
            release: some(self, 'r', &traits.release),
            number: traits.release.as_deref().and_then(release_number),
            corrupted: traits.corrupted,
            own: own.iter().map(|(number, _)| *number).collect(),
            bag: Set::new(bag),
            titles,
            functions,
            placed,
            others,
            own_words,
            words,
            blamed_words,
            title_words,
            files,
            directories,
            locks,
            caches,
        }
    }
}

/// The names that a report counts towards rarity, each with its kind.
pub(crate) fn names(traits: &Traits) -> Vec<String> {
    let all = || traits.stacks.iter().flat_map(|stack| &stack.functions);
    let mut names: Vec<String> = all().map(|name| format!("f:{name}")).collect();
    names.extend(all().flat_map(|name| words_of(name)).map(|word| format!("k:{word}")));
    names.extend(traits.files.iter().flat_map(|path| [format!("p:{path}"), format!("d:{}", directory(path))]));
    names.extend(traits.locks.iter().map(|name| format!("l:{name}")));
    names.extend(traits.caches.iter().map(|name| format!("c:{name}")));
    names.extend(title_words(&traits.title).map(|word| format!("w:{word}")));
    names.extend(std::iter::once(&traits.title).chain(&traits.alternatives).map(|title| format!("t:{title}")));
    names.sort();
    names.dedup();
    names
}

/// The words of a function's name: `nr`, `rx`, `frame` of `nr_rx_frame`.
fn words_of(name: &str) -> impl Iterator<Item = String> + '_ {
    name.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() > 1).map(str::to_ascii_lowercase)
}

/// The words of a title.
fn title_words(title: &str) -> impl Iterator<Item = &str> {
    title.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.len() > 1)
}

/// The directory of a file, three levels at most: `drivers/net/usb` of `drivers/net/usb/x/y.c`.
fn directory(path: &str) -> &str {
    let slashes = path.match_indices('/').map(|(at, _)| at);
    slashes.take(3).last().map_or(path, |at| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traits::Stack;

    #[test]
    fn a_profile_has_what_says_something() {
        let functions = ["dump_stack", "nr_rx_frame", "ax25_rcv"].map(str::to_owned).to_vec();
        let traits = Traits {
            title: "WARNING in nr_rx_frame".to_owned(),
            stacks: vec![Stack { role: Role::Crash, functions }],
            files: vec!["net/netrom/af_netrom.c".to_owned()],
            release: Some("5.3.0-rc5".to_owned()),
            ..Traits::default()
        };
        let profile = Names::default().profile(&traits);
        assert_eq!((profile.functions.len(), profile.own.len()), (3, 2));
        assert_eq!(profile.number, Some(24));
        assert!(profile.bag.len() > 8);
        assert_eq!(directory("net/netrom/af_netrom.c"), "net/netrom");
        assert_eq!(directory("a/b/c/d/e.c"), "a/b/c");
        assert_eq!(directory("x.c"), "x.c");
        assert!(names(&traits).contains(&"k:rx".to_owned()));
    }
}
