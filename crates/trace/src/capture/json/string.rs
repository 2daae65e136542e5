//! JSON strings: what they stand for, and where each part of that comes from.

/// A scalar's text, without the quotes of a string.
pub(super) fn plain(raw: &[u8]) -> &[u8] {
    inside(raw).unwrap_or(raw)
}

/// What is between the quotes of a string.
pub(super) fn inside(raw: &[u8]) -> Option<&[u8]> {
    raw.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

/// Hands on the text that a JSON string stands for, in parts, with the offset of each in the string.
pub(super) fn unescape(bytes: &[u8], mut part: impl FnMut(&[u8], usize)) {
    let mut at = 0;
    while let Some(offset) = memchr::memchr(b'\\', &bytes[at..]) {
        let escape = at + offset;
        part(&bytes[at..escape], at);
        let (decoded, len) = one_escape(&bytes[escape..]);
        part(decoded.encode_utf8(&mut [0; 4]).as_bytes(), escape);
        at = (escape + len).min(bytes.len());
    }
    part(&bytes[at..], at);
}

/// The character that an escape at the start stands for, and the escape's length.
fn one_escape(text: &[u8]) -> (char, usize) {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    match text.get(1) {
        Some(b'n') => ('\n', 2),
        Some(b't') => ('\t', 2),
        Some(b'r') => ('\r', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'u') => match (unit(0), unit(6)) {
            (Some(high @ 0xd800..=0xdbff), Some(low @ 0xdc00..=0xdfff)) => {
                let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
            }
            (Some(code), _) => (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
            (None, _) => (char::REPLACEMENT_CHARACTER, 2),
        },
        Some(&other) => (char::from(other), 2),
        None => ('\\', 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_unescaped_as_serde_json_does_it() {
        for string in [r#""""#, r#""a\tb\\c\"d\/e""#, r#""\u0041\ud83d\ude00\u00e9x""#, r#""\b\f\r\n""#] {
            let mut own = Vec::new();
            unescape(inside(string.as_bytes()).expect("quotes"), |part, _| own.extend_from_slice(part));
            assert_eq!(String::from_utf8_lossy(&own), serde_json::from_str::<String>(string).expect("a string"));
        }
    }
}
