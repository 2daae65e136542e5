//! Windows: the parts of a console that hold reports, so that a stream of any length is read in bounded memory.
//!
//! A report is looked at with [`REACH`] bytes before it and as much behind its last trigger line, which is what syzkaller
//! keeps of a console (its VM monitor, `beforeContext` and `afterContext`). Triggers nearer than that share a window.

use std::ops::Range;

use memchr::{memchr, memrchr};

use crate::find::holds;
use crate::marks::{Marks, triggers};
use crate::rules::Rules;
use crate::trigger::Trigger;

mod array;

/// Bytes that a window holds before its first trigger line and behind its last one.
pub const REACH: usize = 128 << 10;

/// A console of at most so many bytes is one window, so that forms of one log, which differ in length, are read alike.
const ONE: usize = 1 << 20;

/// How many times longer than a console its capture as JSON, or as the journal's fields, is.
const ENCODED: usize = 8;

/// A window that would grow beyond this (triggers without end) is closed, and the next one starts at the next trigger.
const LARGEST: usize = 2 << 20;

/// A line longer than this is taken to end there.
const LONGEST_LINE: usize = 1 << 20;

/// A part of a console that holds reports; a short console (1 MiB) that holds some is one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The bytes to look at.
    pub bytes: Range<usize>,
    /// Where the reports of this window start.
    pub starts: Range<usize>,
}

/// What a look at the next bytes of a console gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scan {
    /// A window is complete.
    Window(Window),
    /// More bytes are needed; those before this offset are not.
    More(usize),
}

/// Finds the windows of a console that comes in pieces. All offsets are in bytes from the console's start.
#[derive(Debug, Default)]
pub struct Scanner {
    rules: Rules,
    at: usize,
    open: Option<Range<usize>>,
    /// A console that fits one window was told.
    is_told: bool,
    /// How many times a window is longer than that of a plain console; 0 where nothing was read.
    stretch: usize,
    /// No trigger stands as text between where the search goes on and here.
    quiet: usize,
}

impl Scanner {
    /// A scanner for what these rules take for a report.
    pub fn new(rules: Rules) -> Scanner {
        Scanner { rules, ..Scanner::default() }
    }

    /// Looks at `text`, which starts at offset `base` and ends the console where `whole` says so.
    ///
    /// The bytes from the last answered [`Scan::More`] on must still be there.
    pub fn scan(&mut self, base: usize, text: &[u8], whole: bool) -> Scan {
        if base == 0 && text.len() <= ONE {
            if !whole {
                return Scan::More(0);
            }
            // Whatever is in a short one shares a window, so looking for triggers is left to who reads the window.
            let is_told = std::mem::replace(&mut self.is_told, true);
            let all = 0..text.len();
            let mut is_quiet = || self.next(0, text, true, is_encoded(text)).line.is_none();
            let none = is_told || text.is_empty() || all.end > REACH && is_quiet();
            return if none { Scan::More(all.end) } else { Scan::Window(Window { bytes: all.clone(), starts: all }) };
        }
        if self.stretch == 0 {
            self.stretch = if is_encoded(text) { ENCODED } else { 1 };
        }
        let (reach, largest) = (REACH * self.stretch, LARGEST * self.stretch);
        loop {
            let from = self.at.max(base);
            let found = self.next(from, &text[from - base..], whole, self.stretch > 1);
            let reached = from + found.reached;
            let line = found.line.map(|line| from + line.start..from + line.end);
            let closes = |open: &Range<usize>| {
                let next = line.as_ref().map_or(reached, |line| line.start);
                next > open.end + reach
                    || line.is_none() && whole
                    || line.as_ref().is_some_and(|line| line.end > open.start + largest)
            };
            if let Some(open) = self.open.take_if(|open| closes(open)) {
                // The trigger that closed the window is found again by the next look.
                self.at = line.map_or(reached, |line| line.start).max(open.end);
                return Scan::Window(window(&open, reach, base, text));
            }
            let Some(line) = line else {
                self.at = reached;
                let keep = self.open.as_ref().map_or(reached, |open| open.start);
                return Scan::More(keep.saturating_sub(reach + LONGEST_LINE).max(base));
            };
            self.at = line.end;
            self.open = Some(self.open.as_ref().map_or(line.start, |open| open.start)..line.end);
        }
    }

    /// The next line that starts a report, of a text at offset `from` in which it may be encoded.
    fn next(&mut self, from: usize, text: &[u8], whole: bool, is_encoded: bool) -> Found {
        let known = self.quiet.saturating_sub(from).min(text.len());
        let mut found = next_trigger(&text[known..], whole, self.rules);
        found.line = found.line.map(|line| line.start + known..line.end + known);
        found.reached += known;
        self.quiet = from + found.line.as_ref().map_or(found.reached, |line| line.start);
        let end = found.line.as_ref().map_or(text.len(), |line| line.start);
        let array = if is_encoded { array::find(&text[..end], self.rules) } else { None };
        let (at, end) = match array {
            Some(array::Found::Trigger(at, end)) => (at, line_end(text, end, whole)),
            Some(array::Found::Open(at)) if !whole && found.line.is_none() => (at, None),
            _ => return found,
        };
        let start = memrchr(b'\n', &text[..at]).map_or(0, |n| n + 1).max(at.saturating_sub(LONGEST_LINE));
        Found { line: end.map(|end| start..end), reached: start }
    }
}

/// The windows of a console that is there as a whole.
pub fn windows(text: &[u8], rules: Rules) -> impl Iterator<Item = Window> {
    let mut scanner = Scanner::new(rules);
    std::iter::from_fn(move || match scanner.scan(0, text, true) {
        Scan::Window(window) => Some(window),
        Scan::More(_) => None,
    })
}

/// Whether a text is JSON, or the fields of the journal's entries (export, verbose).
fn is_encoded(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let line = &text[..text.len().min(128)];
    let line = &line[..memchr(b'\n', line).unwrap_or(line.len())];
    matches!(line.first(), Some(b'{' | b'_' | b'\x1e'))
        || line.starts_with(b"data: {")
        || memchr::memmem::find(line, b" [s=").is_some()
}

struct Found {
    /// The line with the trigger.
    line: Option<Range<usize>>,
    /// Everything before this holds no other trigger.
    reached: usize,
}

/// The next line that starts a report, among the lines that are there with the one behind them.
fn next_trigger(text: &[u8], whole: bool, rules: Rules) -> Found {
    let mut at = 0;
    while let Some((hit, _)) = triggers(rules).marks(&text[at..]).next().map(|(hit, mark)| (at + hit, mark)) {
        let start = memrchr(b'\n', &text[..hit]).map_or(0, |n| n + 1).max(hit.saturating_sub(LONGEST_LINE));
        let Some(end) = line_end(text, hit, whole) else {
            return Found { line: None, reached: start };
        };
        let Some(next) = line_end(text, (end + 1).min(text.len()), whole) else {
            return Found { line: None, reached: start };
        };
        let line = &text[start..end];
        let mut held = Marks::default();
        triggers(rules).marks(line).for_each(|(_, mark)| held.add(mark));
        let again = holds(&text[end..next], b"** replaying previous printk message **");
        if !again && Trigger::first(line, held.triggers(), rules).is_some() {
            return Found { line: Some(start..end), reached: start };
        }
        at = end;
    }
    let last = text.len().saturating_sub(LONGEST_LINE);
    let reached = if whole { text.len() } else { memrchr(b'\n', text).map_or(0, |n| n + 1).max(last) };
    Found { line: None, reached }
}

/// Where the line around `at` ends; `None` where that is not known yet.
fn line_end(text: &[u8], at: usize, whole: bool) -> Option<usize> {
    let most = text.len().min(at + LONGEST_LINE);
    match memchr(b'\n', &text[at..most]) {
        Some(n) => Some(at + n),
        None if whole || most == at + LONGEST_LINE => Some(most),
        None => None,
    }
}

/// The window around trigger lines, from line start to line end.
fn window(open: &Range<usize>, reach: usize, base: usize, text: &[u8]) -> Window {
    let (first, last) = (open.start - base, open.end - base);
    let start = first.saturating_sub(reach);
    let start = if start == 0 { 0 } else { memchr(b'\n', &text[start..first]).map_or(first, |n| start + n + 1) };
    let end = text.len().min(last + reach);
    let end = if end == text.len() { end } else { memrchr(b'\n', &text[last..end]).map_or(last, |n| last + n + 1) };
    Window { bytes: base + start..base + end, starts: open.start..open.end }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The windows of a console that comes in pieces of `size` bytes, as texts.
    fn streamed(text: &[u8], size: usize) -> Vec<(Range<usize>, Vec<u8>)> {
        let (mut scanner, mut base, mut buffer, mut all) = (Scanner::default(), 0, Vec::new(), Vec::new());
        let mut pieces = text.chunks(size).peekable();
        loop {
            let piece = pieces.next().unwrap_or(b"");
            buffer.extend_from_slice(piece);
            let whole = pieces.peek().is_none();
            loop {
                match scanner.scan(base, &buffer, whole) {
                    Scan::Window(w) => all.push((w.starts, buffer[w.bytes.start - base..w.bytes.end - base].to_vec())),
                    Scan::More(keep) => {
                        buffer.drain(..keep - base);
                        base = keep;
                        break;
                    }
                }
            }
            if whole {
                return all;
            }
        }
    }

    fn console(gaps: &[usize]) -> Vec<u8> {
        let mut text = Vec::new();
        for gap in gaps {
            (0..*gap / 10).for_each(|n| text.extend_from_slice(format!("{n:9}\n").as_bytes()));
            text.extend_from_slice(b"BUG: x\n");
        }
        (0..20_000).for_each(|n| text.extend_from_slice(format!("{n:9}\n").as_bytes()));
        text
    }

    #[test]
    fn a_small_console_is_one_window() {
        assert_eq!(
            windows(b"a\nBUG: b\nc\n", Rules::Syzbot).collect::<Vec<_>>(),
            [Window { bytes: 0..11, starts: 0..11 }]
        );
        assert_eq!(windows(b"", Rules::Syzbot).count(), 0);
        let quiet = b"a\nDEBUG: b\n".repeat(REACH / 10);
        assert_eq!(windows(&quiet, Rules::Syzbot).count(), 0);
        let loud = [&quiet[..], b"BUG: b\nc\n"].concat();
        let all = 0..loud.len();
        assert_eq!(windows(&loud, Rules::Syzbot).map(|window| window.bytes).collect::<Vec<_>>(), [all]);
        let quiet = b"a\nDEBUG: b\n".repeat(ONE / 8);
        assert_eq!(windows(&quiet, Rules::Syzbot).count(), 0);
        let loud = [&quiet[..], b"BUG: b\nc\n"].concat();
        let starts = quiet.len()..quiet.len() + 6;
        assert_eq!(windows(&loud, Rules::Syzbot).map(|window| window.starts).collect::<Vec<_>>(), [starts]);
    }

    #[test]
    fn distant_triggers_have_windows_of_their_own() {
        let text = console(&[800_000, 100_000, 300_000]);
        let found: Vec<_> = windows(&text, Rules::Syzbot).collect();
        assert_eq!(found.len(), 2);
        assert!(found[0].bytes.start > 660_000 && found[0].bytes.len() < 3 * REACH + 100_000);
    }

    #[test]
    fn a_stream_has_the_same_windows() {
        let long = console(&[0, 300_000, 100_000, 131_060, 500_000]);
        let encoded = [b"{\n", &long[..]].concat();
        for text in [long, encoded, console(&[100_000, 200_000]), b"x\nBUG: y\nz\n".repeat(300)] {
            let whole: Vec<_> =
                windows(&text, Rules::Syzbot).map(|w| (w.starts.clone(), text[w.bytes].to_vec())).collect();
            for size in [1_000, 4_096, 65_537, 1 << 20] {
                assert_eq!(streamed(&text, size), whole, "pieces of {size}");
            }
        }
    }

    #[test]
    fn endless_triggers_do_not_make_an_endless_window() {
        let text = b"BUG: x\n".repeat(1_000_000);
        let found: Vec<_> = windows(&text, Rules::Syzbot).collect();
        assert!(found.iter().all(|w| w.bytes.len() <= LARGEST + 2 * REACH + 64));
        assert_eq!(found.iter().map(|w| w.starts.len().div_ceil(7)).sum::<usize>(), 1_000_000);
    }
}
