//! Bytes to instructions, in the layout of objdump and the AT&T text of iced-x86.

use std::cell::RefCell;
use std::fmt;

use iced_x86::{Decoder, DecoderError, DecoderOptions, Formatter as _, GasFormatter, OpKind, Register};

/// Bytes that a line of the listing shows; longer instructions go on in the next line.
const BYTES_PER_LINE: usize = 7;

/// Bytes that an instruction of x86 has at most.
const LONGEST: usize = 15;

/// One instruction of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Bytes from the listing's start.
    pub offset: usize,
    /// What it is encoded as.
    pub bytes: Vec<u8>,
    /// What it says, in AT&T syntax: `mov    %r12,%rdx`; `(bad)` where the bytes are no instruction.
    pub text: String,
}

impl Instruction {
    /// Writes the instruction's lines, with a mark in front and a note behind the first of them.
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, mark: char, note: &str) -> fmt::Result {
        let mut offset = self.offset;
        for (n, bytes) in self.bytes.chunks(BYTES_PER_LINE).enumerate() {
            let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let hex = hex.join(" ");
            if n == 0 {
                writeln!(f, "{mark}{offset:>3x}:\t{hex:<21}\t{}{note}", self.text)?;
            } else {
                writeln!(f, " {offset:>3x}:\t{hex}")?;
            }
            offset += bytes.len();
        }
        Ok(())
    }
}

/// How wide the registers of the code are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bits {
    B32,
    B64,
}

/// A walk over code, instruction by instruction.
pub(super) struct Disassembly<'c> {
    code: &'c [u8],
    bits: Bits,
    offset: usize,
}

/// What stands at one place of the code.
pub(super) struct Step<'c> {
    /// Bytes from the start of the code.
    pub offset: usize,
    bytes: &'c [u8],
    what: What,
}

enum What {
    Instruction(iced_x86::Instruction),
    /// No instruction starts so.
    Unknown,
    /// The instruction's end is not there.
    Cut,
    /// Zeros, which objdump leaves out: eight or more, or the last one or two.
    Zeros,
}

impl Step<'_> {
    /// False where the step is left out of the listing.
    pub fn is_shown(&self) -> bool {
        !matches!(self.what, What::Zeros)
    }

    /// False for `(bad)`.
    pub fn is_known(&self) -> bool {
        !matches!(self.what, What::Unknown)
    }

    /// What a listing says here; nothing where it leaves the step out.
    fn text(&self, formatter: &mut GasFormatter, bits: Bits) -> Option<String> {
        match self.what {
            What::Instruction(instruction) => Some(text(formatter, instruction)),
            What::Unknown => Some("(bad)".into()),
            What::Cut => {
                let byte = *self.bytes.first()?;
                Some(prefix(byte, bits).map_or_else(|| format!(".byte {byte:#x}"), Into::into))
            }
            What::Zeros => None,
        }
    }
}

impl<'c> Disassembly<'c> {
    pub fn new(code: &'c [u8], bits: Bits) -> Disassembly<'c> {
        Disassembly { code, bits, offset: 0 }
    }

    /// All instructions, with their texts; zeros that are left out are none.
    pub fn instructions(self) -> Vec<Instruction> {
        let bits = self.bits;
        let mut formatter = formatter();
        self.filter_map(|step| {
            let text = step.text(&mut formatter, bits)?;
            Some(Instruction { offset: step.offset, bytes: step.bytes.to_vec(), text })
        })
        .collect()
    }

    /// The text of the instruction at an offset.
    pub fn text_at(mut self, offset: usize) -> Option<String> {
        let bits = self.bits;
        // A formatter is dearer than what it writes here.
        thread_local!(static FORMATTER: RefCell<GasFormatter> = RefCell::new(formatter()));
        let step = self.find(|step| step.offset == offset)?;
        FORMATTER.with_borrow_mut(|formatter| step.text(formatter, bits))
    }
}

impl<'c> Iterator for Disassembly<'c> {
    type Item = Step<'c>;

    fn next(&mut self) -> Option<Step<'c>> {
        let offset = self.offset;
        let rest = self.code.get(offset..).filter(|rest| !rest.is_empty())?;
        if let Some(length) = zeros(rest) {
            self.offset += length;
            return Some(Step { offset, bytes: &rest[..length], what: What::Zeros });
        }
        let (length, what) = match decode(rest, offset, self.bits) {
            Ok(instruction) => (instruction.len(), What::Instruction(instruction)),
            Err(DecoderError::NoMoreBytes) if decode(&padded(rest), offset, self.bits).is_ok() => (1, What::Cut),
            // objdump gives up behind the first byte that is no prefix.
            Err(_) => (rest.iter().take_while(|byte| prefix(**byte, self.bits).is_some()).count() + 1, What::Unknown),
        };
        let bytes = &rest[..length.clamp(1, rest.len())];
        self.offset += bytes.len();
        Some(Step { offset, bytes, what })
    }
}

/// How many zeros objdump leaves out here (binutils/objdump.c, `SKIP_ZEROES`, `SKIP_ZEROES_AT_END`): all up to the end,
/// else a multiple of four.
fn zeros(code: &[u8]) -> Option<usize> {
    let zeros = code.iter().take_while(|byte| **byte == 0).count();
    if zeros == code.len() {
        return (!(3..8).contains(&zeros)).then_some(zeros);
    }
    (zeros >= 8).then_some(zeros / 4 * 4)
}

fn decode(code: &[u8], offset: usize, bits: Bits) -> Result<iced_x86::Instruction, DecoderError> {
    let bits = if bits == Bits::B32 { 32 } else { 64 };
    let mut decoder = Decoder::with_ip(bits, code, offset as u64, DecoderOptions::NO_INVALID_CHECK);
    let instruction = decoder.decode();
    match decoder.last_error() {
        DecoderError::None => Ok(instruction),
        error => Err(error),
    }
}

/// Code with as many bytes behind it as the longest instruction has: does it start one that was cut?
fn padded(code: &[u8]) -> Vec<u8> {
    [&code[..code.len().min(LONGEST)], &[0; LONGEST]].concat()
}

/// AT&T syntax as objdump writes it.
fn formatter() -> GasFormatter {
    let mut formatter = GasFormatter::new();
    let options = formatter.options_mut();
    options.set_first_operand_char_index(7);
    options.set_uppercase_hex(false);
    options.set_small_hex_numbers_in_decimal(false);
    options.set_show_zero_displacements(true);
    options.set_branch_leading_zeros(false);
    options.set_rip_relative_addresses(true);
    formatter
}

fn text(formatter: &mut GasFormatter, mut instruction: iced_x86::Instruction) -> String {
    // The listing starts at 0, so what lies before it has a negative address; objdump shows 32 bits of it.
    let shown = |address: u64| address & 0xffff_ffff;
    if instruction.op0_kind() == OpKind::NearBranch64 {
        instruction.set_near_branch64(shown(instruction.near_branch_target()));
    }
    // Without an index there is nothing to scale: iced-x86 would write `(%rax,)`.
    formatter.options_mut().set_always_show_scale(instruction.memory_index() != Register::None);
    let mut text = String::new();
    formatter.format(&instruction, &mut text);
    if instruction.is_ip_rel_memory_operand() {
        text.push_str(&format!("        # {:#x}", shown(instruction.ip_rel_memory_address())));
    }
    text
}

/// What objdump calls a prefix that stands alone.
fn prefix(byte: u8, bits: Bits) -> Option<&'static str> {
    const REX: [&str; 16] = [
        "rex", "rex.B", "rex.X", "rex.XB", "rex.R", "rex.RB", "rex.RX", "rex.RXB", "rex.W", "rex.WB", "rex.WX",
        "rex.WXB", "rex.WR", "rex.WRB", "rex.WRX", "rex.WRXB",
    ];
    Some(match byte {
        0x26 => "es",
        0x2e => "cs",
        0x36 => "ss",
        0x3e => "ds",
        0x40..=0x4f if bits == Bits::B64 => REX[usize::from(byte - 0x40)],
        0x64 => "fs",
        0x65 => "gs",
        0x66 => "data16",
        0x67 if bits == Bits::B64 => "addr32",
        0x67 => "addr16",
        0xf0 => "lock",
        0xf2 => "repnz",
        0xf3 => "repz",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(code: &[u8], bits: Bits) -> Vec<(usize, String)> {
        let instructions = Disassembly::new(code, bits).instructions();
        let mut rebuilt = vec![0; code.len()];
        for Instruction { offset, bytes, .. } in &instructions {
            rebuilt[*offset..offset + bytes.len()].copy_from_slice(bytes);
        }
        assert_eq!(rebuilt, code, "no byte is lost but zeros");
        instructions.into_iter().map(|i| (i.offset, i.text)).collect()
    }

    #[test]
    fn instructions_have_texts() {
        for (code, want) in [
            (&[0x80, 0x3c, 0x02, 0x00][..], "cmpb   $0x0,(%rdx,%rax,1)"),
            (&[0x74, 0xf0], "je     0xfffffff2"),
            (&[0xe8, 0, 0, 0, 0], "call   0x5"),
            (&[0x8b, 0x05, 0x10, 0, 0, 0], "mov    0x10(%rip),%eax        # 0x16"),
            (&[0x48, 0x83, 0xe4, 0xf0], "and    $0xfffffffffffffff0,%rsp"),
            (&[0x8b, 0x45, 0xfc], "mov    -0x4(%rbp),%eax"),
            (&[0x0f, 0x0b], "ud2"),
            (&[0x06], "(bad)"),
            (&[0x48, 0x06], "(bad)"),
            (&[0x66, 0x48, 0x8b], "data16"),
        ] {
            assert_eq!(shown(code, Bits::B64)[0], (0, want.to_owned()));
        }
        assert_eq!(shown(&[0x40], Bits::B32)[0].1, "inc    %eax");
    }

    #[test]
    fn a_cut_instruction_is_shown_byte_by_byte() {
        let want = [(0, "rex.W".to_owned()), (1, ".byte 0x8b".to_owned())];
        assert_eq!(shown(&[0x48, 0x8b], Bits::B64), want);
    }

    #[test]
    fn long_runs_of_zeros_are_left_out() {
        let offsets = |code: &[u8]| shown(code, Bits::B64).iter().map(|(offset, _)| *offset).collect::<Vec<_>>();
        assert_eq!(offsets(&[&[0x90][..], &[0; 11], &[0x90]].concat()), [0, 9, 11, 12]);
        assert_eq!(offsets(&[0x90, 0, 0]), [0]);
        assert_eq!(offsets(&[0x90, 0, 0, 0, 0]), [0, 1]);
        assert!(offsets(&[0; 64]).is_empty());
    }

    #[test]
    fn no_bytes_are_too_much() {
        // Every two bytes, every prefix repeated, and nothing at all.
        for high in 0..=255 {
            for low in 0..=255 {
                shown(&[high, low, 0, 0, 0xff], Bits::B64);
                shown(&[high, low], Bits::B32);
            }
            shown(&[high; 40], Bits::B64);
        }
        assert_eq!(shown(&[], Bits::B64), []);
    }
}
