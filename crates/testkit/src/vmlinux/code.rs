//! The machine code of a section: NOPs, the calls and bytes that the test asked for, and `ret`.

use super::layout::{Layout, Part, Symbol, SymbolKind};
use super::{Kind, Vmlinux};

/// What the compiler leaves between functions.
const PADDING: u8 = 0xcc;
const NOP: u8 = 0x90;
const RET: u8 = 0xc3;
const CALL: u8 = 0xe8;
/// The 5 bytes that ftrace patches at the start of each function.
const FTRACE_NOP: [u8; 5] = [0x0f, 0x1f, 0x44, 0x00, 0x00];

/// A call in a module whose target only the loader knows: `R_X86_64_PLT32` with addend -4.
pub(super) struct CallFixup {
    /// Where the 4 bytes of the displacement lie in the section.
    pub(super) offset: u64,
    /// The callee's index in [`Layout::symbols`], or the name of a symbol that the module lacks.
    pub(super) callee: Result<usize, String>,
}

/// Writes the bytes of one executable section.
pub(super) fn section(image: &Vmlinux, layout: &Layout, index: usize) -> (Vec<u8>, Vec<CallFixup>) {
    let section = &layout.sections[index];
    let mut bytes = vec![PADDING; section.size as usize];
    let mut fixups = Vec::new();
    for part in layout.parts.iter().filter(|part| part.section == index) {
        let function = &image.functions[part.function];
        let inside = |offset: u64| part.first <= offset && offset < part.first + part.size;
        let at = |offset: u64| (part.offset + offset - part.first) as usize;

        let start = at(part.first);
        bytes[start..start + part.size as usize].fill(NOP);
        if part.first == 0 && part.size > 5 {
            bytes[start..start + 5].copy_from_slice(&FTRACE_NOP);
        }
        bytes[start + part.size as usize - 1] = RET;
        if part.first == 0 && image.prefixes {
            bytes[start - 16..start].fill(NOP);
        }
        for (offset, callee) in function.calls.iter().filter(|(offset, _)| inside(offset - 1)) {
            let end = at(*offset);
            let displacement = match target(image, layout, part, callee) {
                Target::Near(address) => address.wrapping_sub(layout.address(part, *offset)) as u32,
                Target::Loader(callee) => {
                    fixups.push(CallFixup { offset: end as u64 - 4, callee });
                    0
                }
            };
            bytes[end - 5] = CALL;
            bytes[end - 4..end].copy_from_slice(&displacement.to_le_bytes());
        }
        for (offset, code) in function.code.iter().filter(|(offset, _)| inside(*offset)) {
            bytes[at(*offset)..at(*offset) + code.len()].copy_from_slice(code);
        }
    }
    (bytes, fixups)
}

enum Target {
    /// An address that the assembler or linker can reach by itself.
    Near(u64),
    Loader(Result<usize, String>),
}

/// Finds the callee: a function of the caller's own file goes before one of the same name elsewhere.
fn target(image: &Vmlinux, layout: &Layout, caller: &Part, callee: &str) -> Target {
    let file = &image.functions[caller.function].body.file;
    let own = layout.parts.iter().find(|part| {
        let function = &image.functions[part.function];
        part.first == 0 && function.name == callee && function.body.file == *file
    });
    let address = own.map(|part| (&layout.sections[part.section], layout.address(part, 0)));
    let is_it = |symbol: &&Symbol| match address {
        Some((section, address)) => symbol.section == section.name && symbol.address == address,
        None => symbol.kind != SymbolKind::Object,
    };
    let found = layout.symbols.iter().position(|symbol| symbol.name == callee && is_it(&symbol));
    match (found, &image.kind) {
        (Some(index), Kind::Kernel) => Target::Near(layout.symbols[index].address),
        (None, Kind::Kernel) => panic!("{callee} is called but not in the image"),
        (Some(index), Kind::Module(_)) => {
            let symbol = &layout.symbols[index];
            let same_section = layout.sections[caller.section].name == symbol.section;
            if symbol.local && same_section { Target::Near(symbol.address) } else { Target::Loader(Ok(index)) }
        }
        (None, Kind::Module(_)) => Target::Loader(Err(callee.into())),
    }
}
