//! Scrubbing: what differs from one occurrence of a bug to the next is taken out of its title.
//!
//! The replacements and their order are syzkaller's (pkg/report/report.go, `dynamicTitleReplacement`, `sanitizeTitle`).
//! Each is applied until nothing changes, then the next one. syzkaller takes any six hex digits for an address, also
//! the start of a name (`e1000e_open` becomes `ADDR_open`); ksplat's rules take whole numbers only.

use std::borrow::Cow;

use trace::Rules;

/// A title has at most this many bytes.
const LONGEST: usize = 120;

/// How often a replacement is applied to what it left: `syz-executor.1.2.3` takes three passes.
const PASSES: usize = 16;

/// One replacement: where it first applies, and what it puts there.
type Replacement = fn(&[u8]) -> Option<(usize, usize, &'static [u8])>;

struct Row {
    /// What a text must hold, all of it, for the replacement to apply. No replacement adds any of this.
    needs: u8,
    replace: Replacement,
    /// How often it is applied: one pass leaves nothing to do, save where it takes the end of a chain away.
    passes: usize,
}

const fn row(needs: u8, replace: Replacement, passes: usize) -> Row {
    Row { needs, replace, passes }
}

/// The replacements of these rules, in order.
fn replacements(rules: Rules) -> &'static [Row; 9] {
    static SYZBOT: [Row; 9] = with_address(address);
    static KSPLAT: [Row; 9] = with_address(whole_address);
    match rules {
        Rules::Syzbot => &SYZBOT,
        Rules::Ksplat => &KSPLAT,
    }
}

const fn with_address(address: Replacement) -> [Row; 9] {
    [
        row(DIGIT | Z, |t| numbered(t, b"syz-executor", true), PASSES),
        row(DIGIT | Z, |t| numbered(t, b"syzkaller", false), PASSES),
        row(SIX_HEX, address, 1),
        row(DIGIT | DOT, ipv4, 1),
        row(DIGIT | DOT, source_line, 1),
        row(DIGIT | PLUS, symbol_offset, PASSES),
        row(DIGIT | HASH, cpu, PASSES),
        row(DIGIT, number, 1),
        row(SEVEN_DIGITS, long_number, 1),
    ]
}

const DIGIT: u8 = 1;
const DOT: u8 = 2;
const PLUS: u8 = 4;
const HASH: u8 = 8;
const Z: u8 = 16;
const HEX: u8 = 32;
/// So many hex digits in a row.
const SIX_HEX: u8 = 64;
const SEVEN_DIGITS: u8 = 128;

/// What each byte is.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut b = 0;
    while b < 256 {
        classes[b] = match b as u8 {
            b'0'..=b'9' => DIGIT | HEX,
            b'a'..=b'f' => HEX,
            b'.' => DOT,
            b'+' => PLUS,
            b'#' => HASH,
            b'z' => Z,
            _ => 0,
        };
        b += 1;
    }
    classes
};

/// What a text holds.
fn held(text: &[u8]) -> u8 {
    let mut held = text.iter().fold(0, |held, b| held | CLASSES[usize::from(*b)]);
    if held & HEX != 0 && has_run(text, HEX, 6) {
        held |= SIX_HEX;
    }
    if held & DIGIT != 0 && has_run(text, DIGIT, 7) {
        held |= SEVEN_DIGITS;
    }
    held
}

/// True where so many bytes of a class stand in a row: one of each so many bytes is in such a row.
fn has_run(text: &[u8], class: u8, length: usize) -> bool {
    let is = |b: &&u8| CLASSES[usize::from(**b)] & class != 0;
    let mut at = length - 1;
    while at < text.len() {
        let before = text[at + 1 - length..=at].iter().rev().take_while(is).count();
        if before > 0 && before + text[at + 1..].iter().take(length).take_while(is).count() >= length {
            return true;
        }
        at += length;
    }
    false
}

/// A title without what varies, in printable ASCII of at most 120 bytes.
pub fn scrubbed(title: &str, rules: Rules) -> String {
    let mut text = Cow::Borrowed(title.as_bytes());
    let held = held(&text);
    for row in replacements(rules).iter().filter(|row| held & row.needs == row.needs) {
        for _ in 0..row.passes {
            match replace_all(&text, row.replace) {
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
        changed.reserve(text.len() - at + with.len());
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
    if is_plain(text)
        && let Ok(text) = std::str::from_utf8(text)
    {
        return text.to_owned();
    }
    let mut title = [0; LONGEST];
    let mut length = 0;
    for byte in text.iter().take(LONGEST) {
        let byte = if *byte == b'\t' { b' ' } else { *byte };
        let repeats = byte == b' ' && length > 0 && title[length - 1] == b' ';
        if matches!(byte, b' '..0x7f) && !repeats {
            title[length] = byte;
            length += 1;
        }
    }
    std::str::from_utf8(&title[..length]).unwrap_or_default().trim().to_owned()
}

/// True for a title that nothing has to be taken from.
fn is_plain(text: &[u8]) -> bool {
    let (mut odd, mut before) = (text.len() > LONGEST, b' ');
    for byte in text {
        odd |= !matches!(byte, b' '..0x7f) | ((*byte == b' ') & (before == b' '));
        before = *byte;
    }
    !odd && (before != b' ' || text.is_empty())
}

fn count(text: &[u8], is: impl Fn(u8) -> bool) -> usize {
    text.iter().position(|b| !is(*b)).unwrap_or(text.len())
}

fn digits(text: &[u8]) -> usize {
    count(text, |b| b.is_ascii_digit())
}

fn is_hex(b: u8) -> bool {
    matches!(b, b'0'..=b'9' | b'a'..=b'f')
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
        if !is_hex(text[start]) || text[start - 1].is_ascii_alphanumeric() {
            return None;
        }
        let marked = if text[start..].starts_with(b"0x") { count(&text[start + 2..], is_hex) } else { 0 };
        let length = if marked >= 6 { 2 + marked } else { count(&text[start..], is_hex) };
        (length >= 6).then_some((start, start + length, &b"ADDR"[..]))
    })
}

/// What the names of BPF programs start with, their tag behind it: `bpf_prog_6deef7357e7b4530_name` (kernel/bpf/core.c).
const PROGRAM: &[u8] = b"bpf_prog_";

/// A word that is a hex number of six or more digits, marked by `0x` or not.
fn whole_address(text: &[u8]) -> Option<(usize, usize, &'static [u8])> {
    let mut start = 1;
    while start < text.len() {
        let run = count(&text[start..], is_word);
        let word = &text[start..start + run];
        let number = match word.strip_prefix(b"0x") {
            Some(hex) => hex.len() >= 6 && hex.iter().all(|b| is_hex(*b)),
            None => run >= 6 && word.iter().all(|b| is_hex(*b)) && !reads_as_name(word),
        };
        if number && !is_word(text[start - 1]) {
            return Some((start, start + run, b"ADDR"));
        }
        if let Some(tag) = word.strip_prefix(PROGRAM)
            && count(tag, is_hex) == 16
            && tag.get(16).is_none_or(|b| *b == b'_')
        {
            return Some((start + PROGRAM.len(), start + PROGRAM.len() + 16, b"ADDR"));
        }
        start += run.max(1);
    }
    None
}

/// A word of hex digits that is a word or a part's name: `facade`, `e1000e`, `ad7606`. Printed pointers are longer.
fn reads_as_name(word: &[u8]) -> bool {
    let letters = count(word, |b| b.is_ascii_alphabetic());
    let number = digits(&word[letters..]);
    let model = matches!(letters, 1..=3) && number >= 3 && word.len() - letters - number <= 1;
    word.len() < 8 && (letters == word.len() || model)
}

fn ipv4(text: &[u8]) -> Option<(usize, usize, &'static [u8])> {
    let mut start = 0;
    while start < text.len() {
        let run = digits(&text[start..]);
        if run > 0
            && let Some(end) = ipv4_end(text, start)
        {
            return Some((start, end, &b"IP"[..]));
        }
        // What one digit of a run does not start, none of it does.
        start += run.max(1);
    }
    None
}

/// Where an address ends that starts with this digit.
fn ipv4_end(text: &[u8], start: usize) -> Option<usize> {
    let mut end = start + digits(&text[start..]);
    for _ in 0..3 {
        let rest = text[end..].strip_prefix(b".")?;
        let number = digits(rest);
        if number == 0 {
            return None;
        }
        end += 1 + number;
    }
    Some(end)
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
    let mut start = 1;
    while start < text.len() {
        let run = digits(&text[start..]);
        let end = start + run;
        if run > 0 && !is_word(text[start - 1]) && text.get(end).is_none_or(|b| !is_word(*b)) {
            return Some((start, end, &b"NUM"[..]));
        }
        // Behind the first digit of a run stands a part of a word.
        start = end.max(start + 1);
    }
    None
}

fn long_number(text: &[u8]) -> Option<(usize, usize, &'static [u8])> {
    let mut start = 0;
    while start < text.len() {
        let length = digits(&text[start..]);
        if length >= 7 {
            return Some((start, start + length, b"NUM"));
        }
        start += length.max(1);
    }
    None
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
            assert_eq!(scrubbed(title, Rules::Syzbot), want);
        }
    }

    #[test]
    fn names_that_look_like_addresses_are_kept_on_request() {
        for title in ["WARNING in e1000e_open", "WARNING in f81232_set_termios", "x: e1000e, ad7606 and a facade"] {
            assert_eq!(scrubbed(title, Rules::Ksplat), title);
            assert_ne!(scrubbed(title, Rules::Syzbot), title);
        }
        for (title, want) in [
            ("at ffff8801deadbeef!", "at ADDR!"),
            ("at 0xffff8801 x", "at ADDR x"),
            ("at deadbeef", "at ADDR"),
            ("inode 1a2b3c", "inode ADDR"),
            ("cc2520_probe of 12ab34 and cc2520_probe", "cc2520_probe of ADDR and cc2520_probe"),
        ] {
            assert_eq!(scrubbed(title, Rules::Ksplat), want);
        }
    }

    /// The rule as it is written: each replacement until nothing changes.
    fn plainly_scrubbed(title: &str, rules: Rules) -> String {
        let mut text = title.as_bytes().to_vec();
        for row in replacements(rules) {
            while let Some(changed) = replace_all(&text, row.replace).filter(|changed| *changed != text) {
                text = changed;
            }
        }
        printable(&text)
    }

    #[test]
    fn what_needs_no_look_is_not_changed() {
        let parts = "syz-executor|syzkaller|0x|abcdef|12|1234567|.|:|+0x1/0x2|/|#|CPU#1|.c:| |_|deadbeef|x|é|-|z|+";
        let parts: Vec<&str> = parts.split('|').collect();
        let mut state = 1usize;
        for _ in 0..20_000 {
            let mut title = String::new();
            for _ in 0..state % 11 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                title.push_str(parts[(state >> 33) % parts.len()]);
            }
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 3;
            for rules in [Rules::Syzbot, Rules::Ksplat] {
                assert_eq!(scrubbed(&title, rules), plainly_scrubbed(&title, rules), "{title}");
            }
        }
    }

    #[test]
    fn a_title_is_at_most_120_bytes() {
        assert_eq!(scrubbed(&"x ".repeat(100), Rules::Syzbot).len(), 119);
    }
}
