//! Console text to lines: what printk puts in front of a message, and who printed it.
//!
//! The grammar of the prefix (kernel/printk/printk.c, `info_print_prefix`):
//! `[<level>][seconds.micros][[caller]] `, where the caller (`CONFIG_PRINTK_CALLER`) is `T` and a thread id or `C` and a CPU.

use crate::find::find;
use crate::run::{digits, is_micros, spaces};

mod prefix;

pub(crate) use prefix::Prefix;

/// Who printed a line: lines of one context belong together, whatever is printed between them.
///
/// Two callers are equal when their printed forms are, padding included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Context(u64);

impl Context {
    /// A line without a printk prefix.
    pub const NONE: Context = Context(0);
    /// A line with a time stamp but without a caller id.
    pub const CONSOLE: Context = Context(1);

    const TASK: u64 = 2;
    const CPU: u64 = 3;

    fn caller(kind: u64, padding: usize, digits: &[u8]) -> Context {
        let number = digits.iter().fold(0u64, |n, d| n.wrapping_mul(10).wrapping_add(u64::from(d - b'0')));
        // 2 bits of kind, 5 of padding, 5 of digit count, the rest is the number.
        Context(kind | (padding as u64 & 31) << 2 | (digits.len() as u64 & 31) << 7 | number << 12)
    }

    /// True for `[ T123]`: a task printed the line.
    pub fn is_task(self) -> bool {
        self.0 & 3 == Self::TASK
    }

    /// True for `[ C1]`: an interrupt on that CPU printed the line.
    pub fn is_cpu(self) -> bool {
        self.0 & 3 == Self::CPU
    }

    /// True where the kernel said who printed the line.
    pub fn is_caller(self) -> bool {
        self.is_task() || self.is_cpu()
    }
}

impl std::fmt::Display for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (digits, number) = ((self.0 >> 7 & 31) as usize, self.0 >> 12);
        match self.0 & 3 {
            Self::TASK => write!(f, "T{number:0digits$}"),
            Self::CPU => write!(f, "C{number:0digits$}"),
            _ if *self == Self::CONSOLE => f.write_str("console"),
            _ => Ok(()),
        }
    }
}

/// One console line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Where the line starts in the console text.
    pub offset: usize,
    /// The whole line, without its line break.
    pub raw: &'a [u8],
    /// The message: what is left behind printk's prefix, and behind a `?` that doubts a frame.
    pub body: &'a [u8],
    /// Who printed it.
    pub context: Context,
    /// False for a frame that the unwinder doubts (`? f+0x1/0x2`, or powerpc's ` (unreliable)`).
    pub reliable: bool,
}

impl<'a> Line<'a> {
    /// Reads one line that starts at `offset`; `raw` has no line break.
    pub fn parse(offset: usize, raw: &'a [u8]) -> Line<'a> {
        Line::behind(split_prefix(raw), offset, raw, true)
    }

    /// The line behind its prefix, where it is known whether it may hold a `?`.
    #[inline]
    fn behind((context, body): (Context, &'a [u8]), offset: usize, raw: &'a [u8], question: bool) -> Line<'a> {
        let may_be_doubted = context != Context::NONE && (question || raw.last() == Some(&b')'));
        let (body, reliable) = if may_be_doubted { without_doubt(body) } else { (body, true) };
        Line { offset, raw, body, context, reliable }
    }

    /// Where the line ends in the console text, before its line break.
    pub fn end(&self) -> usize {
        self.offset + self.raw.len()
    }
}

/// Lines of a console text, in order; a last line without a line break counts.
pub fn lines(text: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= text.len() {
            return None;
        }
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |n| at + n);
        let line = Line::parse(at, &text[at..end]);
        at = end + 1;
        Some(line)
    })
}

/// The context of a line and what follows the prefix.
fn split_prefix(raw: &[u8]) -> (Context, &[u8]) {
    if matches!(raw.first(), Some(b'[' | b'<'))
        && let Some((context, length)) = stamp(raw)
    {
        return (context, &raw[length..]);
    }
    match behind_other_output(raw) {
        // Syzkaller cuts at the first "] " of the line, even in the prompt.
        Some(context) => (context, find(raw, b"] ").map_or(raw, |at| &raw[at + 2..])),
        None => (Context::NONE, raw),
    }
}

/// `<4>[   12.345678][ T123] `: its context and length.
fn stamp(raw: &[u8]) -> Option<(Context, usize)> {
    let mut rest = raw;
    if let Some(level) = rest.strip_prefix(b"<") {
        let digits = digits(level);
        rest = level[digits..].strip_prefix(b">").filter(|_| digits > 0)?;
    }
    rest = rest.strip_prefix(b"[")?;
    rest = &rest[spaces(rest)..];
    let seconds = digits(rest);
    rest = &rest[seconds..];
    rest = &rest[fraction(rest).filter(|_| seconds > 0)?..];
    let (context, rest) = match rest {
        [b' ', rest @ ..] => (Context::CONSOLE, rest),
        [b'[', id @ ..] => {
            let padding = spaces(id);
            let (kind, number) = match id[padding..].split_first()? {
                (b'T', number) => (Context::TASK, number),
                (b'C', number) => (Context::CPU, number),
                _ => return None,
            };
            let count = digits(number);
            let rest = number[count..].strip_prefix(b"] ").filter(|_| count > 0)?;
            (Context::caller(kind, padding, &number[..count]), rest)
        }
        _ => return None,
    };
    Some((context, raw.len() - rest.len()))
}

/// A prefix that other output on the same line stands in front of: a getty's prompt, or printk's own note about lost messages.
fn behind_other_output(raw: &[u8]) -> Option<Context> {
    // Most lines without a prefix have no stamp anywhere.
    memchr::memchr(b'[', raw)?;
    let mut rest = raw;
    if let Some(count) = rest.strip_prefix(b"** ") {
        let number = digits(count);
        rest = count[number..].strip_prefix(b" printk messages dropped ** ").filter(|_| number > 0)?;
        if let Some((context, _)) = stamp(rest) {
            return Some(context);
        }
    }
    let ends_prompt = |colon: &usize| rest[..*colon].ends_with(b" login") && rest[colon + 1..].starts_with(b" ");
    let prompt = memchr::memrchr_iter(b':', rest).find(ends_prompt)?;
    stamp(&rest[prompt + 2..]).map(|(context, _)| context)
}

/// The message without the mark of an unreliable frame, and whether there was none.
fn without_doubt(body: &[u8]) -> (&[u8], bool) {
    let is_mark = |at: &usize| body[..*at].ends_with(b" ") && body[at + 1..].starts_with(b" ");
    let is_interrupted = || memchr::memchr_iter(b'<', body).any(|at| body[at..].starts_with(b"<EOI>"));
    if let Some(mark) = memchr::memchr_iter(b'?', body).find(is_mark) {
        return if is_interrupted() { (body, true) } else { (&body[mark + 1..], false) };
    }
    if let Some(frame) = body.strip_suffix(b" (unreliable)")
        && !is_interrupted()
    {
        return (frame, false);
    }
    (body, true)
}

/// Length of `.345678]`.
fn fraction(text: &[u8]) -> Option<usize> {
    if let Some(eight) = text.first_chunk()
        && is_micros(*eight)
    {
        return Some(8);
    }
    let digits = digits(text.strip_prefix(b".")?);
    (digits > 0 && text.get(digits + 1) == Some(&b']')).then_some(digits + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(raw: &str) -> (String, String, bool) {
        let line = Line::parse(0, raw.as_bytes());
        (line.context.to_string(), String::from_utf8_lossy(line.body).into_owned(), line.reliable)
    }

    #[test]
    fn prefixes() {
        for (raw, context_, body) in [
            ("[   12.345678] oops", "console", "oops"),
            ("<4>[   12.345678] oops", "console", "oops"),
            ("[   12.345678][ T3245] oops", "T3245", "oops"),
            ("[   12.345678][    C1] oops", "C1", "oops"),
            ("** 12 printk messages dropped ** [   12.345678] oops", "console", "oops"),
            ("syzkaller login: [   12.345678][   T1] oops", "T1", "oops"),
            ("[12] oops", "", "[12] oops"),
            ("[   12.345678]oops", "", "[   12.345678]oops"),
            ("[   12.345678][ X1] oops", "", "[   12.345678][ X1] oops"),
            ("oops", "", "oops"),
            ("", "", ""),
            ("<", "", "<"),
            ("[   12.345678] ", "console", ""),
        ] {
            assert_eq!(context(raw), (context_.into(), body.into(), true), "{raw}");
        }
    }

    #[test]
    fn doubted_frames_lose_their_mark() {
        assert_eq!(context("[ 1.0]  ? f+0x1/0x2"), ("console".into(), " f+0x1/0x2".into(), false));
        assert_eq!(context("[ 1.0]  [<ffff>] ? f+0x1/0x2"), ("console".into(), " f+0x1/0x2".into(), false));
        assert_eq!(context("[ 1.0] f+0x1/0x2 (unreliable)"), ("console".into(), "f+0x1/0x2".into(), false));
        assert!(context("[ 1.0]  <EOI>  ? f+0x1/0x2").2);
        // Without a prefix nothing is known about a line, so nothing is taken away from it.
        assert_eq!(context("  ? f+0x1/0x2"), ("".into(), "  ? f+0x1/0x2".into(), true));
    }

    #[test]
    fn padding_is_part_of_a_context() {
        assert_ne!(Line::parse(0, b"[ 1.0][  T1] x").context, Line::parse(0, b"[ 1.0][ T1] x").context);
    }

    #[test]
    fn micros_are_six_digits_between_their_marks() {
        for at in 0..8 {
            for byte in 0..=u8::MAX {
                let mut eight = *b".345678]";
                let is = eight[at] == byte || (1..7).contains(&at) && byte.is_ascii_digit();
                eight[at] = byte;
                assert_eq!(is_micros(eight), is, "{eight:?}");
            }
        }
    }

    #[test]
    fn eight_bytes_are_counted_as_one_by_one() {
        let bytes = [0, b' ', b'!', b'/', b'0', b'5', b'9', b':', 0x7f, 0x80, 0xb0, 0xb9, 0xff];
        for first in bytes {
            for second in bytes {
                for at in 0..12 {
                    for fill in [b'7', b' '] {
                        let mut text = [fill; 14];
                        (text[at], text[at + 1]) = (first, second);
                        let count = |is: fn(&&u8) -> bool| text.iter().take_while(is).count();
                        assert_eq!(digits(&text), count(|b| b.is_ascii_digit()), "{text:?}");
                        assert_eq!(spaces(&text), count(|b| **b == b' '), "{text:?}");
                    }
                }
            }
        }
    }
}
