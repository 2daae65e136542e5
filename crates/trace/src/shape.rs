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

mod compile;
mod group;
mod part;
mod sample;

use crate::log::Entry;
use group::{Gap, Group};
use part::Part;
pub use part::{address, function};
pub(crate) use part::{is_hex, is_word};

/// Captures that a shape can have.
pub const CAPTURES: usize = 4;

/// Bytes of a line that a gap looks at: the kernel's records are shorter (`PRINTKRB_RECORD_MAX`, 1024).
const REACH: usize = 4096;

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

/// What has the text of a line.
pub trait Body<'t> {
    /// The text.
    fn body(&self) -> &'t [u8];
}

impl<'t> Body<'t> for &'t [u8] {
    fn body(&self) -> &'t [u8] {
        self
    }
}

impl<'t> Body<'t> for Entry<'t> {
    fn body(&self) -> &'t [u8] {
        self.line.body
    }
}

/// A compiled shape.
#[derive(Clone, Debug)]
pub struct Shape {
    at_text_start: bool,
    groups: Vec<Group>,
}

impl Shape {
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
    pub fn match_at<'t>(&self, text: &[impl Body<'t>], at: Place) -> Option<Captures<'t>> {
        self.try_at(text, at).ok()
    }

    /// Matches at the first of these places where it can; they must be in order.
    pub fn match_first<'t>(&self, text: &[impl Body<'t>], places: &[Place]) -> Option<(Place, Captures<'t>)> {
        for at in places {
            match self.try_at(text, *at) {
                Ok(captures) => return Some((*at, captures)),
                Err(Miss::Here) => {}
                Err(Miss::Behind) => return None,
            }
        }
        None
    }

    fn try_at<'t>(&self, text: &[impl Body<'t>], at: Place) -> Result<Captures<'t>, Miss> {
        if self.at_text_start && at != Place::default() {
            return Err(Miss::Here);
        }
        let mut found = Found::default();
        let mut at = at;
        for group in &self.groups {
            let next = match group.gap {
                Gap::None => {
                    group.match_at(text[at.line].body(), at.column, &mut found).map(|column| Place { column, ..at })
                }
                Gap::SameLine => {
                    group.find(text[at.line].body(), at.column, &mut found).map(|column| Place { column, ..at })
                }
                Gap::LaterLine => {
                    let mut later = at.line + 1..text.len();
                    let next = later
                        .find_map(|line| Some(Place { line, column: group.find(text[line].body(), 0, &mut found)? }));
                    Some(next.ok_or(Miss::Behind)?)
                }
                Gap::NextLine => {
                    let line = at.line + 1;
                    let next = text.get(line).and_then(|text| group.match_at(text.body(), 0, &mut found));
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

/// What was captured so far.
#[derive(Default)]
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
