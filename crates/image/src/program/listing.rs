//! The instructions of a function, with what they refer to by name.

use iced_x86::{
    Decoder, DecoderOptions, Formatter as _, GasFormatter, Instruction, OpKind, SymbolResolver, SymbolResult,
};
use object::SymbolIndex;

use super::references::{Reference, Target};
use super::{Part, PartKind, Program};

/// The instructions of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// In their order.
    pub lines: Vec<Line>,
}

/// An instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Bytes from the start of the function.
    pub offset: u64,
    /// AT&T syntax: `call   mutex_lock`, `jne    +0x40`.
    pub text: String,
    /// The same without where in the function a jump goes, which an instruction inserted before it changes.
    pub key: String,
}

/// Characters of a string that are shown.
const MAX_SHOWN: usize = 40;

impl Program<'_> {
    /// The instructions of a function; nothing for other parts and machines.
    pub fn listing(&self, part: &Part<'_>) -> Listing {
        if !self.space.sections[part.section].is_code || !self.space.image.is_x86_64() {
            return Listing::default();
        }
        let bytes = self.space.bytes(part.section, part.begin, part.end);
        let mut decoder = Decoder::with_ip(64, bytes, part.begin, DecoderOptions::NONE);
        let mut instruction = Instruction::default();
        let mut lines = Vec::new();
        while decoder.can_decode() {
            decoder.decode_out(&mut instruction);
            let references = self.references_in(instruction.ip(), instruction.next_ip());
            let names: Vec<_> = references.iter().filter_map(|reference| self.shown(part, reference)).collect();
            let mut formatter = GasFormatter::with_options(Some(Box::new(Names(names))), None);
            let options = formatter.options_mut();
            options.set_first_operand_char_index(7);
            options.set_show_useless_prefixes(false);
            options.set_uppercase_hex(false);
            let mut text = String::new();
            let offset = instruction.ip() - part.begin;
            let is_jump = instruction.op_count() > 0 && instruction.op0_kind() == OpKind::NearBranch64;
            let target = instruction.near_branch_target();
            let mut key = String::new();
            if is_jump && references.is_empty() && (part.begin..part.end).contains(&target) {
                formatter.format_mnemonic(&instruction, &mut text);
                key.clone_from(&text);
                text = format!("{text:<6} +{:#x}", target - part.begin);
            } else {
                formatter.format(&instruction, &mut text);
                key.clone_from(&text);
                // The number of a line.
                if references.iter().any(|reference| reference.target == Target::Ignored)
                    && let Some((before, after)) = text.split_once('$')
                {
                    key = format!("{before}{}", after.split_once(',').map_or("", |(_, after)| after));
                }
            }
            lines.push(Line { offset, text: text.trim_end().to_owned(), key });
        }
        Listing { lines }
    }

    /// The name of what is referred to, for people.
    fn shown(&self, part: &Part<'_>, reference: &Reference) -> Option<String> {
        let plus = |name: &str, plus: i64| match plus {
            0 => name.to_owned(),
            plus if plus < 0 => format!("{name}-{:#x}", plus.unsigned_abs()),
            plus => format!("{name}+{plus:#x}"),
        };
        match reference.target {
            Target::Ignored => None,
            Target::Symbol { index, plus: by } => {
                let symbol = self.space.image.symbols.symbol(SymbolIndex(index as usize)).ok()?;
                Some(plus(self.space.symbol_name(symbol), by))
            }
            Target::Place(place) if (part.begin..part.end).contains(&place) => {
                Some(format!("+{:#x}", place - part.begin))
            }
            Target::Place(place) | Target::Physical(place) => {
                let at = self.part_at(place)?;
                let found = &self.parts[at];
                let section = self.space.sections[found.section].name;
                match (found.kind, self.text_at(place)) {
                    (PartKind::Literal, Some(text)) => {
                        let text = String::from_utf8_lossy(text);
                        let shown: String = text.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect();
                        let more = if text.chars().count() > MAX_SHOWN { "…" } else { "" };
                        Some(format!("\"{shown}{more}\""))
                    }
                    (PartKind::Literal, None) => Some(section.to_owned()),
                    _ => Some(plus(&found.name, (place - found.begin) as i64)),
                }
            }
        }
    }
}

/// Names of the references of one instruction, in the order of its bytes, which is that of displacement and immediate.
struct Names(Vec<String>);

impl SymbolResolver for Names {
    fn symbol(
        &mut self,
        instruction: &Instruction,
        _operand: u32,
        instruction_operand: Option<u32>,
        address: u64,
        _address_size: u32,
    ) -> Option<SymbolResult<'_>> {
        let kind = instruction_operand.map(|operand| instruction.op_kind(operand));
        let is_immediate = !matches!(kind, Some(OpKind::Memory | OpKind::NearBranch64));
        let has_memory = (0..instruction.op_count()).any(|operand| instruction.op_kind(operand) == OpKind::Memory);
        let name = match &self.0[..] {
            [] => return None,
            [name] => {
                // A plain number beside an address is none.
                let small = matches!(
                    kind,
                    Some(OpKind::Immediate8 | OpKind::Immediate8to16 | OpKind::Immediate8to32 | OpKind::Immediate8to64)
                );
                if small
                    || (is_immediate
                        && has_memory
                        && instruction.memory_displ_size() >= 4
                        && instruction.is_ip_rel_memory_operand())
                {
                    return None;
                }
                name
            }
            [displacement, immediate, ..] => {
                if is_immediate {
                    immediate
                } else {
                    displacement
                }
            }
        };
        Some(SymbolResult::with_string(address, name.clone()))
    }
}
