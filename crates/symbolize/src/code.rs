//! The `Code:` line of an oops, disassembled: which instruction trapped, and which stand around it.
//!
//! The kernel prints bytes from some way before the instruction pointer, so the first of them may be the middle of an
//! instruction: the start is guessed. The rules are syzkaller's (pkg/report/linux.go, `decompileOpcodes`).

mod bytes;
mod disassembly;

use std::fmt;

use bytes::Code;
pub use disassembly::Instruction;
use disassembly::{Bits, Disassembly};
use trace::format::Trap;

/// Leading bytes that are left out at most, to start with an instruction.
const MOST_SKIPPED: usize = 7;

/// The instruction by which a `WARN` or `BUG` reports itself.
const UD2: [u8; 2] = [0x0f, 0x0b];

/// The instruction of a breakpoint, one byte long.
const INT3: u8 = 0xcc;

/// The instructions of a `Code:` line.
///
/// Its text form is what syzkaller appends to a report, in the layout of objdump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// All bytes of the line.
    pub bytes: Vec<u8>,
    /// Which of them the instruction pointer stood at.
    pub pointer: usize,
    /// Leading bytes that are left out, since they seem to be the end of an instruction.
    pub skipped: usize,
    /// The number of the instruction that trapped, where one did.
    pub trapping: Option<usize>,
    /// The instructions, in order; the first one has the offset 0.
    pub instructions: Vec<Instruction>,
}

/// Disassembles the first `Code:` line of a report that shows kernel code, where `trap` says what trapped there.
///
/// The report's lines have no prefixes. Lines of x86 only: others do not print bytes. `None` also where what trapped is
/// `ud2`, which is how a `WARN` or `BUG` reports itself.
///
/// ```
/// use trace::format::Trap;
/// let report = ["RIP: 0010:f+0x1/0x2", "Code: 31 d2 <48> f7 f5 5b"];
/// let listing = symbolize::code::listing(report.map(str::as_bytes), Trap::At).expect("a division");
/// assert_eq!(listing.instructions[1].text, "div    %rbp");
/// assert_eq!(listing.trapping, Some(1));
/// ```
pub fn listing<'t>(lines: impl IntoIterator<Item = &'t [u8]>, trap: Trap) -> Option<Listing> {
    found(lines, trap)?.listing(trap)
}

/// The text of the instruction that trapped, by the same rules: what a [`listing`] marks, for the price of one instruction.
pub fn trapping_instruction<'t>(lines: impl IntoIterator<Item = &'t [u8]>, trap: Trap) -> Option<String> {
    if trap == Trap::Nothing { None } else { Some(found(lines, trap)?.text) }
}

fn found<'t>(lines: impl IntoIterator<Item = &'t [u8]>, trap: Trap) -> Option<Found> {
    let mut before: &[u8] = b"";
    lines.into_iter().find_map(|line| {
        let pointer = std::mem::replace(&mut before, line);
        let mut code = Code::parse(line).filter(|_| !is_user_mode(pointer))?;
        if trap == Trap::Before && code.trap > 0 && code.bytes[code.trap - 1] == INT3 {
            code.trap -= 1;
        }
        let bits = if pointer.trim_ascii_start().starts_with(b"EIP:") { Bits::B32 } else { Bits::B64 };
        Found::of(code, bits)
    })
}

/// A `Code:` line of which it is known where its instructions start.
struct Found {
    code: Code,
    bits: Bits,
    skipped: usize,
    /// The instruction that the pointer, or the trap, stands at.
    text: String,
}

impl Found {
    fn of(code: Code, bits: Bits) -> Option<Found> {
        if code.bytes[code.trap..].starts_with(&UD2) {
            return None;
        }
        let aligned = |skipped: usize| {
            let steps = Disassembly::new(&code.bytes[skipped..], bits);
            let mut all_known = true;
            for step in steps {
                if skipped + step.offset >= code.trap {
                    return (skipped + step.offset == code.trap && step.is_shown()).then_some(all_known);
                }
                all_known &= step.is_known();
            }
            None
        };
        let cuts = || (0..=MOST_SKIPPED.min(code.trap)).filter_map(|skipped| Some((skipped, aligned(skipped)?)));
        let best = cuts().find(|(_, all_known)| *all_known).or_else(|| cuts().next());
        let (skipped, _) = best?;
        let text = Disassembly::new(&code.bytes[skipped..], bits).text_at(code.trap - skipped)?;
        Some(Found { code, bits, skipped, text })
    }

    fn listing(&self, trap: Trap) -> Option<Listing> {
        let Found { code, bits, skipped, .. } = self;
        let instructions = Disassembly::new(&code.bytes[*skipped..], *bits).instructions();
        let at = instructions.iter().position(|instruction| skipped + instruction.offset == code.trap)?;
        let trapping = Some(at).filter(|_| trap != Trap::Nothing);
        Some(Listing { bytes: code.bytes.clone(), pointer: code.trap, skipped: *skipped, trapping, instructions })
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("----------------\nCode disassembly (best guess)")?;
        if self.skipped > 0 {
            write!(f, ", {} bytes skipped", self.skipped)?;
        }
        f.write_str(":\n")?;
        for (n, instruction) in self.instructions.iter().enumerate() {
            let (mark, note) = if Some(n) == self.trapping { ('*', " <-- trapping instruction") } else { (' ', "") };
            instruction.write(f, mark, note)?;
        }
        Ok(())
    }
}

/// True for the line above a `Code:` line that shows what a program ran.
fn is_user_mode(pointer: &[u8]) -> bool {
    let segment = |name: &[u8], user: &[u8]| {
        pointer.strip_prefix(name).is_some_and(|rest| {
            let segment = rest.trim_ascii_start();
            segment.len() < rest.len() && segment.starts_with(user)
        })
    };
    segment(b"RIP:", b"0033:") || segment(b"EIP:", b"0073:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(lines: &[&str]) -> Option<String> {
        listing(lines.iter().map(|line| line.as_bytes()), Trap::At).map(|listing| listing.to_string())
    }

    #[test]
    fn the_start_is_where_the_instructions_fit() {
        // `(bad)` is no start, and a start in the middle misses the instruction that trapped.
        for (line, skipped, text) in [
            ("Code: 31 d2 <48> f7 f5", 0, "div    %rbp"),
            ("Code: 00 00 31 d2 90 <48> f7 f5", 0, "div    %rbp"),
            ("Code: 06 31 d2 <48> f7 f5", 1, "div    %rbp"),
            ("Code: 48 b8 00 31 d2 <48> f7 f5", 3, "div    %rbp"),
            ("Code: <48> f7 f5", 0, "div    %rbp"),
            ("Code: 31 d2 (48) f7 f5", 0, "div    %rbp"),
        ] {
            let listing = listing([line.as_bytes()], Trap::At).expect(line);
            assert_eq!(
                (listing.skipped, listing.trapping.map(|n| listing.instructions[n].text.as_str())),
                (skipped, Some(text)),
                "{line}"
            );
        }
    }

    #[test]
    fn some_lines_have_no_listing() {
        for lines in [
            &["Code: 31 d2 <0f> 0b 5b"][..],
            &["RIP: 0033:0x4665d9", "Code: 31 d2 <48> f7 f5"],
            &["RIP:  0033:0x4665d9", "Code: 31 d2 <48> f7 f5"],
            &["Code: 31 d2 48 f7 f5"],
            &["Code: 31 d2 <48> <f7> f5"],
            &["Code: 31  d2 <48> f7 f5"],
            &["Code: 31 d <48> f7 f5"],
            &["Code: Unable to access opcode bytes at RIP 0xffffffffffffffd6."],
            &["Code: aa1303e0 f9400260 (d4210000) f9400c02"],
            &["Code: d421 (0000)"],
            &["Code: "],
            &["Code:"],
            &["Code: <> <48> f7"],
            &[],
        ] {
            assert_eq!(shown(lines), None, "{lines:?}");
        }
    }

    #[test]
    fn the_first_line_that_shows_something_is_taken() {
        let lines = ["Code: <0f> 0b", "RIP: 0033:0x1", "Code: <90>", "RIP: 0010:f+0x1/0x2", "Code: f3 <90> c3"];
        // `pause` is one instruction, so the byte before it cannot be its start.
        let want = "----------------\nCode disassembly (best guess), 1 bytes skipped:\n*  0:\t90                   \tnop <-- trapping instruction\n   1:\tc3                   \tret\n";
        assert_eq!(shown(&lines).as_deref(), Some(want));
    }

    #[test]
    fn what_trapped_is_said_by_the_report() {
        let line = [&b"Code: 90 cc <70> 48 90"[..]];
        let marked = |trap| {
            let listing = listing(line, trap)?;
            Some(listing.instructions[listing.trapping?].text.clone())
        };
        assert_eq!(marked(Trap::Before).as_deref(), Some("int3"));
        assert_eq!(trapping_instruction(line, Trap::Before).as_deref(), Some("int3"));
        assert_eq!(marked(Trap::At).map(|text| text.starts_with("jo")), Some(true));
        assert_eq!(marked(Trap::Nothing), None);
        assert_eq!(trapping_instruction(line, Trap::Nothing), None);
        assert!(listing(line, Trap::Nothing).is_some_and(|listing| !listing.to_string().contains("trapping")));
        // An `int3` whose code the kernel has put back.
        let restored = [&b"Code: 90 <48> f7 f5"[..]];
        assert_eq!(trapping_instruction(restored, Trap::Before).as_deref(), Some("div    %rbp"));
    }

    #[test]
    fn code_of_32_bits_is_read_as_such() {
        let listing = listing(["EIP: f+0x1/0x2", "Code: 40 <8b> 00"].map(str::as_bytes), Trap::At).expect("a listing");
        assert_eq!(
            listing.instructions.iter().map(|i| i.text.as_str()).collect::<Vec<_>>(),
            ["inc    %eax", "mov    (%eax),%eax"]
        );
    }
}
