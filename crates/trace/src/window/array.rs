//! Triggers in arrays of bytes: the journal's JSON has a message that is no text as `"MESSAGE":[66,85,71,58]`.

use memchr::memmem;

use crate::marks::triggers;
use crate::rules::Rules;
use crate::run::digits;

const NAME: &[u8] = b"\"MESSAGE\"";

/// A longer array is no message.
const LONGEST: usize = 1 << 20;

/// What the first array that matters is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It holds a trigger; where its field starts and ends.
    Trigger(usize, usize),
    /// It does not end in this text; where its field starts.
    Open(usize),
}

/// The first array of bytes that holds a trigger, or that does not end.
pub(super) fn find(text: &[u8], rules: Rules) -> Option<Found> {
    memmem::find_iter(text, NAME).find_map(|at| {
        let from = at + NAME.len();
        let mut array = Array { text: &text[from..text.len().min(from + LONGEST)], at: 0 };
        if !array.opens() {
            return None;
        }
        let mut bytes = Vec::new();
        while let Some(byte) = array.byte() {
            bytes.push(byte);
        }
        let end = from + array.at;
        if end == text.len() {
            return Some(Found::Open(at));
        }
        triggers(rules).marks(&bytes).next().map(|_| Found::Trigger(at, end))
    })
}

struct Array<'t> {
    text: &'t [u8],
    at: usize,
}

impl Array<'_> {
    /// Passes over the colon and the bracket.
    fn opens(&mut self) -> bool {
        self.passes(b':') && self.passes(b'[')
    }

    fn passes(&mut self, byte: u8) -> bool {
        self.at += self.text[self.at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
        let is_there = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(is_there);
        is_there
    }

    /// The next element, with the comma behind it.
    fn byte(&mut self) -> Option<u8> {
        self.at += self.text[self.at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
        let rest = &self.text[self.at..];
        let length = digits(rest);
        let byte = std::str::from_utf8(&rest[..length]).ok()?.parse().ok()?;
        self.at += length;
        self.passes(b',');
        Some(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_read_as_far_as_they_go() {
        let find = |text: &str| find(text.as_bytes(), Rules::Syzbot);
        let bug = "{\"MESSAGE\":[66,85,71,58,255]}";
        assert_eq!(find(bug), Some(Found::Trigger(1, 27)));
        assert_eq!(find(&bug[..20]), Some(Found::Open(1)));
        assert_eq!(find(&bug.replace("85", "86")), None);
        let spread = "\t\"MESSAGE\" : [\n\t\t66,\n\t\t85,\n\t\t71,\n\t\t58\n\t],\n";
        assert!(matches!(find(spread), Some(Found::Trigger(1, _))));
        assert_eq!(find("{\"MESSAGE\":\"[66,85,71,58]\"}"), None);
    }
}
