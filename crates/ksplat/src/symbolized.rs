//! A report's text with all that is known of its frames: source lines, inlined calls, plain names, the `Code:` listed.

use signature::{CrashType, Title, guilty_file, readable};
use symbolize::Resolution;
use symbolize::code::{self, Listing};
use trace::format::Trap;
use trace::{Frame, Marks, Splat};

use crate::decode::Decoder;

/// A report's text, symbolized as syzkaller does (pkg/report/linux.go, `Symbolize`): each frame has its source line, a
/// line above for each inlined call, and a name without C++'s and Rust's mangling; modules have no build-ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbolized {
    text: Vec<u8>,
    /// Where the report starts, behind what led to it.
    report: usize,
    listing: usize,
}

impl Symbolized {
    /// Symbolizes a splat; `resolve` says what its frames stand for, or nothing where there is no kernel to look them up in.
    pub fn of<'i>(
        splat: &Splat<'_>,
        title: &Title,
        resolve: impl FnOnce(&[Frame<'_>]) -> Vec<Resolution<'i>>,
    ) -> Symbolized {
        let raw = splat.text();
        let before: usize = splat.before.iter().map(|entry| entry.line.body.len() + 1).sum();
        let tokens = Decoder::default().tokens(&raw);
        let frames: Vec<Frame<'_>> = tokens.iter().map(|token| token.found.frame).collect();
        let found = resolve(&frames);
        let mut found = tokens.iter().zip(&found).peekable();
        let mut symbolized = Symbolized { text: Vec::with_capacity(raw.len() * 5 / 4), report: 0, listing: 0 };
        let (text, mut at) = (&mut symbolized.text, 0);
        while at < raw.len() {
            let end = memchr::memchr(b'\n', &raw[at..]).map_or(raw.len(), |length| at + length);
            if at == before {
                symbolized.report = text.len();
            }
            let line = &raw[at..end];
            match found.next_if(|(token, _)| token.line.start == at) {
                Some((token, found)) if !found.calls.is_empty() => {
                    token.with_calls(line, &found.calls).for_each(|line| push_line(text, &readable(&line)));
                }
                _ => push_line(text, &readable(line)),
            }
            at = end + 1;
        }
        symbolized.listing = text.len();
        if let Some(listing) = listing(splat, title) {
            text.extend_from_slice(listing.to_string().as_bytes());
        }
        symbolized
    }

    /// The text: what led to the report, the report, and the listing of its `Code:` where it has one.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The source file that the report points at.
    pub fn guilty_file(&self, title: &Title) -> Option<String> {
        let lines = self.text[self.report..self.listing].split(|b| *b == b'\n');
        guilty_file(&title.title, lines)
    }
}

/// The listing of a report's `Code:`, as syzbot has it: not where a task hangs, in a program, or at the `ud2` of a `WARN`
/// or `BUG`. The instruction that trapped is marked where one did.
pub fn listing(splat: &Splat<'_>, title: &Title) -> Option<Listing> {
    let hangs = title.crash_type == Some(CrashType::HANG);
    if hangs { None } else { code::listing(code_lines(splat)?, trap(title)) }
}

/// The instruction that such a listing marks.
pub fn trapping_instruction(splat: &Splat<'_>, title: &Title) -> Option<String> {
    let trap = trap(title);
    if trap == Trap::Nothing { None } else { code::trapping_instruction(code_lines(splat)?, trap) }
}

/// What trapped: the report's format says that, and one that nobody knows says nothing.
fn trap(title: &Title) -> Trap {
    title.format.map_or(Trap::Nothing, |format| format.row.trap)
}

fn code_lines<'a>(splat: &'a Splat<'_>) -> Option<impl Iterator<Item = &'a [u8]>> {
    let first = splat.lines.iter().position(|entry| entry.marks.any(Marks::CODE))?;
    // The line before may be the instruction pointer's.
    Some(splat.lines[first.saturating_sub(1)..].iter().map(|entry| entry.line.body))
}

fn push_line(text: &mut Vec<u8>, line: &[u8]) {
    text.extend_from_slice(line);
    text.push(b'\n');
}
