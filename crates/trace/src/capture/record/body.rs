//! The body of a record: its fragments together, and the text that its escapes stand for.

use std::iter::Peekable;

use memchr::memchr;

use super::{Kind, Piece};

/// The body of a record, put together from its fragments.
#[derive(Debug, Default)]
pub(super) struct Body {
    bytes: Vec<u8>,
    /// (offset in the body, offset in the text) of each fragment.
    parts: Vec<(usize, usize)>,
    /// Where the last fragment ends in the text.
    pub(super) end: usize,
}

impl Body {
    /// Takes the body of `first`, and of the fragments of the same record that come next.
    pub(super) fn gather<'p>(
        &mut self,
        text: &[u8],
        first: &Piece,
        next: &mut Peekable<impl Iterator<Item = &'p Piece>>,
    ) {
        self.bytes.clear();
        self.parts.clear();
        self.add(text, first);
        let mut is_whole = first.kind != Kind::Fragment;
        let is_same = |piece: &Piece| {
            matches!(first.kind, Kind::Fragment | Kind::LastFragment)
                && matches!(piece.kind, Kind::Fragment | Kind::LastFragment)
                && (piece.boot, piece.sequence) == (first.boot, first.sequence)
        };
        while let Some(piece) = next.next_if(|piece| is_same(piece)) {
            if !is_whole {
                self.add(text, piece);
                is_whole = piece.kind == Kind::LastFragment;
            }
        }
    }

    fn add(&mut self, text: &[u8], piece: &Piece) {
        // A packet that came twice, or a part of it, is there already.
        let known = self.bytes.len().saturating_sub(piece.offset as usize);
        if let Some(rest) = piece.body(text).get(known..) {
            self.parts.push((self.bytes.len(), piece.from as usize + known));
            self.bytes.extend_from_slice(rest);
            self.end = piece.end as usize;
        }
    }

    /// Hands on the text that the body stands for, with its offsets in the capture.
    pub(super) fn unescape(&self, mut push: impl FnMut(&[u8], usize)) {
        let ends = self.parts.iter().skip(1).map(|&(at, _)| at).chain([self.bytes.len()]);
        // An escape may begin in one fragment and end in the next.
        let mut from = 0;
        for (&(start, source), end) in self.parts.iter().zip(ends) {
            from = from.max(start);
            while from < end {
                let rest = &self.bytes[from..];
                let plain = memchr(b'\\', rest).unwrap_or(rest.len()).min(end - from);
                push(&rest[..plain], source + from - start);
                from += plain;
                if from < end {
                    let escaped = escape(&self.bytes[from..]);
                    push(&[escaped.unwrap_or(b'\\')], source + from - start);
                    from += if escaped.is_some() { 4 } else { 1 };
                }
            }
        }
    }
}

/// The byte that `\x1b` at the start stands for.
fn escape(text: &[u8]) -> Option<u8> {
    let digits = text.get(..4)?.strip_prefix(b"\\x")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
