//! Blame lists: which functions a report is not named by, which files are not guilty, where a stalled task is entered.
//!
//! A line of a list is a name or a path, whole unless `*` says otherwise: `kasan_*`, `*printk*`, `arch/*/mm/fault.c`.
//! `{a,b}` stands for one of these.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem;

/// Bytes of a name that are looked at: the kernel's are shorter (`KSYM_NAME_LEN`, 512).
const LONGEST: usize = 1024;

/// A list of names or paths.
#[derive(Debug)]
pub struct List {
    lines: Vec<Line>,
    patterns: Vec<Pattern>,
    automaton: AhoCorasick,
}

/// A line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The name or path, as it is written.
    pub text: String,
    /// Where it stands in the list's file, from 1.
    pub number: usize,
}

/// One name of a list, its braces expanded.
#[derive(Debug)]
struct Pattern {
    /// Position among the list's lines.
    line: usize,
    text: String,
    /// What must follow the text, in this order, with anything between.
    then: Vec<String>,
    at_start: bool,
    at_end: bool,
}

/// What is on a stack because something was reported or looked for.
pub static REPORTERS: LazyLock<List> = LazyLock::new(|| List::parse(include_str!("blame/reporter.txt")));
/// Where a stalled task entered a subsystem.
pub static ANCHORS: LazyLock<List> = LazyLock::new(|| List::parse(include_str!("blame/anchor.txt")));
/// What stands between the entry and what the task does there.
pub static ENTRIES: LazyLock<List> = LazyLock::new(|| List::parse(include_str!("blame/entry.txt")));
/// What a hung task waits with, which is not what it waits for.
pub static WAITERS: LazyLock<List> = LazyLock::new(|| List::parse(include_str!("blame/waiter.txt")));

impl List {
    /// Reads a list: a name a line, `#` starts a comment.
    pub fn parse(text: &str) -> List {
        List::new(lines(text))
    }

    /// A list of these lines.
    pub fn new(lines: impl IntoIterator<Item = Line>) -> List {
        let lines: Vec<Line> = lines.into_iter().collect();
        let names = |(n, line): (usize, &Line)| expand(&line.text).into_iter().map(move |name| Pattern::new(n, &name));
        let patterns: Vec<Pattern> = lines.iter().enumerate().flat_map(names).collect();
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(patterns.iter().map(|pattern| &pattern.text))
            .expect("some hundreds of short names fit an automaton");
        List { lines, patterns, automaton }
    }

    /// The line of the list that names this function.
    pub fn line(&self, function: &str) -> Option<&Line> {
        self.positions(function).next().map(|n| &self.lines[n])
    }

    /// True where a line of the list names this function.
    pub fn names(&self, function: &str) -> bool {
        self.positions(function).next().is_some()
    }

    /// A line by its position.
    pub(crate) fn at(&self, position: usize) -> &Line {
        &self.lines[position]
    }

    /// The positions of the lines that name this function.
    pub(crate) fn positions(&self, function: &str) -> impl Iterator<Item = usize> {
        let function = &function[..function.floor_char_boundary(LONGEST)];
        let fits = move |found: aho_corasick::Match| {
            let pattern = &self.patterns[found.pattern()];
            pattern.fits(function, found.start(), found.end()).then_some(pattern.line)
        };
        self.automaton.find_overlapping_iter(function).filter_map(fits)
    }
}

/// The lines of a list's file.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Line> {
    let name = |line: &str| line.split('#').next().unwrap_or("").trim().to_owned();
    let lines = text.lines().enumerate().map(move |(n, line)| Line { text: name(line), number: n + 1 });
    lines.filter(|line| !line.text.is_empty())
}

impl Pattern {
    fn new(line: usize, name: &str) -> Pattern {
        let at_start = !name.starts_with('*');
        let at_end = !name.ends_with('*');
        let inner = name.trim_matches('*');
        let mut texts = inner.split('*').map(str::to_owned);
        let text = texts.next().unwrap_or_default();
        Pattern { line, text, then: texts.collect(), at_start, at_end }
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
        assert_eq!(list.line("kvfree"), Some(&Line { text: "k{,v}free".into(), number: 6 }));
    }

    #[test]
    fn the_lists_are_anchored_names() {
        for list in [&*ANCHORS, &*ENTRIES, &*REPORTERS, &*WAITERS, crate::skip::list()] {
            for pattern in &list.patterns {
                let line = &list.lines[pattern.line].text;
                assert!(pattern.text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_:".contains(&b)), "{line}");
                assert!(!pattern.text.is_empty(), "{line} names everything");
            }
        }
    }
}
