//! A line that is read from left to right.

use std::borrow::Cow;

use super::value::Hex;
use crate::find::{find, holds};
use crate::run::{digits, hex, spaces};

/// What a kernel printed, invalid bytes replaced.
pub type Text<'t> = Cow<'t, str>;

/// Bytes as text.
pub(super) fn text(bytes: &[u8]) -> Text<'_> {
    String::from_utf8_lossy(bytes.trim_ascii())
}

/// The rest of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'t>(pub &'t [u8]);

impl<'t> Cursor<'t> {
    /// Goes behind a text that must come next.
    pub fn skip(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text.as_bytes())?;
        Some(())
    }

    /// Goes behind the next such text, wherever it stands; what stands before it.
    pub fn until(&mut self, text: &str) -> Option<&'t [u8]> {
        let at = find(self.0, text.as_bytes())?;
        let before = &self.0[..at];
        self.0 = &self.0[at + text.len()..];
        Some(before)
    }

    /// A decimal number that fits.
    pub fn number<T: std::str::FromStr>(&mut self) -> Option<T> {
        let (number, rest) = self.0.split_at(digits(self.0));
        let number = std::str::from_utf8(number).ok()?.parse().ok()?;
        self.0 = rest;
        Some(number)
    }

    /// The decimal number behind the next such text; nothing is skipped where there is none.
    pub fn number_behind<T: std::str::FromStr>(&mut self, text: &str) -> Option<T> {
        let mut ahead = *self;
        ahead.until(text)?;
        let number = ahead.number()?;
        *self = ahead;
        Some(number)
    }

    /// A hex number, with or without `0x`.
    pub fn hex(&mut self) -> Option<Hex> {
        let text = self.0.strip_prefix(b"0x").unwrap_or(self.0);
        let (value, length) = hex(text)?;
        self.0 = &text[length..];
        Some(Hex(value))
    }

    /// The hex number behind the next such text; nothing is skipped where there is none.
    pub fn hex_behind(&mut self, text: &str) -> Option<Hex> {
        let mut ahead = *self;
        ahead.until(text)?;
        let number = ahead.hex()?;
        *self = ahead;
        Some(number)
    }

    /// Goes behind blanks.
    pub fn blanks(&mut self) {
        self.0 = &self.0[spaces(self.0)..];
    }

    /// The next word: all up to a space or the end.
    pub fn word(&mut self) -> &'t [u8] {
        let length = memchr::memchr(b' ', self.0).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(length);
        self.0 = rest;
        word
    }

    /// What stands behind the next word.
    pub fn behind_word(mut self) -> &'t [u8] {
        self.word();
        self.0
    }

    /// True where such a text comes somewhere.
    pub fn holds(self, text: &str) -> bool {
        holds(self.0, text.as_bytes())
    }
}
