//! What the bytes of a unit refer to: from relocations where the image has them, else from the bytes themselves.

use object::SymbolIndex;

use super::code;
use super::lines::{Lines, MAX_LINE};
use super::space::Space;
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

/// Sizes of it (bytes): with a key that can be switched, before there were classes, and without a key.
const DDEBUG_SIZES: [u64; 3] = [56, 48, 40];

/// Whether an object is a `struct _ddebug`: most have a name of their own, those of `net_dbg_ratelimited()` and the like are a static
/// `descriptor`.
fn is_ddebug(name: &str, unit: &Unit) -> bool {
    let is_named = name.starts_with("__UNIQUE_ID_ddebug") || name.split('.').next() == Some("descriptor");
    is_named && unit.is_sized && DDEBUG_SIZES.contains(&(unit.end - unit.begin))
}

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
        if is_ddebug(name, unit) {
            let (at, size) = DDEBUG_LINE;
            found.push(ignored(unit.begin + at, size.into()));
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
}

/// The references between two addresses, of sorted ones.
pub(super) fn within(references: &[Reference], begin: u64, end: u64) -> &[Reference] {
    let first = references.partition_point(|reference| reference.begin < begin);
    let count = references[first..].partition_point(|reference| reference.begin < end);
    &references[first..first + count]
}
