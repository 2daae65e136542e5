//! What the bytes of a unit refer to: from relocations where the image has them, else from the bytes themselves.

use object::read::elf::{Rela as _, Sym as _};
use object::{SymbolIndex, elf};

use super::code;
use super::lines::{Lines, MAX_LINE};
use super::space::{Relocation, Space};
use super::tables;
use super::texts::{is_path, text};
use super::units::Unit;

/// Bytes that depend on where something else is, or that do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) begin: u64,
    /// Bytes; 0 where the relocation alone holds the value (machines other than x86).
    pub(crate) size: u32,
    pub(crate) target: Target,
}

/// What is referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A flat address.
    Place(u64),
    /// The physical address of what is at a flat address (`__pa_symbol`).
    Physical(u64),
    /// A symbol that is elsewhere or has no size, and bytes from it.
    Symbol { index: u32, plus: i64 },
    /// Whatever is there does not count.
    Ignored,
}

/// What the scan of some units found.
#[derive(Debug, Default)]
pub struct Scanned {
    /// Sorted by address.
    pub(super) references: Vec<Reference>,
    /// Addresses that are referred to and that no sized symbol covers.
    pub(super) targets: Vec<u64>,
}

/// Symbols whose content is derived from the rest or is another in each build, with how long they are at most.
const IGNORED: [(&str, u64); 16] = [
    ("linux_banner", 4096),
    ("linux_proc_banner", 4096),
    ("vmlinux_build_id", 64),
    // A copy of the symbol table (scripts/kallsyms.c).
    ("kallsyms_addresses", u64::MAX),
    ("kallsyms_offsets", u64::MAX),
    ("kallsyms_relative_base", 8),
    ("kallsyms_num_syms", 8),
    ("kallsyms_names", u64::MAX),
    ("kallsyms_markers", u64::MAX),
    ("kallsyms_seqs_of_names", u64::MAX),
    ("kallsyms_token_table", u64::MAX),
    ("kallsyms_token_index", 512),
    // The key that modules are signed with is made by the build (certs/system_certificates.S).
    ("system_certificate_list", u64::MAX),
    ("__cert_list_start", u64::MAX),
    ("system_certificate_list_size", 8),
    ("module_cert_size", 8),
];

/// A line number in a `struct _ddebug` (include/linux/dynamic_debug.h): behind four pointers.
const DDEBUG_LINE: (u64, u32) = (32, 2);
/// Where the kernel's physical addresses are mapped (`__START_KERNEL_map` of x86_64).
const KERNEL_MAP: u64 = 0xffff_ffff_8000_0000;

impl<'d> Space<'d> {
    /// Finds the references of neighbouring units, as [`Space::units`] has them; `lines` says of which lines instructions are.
    pub fn scan(&self, units: &[Unit], lines: Option<&Lines<'_>>) -> Scanned {
        let mut found = Scanned::default();
        for unit in units {
            let first = found.references.len();
            self.scan_unit(unit, lines, &mut found);
            // Bytes that are ignored hide what is in them.
            found.references[first..].sort_by_key(|reference| {
                (reference.begin, reference.target != Target::Ignored, std::cmp::Reverse(reference.size))
            });
            let mut end = 0;
            let mut kept = first;
            for at in first..found.references.len() {
                let reference = found.references[at];
                if reference.begin >= end {
                    end = (reference.begin + u64::from(reference.size)).max(end);
                    found.references[kept] = reference;
                    kept += 1;
                }
            }
            found.references.truncate(kept);
            for reference in &found.references[first..] {
                if let Target::Place(target) | Target::Physical(target) = reference.target
                    && self.unit_at(target).is_some_and(|unit| !unit.is_sized)
                {
                    found.targets.push(target);
                }
            }
        }
        found
    }

    fn scan_unit(&self, unit: &Unit, lines: Option<&Lines<'_>>, scanned: &mut Scanned) {
        let found = &mut scanned.references;
        let placed = &self.sections[unit.section];
        let bytes = self.bytes(unit.section, unit.begin, unit.end);
        if bytes.is_empty() || tables::is_left_out(placed.name) {
            return;
        }
        let name = self.unit_name(unit);
        let ignored = |begin: u64, size: u64| Reference {
            begin,
            size: size.min(unit.end - begin).min(u32::MAX.into()) as u32,
            target: Target::Ignored,
        };
        if placed.name == ".BTF_ids" {
            found.push(ignored(unit.begin, u64::MAX));
            return;
        }
        if let Some((_, longest)) = IGNORED.iter().find(|(other, _)| *other == name) {
            found.push(ignored(unit.begin, *longest));
        }
        if placed.is_code && self.image.is_x86_64() {
            code::scan(self, unit, bytes, lines, found);
            return;
        }
        if name.starts_with("__UNIQUE_ID_ddebug") && unit.is_sized {
            let (at, size) = DDEBUG_LINE;
            if u64::from(size) + at <= unit.end - unit.begin {
                found.push(ignored(unit.begin + at, size.into()));
            }
        }
        let spots = self.spots.partition_point(|spot| spot.begin < unit.begin);
        let spots = self.spots[spots..].iter().take_while(|spot| spot.begin < unit.end);
        found.extend(spots.map(|spot| ignored(spot.begin, spot.size)));
        self.scan_data(unit, bytes, scanned);
    }

    fn scan_data(&self, unit: &Unit, bytes: &[u8], scanned: &mut Scanned) {
        let first = scanned.references.len();
        for (at, entry) in self.relocations(unit.section, unit.begin, unit.end) {
            if let Some(reference) = self.relocated(unit.section, at, entry, at) {
                self.add(unit, bytes, reference, scanned);
            }
        }
        if scanned.references.len() > first {
            return;
        }
        // Relocations of tables that the build sorts may be there and say nothing (R_X86_64_NONE).
        for (at, size) in tables::relative_fields(self, unit) {
            if let Some(by) = self.value(unit.section, at, size).filter(|_| at + u64::from(size) <= unit.end) {
                let target = at.wrapping_add_signed(by);
                if self.section_at(target).is_some() {
                    let reference = Reference { begin: at, size, target: Target::Place(target) };
                    self.add(unit, bytes, reference, scanned);
                }
            }
        }
        if self.has_relocations {
            return;
        }
        let aligned = unit.begin.next_multiple_of(8) - unit.begin;
        let words = bytes.get(aligned as usize..).unwrap_or_default().chunks_exact(8);
        for (at, word) in (unit.begin + aligned..).step_by(8).zip(words) {
            let target = word.try_into().map_or(0, u64::from_le_bytes);
            if self.is_address(target) {
                self.add(unit, bytes, Reference { begin: at, size: 8, target: Target::Place(target) }, scanned);
            }
        }
    }

    fn add(&self, unit: &Unit, bytes: &[u8], reference: Reference, scanned: &mut Scanned) {
        let kept = self.without_line(unit, bytes, reference);
        // The path is cut out of what lies around it all the same.
        if let (Target::Place(path), Target::Ignored) = (reference.target, kept.target) {
            scanned.targets.push(path);
        }
        scanned.references.push(kept);
    }

    /// A pointer to the path of a source does not count, nor does the number of the line behind it.
    fn without_line(&self, unit: &Unit, bytes: &[u8], reference: Reference) -> Reference {
        if !self.is_path_at(reference.target) {
            return reference;
        }
        let end = reference.begin + u64::from(reference.size);
        let line = usize::try_from(end - unit.begin).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
        let line_size = if reference.size == 4 && self.sections[unit.section].name == "__bug_table" {
            2
        } else if reference.size == 8
            && line.first_chunk().is_some_and(|line| u32::from_le_bytes(*line) < MAX_LINE)
            && self.relocations(unit.section, end, end + 8).next().is_none()
        {
            4
        } else {
            0
        };
        let size = (reference.size + line_size).min((unit.end - reference.begin) as u32);
        Reference { size, target: Target::Ignored, ..reference }
    }

    pub(super) fn is_path_at(&self, target: Target) -> bool {
        let Target::Place(at) = target else { return false };
        self.path_len(at).is_some()
    }

    /// The length of the path of a source at a flat address of data.
    pub(super) fn path_len(&self, at: u64) -> Option<u64> {
        self.text_at(at).filter(|text| is_path(text)).map(|path| path.len() as u64)
    }

    /// The string at a flat address of data.
    pub(super) fn text_at(&self, at: u64) -> Option<&'d [u8]> {
        let section = self.section_at(at)?;
        if self.sections[section].is_code {
            return None;
        }
        text(self.bytes(section, at, self.sections[section].end))
    }

    pub(super) fn unit_name(&self, unit: &Unit) -> &'d str {
        let symbol = unit.symbol.and_then(|index| self.image.symbols.symbol(SymbolIndex(index)).ok());
        symbol.map_or("", |symbol| self.symbol_name(symbol))
    }

    pub(super) fn unit_at(&self, flat: u64) -> Option<&Unit> {
        let after = self.units.partition_point(|unit| unit.begin <= flat);
        self.units[..after].last().filter(|unit| flat < unit.end)
    }

    /// Whether a number is an address of the kernel, where no relocation says so. Addresses of variables of each CPU,
    /// which start at 0, cannot be told from other numbers.
    pub(super) fn is_address(&self, value: u64) -> bool {
        value >= 1 << 63 && self.section_at(value).is_some()
    }

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

/// The references between two addresses, of sorted ones.
pub(super) fn within(references: &[Reference], begin: u64, end: u64) -> &[Reference] {
    let first = references.partition_point(|reference| reference.begin < begin);
    let count = references[first..].partition_point(|reference| reference.begin < end);
    &references[first..first + count]
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
