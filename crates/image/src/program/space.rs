//! All that is loaded at flat addresses of its own: what a kernel was linked for, and one section after the other in a
//! relocatable file.

use std::borrow::Cow;

use object::elf::{self, Rela64};
use object::read::elf::{SectionHeader as _, Sym as _};
use object::{Endianness, SymbolIndex};

use super::spots::{Spot, spots};
use super::units::{Unit, units};
use crate::elf::{RawSymbol, short_string};
use crate::{Error, Image, Kind, LinkAddr};

pub(crate) type Relocation = Rela64<Endianness>;

/// Where the sections of a relocatable file start.
const BASE: u64 = 1 << 40;
/// A section that is larger, in bytes, is no kernel's.
const MAX_SECTION: u64 = 1 << 36;
/// Longer names than those of `KSYM_NAME_LEN` are cut.
const MAX_NAME: usize = 511;

/// The loaded sections of an image, and its symbols as units.
#[derive(Debug)]
pub struct Space<'d> {
    pub(crate) image: &'d Image<'d>,
    /// Sorted by address, disjoint.
    pub(crate) sections: Vec<Placed<'d>>,
    /// What to add to a symbol's value, by section header; `None` for sections that are not loaded.
    bases: Vec<Option<u64>>,
    pub(crate) units: Vec<Unit>,
    /// Bytes that are ignored wherever they are.
    pub(crate) spots: Vec<Spot>,
    /// Whether relocations say where the references are.
    pub(crate) has_relocations: bool,
}

/// A loaded section.
#[derive(Debug)]
pub(crate) struct Placed<'d> {
    /// In the section header table.
    pub(crate) index: u32,
    pub(crate) name: &'d str,
    pub(crate) begin: u64,
    pub(crate) end: u64,
    /// Empty for NOBITS.
    pub(crate) bytes: &'d [u8],
    pub(crate) is_code: bool,
    /// Sorted by offset.
    relocations: Cow<'d, [Relocation]>,
    /// What to add to a relocation's offset to make it flat.
    relocated_by: u64,
}

impl Placed<'_> {
    pub(crate) fn is_empty_in_file(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl<'d> Space<'d> {
    /// Lays out an image. It must have symbols; a linked kernel must be of x86_64, whose instructions can be read.
    pub fn new(image: &'d Image<'d>) -> Result<Space<'d>, Error> {
        if image.symbols.is_empty() {
            return Err(Error::NoSymbols);
        }
        if image.kind() == Kind::Kernel && !image.is_x86_64() {
            return Err(Error::Machine);
        }
        let endian = image.endian;
        let mut bases = vec![None; image.sections.len()];
        let mut sections = Vec::new();
        let mut next = BASE;
        let mut left = image.data.len();
        for (index, section) in image.sections.enumerate() {
            let kind = section.sh_type(endian);
            let size = section.sh_size(endian);
            if !section.sh_flags(endian).contains(elf::SHF_ALLOC) || kind == elf::SHT_NOTE || size == 0 {
                continue;
            }
            if size > MAX_SECTION {
                return Err(Error::Absurd("size of a section"));
            }
            let bytes = section.data(endian, image.data)?;
            left = left.checked_sub(bytes.len()).ok_or(Error::Absurd("overlap of sections"))?;
            let (begin, base) = match image.kind() {
                Kind::Kernel => (section.sh_addr(endian), 0),
                Kind::Module => (next, next),
            };
            next = (begin + size).next_multiple_of(1 << 12);
            bases[index.0] = Some(base);
            sections.push(Placed {
                index: index.0 as u32,
                name: image.names[index.0],
                begin,
                end: begin.saturating_add(size),
                bytes,
                is_code: section.sh_flags(endian).contains(elf::SHF_EXECINSTR),
                relocations: Cow::Borrowed(&[]),
                relocated_by: base,
            });
            let at = sections.len() - 1;
            sections[at].relocations = relocations(image, index.0)?;
        }
        sections.sort_by_key(|section| section.begin);
        if sections.windows(2).any(|pair| pair[1].begin < pair[0].end) {
            return Err(Error::Absurd("overlap of sections"));
        }
        let has_relocations = image.kind() == Kind::Module
            || sections.iter().any(|section| section.is_code && !section.relocations.is_empty());
        let mut space = Space { image, sections, bases, units: Vec::new(), spots: Vec::new(), has_relocations };
        space.units = units(&space);
        space.spots = spots(&space);
        Ok(space)
    }

    /// Functions, data objects, and what lies between them, sorted by address.
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// The section that covers a flat address.
    pub(crate) fn section_at(&self, flat: u64) -> Option<usize> {
        let after = self.sections.partition_point(|section| section.begin <= flat);
        let at = after.checked_sub(1)?;
        (flat < self.sections[at].end).then_some(at)
    }

    /// Where a flat address is, as debug information has it.
    pub(crate) fn link_addr(&self, flat: u64) -> Option<LinkAddr> {
        self.section_at(flat).map(|section| self.link_addr_in(section, flat))
    }

    pub(crate) fn link_addr_in(&self, section: usize, flat: u64) -> LinkAddr {
        let section = &self.sections[section];
        let is_module = self.image.kind() == Kind::Module;
        LinkAddr { section: section.index, offset: if is_module { flat - section.begin } else { flat } }
    }

    /// The bytes between two flat addresses of one section; none where the file has none.
    pub(crate) fn bytes(&self, section: usize, begin: u64, end: u64) -> &'d [u8] {
        let placed = &self.sections[section];
        let range = |flat: u64| flat.checked_sub(placed.begin).and_then(|at| usize::try_from(at).ok());
        let bytes = placed.bytes;
        range(begin).zip(range(end)).and_then(|(begin, end)| bytes.get(begin..end)).unwrap_or_default()
    }

    /// The relocations between two flat addresses of a section, with their flat address.
    pub(crate) fn relocations(
        &self,
        section: usize,
        begin: u64,
        end: u64,
    ) -> impl Iterator<Item = (u64, &Relocation)> + Clone {
        let placed = &self.sections[section];
        let endian = self.image.endian;
        let flat = move |entry: &Relocation| entry.r_offset.get(endian).wrapping_add(placed.relocated_by);
        let first = placed.relocations.partition_point(|entry| flat(entry) < begin);
        placed.relocations[first..].iter().map(move |entry| (flat(entry), entry)).take_while(move |(at, _)| *at < end)
    }

    /// Where a symbol is, if that is in a loaded section.
    pub(crate) fn place_of(&self, index: SymbolIndex, symbol: &RawSymbol) -> Option<u64> {
        let section = self.image.symbols.symbol_section(self.image.endian, symbol, index).ok()??;
        let base = (*self.bases.get(section.0)?)?;
        Some(base.wrapping_add(symbol.st_value(self.image.endian)))
    }

    pub(crate) fn symbol_name(&self, symbol: &RawSymbol) -> &'d str {
        let name = short_string(self.image.strings, symbol.st_name(self.image.endian)).unwrap_or_default();
        let mut end = name.len().min(MAX_NAME);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        &name[..end]
    }
}

/// The relocations of a section, sorted.
fn relocations<'d>(image: &Image<'d>, section: usize) -> Result<Cow<'d, [Relocation]>, Error> {
    let endian = image.endian;
    for candidate in image.sections.iter() {
        if candidate.sh_type(endian) != elf::SHT_RELA || candidate.info_link(endian).0 != section {
            continue;
        }
        let Some((entries, link)) = candidate.rela(endian, image.data)? else { continue };
        if link != image.symbols.section() {
            continue;
        }
        let key = |entry: &Relocation| entry.r_offset.get(endian);
        if entries.is_sorted_by_key(key) {
            return Ok(Cow::Borrowed(entries));
        }
        let mut sorted = entries.to_vec();
        sorted.sort_by_key(key);
        return Ok(Cow::Owned(sorted));
    }
    Ok(Cow::Borrowed(&[]))
}
