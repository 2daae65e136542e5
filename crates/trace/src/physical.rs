//! Physical lines: what the kernel itself printed of a report that somebody symbolized.
//!
//! syzbot's reports, and those that `ksplat report` prints, have a line above for each inlined call,
//! `g mm/slub.c:12 [inline]`, headlines and lists of locks included, and a source position behind each function:
//! `f+0x1/0x2 mm/slub.c:34`. decode_stacktrace.sh puts positions in the place of offsets: `f (mm/slub.c:34)`.

use std::borrow::Cow;

use crate::log::Entry;
use crate::shape::is_hex;

mod decoded;

pub(crate) use decoded::Decoded;
pub use decoded::Undecoded;

/// The lines of a report as the kernel printed them: without those of inlined calls and without source positions.
///
/// A headline of an inlined call stays where the kernel's own does not follow.
pub fn physical<'l, 't>(lines: &'l [Entry<'t>], undecoded: &'t Undecoded) -> Cow<'l, [Entry<'t>]> {
    if undecoded.is_empty() && !lines.iter().any(|entry| is_symbolized(entry.line.body)) {
        return Cow::Borrowed(lines);
    }
    let mut plain = Vec::with_capacity(lines.len());
    for (n, entry) in lines.iter().enumerate() {
        let body = entry.line.body;
        if is_inlined(body) {
            let is_repeated = || lines[1..].iter().find(|next| !is_inlined(next.line.body));
            if n > 0 || is_repeated().is_some_and(|next| next.trigger == entry.trigger) {
                continue;
            }
        }
        let mut entry = *entry;
        entry.line.body = undecoded.line(entry.line.offset).unwrap_or_else(|| without_position(body));
        plain.push(entry);
    }
    Cow::Owned(plain)
}

/// True for the line of an inlined call: ` g mm/slub.c:12 [inline]`.
pub(crate) fn is_inlined(line: &[u8]) -> bool {
    const INLINE: &[u8] = b" [inline]";
    // powerpc's and 32-bit ARM's frames go on behind it: ` [inline] (unreliable)`.
    let end = match line.last() {
        Some(b']') => line.len().checked_sub(INLINE.len()),
        Some(b')') => memchr::memmem::rfind(line, INLINE),
        _ => None,
    };
    end.is_some_and(|end| line[end..].starts_with(INLINE) && line[..end].last().is_some_and(u8::is_ascii_digit))
}

/// True where a line of an inlined call repeats a headline up to the function: the kernel's own line, or the next caller's.
pub(crate) fn is_headline_of(inlined: &[u8], line: &[u8]) -> bool {
    if !is_inlined(inlined) {
        return false;
    }
    // ` g mm/slub.c:12 [inline]`: function, position and mark.
    let mut blanks = memchr::memrchr_iter(b' ', inlined);
    blanks.nth(2).is_some_and(|function| line.starts_with(&inlined[..=function]))
}

fn is_symbolized(line: &[u8]) -> bool {
    is_inlined(line) || without_position(line).len() < line.len()
}

/// The line up to its function's source position.
fn without_position(line: &[u8]) -> &[u8] {
    let position = |colon: usize| {
        let start = memchr::memrchr(b' ', &line[..colon])?;
        let is_position = start + 1 < colon && line.get(colon + 1).is_some_and(u8::is_ascii_digit);
        (is_position && ends_with_symbol(&line[..start])).then_some(start)
    };
    memchr::memchr_iter(b':', line).find_map(position).map_or(line, |end| &line[..end])
}

/// True for `… f+0x1/0x2`.
fn ends_with_symbol(text: &[u8]) -> bool {
    let size = text.iter().rev().take_while(|b| is_hex(**b)).count();
    size > 0 && text[..text.len() - size].ends_with(b"/0x")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Log, Rules};

    fn plain(text: &str) -> Vec<String> {
        let log = Log::parse(text.as_bytes(), Rules::Ksplat);
        let undecoded = Undecoded::of(log.entries().iter());
        let lines = physical(log.entries(), &undecoded);
        lines.iter().map(|entry| String::from_utf8_lossy(entry.line.body).into_owned()).collect()
    }

    #[test]
    fn only_what_the_kernel_printed_is_left() {
        for (text, want) in [
            ("x\n g mm/slub.c:1 [inline]\n f+0x1/0x2 mm/slub.c:2\n", &["x", " f+0x1/0x2"][..]),
            (
                "WARNING: a.c:1 at g a.c:1 [inline]\nWARNING: a.c:1 at f+0x1/0x2 a.c:3\n",
                &["WARNING: a.c:1 at f+0x1/0x2"],
            ),
            ("WARNING: a.c:1 at g a.c:1 [inline]\nx\n", &["WARNING: a.c:1 at g a.c:1 [inline]", "x"]),
            (
                "x\n[<80201a00>] (f) from [<80201afc>] (g+0x18/0x1c a.c:257)\n",
                &["x", "[<80201a00>] (f) from [<80201afc>] (g+0x18/0x1c"],
            ),
            ("x\nf+0x1/0x2 a.c:1 a.c:1\n", &["x", "f+0x1/0x2"]),
            ("WARNING: at a.c:1 f (a.c:1)\n f (a.c:1) m\n", &["WARNING: at a.c:1 f+0x1/0x2", " f+0x1/0x2"]),
            ("x\n f+0x1/0x2 (a.c:1 b.c:2)\n", &["x", " f+0x1/0x2"]),
            (
                "kernel BUG at a.c:1!\nWARNING: at a.c:1 f+0x1/0x2\nx:1 [y]\n f+0x1/0x2 [m]\n",
                &["kernel BUG at a.c:1!", "WARNING: at a.c:1 f+0x1/0x2", "x:1 [y]", " f+0x1/0x2 [m]"],
            ),
        ] {
            assert_eq!(plain(text), want);
        }
    }

    #[test]
    fn plain_lines_are_borrowed() {
        let log = Log::parse(b"WARNING: at a.c:1 f+0x1/0x2\n f+0x1/0x2\n", Rules::Ksplat);
        let undecoded = Undecoded::of(log.entries().iter());
        assert!(matches!(physical(log.entries(), &undecoded), Cow::Borrowed(_)));
    }

    #[test]
    fn headlines_of_inlined_calls() {
        let inlined = b"BUG: KASAN: use-after-free in g a.c:1 [inline]";
        assert!(is_headline_of(inlined, b"BUG: KASAN: use-after-free in h a.c:2 [inline]"));
        assert!(is_headline_of(inlined, b"BUG: KASAN: use-after-free in f+0x1/0x2 a.c:2"));
        assert!(!is_headline_of(inlined, b"BUG: KASAN: double-free in f+0x1/0x2 a.c:2"));
        assert!(!is_headline_of(
            b"BUG: KASAN: use-after-free in f+0x1/0x2",
            b"BUG: KASAN: use-after-free in f+0x1/0x2"
        ));
    }
}
