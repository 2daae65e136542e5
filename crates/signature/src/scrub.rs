//! Scrubbing: what differs from one occurrence of a bug to the next is taken out of its title.
//!
//! The replacements and their order are syzkaller's (pkg/report/report.go, `dynamicTitleReplacement`, `sanitizeTitle`).
//! Each is applied until nothing changes, then the next one.

use std::borrow::Cow;

/// A title has at most this many bytes.
const LONGEST: usize = 120;

/// One replacement: where it first applies, and what it puts there.
type Replacement = fn(&[u8]) -> Option<(usize, usize, &'static [u8])>;

const REPLACEMENTS: [Replacement; 9] = [
    |t| numbered(t, b"syz-executor", true),
    |t| numbered(t, b"syzkaller", false),
    address,
    ipv4,
    source_line,
    symbol_offset,
    cpu,
    number,
    long_number,
];

/// A title without what varies, in printable ASCII of at most 120 bytes.
pub fn scrubbed(title: &str) -> String {
    let mut text = Cow::Borrowed(title.as_bytes());
    for replace in REPLACEMENTS {
        // A replacement leaves at most one mark for each byte that it takes, so this ends; the bound is for the reader.
        for _ in 0..title.len() {
            match replace_all(&text, replace) {
                Some(changed) if changed != *text => text = Cow::Owned(changed),
                _ => break,
            }
        }
    }
    printable(&text)
}

/// One pass over a text: each place where a replacement applies.
fn replace_all(text: &[u8], replace: Replacement) -> Option<Vec<u8>> {
    let mut changed = Vec::new();
    let mut at = 0;
    while let Some((start, end, with)) = replace(&text[at..]) {
        changed.extend_from_slice(&text[at..at + start]);
        changed.extend_from_slice(with);
        at += end;
    }
    if at == 0 {
        return None;
    }
    changed.extend_from_slice(&text[at..]);
    Some(changed)
}

fn printable(text: &[u8]) -> String {
    let mut title = String::with_capacity(text.len().min(LONGEST));
    for byte in text.iter().take(LONGEST) {
        match byte {
            b'\t' | b' ' if title.ends_with(' ') => {}
            b'\t' => title.push(' '),
            0x20..0x7f => title.push(char::from(*byte)),
            _ => {}
        }
    }
    title.trim().to_owned()
}

fn count(text: &[u8], is: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|b| is(**b)).count()
}

fn digits(text: &[u8]) -> usize {
    count(text, |b| b.is_ascii_digit())
}

fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// `syz-executor.12:34`, `syzkaller12/3`.
fn numbered(text: &[u8], name: &'static [u8], dotted: bool) -> Option<(usize, usize, &'static [u8])> {
    memchr::memmem::find_iter(text, name).find_map(|start| {
        let mut end = start + name.len();
        end += usize::from(dotted && text.get(end) == Some(&b'.'));
        let number = digits(&text[end..]);
        end += number;
        if matches!(text.get(end), Some(b'/' | b':')) {
            let second = digits(&text[end + 1..]);
            end += if second > 0 { second + 1 } else { 0 };
        }
        (number > 0).then_some((start, end, name))
    })
}

/// A run of hex digits that nothing alphanumeric stands before: `(deadbeef`, `_0x1234567`.
fn address(text: &[u8]) -> Option<(usize, usize, &'static [u8])> {
    (1..text.len()).find_map(|start| {
        if text[start - 1].is_ascii_alphanumeric() {
            return None;
        }
        let is_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        let marked = if text[start..].starts_with(b"0x") { count(&text[start + 2..], is_hex) } else { 0 };
        let length = if marked >= 6 { 2 + marked } else { count(&text[start..], is_hex) };
        (length >= 6).then_some((start, start + length, &b"ADDR"[..]))
    })
}

fn ipv4(text: &[u8]) -> Option<(usize, usize, &'static [u8])> {
    (0..text.len()).filter(|at| text[*at].is_ascii_digit()).find_map(|start| {
        let mut end = start;
        for part in 0..4 {
            if part > 0 {
                if text.get(end) != Some(&b'.') {
                    return None;
                }
                end += 1;
            }
            let number = digits(&text[end..]);
            if number == 0 {
                return None;
            }
            end += number;
        }
        Some((start, end, &b"IP"[..]))
    })
}

/// `.c:12:3` keeps its extension; the caller puts `:LINE` behind it.
fn source_line(text: &[u8]) -> Option<(usize, usize, &'static [u8])> {
    memchr::memchr_iter(b'.', text).find_map(|dot| {
        let start = dot + 1 + count(&text[dot + 1..], is_word);
        let mut end = start;
        while text.get(end) == Some(&b':') {
            let number = digits(&text[end + 1..]);
            if number == 0 {
                break;
            }
            end += 1 + number;
        }
        (start > dot + 1 && end > start).then_some((start, end, &b":LINE"[..]))
    })
}

/// `name+0x1/0x2` keeps its name.
fn symbol_offset(text: &[u8]) -> Option<(usize, usize, &'static [u8])> {
    let hex = |at: usize| {
        let digits = text.get(at..)?.strip_prefix(b"0x").map(|hex| count(hex, |b| b.is_ascii_hexdigit()))?;
        (digits > 0).then_some(at + 2 + digits)
    };
    memchr::memchr_iter(b'+', text).find_map(|plus| {
        let name = plus > 0 && (is_word(text[plus - 1]) || text[plus - 1] == b'.');
        let offset = hex(plus + 1).filter(|at| name && text.get(*at) == Some(&b'/'))?;
        Some((plus, hex(offset + 1)?, &b""[..]))
    })
}

fn cpu(text: &[u8]) -> Option<(usize, usize, &'static [u8])> {
    memchr::memmem::find_iter(text, b"CPU#").find_map(|at| {
        let number = digits(&text[at + 4..]);
        (number > 0).then_some((at + 3, at + 4 + number, &b""[..]))
    })
}

/// A number that stands alone.
fn number(text: &[u8]) -> Option<(usize, usize, &'static [u8])> {
    (1..text.len()).find_map(|start| {
        if is_word(text[start - 1]) {
            return None;
        }
        let end = start + digits(&text[start..]);
        let alone = text.get(end).is_none_or(|b| !is_word(*b));
        (end > start && alone).then_some((start, end, &b"NUM"[..]))
    })
}

fn long_number(text: &[u8]) -> Option<(usize, usize, &'static [u8])> {
    (0..text.len()).find_map(|start| {
        let length = digits(&text[start..]);
        (length >= 7).then_some((start, start + length, &b"NUM"[..]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_scrubbed() {
        for (title, want) in [
            ("INFO: task syz-executor.3:1234 hung", "INFO: task syz-executor hung"),
            ("x in syzkaller123/4", "x in syzkaller"),
            ("WARNING in e1000e_open", "WARNING in ADDR_open"),
            ("at ffff8801deadbeef!", "at ADDR!"),
            ("at 0xffff8801 x", "at ADDR x"),
            ("from 127.0.0.1", "from IP"),
            ("at fs/inode.c:12:3 x", "at fs/inode.c:LINE x"),
            ("in foo+0x12/0x34", "in foo"),
            ("lockup - CPU#3 stuck for 22s", "lockup - CPU stuck for 22s"),
            ("exit code 139", "exit code NUM"),
            ("[1.2]", "[NUM.NUM]"),
            ("v12345678", "vNUM"),
            ("a\tb\u{1}  c é", "a b c"),
        ] {
            assert_eq!(scrubbed(title), want);
        }
    }

    #[test]
    fn a_title_is_at_most_120_bytes() {
        assert_eq!(scrubbed(&"x ".repeat(100)).len(), 119);
    }
}
