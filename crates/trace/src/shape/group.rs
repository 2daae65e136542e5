//! Parts without a gap between them, and where they are found in a line.

use super::part::{Part, source_start};
use super::{Body, Found, Place, REACH};

/// Places that a gap tries: a line that has more of them was not printed by the kernel.
const TRIES: usize = 64;

/// Parts that follow each other without a gap, and the gap in front of them.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// What stands in front of it.
    pub(super) gap: Gap,
    pub(super) parts: Vec<Part>,
    captures_last: bool,
    starts: Starts,
    /// How many places a search tries.
    tries: usize,
}

/// Where a group can start: what a search for it looks at first.
#[derive(Clone, Debug, Default)]
pub(super) enum Starts {
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
pub(super) enum Gap {
    None,
    SameLine,
    LaterLine,
    NextLine,
    Task,
}

impl Group {
    pub(super) fn new(gap: Gap, parts: Vec<Part>) -> Group {
        let first = parts.first();
        Group {
            gap,
            captures_last: parts.iter().any(Part::captures),
            starts: first.map(Part::starts).unwrap_or_default(),
            tries: match first {
                Some(Part::Text(text)) if text.needle().len() > 1 => TRIES,
                _ => REACH + 1,
            },
            parts,
        }
    }

    /// The column behind the group, where it matches at `column`.
    pub(super) fn match_at<'t>(&self, line: &'t [u8], column: usize, found: &mut Found<'t>) -> Option<usize> {
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
    pub(super) fn find<'t>(&self, line: &'t [u8], from: usize, found: &mut Found<'t>) -> Option<usize> {
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
    pub(super) fn next_start(&self, line: &[u8], from: usize, last: usize) -> Option<usize> {
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

    pub(super) fn find_within<'t>(
        &self,
        text: &[impl Body<'t>],
        from: Place,
        bytes: usize,
        found: &mut Found<'t>,
    ) -> Option<Place> {
        let mut left = bytes;
        let mut at = from;
        loop {
            let line = text.get(at.line)?.body();
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
