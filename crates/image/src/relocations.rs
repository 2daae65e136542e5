//! Relocations of a module's debug sections and text, applied one by one to the values that are read.
//!
//! Making a table of them all costs more than the rest of a lookup (`.rela.debug_info` of xfs.ko has a million), so each
//! value that is read looks its relocation up by binary search: assemblers and `ld -r` write them in order of offset.

use std::sync::{Arc, OnceLock};

use object::elf::{self, Rela64};
use object::read::elf::{Rela as _, SectionHeader as _, Sym as _, SymbolTable};
use object::{Endianness, SymbolIndex};

use crate::elf::{Header, Section};
use crate::{Error, Image};

type Entry = Rela64<Endianness>;

/// The relocations of one section, by offset in it.
#[derive(Debug)]
pub struct Relocations<'d> {
    entries: &'d [Entry],
    /// A sorted copy, made when a look-up failed and the file's order turned out to be another one.
    sorted: OnceLock<Option<Vec<Entry>>>,
    symbols: SymbolTable<'d, Header>,
    bases: Arc<[u64]>,
    endian: Endianness,
    machine: elf::Machine,
}

impl<'d> Relocations<'d> {
    /// The relocations in a section of `image`, and the index of the section that they are for.
    pub(crate) fn parse(image: &Image<'d>, section: &Section) -> Result<Option<(usize, Relocations<'d>)>, Error> {
        let Some((entries, link)) = section.rela(image.endian, image.data)? else {
            return Ok(None);
        };
        if link != image.symbols.section() {
            return Ok(None);
        }
        let relocations = Relocations {
            entries,
            sorted: OnceLock::new(),
            symbols: image.symbols,
            bases: image.layout.bases.clone(),
            endian: image.endian,
            machine: image.machine,
        };
        Ok(Some((section.info_link(image.endian).0, relocations)))
    }

    /// The value at an offset of the section: `value` as it is in the file, or what its relocation makes of it.
    ///
    /// Addresses of text become flat addresses of the image. Types other than absolute ones leave the value alone.
    pub fn apply(&self, offset: u64, value: u64) -> u64 {
        let Some(entry) = self.find(offset) else { return value };
        if !is_absolute(self.machine, entry.r_type(self.endian, false).0) {
            return value;
        }
        let addend = entry.r_addend(self.endian);
        let index = SymbolIndex(entry.r_sym(self.endian, false) as usize);
        let Ok(symbol) = self.symbols.symbol(index) else {
            return value;
        };
        let section = self.symbols.symbol_section(self.endian, symbol, index).ok().flatten();
        let base = section.and_then(|section| self.bases.get(section.0)).copied().unwrap_or(0);
        base.wrapping_add(symbol.st_value(self.endian)).wrapping_add_signed(addend)
    }

    pub(crate) fn find(&self, offset: u64) -> Option<&Entry> {
        let search =
            |entries: &[Entry]| entries.binary_search_by_key(&offset, |entry| entry.r_offset.get(self.endian)).ok();
        if let Some(at) = search(self.entries) {
            return self.entries.get(at);
        }
        // Nearly every value that is read has a relocation, so the order is checked when one is missing, not before.
        let sorted = self.sorted.get_or_init(|| self.sort_if_needed()).as_ref()?;
        search(sorted).and_then(|at| sorted.get(at))
    }

    fn sort_if_needed(&self) -> Option<Vec<Entry>> {
        let key = |entry: &Entry| entry.r_offset.get(self.endian);
        if self.entries.is_sorted_by_key(key) {
            return None;
        }
        let mut sorted = self.entries.to_vec();
        sorted.sort_by_key(key);
        Some(sorted)
    }
}

/// Whether a relocation type stores symbol + addend in 4 or 8 bytes (the psABI of each machine).
fn is_absolute(machine: elf::Machine, kind: u32) -> bool {
    match machine {
        // R_X86_64_64, _32, _32S.
        elf::EM_X86_64 => matches!(kind, 1 | 10 | 11),
        // R_AARCH64_ABS64, _ABS32.
        elf::EM_AARCH64 => matches!(kind, 257 | 258),
        // R_390_32, _64.
        elf::EM_S390 => matches!(kind, 4 | 22),
        // R_PPC64_ADDR32, _ADDR64.
        elf::EM_PPC64 => matches!(kind, 1 | 38),
        // R_RISCV_32, _64; R_LARCH_32, _64.
        elf::EM_RISCV | elf::EM_LOONGARCH => matches!(kind, 1 | 2),
        _ => false,
    }
}
