//! Bytes that a terminal acts on and shows nothing for: carriage returns, NUL bytes, escape sequences.

use memchr::{memchr, memchr3, memmem};

use super::map::{Map, Out};

const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;

/// Longer than any sequence that a tool prints; what is longer is text behind a stray escape byte.
const LONGEST: usize = 64;

/// The text without them, or nothing where it has none.
pub(super) fn without(text: &[u8]) -> Option<(Vec<u8>, Map)> {
    let mut next = memchr3(b'\r', 0, ESCAPE, text);
    next?;
    let mut out = Out::for_source(text);
    let mut at = 0;
    while let Some(found) = next {
        out.push(&text[at..found], at);
        at = found + if text[found] == ESCAPE { sequence(&text[found..]) } else { 1 };
        next = memchr3(b'\r', 0, ESCAPE, &text[at..]).map(|i| at + i);
    }
    out.push(&text[at..], at);
    Some(out.finish(text.len()))
}

/// The text with `\n` for `\r\n`, if its first line ends so.
pub(super) fn with_plain_line_breaks(text: &[u8]) -> Option<(Vec<u8>, Map)> {
    memchr(b'\n', text).filter(|end| text[..*end].ends_with(b"\r"))?;
    let mut out = Out::for_source(text);
    let mut at = 0;
    for found in memmem::find_iter(text, b"\r\n") {
        out.push(&text[at..found], at);
        at = found + 1;
    }
    out.push(&text[at..], at);
    Some(out.finish(text.len()))
}

/// How many bytes the escape sequence at the start takes (ECMA-48); one where it is not a whole one.
fn sequence(text: &[u8]) -> usize {
    let text = &text[..text.len().min(LONGEST)];
    let whole = match text.get(1) {
        Some(b'[') => {
            let params = 2 + text[2..].iter().take_while(|b| matches!(b, 0x30..=0x3f)).count();
            let last = params + text[params..].iter().take_while(|b| matches!(b, 0x20..=0x2f)).count();
            text.get(last).filter(|b| matches!(b, 0x40..=0x7e)).map(|_| last + 1)
        }
        // Ends with BEL, or with the two bytes `ESC \`, of which the second goes as a sequence of its own.
        Some(b']') => text[2..]
            .iter()
            .position(|&b| matches!(b, BELL | ESCAPE | b'\n'))
            .filter(|&i| text[2 + i] != b'\n')
            .map(|i| 2 + i + usize::from(text[2 + i] == BELL)),
        Some(b'(' | b')' | b'*' | b'+' | b'#') => Some(3),
        Some(b'7' | b'8' | b'=' | b'>' | b'c' | b'\\' | b'D' | b'E' | b'H' | b'M' | b'N' | b'O' | b'Z') => Some(2),
        _ => None,
    };
    whole.filter(|&len| len <= text.len()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    fn cleaned(text: &str) -> String {
        let text = text.as_bytes();
        let out = super::without(text).map_or(text.to_vec(), |(text, _)| text);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn what_a_terminal_shows_is_left() {
        assert_eq!(cleaned("plain\n"), "plain\n");
        assert_eq!(cleaned("a\r\r\nb\rc\0\0d"), "a\nbcd");
        assert_eq!(cleaned("\x1b[32m[    0.1] \x1b[0mx\x1b[2K\x1b[1;31my\x1b[?25l"), "[    0.1] xy");
        assert_eq!(cleaned("\x1b]0;title\x07a\x1b]2;t\x1b\\b\x1b(Bc\x1bcd\x1b7"), "abcd");
    }

    #[test]
    fn a_stray_escape_byte_takes_nothing_with_it() {
        assert_eq!(cleaned("\x1b[    1.25] x"), "[    1.25] x");
        assert_eq!(cleaned("\x1b[12.5] x\x1b"), "[12.5] x");
        assert_eq!(cleaned("\x1b]no end\nx\x1b["), "]no end\nx[");
    }
}
