//! Blame lists: which functions a report is not named by, which files are not guilty, where a stalled task is entered.
//!
//! A line of a list is a name or a path, whole unless `*` says otherwise: `kasan_*`, `*printk*`, `arch/*/mm/fault.c`.
//! `{a,b}` stands for one of these.

use std::cell::RefCell;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem;
use trace::Format;

use crate::memo::Memo;

/// Bytes of a name that are looked at: the kernel's are shorter (`KSYM_NAME_LEN`, 512).
const LONGEST: usize = 1024;

/// A list of names or paths.
#[derive(Debug)]
pub struct List {
    patterns: Vec<Pattern>,
    automaton: AhoCorasick,
}

/// One name of a list, its braces expanded.
#[derive(Debug)]
struct Pattern {
    line: String,
    text: String,
    /// What must follow the text, in this order, with anything between.
    then: Vec<String>,
    at_start: bool,
    at_end: bool,
}

/// Functions that report a bug or pass it on.
pub static BYSTANDERS: LazyLock<List> = LazyLock::new(|| List::parse(include_str!("blame/bystander.txt")));
/// Where a stalled task entered a subsystem.
pub static ANCHORS: LazyLock<List> = LazyLock::new(|| List::parse(include_str!("blame/anchor.txt")));
/// What a hung task waits with, which is not what it waits for.
pub static WAITERS: LazyLock<List> = LazyLock::new(|| List::parse(include_str!("blame/waiter.txt")));

/// True where [`BYSTANDERS`] names a function.
pub fn is_bystander(function: &str) -> bool {
    thread_local!(static KNOWN: RefCell<Memo> = RefCell::new(Memo::new()));
    KNOWN.with_borrow_mut(|known| known.answer(function, |function| BYSTANDERS.names(function)))
}

/// The functions that a format never blames, besides [`BYSTANDERS`]; `None` where it has none.
pub fn skips(format: &Format) -> Option<&'static List> {
    static SKIPS: LazyLock<Vec<OnceLock<List>>> =
        LazyLock::new(|| Format::all().iter().map(|_| OnceLock::new()).collect());
    let skip = SKIPS.get(format.index).filter(|_| !format.row.skip.is_empty())?;
    Some(skip.get_or_init(|| List::new(format.row.skip.iter().copied())))
}

impl List {
    /// Reads a list: a name a line, `#` starts a comment.
    pub fn parse(text: &str) -> List {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or("").trim());
        List::new(lines.filter(|line| !line.is_empty()))
    }

    /// A list of these lines.
    pub fn new<'a>(lines: impl IntoIterator<Item = &'a str>) -> List {
        let patterns: Vec<Pattern> = lines
            .into_iter()
            .flat_map(|line| expand(line).into_iter().map(move |name| Pattern::new(line, &name)))
            .collect();
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(patterns.iter().map(|pattern| &pattern.text))
            .expect("some hundreds of short names fit an automaton");
        List { patterns, automaton }
    }

    /// The line of the list that names this function.
    pub fn line(&self, function: &str) -> Option<&str> {
        self.find(function).map(|pattern| pattern.line.as_str())
    }

    /// True where a line of the list names this function.
    pub fn names(&self, function: &str) -> bool {
        self.find(function).is_some()
    }

    fn find(&self, function: &str) -> Option<&Pattern> {
        let function = &function[..function.floor_char_boundary(LONGEST)];
        let fits = |found: aho_corasick::Match| {
            let pattern = &self.patterns[found.pattern()];
            pattern.fits(function, found.start(), found.end()).then_some(pattern)
        };
        self.automaton.find_overlapping_iter(function).find_map(fits)
    }
}

impl Pattern {
    fn new(line: &str, name: &str) -> Pattern {
        let at_start = !name.starts_with('*');
        let at_end = !name.ends_with('*');
        let inner = name.trim_matches('*');
        let mut texts = inner.split('*').map(str::to_owned);
        let text = texts.next().unwrap_or_default();
        Pattern { line: line.into(), text, then: texts.collect(), at_start, at_end }
    }

    fn fits(&self, function: &str, start: usize, end: usize) -> bool {
        if self.at_start && start != 0 {
            return false;
        }
        let mut rest = &function[end..];
        let Some((last, between)) = self.then.split_last() else {
            return !self.at_end || rest.is_empty();
        };
        for text in between {
            let Some(at) = memmem::find(rest.as_bytes(), text.as_bytes()) else { return false };
            rest = &rest[at + text.len()..];
        }
        if self.at_end { rest.ends_with(last) } else { memmem::find(rest.as_bytes(), last.as_bytes()).is_some() }
    }
}

/// A name with braces, as the names that it stands for.
fn expand(name: &str) -> Vec<String> {
    let Some((head, rest)) = name.split_once('{') else {
        return vec![name.into()];
    };
    let (choices, tail) = rest.split_once('}').unwrap_or((rest, ""));
    let tails = expand(tail);
    choices.split(',').flat_map(|choice| tails.iter().map(move |tail| format!("{head}{choice}{tail}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let list = List::parse(
            "# comment\nkasan_*\n*printk*\ndump_stack # why\n*_trap\nk{,v}free\n*read_once_*nocheck*\narch/*/unwind*.c\n",
        );
        for (function, want) in [
            ("kasan_report", true),
            ("__kasan_report", false),
            ("vprintk_emit", true),
            ("dump_stack", true),
            ("dump_stack_lvl", false),
            ("do_trap", true),
            ("do_trap_x", false),
            ("kfree", true),
            ("kvfree", true),
            ("xkvfree", false),
            ("my_read_once_word_nocheck", true),
            ("nocheck_read_once_", false),
            ("arch/arm/kernel/unwind.c", true),
            ("arch/arm/kernel/unwind_orc.c", true),
            ("arch/arm/kernel/unwind_orc.cc", false),
            ("arch/unwind.c", false),
            ("", false),
        ] {
            assert_eq!(list.names(function), want, "{function}");
        }
        assert_eq!(list.line("kvfree"), Some("k{,v}free"));
    }

    #[test]
    fn the_lists_are_anchored_names() {
        for list in [&BYSTANDERS, &ANCHORS, &WAITERS] {
            for pattern in &list.patterns {
                assert!(
                    pattern.text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_:".contains(&b)),
                    "{}",
                    pattern.line
                );
                assert!(!pattern.text.is_empty(), "{} names everything", pattern.line);
            }
        }
    }
}
