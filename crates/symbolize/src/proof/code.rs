//! Whether the bytes of a `Code:` line are those of the image.

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic};
use image::{Image, Symbol};

use super::Count;
use super::site::is_rewritten;

/// Instructions before the instruction pointer start at a guess; the function's start is sure, but must not be far.
const MAX_FUNCTION: u64 = 256 << 10;

/// Compares code of a log with the image's, instruction by instruction. `trap` is the byte that belongs to `offset` in the symbol.
///
/// What the kernel writes into its own code is unknown: alternatives, calls, jumps, `nop`s, returns and locks, and where a
/// value depends on where the kernel was loaded.
pub(crate) fn compare(image: &Image<'_>, symbol: &Symbol<'_>, offset: u64, bytes: &[u8], trap: usize) -> Count {
    let mut count = Count::default();
    let first = symbol.flat.wrapping_add(offset).wrapping_sub(trap as u64);
    let last = first.wrapping_add(bytes.len() as u64);
    let length = last.saturating_sub(symbol.flat).min(symbol.size.least());
    if !image.is_x86_64() || trap >= bytes.len() || last < symbol.flat || length > MAX_FUNCTION {
        return count;
    }
    let Some(code) = image.text(symbol.flat, length as usize) else { return count };
    let mut decoder = Decoder::with_ip(64, code, symbol.flat, DecoderOptions::NONE);
    let mut own = Instruction::default();
    while decoder.can_decode() {
        decoder.decode_out(&mut own);
        let (begin, end) = (own.ip(), own.next_ip());
        if begin < first || own.is_invalid() {
            continue;
        }
        let at = (begin - first) as usize;
        let Some(theirs) = bytes.get(at..at + own.len()) else { break };
        let start = (begin - symbol.flat) as usize;
        let ours = &code[start..start + own.len()];
        if theirs == ours {
            count.agree += 1;
        } else if may_be_written(image, &own, begin, end) || moved(image, begin, ours, theirs) {
            count.unknown += 1;
        } else {
            count.differ += 1;
        }
    }
    count
}

fn may_be_written(image: &Image<'_>, own: &Instruction, begin: u64, end: u64) -> bool {
    let flows = !matches!(own.flow_control(), FlowControl::Next);
    flows
        || own.has_lock_prefix()
        || matches!(own.mnemonic(), Mnemonic::Nop | Mnemonic::Int3)
        || is_rewritten(image, begin, end)
}

/// True where the instructions differ only in bytes that relocations write: in a module those that it lists, in a kernel
/// an address of its own, which KASLR moves by whole pages.
fn moved(image: &Image<'_>, begin: u64, ours: &[u8], theirs: &[u8]) -> bool {
    let differ = |n: &usize| ours[*n] != theirs[*n];
    let Some(first) = (0..ours.len()).find(differ) else { return true };
    // The field starts at the first differing byte or up to seven before it.
    (first.saturating_sub(7)..=first).any(|at| {
        let rest_agrees = |width: usize| {
            at + width <= ours.len() && (0..ours.len()).all(|n| (at..at + width).contains(&n) || !differ(&n))
        };
        if image.operand(begin + at as u64).is_some() {
            return rest_agrees(4) || rest_agrees(8);
        }
        rest_agrees(4) && is_moved(&ours[at..at + 4], &theirs[at..at + 4])
    })
}

/// Bytes that a kernel with its place of KASLR and its modules spans, from `0xffffffff80000000` on.
const KERNEL: i32 = 0x7000_0000;

/// True for two 32-bit addresses of the kernel, whole pages apart.
fn is_moved(own: &[u8], other: &[u8]) -> bool {
    let value = |bytes: &[u8]| bytes.try_into().map_or(0, i32::from_le_bytes);
    let (own, other) = (value(own), value(other));
    let is_kernel = |value: i32| value < i32::MIN + KERNEL;
    is_kernel(own) && is_kernel(other) && other.wrapping_sub(own) & 0xfff == 0
}
