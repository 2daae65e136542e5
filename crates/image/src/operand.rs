//! Operands in the text that the file leaves open: what a module's relocations put there, and code that the kernel rewrites.

use object::elf;
use object::read::elf::{Rela as _, Sym as _};

use crate::{Image, Kind, Relocations};

/// What an operand of a module's text refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand<'d> {
    /// A place in the same module, as a flat address.
    Place(u64),
    /// Something in the kernel or in another module.
    Symbol(&'d str),
    /// Something else: data, or a relocation that is none of a call's.
    Other,
}

/// A list of places in the text of a kernel, larger than any kernel's.
const MAX_PLACES: usize = 1 << 20;

impl<'d> Image<'d> {
    /// What is put at a flat address of a module's text; `None` where the bytes in the file are what is there.
    pub fn operand(&self, flat: u64) -> Option<Operand<'d>> {
        let placed = self.layout.at(flat)?;
        let relocations = self.relocations_of(placed.section)?;
        let entry = relocations.find(flat - placed.begin)?;
        // R_X86_64_PC32 and _PLT32 count from their own four bytes, which are the end of the instruction.
        if !self.is_x86_64() || !matches!(entry.r_type(self.endian, false).0, 2 | 4) {
            return Some(Operand::Other);
        }
        let index = object::SymbolIndex(entry.r_sym(self.endian, false) as usize);
        let Ok(symbol) = self.symbols.symbol(index) else { return Some(Operand::Other) };
        let addend = entry.r_addend(self.endian);
        if symbol.st_shndx(self.endian) == elf::SHN_UNDEF {
            let name = crate::elf::short_string(self.strings, symbol.st_name(self.endian));
            return Some(name.filter(|_| addend == -4).map_or(Operand::Other, Operand::Symbol));
        }
        let section = self.symbols.symbol_section(self.endian, symbol, index).ok().flatten();
        let base = section.and_then(|section| self.layout.of_section(section.0 as u32)).map(|placed| placed.begin);
        let place = |base: u64| base.wrapping_add(symbol.st_value(self.endian)).wrapping_add_signed(addend + 4);
        Some(base.map_or(Operand::Other, |base| Operand::Place(place(base))))
    }

    fn relocations_of(&self, section: u32) -> Option<&Relocations<'d>> {
        let mut all = self.text_relocations.iter();
        all.find(|(target, _)| *target == section as usize).map(|(_, relocations)| relocations)
    }

    /// The relocations of each executable section of a module.
    pub(crate) fn read_text_relocations(&self) -> Vec<(usize, Relocations<'d>)> {
        if self.kind() != Kind::Module {
            return Vec::new();
        }
        let parsed = self.sections.iter().filter_map(|section| Relocations::parse(self, section).ok()?);
        parsed.filter(|(target, _)| self.layout.of_section(*target as u32).is_some()).collect()
    }

    /// Code that the kernel may replace when it boots: flat begin and length of each site of `.altinstructions`, sorted.
    ///
    /// Only of x86 (arch/x86/include/asm/alternative.h, `struct alt_instr`), of linked kernels.
    pub fn alternatives(&self) -> &[(u64, u8)] {
        self.alternatives.get_or_init(|| self.read_alternatives().unwrap_or_default())
    }

    fn read_alternatives(&self) -> Option<Vec<(u64, u8)>> {
        let (index, _) = self.section_named(".altinstructions").filter(|_| self.is_x86_64())?;
        let section = self.sections.section(object::SectionIndex(index)).ok()?;
        let start = object::read::elf::SectionHeader::sh_addr(section, self.endian);
        let bytes = self.section_bytes(".altinstructions").filter(|_| self.kind() == Kind::Kernel)?;
        // Since 6.3 with 32 bits of flags, since 5.11 without a padding length, before with it.
        ALTERNATIVES.iter().find_map(|layout| layout.read(self, start, bytes))
    }
}

/// A version of `struct alt_instr`: offsets of the site, of the replacement, flags, then the lengths.
struct Alternative {
    size: usize,
    length_at: usize,
}

const ALTERNATIVES: [Alternative; 3] = [
    Alternative { size: 14, length_at: 12 },
    Alternative { size: 12, length_at: 10 },
    Alternative { size: 13, length_at: 10 },
];

impl Alternative {
    /// The sites, if all of them are in the text: read by another version's layout they would not be.
    fn read(&self, image: &Image<'_>, start: u64, bytes: &[u8]) -> Option<Vec<(u64, u8)>> {
        if !bytes.len().is_multiple_of(self.size) {
            return None;
        }
        let mut sites = Vec::new();
        for (number, entry) in bytes.chunks_exact(self.size).take(MAX_PLACES).enumerate() {
            let offset = i32::from_le_bytes(entry[..4].try_into().ok()?);
            let at = start.wrapping_add((number * self.size) as u64).wrapping_add_signed(i64::from(offset));
            image.layout.at(at)?;
            sites.push((at, entry[self.length_at]));
        }
        sites.sort_unstable();
        Some(sites)
    }
}
