//! Where the sections of an image lie: as linked for a kernel, as the module loader lays them out for a module.
//!
//! All sections of a `.ko` start at address 0, so an address alone says nothing. The loader puts the executable
//! sections one after the other (kernel/module/main.c, `layout_sections`): first those of the core, then, elsewhere,
//! those whose name starts with `.init`, in header order, each at its alignment. The same layout from a base of our own
//! gives every section a place, which keeps `.text` and `.init.text` apart in DWARF, and gives symbols the sizes that
//! kallsyms prints. Such an address is called *flat* here.

use object::Endianness;
use object::elf;
use object::read::elf::{SectionHeader as _, SectionTable};

use crate::elf::{Header, Kind};
use crate::{Error, Image};

/// A place in an image as it was linked; not a run-time address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkAddr {
    /// Index of the section in the section header table.
    pub section: u32,
    /// In a kernel the virtual address it was linked for, in a module the bytes from the section's start.
    pub offset: u64,
}

/// Where the text of a module starts in the flat view; a tombstone or an unresolved address (0) never lies there.
const MODULE_BASE: u64 = 0x10_0000;
/// What the loader rounds the end of each text region up to (`strict_align`).
const PAGE: u64 = 0x1000;
/// More text than any kernel has.
const MAX_TEXT: u64 = 1 << 30;

/// An executable section's place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    pub(crate) section: u32,
    pub(crate) begin: u64,
    pub(crate) end: u64,
    /// Where the text that it is a part of ends: the kernel's search for the next symbol stops there.
    pub(crate) region_end: u64,
}

/// The executable sections of an image.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// Sorted by `begin`.
    pub(crate) placed: Vec<Placed>,
    /// What to add to a symbol's value to make it flat, by section.
    pub(crate) bases: std::sync::Arc<[u64]>,
    /// Which of `placed` a section is, by section; `u32::MAX` for those that are not text.
    places: Vec<u32>,
}

impl Layout {
    pub(crate) fn new(
        kind: Kind,
        endian: Endianness,
        sections: &SectionTable<'_, Header>,
        names: &[&str],
    ) -> Result<Layout, Error> {
        let mut layout = Layout::default();
        let mut bases = vec![0; sections.len()];
        let exec =
            |section: &crate::elf::Section| section.sh_flags(endian).contains(elf::SHF_ALLOC | elf::SHF_EXECINSTR);
        let texts: Vec<_> = sections.enumerate().filter(|(_, section)| exec(section)).collect();
        let total = texts.iter().try_fold(0_u64, |sum, (_, section)| sum.checked_add(section.sh_size(endian)));
        if total.is_none_or(|total| total > MAX_TEXT) {
            return Err(Error::Absurd("size of text"));
        }
        if kind == Kind::Kernel {
            for (index, section) in texts {
                let begin = section.sh_addr(endian);
                let end = begin.saturating_add(section.sh_size(endian));
                layout.placed.push(Placed { section: index.0 as u32, begin, end, region_end: end });
            }
        } else {
            let mut at = MODULE_BASE;
            for init in [false, true] {
                let first = layout.placed.len();
                for (index, section) in &texts {
                    if names[index.0].starts_with(".init") != init {
                        continue;
                    }
                    let align = section.sh_addralign(endian).clamp(1, PAGE);
                    at = if align.is_power_of_two() { at.next_multiple_of(align) } else { at };
                    bases[index.0] = at;
                    let end = at + section.sh_size(endian);
                    layout.placed.push(Placed { section: index.0 as u32, begin: at, end, region_end: 0 });
                    at = end;
                }
                let end = at.next_multiple_of(PAGE);
                layout.placed[first..].iter_mut().for_each(|placed| placed.region_end = end);
                at = end + MODULE_BASE;
            }
        }
        layout.placed.sort_by_key(|placed| (placed.begin, placed.end));
        layout.bases = bases.into();
        layout.places = vec![u32::MAX; sections.len()];
        for (at, placed) in layout.placed.iter().enumerate() {
            layout.places[placed.section as usize] = at as u32;
        }
        Ok(layout)
    }

    /// An executable section's place by its index.
    pub(crate) fn of_section(&self, section: u32) -> Option<&Placed> {
        let at = *self.places.get(section as usize)?;
        self.placed.get(at as usize)
    }

    /// The executable section that covers a flat address.
    pub(crate) fn at(&self, flat: u64) -> Option<&Placed> {
        let after = self.placed.partition_point(|placed| placed.begin <= flat);
        // An empty section may start where a full one does; kernels have some thirty sections.
        self.placed[..after].iter().rev().find(|placed| flat < placed.end)
    }
}

impl Image<'_> {
    /// The flat address: what identifies a place in this image by one number.
    pub fn flat(&self, address: LinkAddr) -> u64 {
        let base = self.layout.bases.get(address.section as usize).copied().unwrap_or(0);
        base.wrapping_add(address.offset)
    }

    /// The flat address that an executable section starts at.
    pub fn section_start(&self, name: &str) -> Option<u64> {
        let (index, _) = self.section_named(name)?;
        self.layout.of_section(index as u32).map(|placed| placed.begin)
    }

    /// The place in the text that a flat address means, if it is text.
    pub fn link_addr(&self, flat: u64) -> Option<LinkAddr> {
        let placed = self.layout.at(flat)?;
        let base = self.layout.bases.get(placed.section as usize)?;
        Some(LinkAddr { section: placed.section, offset: flat - base })
    }

    /// Up to `len` bytes of text from a flat address on, within its section; none where the file left them out.
    pub fn text(&self, flat: u64, len: usize) -> Option<&[u8]> {
        let placed = self.layout.at(flat)?;
        let section = self.sections.section(object::SectionIndex(placed.section as usize)).ok()?;
        let bytes = section.data(self.endian, self.data).ok()?;
        let rest = bytes.get(usize::try_from(flat - placed.begin).ok()?..)?;
        Some(&rest[..rest.len().min(len)]).filter(|bytes| !bytes.is_empty())
    }
}
