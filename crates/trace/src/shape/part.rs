//! The parts of a shape: plain text, and what a `%` stands for.

use memchr::memmem;

use super::group::Starts;
use super::{Found, REACH};
use crate::run::{digits, spaces};

/// One part.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Text(Box<memmem::Finder<'static>>),
    OneOf(Vec<Box<[u8]>>, bool),
    Function(bool),
    Source(bool),
    Address,
    MaybeAddress,
    Allocator,
    Class(fn(u8) -> bool, bool),
    Spaces(usize),
    Lazy,
    Rest(usize),
    Blank,
}

impl Part {
    pub(super) fn starts(&self) -> Starts {
        match self {
            Part::Text(_) => Starts::Text,
            Part::Address => Starts::Bytes([b'['; 3]),
            Part::Source(_) => Starts::Source,
            Part::OneOf(texts, _) => {
                let mut bytes: Vec<u8> = texts.iter().filter_map(|text| text.first().copied()).collect();
                let is_bytes = bytes.len() == texts.len();
                bytes.sort_unstable();
                bytes.dedup();
                match bytes[..] {
                    [a] if is_bytes => Starts::Bytes([a, a, a]),
                    [a, b] if is_bytes => Starts::Bytes([a, b, b]),
                    [a, b, c] if is_bytes => Starts::Bytes([a, b, c]),
                    _ => Starts::Anywhere,
                }
            }
            _ => Starts::Anywhere,
        }
    }

    pub(super) fn captures(&self) -> bool {
        match self {
            Part::OneOf(_, captured) | Part::Function(captured) | Part::Source(captured) | Part::Class(_, captured) => {
                *captured
            }
            Part::Lazy | Part::Rest(_) => true,
            Part::Text(_) | Part::Address | Part::MaybeAddress | Part::Allocator | Part::Spaces(_) | Part::Blank => {
                false
            }
        }
    }

    /// The column behind the part, where it matches at `at`.
    pub(super) fn match_at<'t>(&self, line: &'t [u8], at: usize, found: &mut Found<'t>) -> Option<usize> {
        let rest = &line[at..];
        let (length, skip) = match self {
            Part::Text(text) => (rest.starts_with(text.needle()).then_some(text.needle().len())?, 0),
            Part::OneOf(texts, _) => (texts.iter().find(|t| rest.starts_with(t))?.len(), 0),
            Part::Function(_) => (function(rest)?, 1),
            Part::Source(_) => (source(rest)?, 0),
            Part::Address => (address(rest)?, 0),
            Part::MaybeAddress => {
                let length = address(rest).filter(|at| rest[*at..].starts_with(b" "));
                (length.map_or(0, |at| at + spaces(&rest[at..])), 0)
            }
            Part::Allocator => {
                let fits = |at: usize| rest.get(at..).is_some_and(|t| t.starts_with(b"malloc"));
                let before =
                    (0..=1).find(|at| fits(*at)).or_else(|| (rest.first() == Some(&b'k') && fits(2)).then_some(2));
                (before? + b"malloc".len(), 0)
            }
            Part::Class(class, _) => {
                let length = rest.iter().take_while(|b| class(**b)).count();
                ((length > 0).then_some(length)?, 0)
            }
            Part::Spaces(least) => {
                let length = spaces(rest);
                ((length >= *least).then_some(length)?, 0)
            }
            Part::Rest(least) => ((rest.len() >= *least).then_some(rest.len())?, 0),
            Part::Blank => (rest.iter().all(|b| b.is_ascii_whitespace()).then_some(rest.len())?, 0),
            Part::Lazy => (0, 0),
        };
        if self.captures() {
            found.push(&rest[..length]);
        }
        Some(at + length + skip)
    }

    /// Where the part first matches.
    pub(super) fn find(&self, line: &[u8]) -> Option<usize> {
        match self {
            Part::Text(text) => text.find(line),
            _ => (0..=line.len()).find(|at| self.match_at(line, *at, &mut Found::default()).is_some()),
        }
    }
}

/// Length of a function's name that `.` or `+` follows.
pub fn function(text: &[u8]) -> Option<usize> {
    let length = text.iter().take_while(|b| is_word(**b)).count();
    (length > 0 && matches!(text.get(length), Some(b'.' | b'+'))).then_some(length)
}

/// Length of a printed address: `[<ffffffff81000000>]`, `[0xc000abcd]`.
pub fn address(text: &[u8]) -> Option<usize> {
    let mut at = usize::from(text.first() == Some(&b'['));
    if at == 0 {
        return None;
    }
    at += usize::from(text.get(at) == Some(&b'<'));
    at += if text[at..].starts_with(b"0x") { 2 } else { 0 };
    let hex = text[at..].iter().take_while(|b| is_hex(**b)).count();
    at += hex;
    at += usize::from(text.get(at) == Some(&b'>'));
    (hex > 0 && text.get(at) == Some(&b']')).then_some(at + 1)
}

/// Length of a source position: `fs/inode.c:12`.
fn source(text: &[u8]) -> Option<usize> {
    let path = path(text);
    let (extension, length) = source_end(text, path)?;
    (extension > 1).then_some(length)
}

/// Where a source position may start: in front of no run of a path's characters that nothing like `.c:12` ends.
pub(super) fn source_start(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < text.len() {
        let path = path(&text[at..]);
        if source_end(&text[at..], path).is_some() {
            return Some(at);
        }
        at += path.max(1);
    }
    None
}

/// Where the extension of a path starts, and the length of the path with a line number behind it.
fn source_end(text: &[u8], path: usize) -> Option<(usize, usize)> {
    let rest = text[path..].strip_prefix(b":")?;
    let line = digits(rest);
    let dot = memchr::memrchr(b'.', &text[..path])?;
    let extension = &text[dot + 1..path];
    let known = line > 0 && !extension.is_empty() && extension.iter().all(u8::is_ascii_lowercase);
    known.then_some((dot + 1, path + 1 + line))
}

/// Length of what may be a path.
fn path(text: &[u8]) -> usize {
    let near = &text[..text.len().min(REACH)];
    near.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/' | b'.')).count()
}

pub(crate) fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

pub(crate) fn is_hex(b: u8) -> bool {
    matches!(b, b'0'..=b'9' | b'a'..=b'f')
}
