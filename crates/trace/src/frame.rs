//! One stack frame as the kernel printed it: `? func+0x1a/0x40 [module build-id]`.

use std::ops::Range;

use crate::run::{hex, hex_at, is_name, names};
use crate::shape::address;

/// A stack frame, as the kernel printed it (`%pB`, `%pS`: kernel/kallsyms.c, `__sprint_symbol`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The physical function, with the compiler's suffixes: `foo.isra.0`, `bar.cold`.
    /// Empty where the kernel printed a bare address only.
    pub function: &'a str,
    /// Bytes from the function's start.
    pub offset: u64,
    /// Bytes from the function's start to the next symbol, which is what kallsyms calls its size.
    pub size: u64,
    /// The module's name, as printed.
    pub module: Option<&'a str>,
    /// The module's (or the kernel's) build-id in hex, where the kernel printed it (`CONFIG_STACKTRACE_BUILD_ID`).
    pub build_id: Option<&'a str>,
    /// The run-time address, where one was printed (`[<ffffffff810a1b2c>]`).
    pub address: Option<u64>,
    /// False where the unwinder doubts the frame (a leading `? `, or powerpc's ` (unreliable)`).
    pub reliable: bool,
    /// True where the address is the instruction itself (RIP, or the function that an exception
    /// interrupted), false where it is a return address, which is one past the call.
    pub exact: bool,
}

/// A frame, and where it stands in its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameAt<'a> {
    /// The frame.
    pub frame: Frame<'a>,
    /// Bytes of `func+0x1a/0x40`.
    pub symbol: Range<usize>,
    /// Bytes of ` [module build-id]`, with the space before it; empty where there is none.
    pub module: Range<usize>,
}

impl<'a> Frame<'a> {
    /// Finds the first `func+0x1a/0x40` of a line, with a blank, `(` or `0010:` in front as the kernel prints it.
    pub fn find(line: &'a [u8]) -> Option<FrameAt<'a>> {
        let is_offset = |plus: &usize| line[plus + 1..].starts_with(b"0x");
        memchr::memchr_iter(b'+', line).filter(is_offset).find_map(|plus| Frame::around(line, plus))
    }

    /// Reads a line that is nothing but a frame of a stack trace: blanks, addresses, `?`, then the function.
    pub fn parse(line: &'a [u8]) -> Option<Frame<'a>> {
        Frame::parse_by(line, utf8)
    }

    /// The same, where it is known how to make a string of a part of the line.
    #[inline]
    pub(crate) fn parse_by(line: &'a [u8], str: impl Fn(&'a [u8]) -> Option<&'a str>) -> Option<Frame<'a>> {
        let head = head(line);
        let rest = &line[head.length..];
        let (name, behind) = rest.split_at(names(rest));
        match behind.first() {
            Some(b'+') if head.is_open && !name.is_empty() && behind.starts_with(b"+0x") => {
                let mut frame = Frame::read(name, behind, &str)?.0;
                frame.reliable &= head.reliable;
                frame.address = head.address.filter(|_| head.is_bracketed);
                return Some(frame);
            }
            Some(b' ' | b'(') => {
                if let Some(start) = caller_of_arm(rest) {
                    let (name, behind) = rest[start..].split_at(names(&rest[start..]));
                    let mut frame = Frame::read(name, behind, &str)?.0;
                    frame.reliable &= head.reliable;
                    return Some(frame);
                }
            }
            _ => {}
        }
        let bare = rest.strip_prefix(b"0x").and_then(hex).filter(|(_, length)| *length >= 8);
        let address = bare.filter(|(_, length)| is_end(&rest[2 + length..])).map(|(value, _)| value);
        let address = address.or_else(|| head.address.filter(|_| rest.is_empty()))?;
        Some(Frame { address: Some(address), reliable: head.reliable, ..Frame::default() })
    }

    /// True where the kernel's offset and size are known, and no source position stands in their place.
    pub fn is_placed(&self) -> bool {
        !self.function.is_empty() && (self.offset, self.size) != (0, 0)
    }

    /// True for a function that an exception or interrupt enters the kernel by: what it interrupted is printed below it,
    /// with the address of the instruction itself (arch/x86/entry/entry_64.S, arch/arm64/kernel/entry.S).
    pub fn is_exception_entry(&self) -> bool {
        let name = self.function;
        name.starts_with("asm_exc_")
            || name.starts_with("asm_sysvec_")
            || name.starts_with("el1h_")
            || name.starts_with("el1t_")
            || matches!(
                name,
                "asm_common_interrupt"
                    | "asm_call_irq_on_stack"
                    | "common_interrupt"
                    | "ret_from_intr"
                    | "apic_timer_interrupt"
                    | "reschedule_interrupt"
                    | "call_function_interrupt"
                    | "call_function_single_interrupt"
                    | "irq_work_interrupt"
                    | "page_fault"
                    | "async_page_fault"
                    | "general_protection"
                    | "invalid_op"
                    | "divide_error"
                    | "stack_segment"
                    | "int3"
                    | "debug"
                    | "nmi"
                    | "end_repeat_nmi"
                    | "error_exit"
                    | "el1_irq"
                    | "el1_sync"
            )
    }

    /// The frame whose `+0x` stands at `plus`.
    fn around(line: &'a [u8], plus: usize) -> Option<FrameAt<'a>> {
        let start = plus - line[..plus].iter().rev().take_while(|b| is_name(**b)).count();
        let before = &line[..start];
        if start == plus || !matches!(before.last(), None | Some(b' ' | b'\t' | b'(' | b':')) {
            return None;
        }
        let (mut frame, numbers, module) = Frame::read(&line[start..plus], &line[plus..], utf8)?;
        frame.reliable &= !before.ends_with(b"? ");
        frame.address = address_before(before);
        let end = plus + numbers;
        Some(FrameAt { frame, symbol: start..end, module: end..end + module })
    }

    /// The frame of a function, what follows its name being `+0x1a/0x40 [module build-id]`; lengths of the two parts of that.
    #[inline]
    fn read(
        function: &'a [u8],
        behind: &'a [u8],
        str: impl Fn(&'a [u8]) -> Option<&'a str>,
    ) -> Option<(Frame<'a>, usize, usize)> {
        let (offset, digits) = hex_at(behind, behind.starts_with(b"+0x").then_some(3)?)?;
        let (size, more) = hex_at(behind, behind[3 + digits..].starts_with(b"/0x").then_some(6 + digits)?)?;
        let numbers = 6 + digits + more;
        let function = str(function)?;
        let mut frame = Frame { function, offset, size, reliable: true, ..Frame::default() };
        let mut rest = &behind[numbers..];
        if rest.is_empty() {
            return Some((frame, numbers, 0));
        }
        let module = module(rest);
        if module > 0 {
            // Without the space, `[` and `]`.
            let words = str(&rest[2..module - 1]).unwrap_or("");
            let (name, build_id) = words.split_once(' ').map_or((words, None), |(name, id)| (name, Some(id)));
            (frame.module, frame.build_id) = (Some(name).filter(|name| !name.is_empty()), build_id);
            rest = &rest[module..];
        }
        frame.reliable = !rest.starts_with(b" (unreliable)");
        Some((frame, numbers, module))
    }
}

fn utf8(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// What stands in front of a frame's function.
struct Head {
    length: usize,
    reliable: bool,
    /// The last address.
    address: Option<u64>,
    /// It was printed as `[<ffffffff81000000>]`.
    is_bracketed: bool,
    /// Nothing, or a blank, stands at its end.
    is_open: bool,
}

fn head(line: &[u8]) -> Head {
    let mut head = Head { length: 0, reliable: true, address: None, is_bracketed: false, is_open: true };
    loop {
        let rest = &line[head.length..];
        match rest {
            [b' ' | b'\t', ..] => {
                head.length += 1;
                head.is_open = true;
            }
            [b'?', b' ', ..] => {
                head.reliable = false;
                head.length += 1;
            }
            [b'[', ..] => {
                let Some(length) = address(rest) else { return head };
                head.address = Some(digits_of(&rest[..length]));
                head.is_bracketed = rest[..length].ends_with(b">]");
                head.is_open = false;
                head.length += length;
            }
            _ => return head,
        }
    }
}

/// Where 32-bit ARM's `f from g+0x1/0x2` and `(f) from [<c04b20f4>] (g+0x1/0x2)` name the caller, which is the frame
/// (arch/arm/kernel/traps.c, `dump_backtrace_entry`).
fn caller_of_arm(rest: &[u8]) -> Option<usize> {
    let old = usize::from(rest.first() == Some(&b'('));
    let mut at = old + names(&rest[old..]);
    let between: &[u8] = if old == 1 { b") from " } else { b" from " };
    if at == old || !rest[at..].starts_with(between) {
        return None;
    }
    at += between.len();
    if let Some(length) = address(&rest[at..])
        && rest[at + length..].starts_with(b" (")
    {
        at += length + 2;
    }
    rest[at + names(&rest[at..])..].starts_with(b"+0x").then_some(at)
}

/// `[<ffffffff81000000>] ` right before a function.
fn address_before(before: &[u8]) -> Option<u64> {
    let before = before.strip_suffix(b"? ").unwrap_or(before);
    let before = &before[..before.len() - before.iter().rev().take_while(|b| **b == b' ').count()];
    let start = memchr::memrchr(b'[', before.strip_suffix(b">]")?)?;
    (address(&before[start..]) == Some(before.len() - start)).then(|| digits_of(&before[start..]))
}

fn digits_of(address: &[u8]) -> u64 {
    let start = address.iter().position(u8::is_ascii_hexdigit).unwrap_or(0);
    let text = &address[start..];
    hex(text.strip_prefix(b"0x").unwrap_or(text)).map_or(0, |(value, _)| value)
}

/// Length of ` [module build-id]`.
fn module(text: &[u8]) -> usize {
    let Some(words) = text.strip_prefix(b" [") else { return 0 };
    let Some(length) = memchr::memchr(b']', words) else { return 0 };
    let name = words[..length].split(|b| *b == b' ').next().unwrap_or(b"");
    let is_module = !name.is_empty() && name.iter().all(|b| is_name(*b) || *b == b'-');
    if is_module { 2 + length + 1 } else { 0 }
}

fn is_end(rest: &[u8]) -> bool {
    rest.iter().all(|b| b.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_in_lines() {
        for (line, function, offset, size, module, reliable, address) in [
            (" vfs_write+0x1a/0x40", "vfs_write", 0x1a, 0x40, None, true, None),
            (" ? f.isra.0+0x1/0x2 [xfs]", "f.isra.0", 1, 2, Some("xfs"), false, None),
            ("RIP: 0010:f+0x1/0x2 [xfs 0123abcd]", "f", 1, 2, Some("xfs"), true, None),
            (" [<ffffffff81000010>] ? f+0x1/0x2", "f", 1, 2, None, false, Some(0xffff_ffff_8100_0010)),
            (" [<ffffffff81000010>] f+0x1/0x2", "f", 1, 2, None, true, Some(0xffff_ffff_8100_0010)),
            ("(f+0x1/0x2)", "f", 1, 2, None, true, None),
            (" f+0x1/0x2 (unreliable)", "f", 1, 2, None, false, None),
            ("x at: f+0x1/0x2 [m], y", "f", 1, 2, Some("m"), true, None),
        ] {
            let found = Frame::find(line.as_bytes()).expect(line).frame;
            let want =
                Frame { function, offset, size, module, build_id: found.build_id, address, reliable, exact: false };
            assert_eq!(found, want, "{line}");
        }
        assert_eq!(Frame::find(b"RIP: 0010:f+0x1/0x2 [xfs 0123abcd]").and_then(|f| f.frame.build_id), Some("0123abcd"));
    }

    #[test]
    fn no_frames() {
        for line in ["x", " f+0x1", " f+0x/0x2", " f+0x11111111111111111/0x2", " a-f+0x1/0x2", "+0x1/0x2", " é+0x1/0x2"]
        {
            assert_eq!(Frame::find(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn lines_that_are_frames() {
        for (line, is) in [
            ("  vfs_write+0x1a/0x40", true),
            ("  ? vfs_write+0x1a/0x40", true),
            ("[<ffffffff81000010>] vfs_write+0x1a/0x40", true),
            ("  ? 0xffffffffc0000000", true),
            ("[<ffffffff81000010>] 0xffffffff81000010", true),
            ("  #0: (x), at: vfs_write+0x1a/0x40", false),
            ("RIP: 0010:vfs_write+0x1a/0x40", false),
            ("R13: 00007fff x", false),
            (" table_get from table_ioctl+0xa4/0x2e8", true),
            ("[<c04b1e28>] (table_put) from [<c04b20f4>] (table_release+0x34/0x48)", true),
            ("a message from somewhere", false),
            ("", false),
        ] {
            assert_eq!(Frame::parse(line.as_bytes()).is_some(), is, "{line}");
        }
        let arm = |line: &'static str| {
            Frame::parse(line.as_bytes()).map(|frame| (frame.function, frame.offset, frame.address))
        };
        assert_eq!(arm(" table_get from table_ioctl+0xa4/0x2e8"), Some(("table_ioctl", 0xa4, None)));
        let old = "[<c04b1e28>] (table_put) from [<c04b20f4>] (table_release+0x34/0x48)";
        assert_eq!(arm(old).map(|(function, offset, _)| (function, offset)), Some(("table_release", 0x34)));
        let bare = Frame::parse(b"  ? 0xffffffffc0000000").expect("a frame");
        assert_eq!((bare.function, bare.address, bare.reliable), ("", Some(0xffff_ffff_c000_0000), false));
    }
}
