//! Shapes: what a kernel message looks like, written close to the kernel's own format strings.
//!
//! | in a shape | matches | captured |
//! |---|---|---|
//! | `%f` `%F` | a function's name, which `.` or `+` must follow (so suffixes and offsets are cut) | `%f` |
//! | `%s` `%S` | a source position: `fs/inode.c:12` | `%s` |
//! | `%p` | a printed address: `[<ffffffff81000000>]`, `[c000abcd]` | |
//! | `%P` | the same and spaces behind it, or nothing | |
//! | `%x` `%d` | hex digits (lower case), decimal digits | |
//! | `%k` `%i` `%w` | `[a-z-]+`, `[a-z_]+`, `[A-Za-z0-9_]+` | yes |
//! | `%l` | as little as possible, up to what follows, on the same line | yes |
//! | `%r` `%n` | the rest of the line; `%n` only where there is some | yes |
//! | `%m` | the name of an allocator: `k?.?malloc` | |
//! | `%_` `%~` | one or more spaces, any number of spaces | |
//! | `%$` | only white space up to the line's end | |
//! | `(a\|b)` `{a\|b}` | one of these texts, the first that fits | `{}` |
//! | `…` | anything on the same line | |
//! | `⏎` | anything, up to somewhere on a later line | |
//! | `¶` | the rest of the line; what follows stands at the start of the next one | |
//! | `%T` | up to 100 bytes, line breaks included (a task's name and pid) | |
//! | `^` | (first) the start of the text | |
//!
//! `\` takes the next character as it is. Matching needs no backtracking over gaps: every part after a gap is taken where
//! it first fits, except that a part that ends in a capture is taken where it last fits on its line, as `.*` would leave it.

use memchr::memmem;

use crate::line::{digits, spaces};

mod sample;

/// Captures that a shape can have.
pub const CAPTURES: usize = 4;

/// Bytes of a line that a gap looks at: the kernel's records are shorter (`PRINTKRB_RECORD_MAX`, 1024).
const REACH: usize = 4096;

/// Places that a gap tries: a line that has more of them was not printed by the kernel.
const TRIES: usize = 64;

/// A position in a text of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Number of the line.
    pub line: usize,
    /// Byte in that line.
    pub column: usize,
}

/// What a shape captured, in order.
pub type Captures<'t> = [Option<&'t [u8]>; CAPTURES];

/// A compiled shape.
#[derive(Clone, Debug)]
pub struct Shape {
    at_text_start: bool,
    groups: Vec<Group>,
}

/// Parts that follow each other without a gap, and the gap in front of them.
#[derive(Clone, Debug)]
struct Group {
    gap: Gap,
    parts: Vec<Part>,
    captures_last: bool,
    starts: Starts,
    /// How many places a search tries.
    tries: usize,
}

/// Where a group can start: what a search for it looks at first.
#[derive(Clone, Debug, Default)]
enum Starts {
    /// At its first part, a text.
    Text,
    /// At one of at most three bytes, the last one repeated.
    Bytes([u8; 3]),
    /// At a source position.
    Source,
    #[default]
    Anywhere,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    None,
    SameLine,
    LaterLine,
    NextLine,
    Task,
}

#[derive(Clone, Debug)]
enum Part {
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

impl Shape {
    /// Compiles a shape. The shapes are part of the program: a bad one panics, and a test compiles them all.
    pub fn new(shape: &str) -> Shape {
        let mut compiled = Shape { at_text_start: shape.starts_with('^'), groups: Vec::new() };
        let mut group = Group::behind(Gap::None);
        let mut text = Vec::new();
        let mut chars = shape.trim_start_matches('^').chars();
        let mut scratch = [0; 4];
        while let Some(c) = chars.next() {
            let gap = match c {
                '…' => Gap::SameLine,
                '⏎' => Gap::LaterLine,
                '¶' => Gap::NextLine,
                '%' if chars.as_str().starts_with('T') => {
                    chars.next();
                    Gap::Task
                }
                '%' => {
                    flush(&mut text, &mut group.parts);
                    group.parts.push(part(chars.next().expect("a letter follows %")));
                    continue;
                }
                '(' | '{' => {
                    flush(&mut text, &mut group.parts);
                    let end = if c == '(' { ')' } else { '}' };
                    let inside: String = chars.by_ref().take_while(|c| *c != end).collect();
                    let texts = inside.split('|').map(|t| t.as_bytes().into()).collect();
                    group.parts.push(Part::OneOf(texts, c == '{'));
                    continue;
                }
                c => {
                    let c = if c == '\\' { chars.next().expect("a character follows \\") } else { c };
                    text.extend_from_slice(c.encode_utf8(&mut scratch).as_bytes());
                    continue;
                }
            };
            flush(&mut text, &mut group.parts);
            compiled.groups.push(std::mem::replace(&mut group, Group::behind(gap)));
        }
        flush(&mut text, &mut group.parts);
        if !group.parts.is_empty() {
            compiled.groups.push(group);
        }
        for group in &mut compiled.groups {
            group.captures_last = group.parts.iter().any(Part::captures);
            group.starts = group.parts.first().map(Part::starts).unwrap_or_default();
            group.tries = match group.parts.first() {
                Some(Part::Text(text)) if text.needle().len() > 1 => TRIES,
                _ => REACH + 1,
            };
        }
        compiled
    }

    /// The text that every match starts with; empty where a shape starts with something else.
    pub fn head(&self) -> &[u8] {
        match self.groups.first().and_then(|g| g.parts.first()) {
            Some(Part::Text(text)) => text.needle(),
            _ => b"",
        }
    }

    /// How many texts a match captures.
    pub fn captures(&self) -> usize {
        self.groups.iter().flat_map(|group| &group.parts).filter(|part| part.captures()).count()
    }

    /// Matches at exactly this place of a text.
    pub fn match_at<'t>(&self, text: &[&'t [u8]], at: Place) -> Option<Captures<'t>> {
        self.try_at(text, at).ok()
    }

    /// Matches at the first of these places where it can; they must be in order.
    pub fn match_first<'t>(&self, text: &[&'t [u8]], places: &[Place]) -> Option<(Place, Captures<'t>)> {
        for at in places {
            match self.try_at(text, *at) {
                Ok(captures) => return Some((*at, captures)),
                Err(Miss::Here) => {}
                Err(Miss::Behind) => return None,
            }
        }
        None
    }

    fn try_at<'t>(&self, text: &[&'t [u8]], at: Place) -> Result<Captures<'t>, Miss> {
        if self.at_text_start && at != Place::default() {
            return Err(Miss::Here);
        }
        let mut found = Found { captures: [None; CAPTURES], count: 0 };
        let mut at = at;
        for group in &self.groups {
            let next = match group.gap {
                Gap::None => group.match_at(text[at.line], at.column, &mut found).map(|column| Place { column, ..at }),
                Gap::SameLine => group.find(text[at.line], at.column, &mut found).map(|column| Place { column, ..at }),
                Gap::LaterLine => {
                    let mut later = at.line + 1..text.len();
                    let next =
                        later.find_map(|line| Some(Place { line, column: group.find(text[line], 0, &mut found)? }));
                    Some(next.ok_or(Miss::Behind)?)
                }
                Gap::NextLine => {
                    let line = at.line + 1;
                    let next = text.get(line).and_then(|text| group.match_at(text, 0, &mut found));
                    next.map(|column| Place { line, column })
                }
                Gap::Task => group.find_within(text, at, 100, &mut found),
            };
            at = next.ok_or(Miss::Here)?;
        }
        Ok(found.captures)
    }

    /// Finds the first match in one line.
    pub fn find<'t>(&self, line: &'t [u8]) -> Option<Captures<'t>> {
        self.find_from(line, 0).map(|(_, captures)| captures)
    }

    /// Finds the first match in one line at or after a column.
    pub fn find_from<'t>(&self, line: &'t [u8], from: usize) -> Option<(usize, Captures<'t>)> {
        let first = self.groups.first();
        let text = [line];
        let mut from = from;
        while from <= line.len() {
            let column = first.map_or(Some(from), |group| group.next_start(line, from, line.len()))?;
            if let Some(captures) = self.match_at(&text, Place { line: 0, column }) {
                return Some((column, captures));
            }
            from = column + 1;
        }
        None
    }
}

/// Why a shape does not match at a place.
enum Miss {
    /// Something differs.
    Here,
    /// What must stand on a later line stands on none, so that the shape matches at no later place either.
    Behind,
}

impl Group {
    fn behind(gap: Gap) -> Group {
        Group { gap, parts: Vec::new(), captures_last: false, starts: Starts::default(), tries: 0 }
    }

    /// The column behind the group, where it matches at `column`.
    fn match_at<'t>(&self, line: &'t [u8], column: usize, found: &mut Found<'t>) -> Option<usize> {
        let before = found.count;
        let mut at = column;
        for (n, part) in self.parts.iter().enumerate() {
            let next = if let Part::Lazy = part {
                let near = &line[at..line.len().min(at + REACH)];
                let end = at + self.parts.get(n + 1).map_or(Some(line.len() - at), |next| next.find(near))?;
                found.push(&line[at..end]);
                Some(end)
            } else {
                part.match_at(line, at, found)
            };
            let Some(next) = next else {
                found.count = before;
                return None;
            };
            at = next;
        }
        Some(at)
    }

    /// Finds the group at or after `from`: the last place for a group that captures, else the first.
    fn find<'t>(&self, line: &'t [u8], from: usize, found: &mut Found<'t>) -> Option<usize> {
        let end = line.len().min(from + REACH);
        if from > end {
            return None;
        }
        let mut from = from;
        let mut behind = end + 1;
        for _ in 0..self.tries {
            let column = if self.captures_last {
                self.last_start(line, from, behind)?
            } else {
                self.next_start(line, from, end)?
            };
            if let Some(matched) = self.match_at(line, column, found) {
                return Some(matched);
            }
            (from, behind) = if self.captures_last { (from, column) } else { (column + 1, behind) };
            if from >= behind {
                return None;
            }
        }
        None
    }

    /// The first column from `from` to `last` where the group may start.
    fn next_start(&self, line: &[u8], from: usize, last: usize) -> Option<usize> {
        let part = line.get(from..line.len().min(last + 1)).filter(|_| from <= last)?;
        let at = match (&self.starts, self.parts.first()) {
            (Starts::Text, Some(Part::Text(text))) => {
                text.find(&line[from..line.len().min(last + text.needle().len())])
            }
            (Starts::Bytes([a, b, c]), _) if a == b && b == c => memchr::memchr(*a, part),
            (Starts::Bytes([a, b, c]), _) => memchr::memchr3(*a, *b, *c, part),
            (Starts::Source, _) => source_start(&line[from..]).filter(|at| from + at <= last),
            _ => Some(0),
        };
        at.map(|at| from + at)
    }

    /// The last column from `from` to before `behind` where the group may start.
    fn last_start(&self, line: &[u8], from: usize, behind: usize) -> Option<usize> {
        let part = line.get(from..behind.min(line.len()))?;
        let at = match (&self.starts, self.parts.first()) {
            (Starts::Text, Some(Part::Text(text))) => {
                let starts = |at: &usize| line[from + at..].starts_with(text.needle());
                memchr::memrchr_iter(*text.needle().first()?, part).find(starts)
            }
            (Starts::Bytes([a, b, c]), _) => memchr::memrchr3(*a, *b, *c, part),
            _ => (behind - from).checked_sub(1),
        };
        at.map(|at| from + at)
    }

    fn find_within<'t>(&self, text: &[&'t [u8]], from: Place, bytes: usize, found: &mut Found<'t>) -> Option<Place> {
        let mut left = bytes;
        let mut at = from;
        loop {
            let line = *text.get(at.line)?;
            let end = line.len().min(at.column + left);
            let mut from = at.column;
            while let Some(column) = self.next_start(line, from, end) {
                if let Some(column) = self.match_at(line, column, found) {
                    return Some(Place { column, ..at });
                }
                from = column + 1;
            }
            left = left.checked_sub(line.len() - at.column + 1)?;
            at = Place { line: at.line + 1, column: 0 };
        }
    }
}

impl Part {
    fn starts(&self) -> Starts {
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

    fn captures(&self) -> bool {
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
    fn match_at<'t>(&self, line: &'t [u8], at: usize, found: &mut Found<'t>) -> Option<usize> {
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
    fn find(&self, line: &[u8]) -> Option<usize> {
        match self {
            Part::Text(text) => text.find(line),
            _ => (0..=line.len()).find(|at| {
                let mut found = Found { captures: [None; CAPTURES], count: 0 };
                self.match_at(line, *at, &mut found).is_some()
            }),
        }
    }
}

struct Found<'t> {
    captures: Captures<'t>,
    count: usize,
}

impl<'t> Found<'t> {
    fn push(&mut self, text: &'t [u8]) {
        if let Some(slot) = self.captures.get_mut(self.count) {
            *slot = Some(text);
            self.count += 1;
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
fn source_start(text: &[u8]) -> Option<usize> {
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

fn part(letter: char) -> Part {
    match letter {
        'f' | 'F' => Part::Function(letter == 'f'),
        's' | 'S' => Part::Source(letter == 's'),
        'p' => Part::Address,
        'P' => Part::MaybeAddress,
        'm' => Part::Allocator,
        'x' => Part::Class(is_hex, false),
        'd' => Part::Class(|b| b.is_ascii_digit(), false),
        'k' => Part::Class(|b| b.is_ascii_lowercase() || b == b'-', true),
        'i' => Part::Class(|b| b.is_ascii_lowercase() || b == b'_', true),
        'w' => Part::Class(is_word, true),
        'l' => Part::Lazy,
        'r' => Part::Rest(0),
        'n' => Part::Rest(1),
        '_' => Part::Spaces(1),
        '~' => Part::Spaces(0),
        '$' => Part::Blank,
        _ => panic!("unknown part %{letter} in a shape"),
    }
}

fn flush(text: &mut Vec<u8>, parts: &mut Vec<Part>) {
    if !text.is_empty() {
        parts.push(Part::Text(Box::new(memmem::Finder::new(text).into_owned())));
        text.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a shape captures in a text, or `-`.
    fn captured(shape: &str, text: &str) -> String {
        let lines: Vec<&[u8]> = text.split('\n').map(str::as_bytes).collect();
        let shape = Shape::new(shape);
        let found = (0..lines[0].len()).find_map(|column| shape.match_at(&lines, Place { line: 0, column }));
        found.map_or("-".into(), |captures| {
            let texts: Vec<_> = captures.iter().flatten().map(|c| String::from_utf8_lossy(c)).collect();
            texts.join("|")
        })
    }

    #[test]
    fn shapes_capture() {
        for (shape, text, want) in [
            ("in %f", "KASAN: x in foo.isra.0+0x1/0x2", "foo"),
            ("in %f", "in foo", "-"),
            ("at %s %f", "WARNING: CPU: 1 at fs/a-b.c:12 foo+0x1", "fs/a-b.c:12|foo"),
            ("WARNING:… at %S %f", "WARNING: x at a.c:1 f+0 at b.c:2 g+0", "g"),
            ("BUG: %k in %f", "BUG: use-after-free in f+0", "use-after-free|f"),
            ("A⏎at: %f", "A\nx\nat: f+0 at: g+0\nat: h+0", "g"),
            ("A⏎at: %f", "A at: f+0", "-"),
            ("task %Tblocked", "task a\nb:12 blocked", ""),
            ("{x y|x} z", "x z", "x"),
            ("UBSAN: %l in", "UBSAN: shift in bounds in x", "shift"),
            ("BUG:%$", "BUG:  ", ""),
            ("BUG:%$", "BUG: x", "-"),
            ("%p%_%F", "[<ffffffff81>] f+0", ""),
            ("\\(%r", "(a b", "a b"),
            ("at …¶%r", "at x\na b\nc", "a b"),
            ("in %P%f", "in [<ff>] f+0", "f"),
            ("in %P%f", "in f+0", "f"),
            (" %m", " kvmalloc_node", ""),
            (" %m", " xymalloc", "-"),
            ("^Boot", "xBoot", "-"),
        ] {
            assert_eq!(captured(shape, text), want, "{shape} on {text}");
        }
    }

    #[test]
    fn samples_match() {
        for format in crate::Format::all() {
            for shape in std::iter::once(&format.shape).chain(&format.report) {
                let sample = shape.sample();
                let lines: Vec<&[u8]> = sample.split('\n').map(str::as_bytes).collect();
                assert!(shape.match_at(&lines, Place::default()).is_some(), "{sample} of {:?}", format.row);
            }
        }
    }

    #[test]
    fn a_task_name_is_at_most_100_bytes() {
        let text = |n| format!("task {}blocked", "x".repeat(n));
        assert_eq!(captured("task %Tblocked", &text(100)), "");
        assert_eq!(captured("task %Tblocked", &text(101)), "-");
    }
}
