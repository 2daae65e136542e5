//! Corrupted reports: what is missing from one, so that its title may name the wrong function.

use memchr::memmem;
use trace::format::Integrity;
use trace::{Entry, Marks, Rules, Splat, stack};

/// Why a report cannot be believed. The wording is syzkaller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corrupted {
    /// Another line's prefix stands in the title.
    Title,
    /// The headline is known, but not what follows it.
    NoReport,
    /// A stack trace was missing, or had no usable frame.
    NoFrames,
    /// The format only takes what is left over.
    ByFormat,
    /// A stack trace starts and ends at once.
    TraceMissing,
    /// A stack trace starts and no frame follows.
    TraceEmpty,
    /// No stack trace at all.
    NoTrace,
    /// The machine monitor lost the serial console.
    Disconnected,
}

impl Corrupted {
    /// The reason in words.
    pub fn reason(self) -> &'static str {
        match self {
            Corrupted::Title => "title matches corrupted regexp",
            Corrupted::NoReport => "matched title but not report regexp",
            Corrupted::NoFrames => "extracted no frames",
            Corrupted::ByFormat => "report format is marked as corrupted",
            Corrupted::TraceMissing => "call trace is missed",
            Corrupted::TraceEmpty => "no frames in a stack trace",
            Corrupted::NoTrace => "no stack trace in report",
            Corrupted::Disconnected => "serial console was lost",
        }
    }
}

/// A trace must show a frame within so many lines.
const NEAR: usize = 15;

/// Checks a report whose title was found; `integrity` is `None` where no format knows it,
/// `lines` are those of the splat that the title was found in.
pub(crate) fn check(
    title: &str,
    integrity: Option<Integrity>,
    splat: &Splat<'_>,
    lines: &[Entry<'_>],
) -> Option<Corrupted> {
    let found = if has_stamp(title) {
        Some(Corrupted::Title)
    } else if integrity == Some(Integrity::Stack) {
        traces(lines, splat.rules)
    } else {
        None
    };
    found.or_else(|| splat.disconnected.then_some(Corrupted::Disconnected))
}

/// `[   12.345678]`: the start of another line.
fn has_stamp(title: &str) -> bool {
    title.match_indices('[').any(|(at, _)| {
        let rest = title[at + 1..].trim_start_matches(' ');
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let seconds = digits(rest);
        let Some(rest) = rest[seconds..].strip_prefix('.').filter(|_| seconds > 0) else {
            return false;
        };
        let fraction = digits(rest);
        fraction > 0 && rest[fraction..].starts_with(']')
    })
}

/// The first stack trace of each kind must have a frame.
fn traces(lines: &[Entry<'_>], rules: Rules) -> Option<Corrupted> {
    let mut first = [None; stack::HEADS];
    for (n, entry) in lines.iter().enumerate().filter(|(_, entry)| entry.marks.any(stack::HEAD)) {
        let mut heads = stack::heads(entry.line.body, entry.marks);
        while heads != 0 {
            first[heads.trailing_zeros() as usize].get_or_insert(n);
            heads &= heads - 1;
        }
        // For syzkaller the line break before counts as the character that must stand in front, so the trace starts there.
        if n > 0 && entry.marks.any(Marks::BACKTRACE_LOWER) && stack::names_leak(entry.line.body) {
            first[stack::LEAK].get_or_insert(n - 1);
        }
    }
    let mut found = false;
    for (kind, start) in first.iter().enumerate() {
        let Some(start) = *start else { continue };
        let behind = &lines[start + 1..lines.len().min(start + 1 + NEAR)];
        let framed = behind
            .iter()
            .take_while(|entry| stack::heads(entry.line.body, entry.marks) == 0)
            .any(|entry| is_frame(entry.line.body, rules) || is_unavailable(entry.line.body));
        // The pieces between line breaks, of which the last one is empty; ksplat's regions end with the last frame.
        let short = lines.len() - start + 1 < 4;
        if short && (rules == Rules::Syzbot || !framed && kind != stack::RISCV) {
            return Some(Corrupted::TraceMissing);
        }
        if !framed && kind != stack::RISCV {
            return Some(Corrupted::TraceEmpty);
        }
        found |= framed || kind == stack::RISCV;
    }
    (!(found || rules == Rules::Ksplat && has_frames(lines))).then_some(Corrupted::NoTrace)
}

/// True also for a damaged frame, which still shows that there was a trace.
fn is_frame(line: &[u8], rules: Rules) -> bool {
    [Rules::Syzbot, rules].iter().any(|rules| stack::frame_functions(line, *rules).is_some())
}

/// Two frames are a stack trace, whatever line heads it: `Use-after-free read at 0xffff88823bd4ef40 (in kfence-#166):`.
fn has_frames(lines: &[Entry<'_>]) -> bool {
    lines.iter().filter(|entry| is_frame(entry.line.body, Rules::Ksplat)).nth(1).is_some()
}

fn is_unavailable(line: &[u8]) -> bool {
    memmem::find(line, b"(stack is not available)").is_some()
}
