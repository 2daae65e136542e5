//! Decoding: the frames of a log, line by line, each with the question whether its address is exact.

use std::collections::HashSet;
use std::ops::Range;

use memchr::memmem;
use trace::{Context, Frame, FrameAt, Line, stack};

/// A frame of a log, in the line that printed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token<'t> {
    /// The line, in bytes of the text, without its line break.
    pub line: Range<usize>,
    /// The frame; its places are in bytes of the line.
    pub found: FrameAt<'t>,
}

/// Finds the frames of a log that comes in pieces of whole lines.
#[derive(Debug, Default)]
pub struct Decoder {
    /// Callers whose last frame was an exception's entry, with no registers since.
    entered: HashSet<Context>,
}

/// Callers that are remembered; a log with more of them is none.
const CALLERS: usize = 1 << 16;

impl Decoder {
    /// The frames of the next lines, at most one a line. Text that already says where its frames stand has none.
    pub fn tokens<'t>(&mut self, text: &'t [u8]) -> Vec<Token<'t>> {
        trace::lines(text).filter_map(|line| self.token(&line)).collect()
    }

    fn token<'t>(&mut self, line: &Line<'t>) -> Option<Token<'t>> {
        let pointer = stack::instruction_pointer(line.body).is_some();
        if pointer {
            self.entered.remove(&line.context);
        }
        let mut found = Frame::find(line.raw)?;
        if is_symbolized(&line.raw[found.symbol.end..]) {
            return None;
        }
        let is_trace = Frame::parse(line.body).is_some();
        let frame = &mut found.frame;
        frame.exact = pointer || is_warning(line.body);
        if is_trace && frame.reliable {
            frame.exact |= self.entered.remove(&line.context);
            if frame.is_exception_entry() && self.entered.len() < CALLERS {
                self.entered.insert(line.context);
            }
        }
        Some(Token { line: line.offset..line.end(), found })
    }
}

/// ` fs/inode.c:12` behind a symbol.
fn is_symbolized(rest: &[u8]) -> bool {
    let rest = rest.strip_prefix(b" (").or_else(|| rest.strip_prefix(b" ")).unwrap_or(b"");
    let word = rest.split(|b| matches!(b, b' ' | b')')).next().unwrap_or(b"");
    let Some(colon) = memchr::memrchr(b':', word) else { return false };
    let (path, line) = (&word[..colon], &word[colon + 1..]);
    memchr::memchr(b'.', path).is_some() && !line.is_empty() && line.iter().all(u8::is_ascii_digit)
}

/// `WARNING: CPU: 1 PID: 5 at fs/inode.c:12 f+0x1/0x2`: the address of the trapping instruction (lib/bug.c, `report_bug`).
fn is_warning(body: &[u8]) -> bool {
    body.starts_with(b"WARNING: ") && memmem::find(body, b" at ").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<(String, bool)> {
        let found = Decoder::default().tokens(text.as_bytes());
        found.iter().map(|token| (token.found.frame.function.to_owned(), token.found.frame.exact)).collect()
    }

    #[test]
    fn pointers_and_interrupted_frames_are_exact() {
        let text = "[ 1.0][ T1] RIP: 0010:a+0x1/0x2\n[ 1.0][ T1]  asm_exc_page_fault+0x1/0x2\n[ 1.0][ T2]  x+0x1/0x2\n\
                    [ 1.0][ T1]  ? y+0x1/0x2\n[ 1.0][ T1]  b+0x1/0x2\n[ 1.0][ T1]  c+0x1/0x2\n";
        let want = [("a", true), ("asm_exc_page_fault", false), ("x", false), ("y", false), ("b", true), ("c", false)];
        assert_eq!(tokens(text), want.map(|(name, exact)| (name.to_owned(), exact)));
    }

    #[test]
    fn symbolized_text_is_left_alone() {
        assert_eq!(tokens(" f+0x1/0x2 fs/inode.c:12\n f+0x1/0x2 (fs/inode.c:12)\n f+0x1/0x2 [m]\n").len(), 1);
    }
}
