//! Running a line program (DWARF 5, section 6.2.5).
//!
//! gimli's machine takes some 40 ns for a row and this one 5, and line programs are half of a cold look-up. It keeps what
//! a row is read for: address, file and line.

use gimli::{LineProgramHeader, constants as dw};

use super::Bytes;
use crate::{DwarfError, Miss};

/// The registers of the machine, as far as they are of interest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    pub(crate) address: u64,
    pub(crate) file: u64,
    pub(crate) line: u32,
    pub(crate) end_sequence: bool,
    /// The sequence is of code that the linker dropped: its addresses stand still.
    is_dropped: bool,
}

const START: State = State { address: 0, file: 1, line: 1, end_sequence: false, is_dropped: false };

/// Runs a program and hands out each row, the ends of sequences included.
pub(crate) fn run<'i, R: Bytes<'i>>(
    header: &LineProgramHeader<R>,
    mut row: impl FnMut(&State) -> Result<(), Miss>,
) -> Result<(), Miss> {
    let encoding = header.line_encoding();
    let (line_base, line_range) = (i32::from(encoding.line_base), encoding.line_range);
    let step = u64::from(encoding.minimum_instruction_length);
    if encoding.maximum_operations_per_instruction != 1 || line_range == 0 {
        return Err(Miss::TooLarge("instruction bundles"));
    }
    let opcode_base = header.opcode_base();
    let special = special_opcodes(opcode_base, line_base, line_range);
    let buffer = header.raw_program_buf();
    let mut input = Input { bytes: buffer.bytes(), at: 0 };
    let mut state = START;
    while let Some(opcode) = input.byte() {
        if opcode >= opcode_base {
            let (operations, lines) = special[usize::from(opcode)];
            state.advance(step, u64::from(operations));
            state.line = state.line.saturating_add_signed(i32::from(lines));
            row(&state)?;
            continue;
        }
        match gimli::DwLns(opcode) {
            gimli::DwLns(0) => {
                let length = input.uleb()?;
                let end = usize::try_from(length).ok().and_then(|length| input.at.checked_add(length));
                let end = end.filter(|end| *end <= input.bytes.len()).ok_or_else(|| input.short())?;
                match input.byte().filter(|_| length > 0).map(gimli::DwLne) {
                    None => continue,
                    Some(dw::DW_LNE_end_sequence) => {
                        state.end_sequence = true;
                        row(&state)?;
                        state = START;
                    }
                    Some(dw::DW_LNE_set_address) => {
                        let mut operand = buffer.clone();
                        operand.skip(input.at)?;
                        let size = u8::try_from(end - input.at).unwrap_or(u8::MAX);
                        let address = operand.read_address(size.min(header.address_size()))?;
                        // Linkers put 0 or -1 where they dropped a function; addresses rise within a sequence.
                        let highest = u64::MAX >> (64 - 8 * u32::from(header.address_size().clamp(1, 8)));
                        state.is_dropped = address < state.address || address >= highest - 1;
                        if !state.is_dropped {
                            state.address = address;
                        }
                    }
                    // Discriminators, files defined on the way (DWARF 4), what is not known.
                    Some(_) => {}
                }
                input.at = end;
            }
            dw::DW_LNS_copy => row(&state)?,
            dw::DW_LNS_advance_pc => {
                let operand = input.uleb()?;
                state.advance(step, operand);
            }
            dw::DW_LNS_advance_line => {
                let by = input.sleb()?;
                state.line = u32::try_from(i64::from(state.line).saturating_add(by).max(0)).unwrap_or(0);
            }
            dw::DW_LNS_set_file => state.file = input.uleb()?,
            dw::DW_LNS_set_column => drop(input.uleb()?),
            dw::DW_LNS_const_add_pc => state.advance(step, u64::from((255 - opcode_base) / line_range)),
            dw::DW_LNS_fixed_advance_pc => {
                let operand = [input.byte(), input.byte()];
                let [Some(a), Some(b)] = operand else { return Err(input.short().into()) };
                let by = match gimli::Endianity::is_big_endian(buffer.endian()) {
                    true => u16::from_be_bytes([a, b]),
                    false => u16::from_le_bytes([a, b]),
                };
                state.advance(1, u64::from(by));
            }
            dw::DW_LNS_negate_stmt
            | dw::DW_LNS_set_basic_block
            | dw::DW_LNS_set_prologue_end
            | dw::DW_LNS_set_epilogue_begin => {}
            // set_isa, and opcodes of later versions: the header says how many operands they have.
            _ => {
                let lengths = header.standard_opcode_lengths().bytes();
                for _ in 0..lengths.get(usize::from(opcode) - 1).copied().unwrap_or(0) {
                    input.uleb()?;
                }
            }
        }
    }
    Ok(())
}

/// What each special opcode adds to the operations and to the line, so that no row divides.
fn special_opcodes(opcode_base: u8, line_base: i32, line_range: u8) -> [(u8, i16); 256] {
    std::array::from_fn(|opcode| {
        let adjusted = (opcode as u8).saturating_sub(opcode_base);
        (adjusted / line_range, (line_base + i32::from(adjusted % line_range)) as i16)
    })
}

impl State {
    #[inline]
    fn advance(&mut self, step: u64, by: u64) {
        if !self.is_dropped {
            self.address = self.address.wrapping_add(step.wrapping_mul(by));
        }
    }
}

struct Input<'i> {
    bytes: &'i [u8],
    at: usize,
}

impl Input<'_> {
    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn short(&self) -> DwarfError {
        DwarfError::UnexpectedEof(gimli::ReaderOffsetId(self.at as u64))
    }

    /// Bits beyond 64 are dropped.
    #[inline]
    fn uleb(&mut self) -> Result<u64, DwarfError> {
        if let Some(byte) = self.bytes.get(self.at).filter(|byte| **byte < 0x80) {
            self.at += 1;
            return Ok(u64::from(*byte));
        }
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let byte = self.byte().ok_or_else(|| self.short())?;
            if shift < 64 {
                value |= u64::from(byte & 0x7f) << shift;
            }
            shift += 7;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
    }

    #[inline]
    fn sleb(&mut self) -> Result<i64, DwarfError> {
        let (mut value, mut shift) = (0_i64, 0);
        loop {
            let byte = self.byte().ok_or_else(|| self.short())?;
            if shift < 64 {
                value |= i64::from(byte & 0x7f) << shift;
            }
            shift += 7;
            if byte & 0x80 == 0 {
                let is_negative = byte & 0x40 != 0 && shift < 64;
                return Ok(if is_negative { value | -1 << shift } else { value });
            }
        }
    }
}
