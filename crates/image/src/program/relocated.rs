//! What a relocation stands for.

use object::read::elf::{Rela as _, Sym as _};
use object::{SymbolIndex, elf};

use super::references::{Reference, Target};
use super::space::{Relocation, Space};

/// Where the kernel's physical addresses are mapped (`__START_KERNEL_map` of x86_64).
const KERNEL_MAP: u64 = 0xffff_ffff_8000_0000;

impl Space<'_> {
    /// The reference that a relocation stands for; relative ones count from `from`.
    pub(super) fn relocated(&self, section: usize, at: u64, entry: &Relocation, from: u64) -> Option<Reference> {
        let endian = self.image.endian;
        let kind = entry.r_type(endian, false).0;
        if kind == 0 {
            return None;
        }
        let addend = entry.r_addend(endian);
        let index = SymbolIndex(entry.r_sym(endian, false) as usize);
        let symbol = self.image.symbols.symbol(index).ok();
        if !self.image.is_x86_64() {
            let place = symbol.and_then(|symbol| self.place_of(index, symbol));
            let target = match place {
                Some(place) => self.target(index, place, place.wrapping_add_signed(addend)),
                None => Target::Symbol { index: index.0 as u32, plus: addend },
            };
            return Some(Reference { begin: at, size: 0, target });
        }
        let (size, relative) = x86_field(kind)?;
        // What is added when the value counts from another place than the field.
        let shift = if relative { (from - at) as i64 } else { 0 };
        let plus = addend.wrapping_add(shift);
        let place = symbol.and_then(|symbol| self.place_of(index, symbol));
        let target = if self.image.kind() == crate::Kind::Module {
            match place {
                Some(place) => self.target(index, place, place.wrapping_add_signed(plus)),
                None => Target::Symbol { index: index.0 as u32, plus },
            }
        } else {
            // Tables that the build sorts keep the relocations of the unsorted ones, so the bytes are asked.
            let value = self.value(section, at, size)?;
            let found = if relative { from.wrapping_add_signed(value) } else { value as u64 };
            match (place, symbol) {
                (Some(place), _) if place.wrapping_add_signed(plus) == found => self.target(index, place, found),
                (None, Some(_)) => Target::Symbol { index: index.0 as u32, plus },
                _ => Target::Place(found),
            }
        };
        let target = match target {
            Target::Place(found) if self.section_at(found).is_none() => {
                let mapped = found.wrapping_add(KERNEL_MAP);
                if self.section_at(mapped).is_some() { Target::Physical(mapped) } else { target }
            }
            target => target,
        };
        Some(Reference { begin: at, size, target })
    }

    /// The place that is meant by a symbol and an address: by the symbol, where the address alone would mean another.
    fn target(&self, index: SymbolIndex, place: u64, address: u64) -> Target {
        let Ok(symbol) = self.image.symbols.symbol(index) else { return Target::Place(address) };
        let named = ![elf::STT_SECTION, elf::STT_FILE].contains(&symbol.st_type());
        let size = symbol.st_size(self.image.endian);
        if !named || (place <= address && address - place < size) || self.symbol_name(symbol).starts_with(".L") {
            return Target::Place(address);
        }
        Target::Symbol { index: index.0 as u32, plus: address.wrapping_sub(place) as i64 }
    }

    /// The number in a field.
    pub(super) fn value(&self, section: usize, at: u64, size: u32) -> Option<i64> {
        let bytes = self.bytes(section, at, at.checked_add(size.into())?);
        Some(match size {
            1 => i8::from_le_bytes(bytes.try_into().ok()?).into(),
            2 => i16::from_le_bytes(bytes.try_into().ok()?).into(),
            4 => i32::from_le_bytes(bytes.try_into().ok()?).into(),
            _ => i64::from_le_bytes(bytes.try_into().ok()?),
        })
    }
}

/// Bytes of the field that a relocation type of x86_64 fills, and whether it counts from the field (psABI, table 4.9).
fn x86_field(kind: u32) -> Option<(u32, bool)> {
    Some(match kind {
        // 64, then 32 and 32S, 16, 8.
        1 => (8, false),
        10 | 11 => (4, false),
        12 => (2, false),
        14 => (1, false),
        // PC32, PLT32, GOTPCREL, GOTPCRELX and REX_GOTPCRELX; PC64, PC16, PC8.
        2 | 4 | 9 | 41 | 42 => (4, true),
        24 => (8, true),
        13 => (2, true),
        15 => (1, true),
        _ => return None,
    })
}
