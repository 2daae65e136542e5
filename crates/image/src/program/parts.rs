//! Units to parts: what has no symbol is cut at the places that are referred to, and at the ends of strings.

use object::SymbolIndex;
use object::elf;

use super::names::normal_name;
use super::references::{Reference, Target, within};
use super::space::Space;
use super::{Part, PartKind, code, tables, texts};

/// All parts, sorted by address.
pub(super) fn cut<'d>(space: &Space<'d>, targets: &[u64], references: &[Reference]) -> Vec<Part<'d>> {
    let mut parts = Vec::with_capacity(space.units.len() * 2);
    for unit in &space.units {
        let section = &space.sections[unit.section];
        if tables::is_left_out(section.name) {
            continue;
        }
        let mut part = Part {
            name: "".into(),
            symbol: "",
            kind: PartKind::Literal,
            section: unit.section,
            begin: unit.begin,
            end: unit.end,
        };
        if let Some(symbol) = unit.symbol.and_then(|index| space.image.symbols.symbol(SymbolIndex(index)).ok()) {
            part.symbol = space.symbol_name(symbol);
            part.name = normal_name(part.symbol);
            part.kind = match symbol.st_type() {
                _ if section.is_empty_in_file() => PartKind::Space,
                elf::STT_FUNC => PartKind::Function,
                _ if section.is_code => PartKind::Function,
                _ => PartKind::Data,
            };
        }
        if section.name == ".orc_unwind_ip" {
            parts.push(Part { kind: PartKind::Orc, ..part });
        } else if let Some(stride) = tables::stride(space, unit, references) {
            parts.push(Part { kind: PartKind::Table { stride }, ..part });
        } else if section.is_empty_in_file() {
            // Between objects is nothing but alignment.
            parts.extend((!part.name.is_empty()).then_some(part));
        } else if unit.is_sized {
            parts.push(part);
        } else if unit.symbol.is_some() && section.is_code {
            parts.extend(trimmed(space, part, references));
        } else {
            literals(space, part, targets, references, &mut parts);
        }
    }
    parts
}

/// Cuts a unit whose size no symbol says. If it has a name, that is the first piece's: what follows the label is what
/// other files put there.
fn literals<'d>(
    space: &Space<'d>,
    model: Part<'d>,
    targets: &[u64],
    references: &[Reference],
    parts: &mut Vec<Part<'d>>,
) {
    let first = targets.partition_point(|target| *target <= model.begin);
    let cuts = targets[first..].iter().copied().take_while(|target| *target < model.end).chain([model.end]);
    let is_code = space.sections[model.section].is_code;
    let mut begin = model.begin;
    for end in cuts {
        // The linker puts `b.c` into the end of `a/b.c`, which stays a path.
        if space.path_len(begin).is_some_and(|len| end < begin + len) {
            continue;
        }
        let piece = if begin == model.begin {
            Part { end, ..model.clone() }
        } else {
            Part { begin, end, name: "".into(), symbol: "", kind: PartKind::Literal, ..model.clone() }
        };
        begin = end;
        if !piece.symbol.is_empty() {
            let named = Part { end: piece.begin + 1, ..piece.clone() };
            parts.push(trimmed(space, piece, references).unwrap_or(named));
        } else if is_code || within(references, piece.begin, piece.end).iter().any(|r| r.target != Target::Ignored) {
            parts.extend(trimmed(space, piece, references));
        } else {
            strings(space, piece, parts);
        }
    }
}

/// Cuts a literal behind each string.
fn strings<'d>(space: &Space<'d>, mut piece: Part<'d>, parts: &mut Vec<Part<'d>>) {
    loop {
        let bytes = space.bytes(piece.section, piece.begin, piece.end);
        let Some(text) = texts::text(bytes) else { break };
        let end = piece.begin + text.len() as u64 + 1;
        parts.push(Part { end, ..piece.clone() });
        let nuls = bytes[text.len() + 1..].iter().take_while(|byte| **byte == 0).count();
        piece.begin = end + nuls as u64;
    }
    parts.extend(trimmed(space, piece, &[]));
}

/// A part without the padding at its end; nothing where it is padding only.
fn trimmed<'d>(space: &Space<'d>, mut part: Part<'d>, references: &[Reference]) -> Option<Part<'d>> {
    let bytes = space.bytes(part.section, part.begin, part.end);
    part.end = if !space.sections[part.section].is_code {
        part.begin + bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at as u64 + 1)
    } else if space.image.is_x86_64() {
        code::end_of_code(bytes, part.begin)
    } else {
        part.end
    };
    // In a relocatable file, pointers are zeros.
    let last = within(references, part.begin, part.begin + bytes.len() as u64).last();
    part.end = part.end.max(last.map_or(0, |last| last.begin + u64::from(last.size)));
    (part.begin < part.end).then_some(part)
}
