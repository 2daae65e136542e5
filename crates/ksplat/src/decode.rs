//! Decoding: the frames of a log, line by line, each with the question whether its address is exact, and its `Code:` lines.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use memchr::memmem;
use symbolize::Call;
use symbolize::code::{self, Listing};
use trace::format::Trap;
use trace::{Context, Frame, FrameAt, Line, stack};

/// A frame of a log, in the line that printed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token<'t> {
    /// The line, in bytes of the text, without its line break.
    pub line: Range<usize>,
    /// The frame; its places are in bytes of the line.
    pub found: FrameAt<'t>,
    /// Who printed it.
    pub context: Context,
    /// Whether it is no frame of the stack that its caller printed a frame of before.
    pub begins: bool,
}

impl Token<'_> {
    /// The lines that stand for this frame's line in a style.
    pub fn lines(&self, style: Style, line: &[u8], calls: &[Call<'_>]) -> Vec<Vec<u8>> {
        match style {
            Style::Ksplat => self.with_calls(line, calls).collect(),
            Style::Kernel => vec![self.in_kernel_style(line, calls)],
        }
    }

    fn in_kernel_style(&self, line: &[u8], calls: &[Call<'_>]) -> Vec<u8> {
        let mut text = line[..self.found.symbol.start].to_vec();
        // The script leaves addresses out.
        let address = text.iter().rposition(|b| *b == b'[').filter(|at| text[*at..].starts_with(b"[<"));
        if let Some(at) = address.filter(|_| self.found.frame.address.is_some()) {
            let doubt = if text.ends_with(b"? ") { "? " } else { "" };
            text.truncate(at);
            text.extend_from_slice(doubt.as_bytes());
        }
        let name = calls.last().map_or(self.found.frame.function, |call| &call.function);
        let places: Vec<String> = calls.iter().map(|call| call.place().to_string()).collect();
        text.extend_from_slice(format!("{name} ({})", places.join(" ")).as_bytes());
        text.extend_from_slice(&line[self.found.symbol.end..]);
        text
    }

    /// The lines that stand for this frame's line: one for each inlined call, innermost first, then the function's own.
    pub fn with_calls(&self, line: &[u8], calls: &[Call<'_>]) -> impl Iterator<Item = Vec<u8>> {
        let (before, symbol) = (&line[..self.found.symbol.start], &line[self.found.symbol.clone()]);
        let behind = &line[self.found.symbol.end..];
        calls.iter().map(move |call| {
            let mut text = before.to_vec();
            let is_bare = self.found.frame.function.is_empty();
            if call.inlined {
                text.extend_from_slice(format!("{} {} [inline]", call.function, call.place()).as_bytes());
            } else {
                text.extend_from_slice(symbol);
                let name = if is_bare { format!(" {}", call.function) } else { String::new() };
                text.extend_from_slice(format!("{name} {}", call.place()).as_bytes());
            }
            text.extend_from_slice(behind);
            text
        })
    }
}

/// The form of a symbolized frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// A line for each call: `func+0x1ab/0x710 net/core/dev.c:6142`, inlined ones above, marked.
    #[default]
    Ksplat,
    /// One line, as scripts/decode_stacktrace.sh has it: `func (include/linux/skbuff.h:98 net/core/dev.c:6142)`.
    Kernel,
}

/// Finds the frames of a log that comes in pieces of whole lines.
#[derive(Debug, Default)]
pub struct Decoder {
    /// Callers whose last frame was an exception's entry, with no registers since.
    entered: HashSet<Context>,
    /// The line with the instruction pointer, of callers that printed it last: it tells whose code the next line shows.
    pointers: HashMap<Context, Vec<u8>>,
    /// What trapped last, as it was printed: the stack below may begin with it.
    trapped: HashMap<Context, Vec<u8>>,
    /// Callers that are printing a stack.
    stacks: HashSet<Context>,
    /// Callers that were asked what they run, since the detector of hangs wondered: nothing traps there.
    asked: HashSet<Context>,
    /// The code that was listed last: an oops prints it once more at its end.
    listed: Vec<u8>,
}

/// What a line of a log says that can be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// A stack frame.
    Frame(Token<'t>),
    /// The code around the instruction pointer.
    Code(CodeLine),
}

impl<'t> Piece<'t> {
    /// The frame, where it is one.
    pub fn frame(&self) -> Option<Frame<'t>> {
        if let Piece::Frame(token) = self { Some(token.found.frame) } else { None }
    }
}

/// A `Code:` line of a log that shows kernel code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeLine {
    /// The line, in bytes of the text, without its line break.
    pub line: Range<usize>,
    /// Where `Code:` starts in the line.
    pub at: usize,
    /// What it shows.
    pub listing: Listing,
    /// The line with the instruction pointer, where it was just above.
    pointer: Vec<u8>,
}

impl CodeLine {
    /// The frame that the code is of.
    pub fn frame(&self) -> Option<Frame<'_>> {
        Frame::find(&self.pointer).map(|found| found.frame)
    }
}

/// Callers that are remembered; a log with more of them is none.
const CALLERS: usize = 1 << 16;

/// The line above a listing.
const LISTING: &[u8] = b"----------------";

/// Bytes of a line with an instruction pointer, a function's name and a module's among them.
const POINTER: usize = 512;

impl Decoder {
    /// The frames of the next lines, at most one a line. Text that already says where its frames stand has none.
    pub fn tokens<'t>(&mut self, text: &'t [u8]) -> Vec<Token<'t>> {
        trace::lines(text).filter_map(|line| self.token(&line)).collect()
    }

    /// The frames and the `Code:` lines of the next lines; code that is listed in the text already is left alone.
    pub fn pieces<'t>(&mut self, text: &'t [u8]) -> Vec<Piece<'t>> {
        let mut lines = trace::lines(text).peekable();
        let mut pieces = Vec::new();
        while let Some(line) = lines.next() {
            let mut is_listed = || lines.peek().is_some_and(|next| next.body.trim_ascii() == LISTING);
            match self.code(&line) {
                Some(code) if !is_listed() => pieces.push(Piece::Code(code)),
                Some(_) => {}
                None => pieces.extend(self.token(&line).map(Piece::Frame)),
            }
        }
        pieces
    }

    fn code(&mut self, line: &Line<'_>) -> Option<CodeLine> {
        let pointer = if self.pointers.is_empty() { None } else { self.pointers.remove(&line.context) };
        let text = line.body.trim_ascii_start();
        match is_asked(text) {
            Some(true) if self.asked.len() < CALLERS => _ = self.asked.insert(line.context),
            Some(false) => _ = self.asked.remove(&line.context),
            _ => {}
        }
        if !text.starts_with(b"Code:") {
            if matches!(text, [b'R' | b'E', b'I', b'P', b':', ..]) && self.pointers.len() < CALLERS {
                self.pointers.insert(line.context, text[..text.len().min(POINTER)].to_vec());
            }
            return None;
        }
        if text == self.listed {
            return None;
        }
        let trap = if self.asked.contains(&line.context) { Trap::Nothing } else { Trap::At };
        let pointer = pointer.unwrap_or_default();
        let listing = code::listing([&pointer[..], line.body], trap)?;
        self.listed = text.to_vec();
        Some(CodeLine { line: line.offset..line.end(), at: line.raw.len() - text.len(), listing, pointer })
    }

    fn token<'t>(&mut self, line: &Line<'t>) -> Option<Token<'t>> {
        let pointer = stack::instruction_pointer(line.body).is_some();
        if pointer {
            self.entered.remove(&line.context);
        }
        let Some(mut found) = Frame::find(line.raw) else {
            let Some(mut found) = bare(line) else {
                if !self.stacks.is_empty() && !is_mark(line.body) {
                    self.stacks.remove(&line.context);
                }
                return None;
            };
            found.frame.exact = pointer;
            let begins = self.begins(line.context, !pointer);
            return Some(Token { line: line.offset..line.end(), found, context: line.context, begins });
        };
        if is_symbolized(&line.raw[found.symbol.end..]) {
            return None;
        }
        let is_trace = Frame::parse(line.body).is_some();
        let begins = self.begins(line.context, is_trace && !pointer);
        let symbol = &line.raw[found.symbol.clone()];
        let frame = &mut found.frame;
        frame.exact = pointer || is_warning(line.body) || is_access(line.body);
        if frame.exact && self.trapped.len() < CALLERS {
            self.trapped.insert(line.context, symbol.to_vec());
        }
        if is_trace && frame.reliable {
            frame.exact |= begins && self.trapped.get(&line.context).is_some_and(|trapped| trapped == symbol);
            frame.exact |= self.entered.remove(&line.context);
            if frame.is_exception_entry() && self.entered.len() < CALLERS {
                self.entered.insert(line.context);
            }
        }
        Some(Token { line: line.offset..line.end(), found, context: line.context, begins })
    }

    /// Takes note of a frame; true where it is not of the stack that its caller was printing.
    fn begins(&mut self, context: Context, is_of_stack: bool) -> bool {
        if is_of_stack && self.stacks.len() < CALLERS {
            return self.stacks.insert(context);
        }
        self.stacks.remove(&context);
        true
    }
}

/// A line between the frames of a stack: ` <TASK>`, ` </IRQ>`.
fn is_mark(body: &[u8]) -> bool {
    matches!(body.trim_ascii(), [b'<', .., b'>'])
}

/// A line that is an address and nothing else: `[<ffffffff81000010>]`, `RIP: 0010:0xffffffff81000010`.
fn bare<'t>(line: &Line<'t>) -> Option<FrameAt<'t>> {
    let body = line.body.trim_ascii();
    let body = body.strip_prefix(b"RIP: 0010:").unwrap_or(body);
    if !matches!(body, [b'0', b'x', ..] | [b'[', b'<', ..] | [b'?', b' ', ..]) {
        return None;
    }
    let frame = Frame::parse(body).filter(|frame| frame.function.is_empty())?;
    let word = body.rsplit(|b| *b == b' ').next()?;
    let end = memmem::rfind(line.raw, word)? + word.len();
    Some(FrameAt { frame, symbol: end - word.len()..end, module: end..end })
}

/// Whether a headline is about somebody who does not come back and is asked for registers, or about something that trapped;
/// `None` for other lines.
fn is_asked(text: &[u8]) -> Option<bool> {
    if !matches!(text.first(), Some(b'N' | b'w' | b'B' | b'r' | b'I' | b'O' | b'W' | b'k' | b'g' | b'U')) {
        return None;
    }
    let holds = |part: &&str| memmem::find(text, part.as_bytes()).is_some();
    if [
        "NMI backtrace for cpu",
        "soft lockup - CPU",
        "hard LOCKUP on cpu",
        "detected stall",
        "detected expedited stall",
    ]
    .iter()
    .any(holds)
    {
        return Some(true);
    }
    let traps = ["BUG: ", "Oops", "WARNING: ", "kernel BUG at", "general protection fault", "Unable to handle kernel"];
    traps.iter().any(|start| text.starts_with(start.as_bytes())).then_some(false)
}

/// ` fs/inode.c:12` behind a symbol.
fn is_symbolized(rest: &[u8]) -> bool {
    let rest = rest.strip_prefix(b" (").or_else(|| rest.strip_prefix(b" ")).unwrap_or(b"");
    let word = rest.split(|b| matches!(b, b' ' | b')')).next().unwrap_or(b"");
    let Some(colon) = memchr::memrchr(b':', word) else { return false };
    let (path, line) = (&word[..colon], &word[colon + 1..]);
    memchr::memchr(b'.', path).is_some() && !line.is_empty() && line.iter().all(u8::is_ascii_digit)
}

/// `BUG: KFENCE: out-of-bounds read in f+0x1/0x2`: the address of the instruction that did it (mm/kfence/report.c).
fn is_access(body: &[u8]) -> bool {
    let is_at = |access: &str| memmem::find(body, access.as_bytes()).is_some();
    body.starts_with(b"BUG: KFENCE: ") && (is_at(" read in ") || is_at(" write in "))
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
    fn a_stack_that_begins_with_what_trapped_is_exact_there() {
        for headline in ["RIP: 0010:a+0x1/0x2", "BUG: KFENCE: use-after-free read in a+0x1/0x2"] {
            let text =
                format!("{headline}\nCall Trace:\n a+0x1/0x2\n b+0x1/0x2\n a+0x1/0x2\nFreed by task 7:\n c+0x1/0x2\n");
            let exact: Vec<bool> = tokens(&text).into_iter().map(|(_, exact)| exact).collect();
            assert_eq!(exact, [true, true, false, false, false], "{headline}");
        }
        let free = "BUG: KFENCE: invalid free in a+0x1/0x2\n\nInvalid free of 0x1:\n a+0x1/0x2\n";
        assert_eq!(tokens(free), [("a".to_owned(), false), ("a".to_owned(), false)]);
    }

    #[test]
    fn stacks_begin_where_their_caller_printed_something_else() {
        let text = "[ 1.0][ T1] RIP: 0010:a+0x1/0x2\n[ 1.0][ T1] Call Trace:\n[ 1.0][ T1]  <TASK>\n[ 1.0][ T1]  b+0x1/0x2\n\
                    [ 1.0][ T2]  x+0x1/0x2\n[ 1.0][ T1]  </IRQ>\n[ 1.0][ T1]  ? c+0x1/0x2\n[ 1.0][ T1]  </TASK>\n\
                    [ 1.0][ T1] Freed by task 7:\n[ 1.0][ T1]  d+0x1/0x2\n[ 1.0][ T2]  y+0x1/0x2\n";
        let found = Decoder::default().tokens(text.as_bytes()).into_iter();
        let found: Vec<_> = found.map(|token| (token.found.frame.function, token.begins)).collect();
        assert_eq!(found, [("a", true), ("b", true), ("x", true), ("c", false), ("d", true), ("y", false)]);
    }

    #[test]
    fn symbolized_text_is_left_alone() {
        assert_eq!(tokens(" f+0x1/0x2 fs/inode.c:12\n f+0x1/0x2 (fs/inode.c:12)\n f+0x1/0x2 [m]\n").len(), 1);
    }

    #[test]
    fn the_kernels_style_is_one_line() {
        let call = |function: &'static str, line, inlined| Call {
            function: function.into(),
            file: Some("fs/a.c".into()),
            line: Some(line),
            inlined,
        };
        let calls = [call("g", 3, true), call("f.isra.0", 12, false)];
        let style = |text: &str| {
            let tokens = Decoder::default().tokens(text.as_bytes());
            String::from_utf8(tokens[0].in_kernel_style(text.as_bytes(), &calls)).unwrap()
        };
        for (line, want) in [
            ("[ 1.0]  f.isra.0+0x1/0x2 [m]", "[ 1.0]  f.isra.0 (fs/a.c:3 fs/a.c:12) [m]"),
            ("[ 1.0]  ? f.isra.0+0x1/0x2", "[ 1.0]  ? f.isra.0 (fs/a.c:3 fs/a.c:12)"),
            (" [<ffffffff81000010>] ? f.isra.0+0x1/0x2", " ? f.isra.0 (fs/a.c:3 fs/a.c:12)"),
            ("RIP: 0010:f.isra.0+0x1/0x2", "RIP: 0010:f.isra.0 (fs/a.c:3 fs/a.c:12)"),
            (" [<ffffffff81000010>]", " f.isra.0 (fs/a.c:3 fs/a.c:12)"),
        ] {
            assert_eq!(style(line), want);
        }
    }

    #[test]
    fn bare_addresses_are_frames() {
        let found = |text: &str| {
            let tokens = Decoder::default().tokens(text.as_bytes());
            tokens.first().map(|token| (text[token.found.symbol.clone()].to_owned(), token.found.frame.exact))
        };
        let address = "0xffffffff81000010";
        assert_eq!(found(&format!("[ 1.0] RIP: 0010:{address}\n")), Some((address.into(), true)));
        assert_eq!(found(&format!("[ 1.0]  ? {address}\n")), Some((address.into(), false)));
        assert_eq!(found(" [<ffffffff81000010>]\n"), Some(("[<ffffffff81000010>]".into(), false)));
        for text in ["RIP: 0033:0x4665d9\n", "0x12\n", "[<ffffffff81000010>] f fs/a.c:1\n", "0xffffffff81000010 is\n"] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn nothing_traps_in_code_of_a_hang() {
        let marked = |headline: &str| {
            let text = format!(
                "[ 1.0][ T1] {headline}\n[ 1.0][ T1] RIP: 0010:f+0x1/0x2\n[ 1.0][ T1] Code: 31 d2 <48> f7 f5\n"
            );
            let pieces = Decoder::default().pieces(text.as_bytes());
            pieces
                .into_iter()
                .find_map(|piece| if let Piece::Code(code) = piece { Some(code.listing.trapping) } else { None })
        };
        for headline in [
            "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [a:7]",
            "NMI backtrace for cpu 0",
            "rcu: INFO: rcu_preempt self-detected stall on CPU",
        ] {
            assert_eq!(marked(headline), Some(None), "{headline}");
        }
        assert_eq!(marked("Oops: divide error: 0000 [#1]"), Some(Some(1)));
    }

    #[test]
    fn code_of_the_kernel_is_listed_once_wherever_the_text_is_cut() {
        let lines = [
            "[ 1.0][ T1] RIP: 0033:0x4665d9\n",
            "[ 1.0][ T2] RIP: 0010:f+0x1/0x2\n",
            "[ 1.0][ T1] Code: 31 d2 <48> f7 f5\n",
            "[ 1.0][ T2] Code: 31 d2 <48> f7 f5\n",
            "[ 1.0][ T2] Code: 31 d2 <48> f7 f5\n",
            "[ 1.0][ T1] Code: 31 d2 <0f> 0b\n",
        ];
        let codes = |piece: Piece<'_>| if let Piece::Code(code) = piece { Some((code.line, code.at)) } else { None };
        let whole = lines.concat();
        let found: Vec<_> = Decoder::default().pieces(whole.as_bytes()).into_iter().filter_map(codes).collect();
        let start = whole.find("[ 1.0][ T2] Code").unwrap_or_default();
        assert_eq!(found, [(start..start + 34, 12)]);
        let mut decoder = Decoder::default();
        let counts = lines.map(|line| decoder.pieces(line.as_bytes()).into_iter().filter_map(codes).count());
        assert_eq!(counts, [0, 0, 0, 1, 0, 0]);
    }
}
