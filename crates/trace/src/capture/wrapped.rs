//! A mail whose long lines were folded, hard or as `format=flowed` (RFC 3676) has it.
//!
//! Only a log with printk's prefixes tells where a line goes on, and only a text in which no line is wider than mail
//! programs allow was folded. What follows a kernel's line without a prefix of its own, and would not have fit on that
//! line, is the rest of it.

use std::ops::RangeInclusive;

use super::head::plain;
use super::lines::lines;
use super::map::Out;

/// Columns at which mail programs fold; RFC 5322 asks for no more than the last one.
const WIDTHS: RangeInclusive<usize> = 66..=80;
/// While the width is looked for, a longer word tells nothing: it might not fit on any line.
const LONGEST_WORD: usize = 40;

/// How wide the text is, if its long lines were folded.
pub(super) fn width(text: &[u8]) -> Option<usize> {
    let least = lines(text).map(|(_, line)| needed(line)).try_fold(*WIDTHS.start(), |widest, needed| {
        Some(widest.max(needed)).filter(|widest| WIDTHS.contains(widest))
    })?;
    let widths = least..=*WIDTHS.end();
    // How many lines go on in the next one if the text is so wide, and how many stand there for another reason.
    let mut folds = [0_usize; *WIDTHS.end() + 1];
    let mut all = 0_usize;
    let mut before = None;
    for (_, line) in lines(text) {
        if plain(line).is_some() {
            before = Some(line);
        } else if let Some(first) = before {
            before = may_be_rest(line).then_some(line);
            let word = word(line);
            if word <= LONGEST_WORD && !line.trim_ascii().is_empty() {
                all += 1;
                let fits = |width: &usize| before.is_some() && !is_room(first, word, *width);
                widths.clone().filter(fits).for_each(|width| folds[width] += 1);
            }
        }
    }
    let most = widths.rev().max_by_key(|width| folds[*width])?;
    (folds[most] > 4 * (all - folds[most])).then_some(most)
}

/// Writes `text` to `out` with whole lines.
pub(super) fn peel(text: &[u8], out: &mut Out) {
    let Some(width) = width(text) else { return out.push(text, 0) };
    let mut before: Option<(&[u8], usize)> = None;
    for (at, line) in lines(text) {
        let is_plain = plain(line).is_some();
        if let Some((first, end)) = before {
            if !is_plain && is_rest(first, line, width) {
                // A flowed line keeps the blank.
                out.push(if first.ends_with(b" ") { b"" } else { b" " }, end);
            } else {
                out.newline(end);
                before = None;
            }
        }
        out.push(line, at);
        if is_plain || before.is_some() {
            before = Some((line, at + line.len()));
        } else if at + line.len() < text.len() {
            out.newline(at + line.len());
        }
    }
    if let Some((_, end)) = before.filter(|(_, end)| *end < text.len()) {
        out.newline(end);
    }
}

/// Whether `line` is what did not fit behind `before`.
fn is_rest(before: &[u8], line: &[u8], width: usize) -> bool {
    may_be_rest(line) && !is_room(before, word(line), width)
}

/// Whether a line may be a part of the kernel's line before it.
fn may_be_rest(line: &[u8]) -> bool {
    // What a console ends with may be cut within a stamp, and a fuzzer says on it what it does.
    let is_stamp = || line.iter().all(|b| matches!(b, b'[' | b']' | b' ' | b'.' | b'0'..=b'9' | b'T' | b'C'));
    match line.first() {
        None | Some(b' ' | b'\t') => false,
        Some(b'[') if is_stamp() => false,
        _ => !line.starts_with(b"executing program"),
    }
}

/// Whether a word fits behind a line. A flowed line keeps its blanks.
fn is_room(line: &[u8], word: usize, width: usize) -> bool {
    line.len() + usize::from(!line.ends_with(b" ")) + word <= width
}

/// The length of a line's first word.
fn word(line: &[u8]) -> usize {
    line.iter().take_while(|b| **b != b' ').count()
}

/// How wide a text must be so that this line was not folded; 0 for one that has no place to fold it.
fn needed(line: &[u8]) -> usize {
    let message = line[plain(line).unwrap_or(0)..].trim_ascii();
    if message.contains(&b' ') { line.trim_ascii_end().len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "[    1.000000] WARNING: possible circular locking dependency detected in some\n\
        function\n\
        [    1.000001] Hardware name: QEMU Standard PC (i440FX + PIIX), BIOS rel-1.16\n\
        04/01/2014\n\
        [    1.000002] short\n\
        \n\
        Any idea?\n";

    fn peeled(text: &str) -> String {
        let mut out = Out::for_source(text.as_bytes());
        peel(text.as_bytes(), &mut out);
        String::from_utf8_lossy(&out.text).into_owned()
    }

    #[test]
    fn what_did_not_fit_is_put_back() {
        let whole = LOG.replace("\nfunction", " function").replace("\n04/01", " 04/01");
        assert_eq!(peeled(LOG), whole);
        assert_eq!(peeled(&LOG.replace("some\n", "some \n").replace("16\n04", "16 \n04")), whole, "flowed");
    }

    #[test]
    fn a_text_with_wide_lines_was_not_folded() {
        assert_eq!(width(format!("{LOG}[    1.000003] {}\n", "word ".repeat(16)).as_bytes()), None);
        assert_eq!(width(format!("{LOG}[    1.000003] {}\n", "x".repeat(90)).as_bytes()), Some(77));
        assert_eq!(width(b"[    1.000000] a\nb\n[    1.000000] c\nd\n"), None);
    }
}
