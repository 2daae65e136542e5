//! Call sites: what the instruction in front of a return address calls, and where a function goes on in another one.

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind};
use image::{Image, Operand, Symbol};

/// Larger functions are not read to their end: the kernel's largest has some 60 KiB.
const MAX_FUNCTION: usize = 256 << 10;
/// Jumps out of a function that are looked at.
const MAX_JUMPS: usize = 256;

/// Sites that are looked at around an instruction; a file that has more in 256 bytes is none of a kernel.
const MAX_NEAR: usize = 256;

/// What stands in front of a return address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site<'i> {
    /// A call of a fixed place.
    Call(Target<'i>),
    /// A call of whatever a register or a pointer says, or of what the kernel rewrites; or code that cannot be read.
    Unknown,
    /// No call ends here, so nothing returns here.
    NoCall,
}

/// A fixed place that is called or jumped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target<'i> {
    /// In the same image, as a flat address.
    Flat(u64),
    /// In the kernel or in another module.
    Name(&'i str),
}

/// True for functions that stand for others: thunks of indirect calls, trampolines of static calls, the tracer's entry.
pub(crate) fn stands_in(name: &str) -> bool {
    const STAND_INS: [&str; 5] = ["__x86_indirect_", "__x86_return_thunk", "__SCT__", "__fentry__", "__static_call_"];
    STAND_INS.iter().any(|start| name.starts_with(start))
}

/// What is called right before the flat address `end` of a function, where `wanted` tells a target that is believed at once.
pub(crate) fn before<'i>(
    image: &'i Image<'i>,
    symbol: &Symbol<'i>,
    end: u64,
    wanted: impl Fn(Target<'i>) -> bool,
) -> Site<'i> {
    // Nearly every call of a kernel is `e8` and four bytes. Other instructions that end so do not point at the right function.
    let near = end.checked_sub(5).filter(|at| *at >= symbol.flat && image.text(*at, 1) == Some(&[0xe8]));
    if near.is_some()
        && let Some(target) = target(image, end - 4, end).filter(|target| wanted(*target))
    {
        return Site::Call(target);
    }
    let length = end.checked_sub(symbol.flat).and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
    let code = image.text(symbol.flat, length.min(MAX_FUNCTION)).filter(|code| code.len() == length);
    let Some(code) = code else { return Site::Unknown };
    let mut decoder = Decoder::with_ip(64, code, symbol.flat, DecoderOptions::NONE);
    let mut last = Instruction::default();
    while decoder.can_decode() {
        decoder.decode_out(&mut last);
    }
    // What does not end there was read from a wrong start, or is code that the kernel has rewritten.
    if last.is_invalid() || last.next_ip() != end || is_rewritten(image, last.ip(), end) {
        return Site::Unknown;
    }
    match last.flow_control() {
        FlowControl::Call if is_near(&last) => target(image, end - 4, end).map_or(Site::Unknown, Site::Call),
        // `ud2` is where `WARN` and `BUG` trap, a `nop` is where the tracer or a jump label may put a call.
        FlowControl::Call | FlowControl::IndirectCall | FlowControl::Interrupt | FlowControl::Exception => {
            Site::Unknown
        }
        // The entry code calls by `lretq`, with its own return address on the stack (arch/x86/kernel/head_64.S).
        _ if last.mnemonic() == Mnemonic::Retf => Site::Unknown,
        _ if last.mnemonic() == Mnemonic::Nop => Site::Unknown,
        _ => Site::NoCall,
    }
}

/// The place in the same image that a call of five bytes before `end` leads to, if one seems to stand there.
pub(crate) fn near_call(image: &Image<'_>, end: u64) -> Option<u64> {
    let at = end.checked_sub(5).filter(|at| image.text(*at, 1) == Some(&[0xe8]))?;
    if let Some(Target::Flat(flat)) = target(image, at + 1, end) { Some(flat) } else { None }
}

/// Where a function goes on in another one, which then returns to the function's caller.
#[derive(Debug, Default)]
pub(crate) struct Jumps<'i> {
    pub(crate) to: Vec<Target<'i>>,
    /// Whether there are jumps of which the file does not say where they go.
    pub(crate) elsewhere: bool,
}

/// The jumps out of a function.
pub(crate) fn jumps<'i>(image: &'i Image<'i>, symbol: &Symbol<'i>) -> Jumps<'i> {
    let mut jumps = Jumps::default();
    let length = usize::try_from(symbol.size.least()).unwrap_or(MAX_FUNCTION).min(MAX_FUNCTION);
    let Some(code) = image.text(symbol.flat, length) else { return Jumps { elsewhere: true, ..jumps } };
    let inside = symbol.flat..symbol.flat + code.len() as u64;
    let mut decoder = Decoder::with_ip(64, code, symbol.flat, DecoderOptions::NONE);
    let mut next = Instruction::default();
    while decoder.can_decode() && jumps.to.len() < MAX_JUMPS {
        decoder.decode_out(&mut next);
        match next.flow_control() {
            FlowControl::IndirectBranch => jumps.elsewhere = true,
            FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch if is_near(&next) => {
                // A jump of two bytes has no relocation.
                let short = (next.len() < 5).then(|| Target::Flat(next.near_branch64()));
                match short.or_else(|| target(image, next.next_ip() - 4, next.next_ip())) {
                    Some(Target::Flat(flat)) if inside.contains(&flat) => {}
                    Some(target) => jumps.to.push(target),
                    None => jumps.elsewhere = true,
                }
            }
            _ => {}
        }
    }
    jumps.elsewhere |= decoder.can_decode();
    jumps
}

/// What the operand at `at`, which counts from `end`, refers to.
fn target<'i>(image: &Image<'i>, at: u64, end: u64) -> Option<Target<'i>> {
    match image.operand(at) {
        Some(Operand::Place(flat)) => Some(Target::Flat(flat)),
        Some(Operand::Symbol(name)) => Some(Target::Name(name)),
        Some(Operand::Other) => None,
        None => {
            let bytes = image.text(at, 4)?.try_into().ok()?;
            Some(Target::Flat(end.wrapping_add_signed(i64::from(i32::from_le_bytes(bytes)))))
        }
    }
}

/// True where the kernel may replace code when it boots.
pub(crate) fn is_rewritten(image: &Image<'_>, begin: u64, end: u64) -> bool {
    let sites = image.alternatives();
    let after = sites.partition_point(|(at, _)| *at < end);
    // A site is shorter than 256 bytes.
    let mut near = sites[..after].iter().rev().take(MAX_NEAR).take_while(|(at, _)| at.saturating_add(256) > begin);
    near.any(|(at, length)| at.saturating_add(u64::from(*length)) > begin)
}

fn is_near(instruction: &Instruction) -> bool {
    instruction.op0_kind() == OpKind::NearBranch64
}
