//! Stack traces: the lines that head one, the lines of its frames, and the line of the instruction pointer.
//!
//! These are the shapes that titles are found by; [`crate::Frame`] reads a frame whole.

use memchr::memmem;

use crate::find::holds;
use crate::marks::Marks;
use crate::rules::Rules;
use crate::run::{digits, spaces};
use crate::shape::{address, function, is_hex};

/// How many kinds of lines head a stack trace.
pub const HEADS: usize = 9;

/// All marks that a line which heads a stack trace can have.
pub const HEAD: Marks = Marks::CALL_TRACE
    .or(Marks::CALL_TRACE_LOWER)
    .or(Marks::BACKTRACE)
    .or(Marks::BACKTRACE_LOWER)
    .or(Marks::ALLOCATED)
    .or(Marks::FREED)
    .or(Marks::UNINIT)
    .or(Marks::BAD_ADDRESS);

/// kmemleak's `backtrace:`.
pub const LEAK: usize = 5;
/// RISC-V's registers: they head a trace and need no frames.
pub const RISCV: usize = 8;

/// The kinds of stack trace that a line heads, as bits, in the order in which syzkaller looks for them.
pub fn heads(line: &[u8], marks: Marks) -> u16 {
    if !marks.any(HEAD) {
        return 0;
    }
    let holds = |text: &[u8]| holds(line, text);
    let by_task = |text: &[u8]| {
        memmem::find_iter(line, text).any(|at| {
            let task = &line[at + text.len()..];
            let number = digits(task);
            number > 0 && task[number..].starts_with(b":")
        })
    };
    let checks: [bool; HEADS] = [
        marks.any(Marks::CALL_TRACE) || marks.any(Marks::CALL_TRACE_LOWER),
        marks.any(Marks::ALLOCATED) && holds(b"Allocated:"),
        marks.any(Marks::ALLOCATED) && by_task(b"Allocated by task "),
        marks.any(Marks::FREED) && holds(b"Freed:"),
        marks.any(Marks::FREED) && by_task(b"Freed by task "),
        marks.any(Marks::BACKTRACE_LOWER) && lower_backtrace(line),
        marks.any(Marks::BACKTRACE),
        marks.any(Marks::UNINIT),
        marks.any(Marks::BAD_ADDRESS) && riscv(line),
    ];
    checks.iter().enumerate().fold(0, |bits, (n, fits)| bits | u16::from(*fits) << n)
}

/// `backtrace:` and `backtrace (crc 1234abcd):`, but not lockdep's `stack backtrace:`.
fn lower_backtrace(line: &[u8]) -> bool {
    memmem::find_iter(line, b" backtrace").any(|at| at > 0 && line[at - 1] != b'k' && names_leak(&line[at..]))
}

/// ` backtrace:` and ` backtrace (crc 1234abcd):` at the start of a text.
pub fn names_leak(text: &[u8]) -> bool {
    text.strip_prefix(b" backtrace").is_some_and(|rest| {
        let crc = rest.strip_prefix(b" (crc ").map(|crc| {
            let hex = crc.iter().take_while(|b| is_hex(**b)).count();
            hex > 0 && crc[hex..].starts_with(b"):")
        });
        rest.starts_with(b":") || crc == Some(true)
    })
}

/// `status: 0000000200000120 badaddr: 0000000000000000 cause: 000000000000000d`.
fn riscv(line: &[u8]) -> bool {
    let hex16 = |text: &[u8]| text.len() >= 16 && text[..16].iter().all(|b| is_hex(*b));
    memmem::find_iter(line, b"status: ").any(|at| {
        let rest = &line[at + 8..];
        hex16(rest)
            && rest[16..].starts_with(b" badaddr: ")
            && hex16(&rest[26..])
            && rest[42..].starts_with(b" cause: ")
            && hex16(&rest[50..])
    })
}

/// The functions that a line of a stack trace names: one, or two in 32-bit ARM's `[<c0>] (f) from [<c1>] (g+0x1/0x2)`.
///
/// By ksplat's rules two in ` f from g+0x1/0x2` too; a frame may be indented by tabs, and a word with a full stop is none.
pub fn frame_functions(line: &[u8], rules: Rules) -> Option<(&[u8], Option<&[u8]>)> {
    let rest = match rules {
        Rules::Syzbot => &line[spaces(line)..],
        Rules::Ksplat => line.trim_ascii_start(),
    };
    let mut at = 0;
    for _ in 0..2 {
        match address(&rest[at..]) {
            Some(length) if rest[at + length..].starts_with(b" ") => at += length + 1,
            _ => break,
        }
    }
    if let Some(length) = function(&rest[at..])
        && (rules == Rules::Syzbot || has_offset(&rest[at + length..]))
    {
        return Some((&rest[at..at + length], None));
    }
    let (first, second) = match rules {
        Rules::Ksplat if rest.first() != Some(&b'[') => bare_arm_frame(rest)?,
        _ => arm_frame(rest)?,
    };
    Some((first, Some(second)))
}

/// True for what follows the name of a function in a frame: `.isra.0+0x1/0x2`, and `.cold-0x5/0x1f` of older kernels.
fn has_offset(behind: &[u8]) -> bool {
    let suffix = behind.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.')).count();
    behind[suffix..].starts_with(b"+") || behind[suffix..].starts_with(b"-0x")
}

/// `f from g+0x1/0x2` (arch/arm/kernel/traps.c, `dump_backtrace_entry`).
fn bare_arm_frame(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.')).count();
    let (first, rest) = rest.split_at(length);
    let rest = rest.strip_prefix(b" from ").filter(|_| length > 0)?;
    Some((first, &rest[..function(rest)?]))
}

fn arm_frame(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = rest.get(address(rest)?..)?.strip_prefix(b" (")?;
    let length = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.')).count();
    let (first, rest) = rest.split_at(length);
    let rest = rest.strip_prefix(b") from ").filter(|_| length > 0)?;
    let rest = rest.get(address(rest)?..)?.strip_prefix(b" (")?;
    Some((first, &rest[..function(rest)?]))
}

/// The function that the instruction pointer stands in: `Some(None)` where the line has a pointer but no function.
pub fn instruction_pointer(line: &[u8]) -> Option<Option<&[u8]>> {
    // `PC is at f+0x1/0x2` is 32-bit ARM's, and counts where there is nothing else.
    let mut arm = None;
    for at in memchr::memchr3_iter(b'I', b'p', b'P', line) {
        let behind = match &line[at..] {
            [b'I', b'P', behind @ ..] | [b'p', b'c', b' ', behind @ ..] => behind,
            [b'P', b'C', b' ', b'i', b's', b' ', b'a', b't', behind @ ..] => {
                arm = arm.or_else(|| pointer_value(behind));
                continue;
            }
            _ => continue,
        };
        if let Some(found) = pointer_value(behind) {
            return Some(found);
        }
    }
    arm
}

fn pointer_value(text: &[u8]) -> Option<Option<&[u8]>> {
    let text = text.strip_prefix(b":").unwrap_or(text).strip_prefix(b" ")?;
    let segment = digits(text);
    let behind = text[segment..].strip_prefix(b":").filter(|_| segment > 0);
    let rest = behind.unwrap_or(text);
    let mut at = 0;
    let mut starts = [Some(0), None, None];
    for start in &mut starts[1..] {
        let Some(length) = address(&rest[at..]).filter(|length| rest[at + length..].starts_with(b" ")) else {
            break;
        };
        at += length + spaces(&rest[at + length..]);
        *start = Some(at);
    }
    // The address may be missing, so the longest run of them is tried first.
    for start in starts.into_iter().rev().flatten() {
        if let Some(length) = function(&rest[start..]) {
            return Some(Some(&rest[start..start + length]));
        }
    }
    let hex = rest.strip_prefix(b"0x").is_some_and(|hex| hex.first().is_some_and(|b| is_hex(*b)));
    let null = |text: &[u8]| text[spaces(text)..].starts_with(b"(null)");
    let null_pointer = address(rest).is_some_and(|length| {
        let text = &rest[length + spaces(&rest[length..])..];
        text.strip_prefix(b"[<")
            .map(|text| &text[spaces(text)..])
            .and_then(|text| text.strip_prefix(b"(null)>]"))
            .is_some_and(null)
    });
    (hex || null_pointer || behind.is_some_and(null)).then_some(None)
}

/// True for a frame of the kernel's fault injection at the start of a line: another report printed into this one.
pub fn is_foreign_frame(line: &[u8]) -> bool {
    let rest = match line {
        [b' ', b's', ..] => line,
        [b' ', b'[', ..] => &line[1 + address(&line[1..]).unwrap_or(0)..],
        _ => return false,
    };
    let Some(rest) = rest.strip_prefix(b" should_fail") else {
        return false;
    };
    let rest = rest.strip_prefix(b"slab").unwrap_or(rest);
    let suffix = if rest.starts_with(b".") {
        1 + rest[1..].iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_')).count()
    } else {
        0
    };
    rest[suffix..].starts_with(b"+0x")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(found: Option<&[u8]>) -> String {
        found.map_or("-".into(), |f| String::from_utf8_lossy(f).into_owned())
    }

    #[test]
    fn frames() {
        for (line, want) in [
            (" vfs_write+0x1/0x2", "vfs_write"),
            (" [<ffffffff81>] vfs_write.isra.0+0x1/0x2", "vfs_write"),
            ("[<ffffffff81>] [<ffffffff81>] vfs_write+0x1", "vfs_write"),
            ("\tvfs_write+0x1/0x2", "-"),
            (" ? vfs_write+0x1/0x2", "-"),
            ("  entry", "-"),
            ("[<c010>] (do_x.y) from [<c011>] (do_z+0x1/0x2)", "do_x.y"),
        ] {
            assert_eq!(text(frame_functions(line.as_bytes(), Rules::Syzbot).map(|f| f.0)), want, "{line}");
        }
    }

    #[test]
    fn frames_by_ksplats_rules() {
        for (line, want) in [
            (" vfs_write.isra.0+0x1/0x2", "vfs_write"),
            (" vfs_write.cold-0x5/0x2", "vfs_write"),
            ("\tvfs_write+0x1/0x2", "vfs_write"),
            ("layer. This prevents the warning.", "-"),
            (" f from g+0x1/0x2", "f"),
        ] {
            assert_eq!(text(frame_functions(line.as_bytes(), Rules::Ksplat).map(|f| f.0)), want, "{line}");
        }
    }

    #[test]
    fn pointers() {
        for (line, want) in [
            ("RIP: 0010:vfs_write+0x1/0x2", "vfs_write"),
            ("RIP: 0010:[<ffffffff82d4e304>]  [<ffffffff82d4e304>] __memset+0x24/0x30", "__memset"),
            ("IP: [<ffffffff82d4e304>] __memset+0x24/0x30", "__memset"),
            ("pc : vfs_write+0x1/0x2", "vfs_write"),
            ("PC is at vfs_write+0x1/0x2", "vfs_write"),
            ("NIP [c000] vfs_write+0x1/0x2", "vfs_write"),
            ("RIP: 0033:0x47b7a0", ""),
            ("RIP: 0010:          (null)", ""),
            ("TCP x", "-"),
        ] {
            let found = instruction_pointer(line.as_bytes());
            assert_eq!(found.map_or("-".into(), |f| f.map_or(String::new(), |f| text(Some(f)))), want, "{line}");
        }
    }

    #[test]
    fn foreign_frames() {
        for (line, want) in [
            (" should_fail+0x1/0x2", true),
            (" [<ffff>] should_failslab.cold+0x1/0x2", true),
            ("  should_fail+0x1/0x2", false),
            (" should_fail_x+0x1", false),
            (" x should_fail+0x1", false),
        ] {
            assert_eq!(is_foreign_frame(line.as_bytes()), want, "{line}");
        }
    }
}
