//! decode_stacktrace.sh's form: `f (mm/slub.c:12 mm/slub.h:34 (discriminator 3))` where the kernel printed `f+0x1/0x2`.

use std::ops::Range;

use crate::frame::Frame;
use crate::log::Entry;
use crate::run::digits;
use crate::shape::is_word;

/// A function whose offset was replaced by source positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// Its name.
    pub name: Range<usize>,
    /// Where its positions end.
    pub end: usize,
}

impl Decoded {
    /// The first one of a line, where the kernel prints functions: in a frame, behind `RIP: 0010:`, ` in `, ` at ` or a position.
    pub fn find(line: &[u8]) -> Option<Decoded> {
        memchr::memchr_iter(b'(', line).find_map(|open| Decoded::before(line, open))
    }

    /// The frame that a line is, or that its instruction pointer stands in, without offset and size.
    pub fn frame(line: &[u8]) -> Option<Frame<'_>> {
        let found = Decoded::find(line)?;
        let function = std::str::from_utf8(&line[found.name.clone()]).ok()?;
        // The script prints a module in brackets, as the kernel does, or (since 6.11) without.
        let behind = line[found.end..].trim_ascii();
        let module = behind.strip_prefix(b"[").map_or(behind, |module| module.strip_suffix(b"]").unwrap_or(module));
        let is_module = !module.is_empty() && module.iter().all(|b| is_word(*b) || *b == b'-');
        let module = std::str::from_utf8(module).ok().filter(|_| is_module);
        let reliable = !line[..found.name.start].ends_with(b"? ");
        Some(Frame { function, module, reliable, ..Frame::default() })
    }

    fn before(line: &[u8], open: usize) -> Option<Decoded> {
        let end = line[..open].strip_suffix(b" ")?.len();
        let start = end - line[..end].iter().rev().take_while(|b| is_word(**b) || **b == b'.').count();
        let is_position = || is_position(line[open + 1..].split(|b| matches!(b, b' ' | b')')).next()?).then_some(());
        if start == end || !may_precede(&line[..start]) {
            return None;
        }
        is_position()?;
        Some(Decoded { name: start..end, end: open + closed(&line[open..]) })
    }
}

/// True for what stands in front of a function.
fn may_precede(before: &[u8]) -> bool {
    let text = before.trim_ascii_end();
    if text.len() == before.len() {
        return matches!(before.last(), None | Some(b':' | b'('));
    }
    let ends = |with: &str| text.ends_with(with.as_bytes());
    matches!(text.trim_ascii_start(), b"" | b"?")
        || [" in", " in:", " at", " at:", " from", "IP:", " :", "]"].iter().any(|with| ends(with))
        || {
            let word = memchr::memrchr(b' ', text).map_or(text, |at| &text[at + 1..]);
            is_position(word)
        }
}

/// `mm/slub.c:12`, or what addr2line says where it knows nothing: `??:?`.
fn is_position(word: &[u8]) -> bool {
    let Some(colon) = memchr::memrchr(b':', word) else { return false };
    let (file, line) = (&word[..colon], &word[colon + 1..]);
    let is_line = line == b"?" || !line.is_empty() && digits(line) == line.len();
    is_line && file.iter().any(|b| matches!(b, b'.' | b'?'))
}

/// The length of a text up to what closes its first parenthesis; whole, where nothing does.
fn closed(text: &[u8]) -> usize {
    let mut depth = 0;
    for at in memchr::memchr2_iter(b'(', b')', text) {
        if text[at] == b'(' {
            depth += 1;
        } else if depth == 1 {
            return at + 1;
        } else {
            depth -= 1;
        }
    }
    text.len()
}

/// The lines of a report that are in decode_stacktrace.sh's form, as the kernel may have printed them.
#[derive(Clone, Debug, Default)]
pub struct Undecoded {
    text: Vec<u8>,
    /// Where each line starts in the console text, and where it stands in `text`.
    lines: Vec<(usize, Range<usize>)>,
}

impl Undecoded {
    /// Looks at lines, which must be in order.
    pub fn of<'l, 't: 'l>(lines: impl Iterator<Item = &'l Entry<'t>>) -> Undecoded {
        let mut undecoded = Undecoded::default();
        for line in lines.map(|entry| entry.line) {
            if let Some(Decoded { name, .. }) = Decoded::find(line.body) {
                let start = undecoded.text.len();
                undecoded.text.extend_from_slice(&line.body[..name.end]);
                // Titles only ask that there are numbers; a function's end would be padding to them.
                undecoded.text.extend_from_slice(b"+0x1/0x2");
                undecoded.lines.push((line.offset, start..undecoded.text.len()));
            }
        }
        undecoded
    }

    /// True where no line is in this form.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The line that starts here in the console text.
    pub(super) fn line(&self, offset: usize) -> Option<&[u8]> {
        let found = self.lines.binary_search_by_key(&offset, |(offset, _)| *offset).ok()?;
        Some(&self.text[self.lines[found].1.clone()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_stand_before_positions() {
        for (line, want) in [
            ("f (mm/slub.c:1)", Some("f")),
            (" f.isra.0 (mm/slub.c:1 mm/slub.h:2 (discriminator 3)) [m]", Some("f.isra.0")),
            ("RIP: 0010:f (??:?)", Some("f")),
            ("pc : f (mm/slub.c:?)", Some("f")),
            (" f from g (mm/slub.c:1)", Some("g")),
            ("[<80201a00>] (f) from [<80201afc>] (g (mm/slub.c:1))", Some("g")),
            ("WARNING: CPU: 1 PID: 60 at lib/r.c:179 f (lib/r.c:179)", Some("f")),
            ("BUG: KASAN: slab-use-after-free in f (mm/slub.c:1", Some("f")),
            ("ffff88 (l){+.+.}-{4:4}, at: f (mm/slub.c:1 mm/slub.c:2)", Some("f")),
            (" f+0x1/0x2 (mm/slub.c:1)", None),
            ("trusty: panic (lib/x.c:12): DEBUG ASSERT", None),
            ("Hardware name: QEMU (i440FX 1996:2)", None),
            ("f (mm/slub.c)", None),
            ("f (a b.c:1)", None),
        ] {
            let found = Decoded::find(line.as_bytes()).map(|found| &line[found.name]);
            assert_eq!(found, want, "{line}");
        }
    }

    #[test]
    fn positions_end_where_they_are_closed() {
        let end = |line: &'static str| Decoded::find(line.as_bytes()).map(|found| &line[found.end..]);
        assert_eq!(end(" f (a.c:1 b.c:2 (discriminator 3)) [m]"), Some(" [m]"));
        assert_eq!(end(" f (a.c:1"), Some(""));
        let frame = |line: &'static str| Decoded::frame(line.as_bytes()).map(|f| (f.function, f.module, f.reliable));
        assert_eq!(frame(" f (a.c:1 b.c:2) [m]"), Some(("f", Some("m"), true)));
        assert_eq!(frame(" ? f (a.c:1) m"), Some(("f", Some("m"), false)));
    }
}
