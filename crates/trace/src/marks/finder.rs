//! Finds marks: a vectorised search for rare parts of their texts, the needles.
//!
//! A needle is five bytes of a text, those that console lines hold least often (see [`rarity`]), or a shorter text as a
//! whole. A text that holds a needle of another text has that one. All is chosen here, so a text is added in its table alone.
//! The vectorised search compares as many bytes as the shortest needle has, so texts of three bytes have a search of their own.

use std::cmp::Reverse;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind, packed};

use super::{Marks, texts, trigger_texts};
use crate::find::rarity;
use crate::rules::Rules;

/// Bytes of a needle. The search compares the first four of all needles at once; more would be shared by fewer texts.
const LONGEST: usize = 5;

/// Finds texts in lines.
pub(crate) struct Finder {
    /// The search for texts of four bytes and more, and the one for shorter ones where there are any.
    long: Search,
    short: Option<Search>,
}

/// Finds needles, and the texts around them.
struct Search {
    packed: Option<packed::Searcher>,
    automaton: AhoCorasick,
    /// For each needle the texts that it stands in: bytes before it, the mark, text.
    texts: Vec<Vec<(usize, Marks, &'static [u8])>>,
}

static ALL: [LazyLock<Finder>; 2] =
    [LazyLock::new(|| Finder::new(texts(Rules::Syzbot))), LazyLock::new(|| Finder::new(texts(Rules::Ksplat)))];
static TRIGGERS: [LazyLock<Finder>; 2] = [
    LazyLock::new(|| Finder::new(trigger_texts(Rules::Syzbot))),
    LazyLock::new(|| Finder::new(trigger_texts(Rules::Ksplat))),
];

/// Finds all marks.
pub(crate) fn all(rules: Rules) -> &'static Finder {
    &ALL[rules as usize]
}

/// Finds the triggers only.
pub(crate) fn triggers(rules: Rules) -> &'static Finder {
    &TRIGGERS[rules as usize]
}

impl Finder {
    fn new(texts: impl Iterator<Item = (Marks, &'static str)>) -> Finder {
        let (long, short): (Vec<_>, Vec<_>) = texts.partition(|(_, text)| text.len() >= 4);
        Finder { long: Search::new(long), short: (!short.is_empty()).then(|| Search::new(short)) }
    }

    /// Each mark of a text: where its text starts, and the mark. Those of a line come before those of the next one.
    pub(crate) fn marks<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = (usize, Marks)> + 't {
        let mut long = self.long.marks(text).peekable();
        let mut short = self.short.iter().flat_map(|search| search.marks(text)).peekable();
        std::iter::from_fn(move || {
            let is_short = short.peek().is_some_and(|(at, _)| long.peek().is_none_or(|(other, _)| at < other));
            if is_short { short.next() } else { long.next() }
        })
    }
}

impl Search {
    fn new(mut texts: Vec<(Marks, &'static str)>) -> Search {
        let mut needles: Vec<&str> = Vec::new();
        let mut by_needle: Vec<Vec<(usize, Marks, &'static [u8])>> = Vec::new();
        // Shortest first, so that a text which is its own needle is not hidden by one that starts with it.
        texts.sort_by_key(|(_, text)| text.len());
        for (mark, text) in texts {
            let known = needles.iter().enumerate().find_map(|(n, needle)| text.find(needle).map(|at| (n, at)));
            let (needle, at) = known.unwrap_or_else(|| {
                let needle = needle(text);
                needles.push(needle);
                by_needle.push(Vec::new());
                (needles.len() - 1, text.find(needle).expect("a needle is a part of its text"))
            });
            by_needle[needle].push((at, mark, text.as_bytes()));
        }
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(&needles);
        let automaton = automaton.expect("some dozens of short texts fit an automaton");
        Search { packed: packed::Searcher::new(&needles), automaton, texts: by_needle }
    }

    /// The next needle at or behind `from`: its number, and where it starts.
    fn next(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        let found = match &self.packed {
            Some(packed) => packed.find_in(text, (from..text.len()).into()),
            None => self.automaton.find(aho_corasick::Input::new(text).range(from..)),
        }?;
        Some((found.pattern().as_usize(), found.start()))
    }

    fn marks<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = (usize, Marks)> + 't {
        let mut from = 0;
        let mut texts: &[(usize, Marks, &[u8])] = &[];
        let mut start = 0;
        std::iter::from_fn(move || {
            loop {
                while let Some(((before, mark, wanted), rest)) = texts.split_first() {
                    texts = rest;
                    if let Some(at) = usize::checked_sub(start, *before)
                        && text[at..].starts_with(wanted)
                    {
                        return Some((at, *mark));
                    }
                }
                let needle;
                (needle, start) = self.next(text, from)?;
                // Needles may overlap: `kernel BUG: x` holds ` BUG` and `BUG:`.
                from = start + 1;
                texts = &self.texts[needle];
            }
        })
    }
}

/// The part of a text that is searched for: the first of the rarest ones.
fn needle(text: &str) -> &str {
    let length = text.len().min(LONGEST);
    let parts = (0..=text.len() - length).filter_map(|at| text.get(at..at + length));
    parts.min_by_key(|part| Reverse(part.bytes().map(|byte| u32::from(rarity(byte))).sum::<u32>())).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What aho-corasick's vectorised search takes (`packed::Searcher`, its fat Teddy).
    const MOST_NEEDLES: usize = 64;

    #[test]
    fn every_text_is_found() {
        for rules in [Rules::Syzbot, Rules::Ksplat] {
            for (mark, text) in texts(rules) {
                assert!(all(rules).marks(text.as_bytes()).any(|(_, found)| found == mark), "{text}");
                assert!(text.len() >= 3, "{text} is too short to be searched for");
            }
            assert_eq!(all(rules).marks(b"kernel BUG: x").count(), 2);
        }
    }

    #[test]
    fn a_needle_is_the_rarest_part() {
        for (text, want) in
            [("BUG:", "BUG:"), ("WARNING: x", "WARNI"), ("trusty: panic", "trust"), (": nobody cared", ": nob")]
        {
            assert_eq!(needle(text), want);
        }
    }

    /// An automaton is several times slower than the vectorised search.
    #[test]
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    fn the_search_is_vectorised() {
        for finder in [all(Rules::Syzbot), all(Rules::Ksplat), triggers(Rules::Ksplat)] {
            for search in std::iter::once(&finder.long).chain(&finder.short) {
                let needles = search.texts.len();
                assert!(needles <= MOST_NEEDLES, "{needles} needles: the search takes {MOST_NEEDLES}");
            }
        }
        assert!(triggers(Rules::Ksplat).short.is_none(), "a quiet console is searched once");
    }
}
