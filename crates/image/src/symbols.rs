//! Symbols with the sizes that the kernel prints, which are not those of the ELF file.
//!
//! In `vfs_write+0x1a/0x40` the 0x40 is the distance to the next symbol (kernel/kallsyms.c, `get_symbol_pos`; for
//! modules kernel/module/kallsyms.c, `find_kallsyms_symbol`): `vsnprintf` prints 0x550 where `st_size` is 0x54e.

use object::elf;
use object::read::elf::Sym as _;

use crate::elf::{RawSymbol, short_string};
use crate::{Image, Kind, LinkAddr};

/// A symbol in the text of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'d> {
    /// The physical name, with the compiler's suffixes: `foo.isra.0`, `bar.cold`.
    pub name: &'d str,
    /// Where it starts.
    pub address: LinkAddr,
    /// The same, as a flat address (`Image::flat`).
    pub flat: u64,
    /// The size that the kernel prints.
    pub size: KernelSize,
    /// The size that the ELF file states, in bytes; 0 for most labels in assembly.
    pub elf_size: u64,
}

/// The size that the kernel prints after a symbol, in bytes: the distance to the next symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelSize {
    /// The next symbol is in the same section, so the distance is sure.
    Exact(u64),
    /// The last symbol of its section: what follows depends on how the section was placed.
    Last {
        /// Bytes to the section's end; the printed size is at least this.
        least: u64,
        /// The size if the loader placed the sections as kernels of today do (`CONFIG_MODULE_UNLOAD`, text in pages of its own).
        expected: u64,
    },
}

/// How a printed size compares with a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// The printed size cannot be this symbol's.
    No,
    /// It can be, in another layout than the expected one.
    Plausible,
    /// It is the same.
    Exact,
}

impl KernelSize {
    /// Compares with the size that a kernel printed.
    pub fn fit(self, printed: u64) -> Fit {
        match self {
            KernelSize::Exact(size) if size == printed => Fit::Exact,
            KernelSize::Last { expected, .. } if expected == printed => Fit::Exact,
            KernelSize::Last { least, .. } if least <= printed => Fit::Plausible,
            _ => Fit::No,
        }
    }

    /// Bytes that are surely the symbol's.
    pub fn least(self) -> u64 {
        match self {
            KernelSize::Exact(size) => size,
            KernelSize::Last { least, .. } => least,
        }
    }

    /// The size that the kernel is expected to print.
    pub fn expected(self) -> u64 {
        match self {
            KernelSize::Exact(size) => size,
            KernelSize::Last { expected, .. } => expected,
        }
    }
}

/// A symbol as the table has it, with its flat address.
#[derive(Clone, Copy)]
pub(crate) struct Listed<'d> {
    pub(crate) raw: &'d RawSymbol,
    pub(crate) flat: u64,
    pub(crate) section: u32,
}

impl<'d> Image<'d> {
    /// Symbols of executable sections, in the table's order, whether kallsyms keeps them or not.
    pub(crate) fn listed(&self) -> impl Iterator<Item = (u32, Listed<'d>)> + '_ {
        let symbols = self.symbols.enumerate().skip(1);
        symbols.filter_map(|(index, raw)| Some((index.0 as u32, self.listed_at(index, raw)?)))
    }

    pub(crate) fn listed_at(&self, index: object::SymbolIndex, raw: &'d RawSymbol) -> Option<Listed<'d>> {
        let section = match raw.st_shndx(self.endian).index() {
            Some(section) => u32::from(section),
            None => self.symbols.symbol_section(self.endian, raw, index).ok().flatten()?.0 as u32,
        };
        let placed = self.layout.of_section(section)?;
        let base = self.layout.bases[section as usize];
        let flat = base.wrapping_add(raw.st_value(self.endian));
        // `_etext` is the end of its section, and ends the last function.
        (placed.begin <= flat && flat <= placed.end).then_some(Listed { raw, flat, section })
    }

    /// The name, if kallsyms has the symbol.
    pub(crate) fn kept_name(&self, symbol: &RawSymbol) -> Option<&'d str> {
        let kind = symbol.st_type();
        if kind == elf::STT_SECTION || kind == elf::STT_FILE {
            return None;
        }
        let name = short_string(self.strings, symbol.st_name(self.endian))?;
        (!name.is_empty() && !is_ignored(name)).then_some(name)
    }

    /// A symbol, given the nearest flat address behind it that has a symbol.
    pub(crate) fn sized(&self, name: &'d str, listed: Listed<'d>, next: Option<u64>) -> Symbol<'d> {
        let Listed { raw, flat, section } = listed;
        let address = LinkAddr { section, offset: flat - self.layout.bases[section as usize] };
        let placed = self.layout.of_section(section);
        let (section_end, region_end) = placed.map_or((flat, flat), |placed| (placed.end, placed.region_end));
        let (end, is_inside) = match self.kind() {
            // Linked sections do not move, but behind the last symbol of one there may be a variable's (`CONFIG_KALLSYMS_ALL`).
            Kind::Kernel => next.map_or((section_end, false), |next| (next, next <= section_end)),
            // A symbol at the very end of a section may be the next section's first.
            Kind::Module => next.map_or((region_end, false), |next| (next.min(region_end), next < section_end)),
        };
        let size = match end.saturating_sub(flat) {
            size if is_inside => KernelSize::Exact(size),
            expected => KernelSize::Last { least: section_end.saturating_sub(flat), expected },
        };
        Symbol { name, address, flat, size, elf_size: raw.st_size(self.endian) }
    }
}

/// Names that kallsyms leaves out (scripts/kallsyms.c, `is_ignored_symbol`; scripts/mksysmap).
fn is_ignored(name: &str) -> bool {
    const PREFIXES: [&str; 9] = [
        // Local symbols of arm, mips and others, and labels that assemblers keep.
        "$",
        ".L",
        "L0",
        "__crc_",
        "__efistub_",
        "__kcfi_typeid_",
        "__kvm_nvhe_$",
        "__kvm_nvhe_.L",
        "__pi_$",
    ];
    const SUFFIXES: [&str; 3] = ["_from_arm", "_from_thumb", "_veneer"];
    // L0 is ignored as a whole name only (riscv and loongarch relaxation labels are "L0\x01").
    let prefix = PREFIXES.iter().any(|prefix| match *prefix {
        "L0" => name == "L0" || name.starts_with("L0\u{1}"),
        prefix => name.starts_with(prefix),
    });
    prefix || SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}
