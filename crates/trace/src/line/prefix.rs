//! Prefixes: lines in a row have the same one, save for the time, so that one look at it is enough.

use super::{Context, Line, split_prefix};
use crate::run::decimal;

/// The prefix of a line: most of the lines behind it have the same one, save for the time.
#[derive(Debug, Default)]
pub(crate) struct Prefix {
    /// Bytes that it takes; 0 where there is none yet.
    length: usize,
    context: Context,
    /// Eight bytes each, with zeros for the digits of the time and for what stands behind.
    fixed: [u64; Prefix::WORDS],
    /// All bits of the bytes in `fixed` that are no zeros.
    mask: [u64; Prefix::WORDS],
    /// The high bit of each digit of the time.
    time: [u64; Prefix::WORDS],
}

impl Prefix {
    /// A prefix has mostly 15 bytes, or 23 with a caller.
    const WORDS: usize = 4;

    /// Reads the next line, where it is known whether it may hold a `?`.
    #[inline]
    pub fn line<'a>(&mut self, offset: usize, raw: &'a [u8], question: bool) -> Line<'a> {
        let split = if self.is_of(raw) { (self.context, &raw[self.length..]) } else { self.split(raw) };
        Line::behind(split, offset, raw, question)
    }

    #[inline]
    fn is_of(&self, raw: &[u8]) -> bool {
        let (words, _) = raw.as_chunks();
        let count = self.length.div_ceil(8);
        if count == 0 || words.len() < count {
            return false;
        }
        let others = (0..count).fold(0, |others, n| {
            let eight = u64::from_le_bytes(words[n]);
            others | (eight & self.mask[n]) ^ self.fixed[n] | self.time[n] & !decimal(eight)
        });
        others == 0
    }

    fn split<'a>(&mut self, raw: &'a [u8]) -> (Context, &'a [u8]) {
        let split = split_prefix(raw);
        let length = raw.len() - split.1.len();
        let is_stamp = matches!(raw.first(), Some(b'[' | b'<')) && split.0 != Context::NONE;
        if is_stamp && length <= 8 * Prefix::WORDS {
            let time = memchr::memchr(b']', &raw[..length]).unwrap_or(0);
            let (mut fixed, mut mask, mut digit) = ([0; 32], [0; 32], [0; 32]);
            for (at, byte) in raw[..length].iter().enumerate() {
                if at < time && byte.is_ascii_digit() {
                    digit[at] = 0x80;
                } else {
                    (fixed[at], mask[at]) = (*byte, u8::MAX);
                }
            }
            let words = |bytes: [u8; 32]| {
                let mut words = [0; Prefix::WORDS];
                let (eights, _) = bytes.as_chunks();
                words.iter_mut().zip(eights).for_each(|(word, eight)| *word = u64::from_le_bytes(*eight));
                words
            };
            *self = Prefix { length, context: split.0, fixed: words(fixed), mask: words(mask), time: words(digit) };
        }
        split
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_it_is_alone() {
        let rows = [
            "[   12.345678][ T3245] a line of more than so many bytes",
            "[   12.345679][ T3245] a line of more than so many bytes",
            "[   13.000000][ T3246] a line of more than so many bytes",
            "[  113.000000][ T3246] ? f+0x1/0x2 and some more bytes",
            "[  113.00000x][ T3246] a line of more than so many bytes",
            "[  113.000000]  T3246] a line of more than so many bytes",
            "[  113.000000] short",
            "[  114.000000] a line of more than so many bytes",
            "[  11x.000000] a line of more than so many bytes",
            "<4>[  114.000000] a line of more than so many bytes",
            "<6>[  115.000000] a line of more than so many bytes",
            "<x>[  115.000000] a line of more than so many bytes",
            "no prefix, and a line of more than so many bytes",
            "[99999999999999999999.000000][   T12] a line of more than so many bytes",
            "[99999999999999999998.000000][   T12] a line of more than so many bytes",
            "",
        ];
        for before in rows {
            for row in rows {
                let mut prefix = Prefix::default();
                for text in [before, row] {
                    let text = text.as_bytes();
                    assert_eq!(prefix.line(7, text, true), Line::parse(7, text), "{before} {row}");
                }
            }
        }
    }
}
