//! A text that was looked at once for being UTF-8, so that its parts need not be looked at again.

/// A text, and the same as a string where it is one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Utf8<'t> {
    bytes: &'t [u8],
    text: Option<&'t str>,
}

impl<'t> Utf8<'t> {
    /// Looks at a text.
    pub fn of(bytes: &'t [u8]) -> Utf8<'t> {
        Utf8 { bytes, text: std::str::from_utf8(bytes).ok() }
    }

    /// Some bytes as a string, if they are one: at once where they are a part of the text and all of that is UTF-8.
    #[inline]
    pub fn str(&self, part: &'t [u8]) -> Option<&'t str> {
        if let Some(text) = self.text {
            let at = part.as_ptr().addr().wrapping_sub(self.bytes.as_ptr().addr());
            if at < self.bytes.len()
                && part.len() <= self.bytes.len() - at
                && let Some(part) = text.get(at..at + part.len())
            {
                return Some(part);
            }
        }
        std::str::from_utf8(part).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_what_they_are_alone() {
        for bytes in ["a\u{e9}b".as_bytes(), b"ab\xff", b""] {
            let text = Utf8::of(bytes);
            for start in 0..=bytes.len() {
                for end in start..=bytes.len() {
                    assert_eq!(text.str(&bytes[start..end]), std::str::from_utf8(&bytes[start..end]).ok());
                }
            }
            assert_eq!(text.str(b"other"), Some("other"));
            assert_eq!(text.str(b"\xff"), None);
        }
    }
}
