//! References in code of x86_64: relocated fields, calls and jumps that leave the unit, and what counts from `%rip`.

use iced_x86::{Code, Decoder, DecoderOptions, Instruction, OpKind, Register};

use super::lines::{Arguments, Lines};
use super::references::{Reference, Target};
use super::space::Space;
use super::units::Unit;

/// Finds the references of a unit.
pub(super) fn scan(
    space: &Space<'_>,
    unit: &Unit,
    bytes: &[u8],
    lines: Option<&Lines<'_>>,
    found: &mut Vec<Reference>,
) {
    let mut relocations = space.relocations(unit.section, unit.begin, unit.end).peekable();
    let mut decoder = Decoder::with_ip(64, bytes, unit.begin, DecoderOptions::NONE);
    let mut instruction = Instruction::default();
    let mut arguments = Arguments::default();
    while decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        let (begin, end) = (instruction.ip(), instruction.next_ip());
        let first = found.len();
        while let Some((at, entry)) = relocations.next_if(|(at, _)| *at < end) {
            found.extend(space.relocated(unit.section, at, entry, end).filter(|_| at >= begin));
        }
        if found.len() == first {
            unrelocated(space, unit, &decoder, &instruction, found);
        }
        arguments.pass(space, &decoder, &instruction, first, lines, found);
    }
}

/// References of an instruction that no relocation speaks of.
fn unrelocated(
    space: &Space<'_>,
    unit: &Unit,
    decoder: &Decoder<'_>,
    instruction: &Instruction,
    found: &mut Vec<Reference>,
) {
    let begin = instruction.ip();
    if instruction.op_count() == 0 || instruction.is_invalid() {
        return;
    }
    let mut add = |offset: usize, size: usize, target: u64| {
        found.push(Reference { begin: begin + offset as u64, size: size as u32, target: Target::Place(target) });
    };
    let is_branch = matches!(instruction.op0_kind(), OpKind::NearBranch64);
    if is_branch {
        let target = instruction.near_branch_target();
        if target < unit.begin || unit.end <= target || unit.symbol.is_none() {
            let offsets = decoder.get_constant_offsets(instruction);
            add(offsets.immediate_offset(), offsets.immediate_size(), target);
        }
        return;
    }
    if instruction.is_ip_rel_memory_operand() {
        let offsets = decoder.get_constant_offsets(instruction);
        add(offsets.displacement_offset(), offsets.displacement_size(), instruction.ip_rel_memory_address());
    } else if !space.has_relocations && instruction.memory_displ_size() >= 4 {
        let target = instruction.memory_displacement64();
        // Variables of each CPU lie at the segment's start.
        let of_cpu = instruction.segment_prefix() == Register::GS && space.section_at(target).is_some();
        if of_cpu || space.is_address(target) {
            let offsets = decoder.get_constant_offsets(instruction);
            add(offsets.displacement_offset(), offsets.displacement_size(), target);
        }
    }
    if !space.has_relocations {
        for operand in 0..instruction.op_count() {
            let target = match instruction.op_kind(operand) {
                OpKind::Immediate32to64 => instruction.immediate32to64() as u64,
                OpKind::Immediate64 => instruction.immediate64(),
                _ => continue,
            };
            if space.is_address(target) {
                let offsets = decoder.get_constant_offsets(instruction);
                add(offsets.immediate_offset(), offsets.immediate_size(), target);
            }
        }
    }
}

/// Where code ends and padding begins: behind the last instruction that is neither a NOP nor INT3.
pub(super) fn end_of_code(bytes: &[u8], begin: u64) -> u64 {
    let mut decoder = Decoder::with_ip(64, bytes, begin, DecoderOptions::NONE);
    let mut end = begin;
    let mut instruction = Instruction::default();
    while decoder.can_decode() {
        let at = (decoder.ip() - begin) as usize;
        decoder.decode_out(&mut instruction);
        let is_padding = matches!(
            instruction.code(),
            Code::Int3 | Code::Nopd | Code::Nopw | Code::Nopq | Code::Nop_rm16 | Code::Nop_rm32 | Code::Nop_rm64
        );
        if !is_padding && bytes[at..].iter().any(|byte| *byte != 0) {
            end = instruction.next_ip();
        }
    }
    end
}
