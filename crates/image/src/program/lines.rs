//! Lines of sources that are passed as arguments in code of x86_64: `might_sleep(__FILE__, __LINE__)`,
//! `ext4_error_inode(inode, __func__, __LINE__, …)`.

use iced_x86::{Code, Decoder, FlowControl, Instruction, OpKind, Register};

use super::references::{Reference, Target};
use super::space::Space;
use crate::LinkAddr;

/// The lines that an instruction stands for, as debug information has them: its own, and those of the calls that it was
/// inlined through; none where nothing is said of it.
///
/// Compilers expand `__LINE__` in a macro to the line where the macro is used, which is the line of the call that the macro
/// makes (gcc since version 9, and clang).
pub type Lines<'l> = dyn Fn(LinkAddr) -> Vec<u32> + Sync + 'l;

/// Where arguments are passed, in their order.
const REGISTERS: [Register; 6] =
    [Register::RDI, Register::RSI, Register::RDX, Register::RCX, Register::R8, Register::R9];

/// Lines of a source are fewer.
pub(super) const MAX_LINE: u32 = 1 << 18;
/// Smaller numbers are constants so often that by chance one is its own line.
const LEAST_LINE: u32 = 64;

/// What was put into the registers of arguments since the last call.
#[derive(Default)]
pub(super) struct Arguments([Option<Argument>; 6]);

#[derive(Clone, Copy)]
enum Argument {
    /// The address of a path.
    Path,
    /// The address of a function's name.
    Function,
    /// A number: the instruction that loads it, and the bytes that hold it.
    Number { at: u64, value: u32, bytes: Reference },
}

impl Arguments {
    /// Takes note of an instruction, whose references are those from `first`. At a call, lines among the arguments are added.
    pub(super) fn pass(
        &mut self,
        space: &Space<'_>,
        decoder: &Decoder<'_>,
        instruction: &Instruction,
        first: usize,
        lines: Option<&Lines<'_>>,
        found: &mut Vec<Reference>,
    ) {
        match instruction.flow_control() {
            FlowControl::Next => {}
            FlowControl::ConditionalBranch => return,
            // Calls of one function with different lines may share the instruction, to which all but one jump.
            FlowControl::Call | FlowControl::IndirectCall | FlowControl::UnconditionalBranch => {
                found.extend(self.lines(space, lines));
                *self = Arguments::default();
                return;
            }
            _ => {
                *self = Arguments::default();
                return;
            }
        }
        if instruction.op_count() == 0 || instruction.op0_kind() != OpKind::Register {
            return;
        }
        let register = instruction.op0_register().full_register();
        let Some(at) = REGISTERS.iter().position(|argument| *argument == register) else { return };
        self.0[at] = match (&found[first..], instruction.code()) {
            ([reference], _) if space.is_path_at(reference.target) => Some(Argument::Path),
            ([reference], _) if is_function_name(space, reference.target) => Some(Argument::Function),
            ([], Code::Mov_r32_imm32 | Code::Mov_rm32_imm32) => {
                let offsets = decoder.get_constant_offsets(instruction);
                let bytes = Reference {
                    begin: instruction.ip() + offsets.immediate_offset() as u64,
                    size: offsets.immediate_size() as u32,
                    target: Target::Ignored,
                };
                Some(Argument::Number { at: instruction.ip(), value: instruction.immediate32(), bytes })
            }
            _ => None,
        };
    }

    /// The arguments that are lines. Where debug information says nothing, that is a number right behind the path of a source.
    fn lines(&self, space: &Space<'_>, lines: Option<&Lines<'_>>) -> impl Iterator<Item = Reference> {
        self.0.iter().enumerate().filter_map(move |(n, argument)| {
            let Some(Argument::Number { at, value, bytes }) = argument else { return None };
            let before = n.checked_sub(1).and_then(|before| self.0[before]);
            let known = lines.zip(space.link_addr(*at)).map(|(lines, at)| lines(at)).unwrap_or_default();
            let is_line = match (&known[..], before) {
                ([], _) => *value < MAX_LINE && matches!(before, Some(Argument::Path)),
                (known, Some(Argument::Path | Argument::Function)) => known.contains(value),
                (known, _) => *value >= LEAST_LINE && known.contains(value),
            };
            is_line.then_some(*bytes)
        })
    }
}

/// `__func__` and its like, which compilers make an object of.
fn is_function_name(space: &Space<'_>, target: Target) -> bool {
    let Target::Place(place) = target else { return false };
    let unit = space.unit_at(place).filter(|unit| unit.begin == place);
    let name = unit.map_or("", |unit| space.unit_name(unit));
    ["__func__", "__FUNCTION__", "__PRETTY_FUNCTION__"].iter().any(|function| name.starts_with(function))
}
