//! One unit: its functions, its lines and its files, each read when it is first needed.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use gimli::{AttributeSpecification, AttributeValue, DwAt, EntriesRaw, Reader, UnitOffset, constants as dw};

use super::lines::Lines;
use super::{Bytes, Debug, Located, Place};
use crate::Miss;
use crate::paths::UnitPaths;

/// Entries that are looked at in one unit (the largest unit of a kernel has some 100,000), ranges included.
const MAX_ENTRIES: usize = 8_000_000;

/// A unit of debug information.
pub(crate) struct Unit<R: Reader<Offset = usize>> {
    pub(crate) unit: gimli::Unit<R>,
    functions: OnceLock<Result<Vec<Function>, Miss>>,
    lines: OnceLock<Result<Lines, Miss>>,
    files: OnceLock<Files>,
}

/// The files of the line table, each as it is shown.
struct Files {
    paths: UnitPaths,
    shown: Vec<OnceLock<Option<Arc<str>>>>,
}

/// A range of addresses of a function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function {
    pub(crate) begin: u64,
    pub(crate) end: u64,
    pub(crate) entry: UnitOffset,
    /// Whether the range starts where the function does (and not its cold part).
    pub(crate) is_first: bool,
}

/// What an entry says of its place, its code and its kin.
pub(crate) struct Entry<R: Reader<Offset = usize>> {
    low: Option<AttributeValue<R>>,
    high: Option<AttributeValue<R>>,
    ranges: Option<AttributeValue<R>>,
    pub(crate) sibling: Option<UnitOffset>,
    pub(crate) origin: Option<AttributeValue<R>>,
    pub(crate) name: Option<AttributeValue<R>>,
    pub(crate) linkage_name: Option<AttributeValue<R>>,
    pub(crate) call_file: Option<u64>,
    pub(crate) call_line: Option<u64>,
}

impl<'i, R: Bytes<'i>> Unit<R> {
    pub(crate) fn new(unit: gimli::Unit<R>) -> Unit<R> {
        Unit { unit, functions: OnceLock::new(), lines: OnceLock::new(), files: OnceLock::new() }
    }

    /// What the instruction at an address stands for.
    pub(crate) fn locate(&self, debug: &Debug<R>, flat: u64) -> Result<Located<'i>, Miss> {
        let function = self.function_at(debug, flat)?;
        let row = self.lines()?.find(flat);
        let inlined = match function {
            Some(function) => self.inlined_at(debug, function.entry, flat)?,
            None if row.is_none() => return Err(Miss::NoDwarf),
            // Stubs of assembly and weak aliases have lines and no entry.
            None => Vec::new(),
        };
        let place = row
            .map(|row| Place { file: self.file(debug, u64::from(row.file)), line: (row.line > 0).then_some(row.line) });
        let is_entry = function.is_some_and(|function| function.is_first && function.begin == flat);
        Ok(Located { inlined, place: place.unwrap_or_default(), is_entry })
    }

    /// A file of the line table, as it is shown.
    pub(crate) fn file(&self, debug: &Debug<R>, index: u64) -> Option<Arc<str>> {
        let files = self.files.get_or_init(|| self.read_files(debug));
        let slot = files.shown.get(usize::try_from(index).ok()?)?;
        let show = || {
            let (path, cut) = self.whole_file(debug, index)?;
            Some(Arc::from(&path[cut..]))
        };
        slot.get_or_init(show).clone()
    }

    /// A file of the line table with all of its directories, and how many bytes in front are not shown.
    pub(crate) fn whole_file(&self, debug: &Debug<R>, index: u64) -> Option<(String, usize)> {
        let header = self.unit.line_program.as_ref()?.header();
        let files = self.files.get_or_init(|| self.read_files(debug));
        let file = header.file(index)?;
        let attr = |value| debug.dwarf().attr_string(&self.unit, value).ok();
        let name = attr(file.path_name())?;
        // Directory 0 is the unit's own, which relative names start from anyway.
        let dir = match file.directory_index() {
            0 => None,
            _ => file.directory(header).and_then(attr),
        };
        let dir = dir.as_ref().map(text).unwrap_or_default();
        Some(files.paths.whole(&dir, &text(&name)))
    }

    fn read_files(&self, debug: &Debug<R>) -> Files {
        let header = self.unit.line_program.as_ref().map(|program| program.header());
        let string = |value: AttributeValue<R>| debug.dwarf().attr_string(&self.unit, value).ok();
        let dirs = header.map_or(&[][..], |header| header.include_directories());
        let dirs: Vec<String> = dirs.iter().filter_map(|dir| Some(text(&string(dir.clone())?).into_owned())).collect();
        let name = self.unit.name.as_ref().map(text).unwrap_or_default();
        let comp_dir = self.unit.comp_dir.as_ref().map(text).unwrap_or_default();
        let paths = debug.paths().of_unit(&comp_dir, &name, &dirs, debug.own_dir());
        // Before DWARF 5 files are counted from 1.
        let count = header.map_or(0, |header| header.file_names().len() + 1);
        Files { paths, shown: (0..count).map(|_| OnceLock::new()).collect() }
    }

    /// The line table.
    pub(crate) fn lines(&self) -> Result<&Lines, Miss> {
        self.lines.get_or_init(|| Lines::read(&self.unit)).as_ref().map_err(Miss::clone)
    }

    /// The functions, sorted by where they begin; one that lies in several places is there several times.
    pub(crate) fn functions(&self, debug: &Debug<R>) -> Result<&[Function], Miss> {
        let functions = self.functions.get_or_init(|| self.read_functions(debug));
        functions.as_ref().map(Vec::as_slice).map_err(Miss::clone)
    }

    /// The function that covers an address.
    fn function_at(&self, debug: &Debug<R>, flat: u64) -> Result<Option<Function>, Miss> {
        let functions = self.functions(debug)?;
        let after = functions.partition_point(|function| function.begin <= flat);
        // Functions do not overlap; two that do are two names for one thing.
        Ok(functions[..after].last().filter(|function| flat < function.end).copied())
    }

    /// All functions of the unit that have code. Types, which are most of a unit, are jumped over.
    fn read_functions(&self, debug: &Debug<R>) -> Result<Vec<Function>, Miss> {
        let mut functions = Vec::new();
        let mut entries = self.unit.entries_raw(None)?;
        let mut left = MAX_ENTRIES;
        while !entries.is_empty() {
            left = left.checked_sub(1).ok_or(Miss::TooLarge("entries of a unit"))?;
            let at = entries.next_offset();
            let Some(abbrev) = entries.read_abbreviation()? else { continue };
            let specs = abbrev.attributes();
            let has_code = || specs.iter().any(|spec| matches!(spec.name(), dw::DW_AT_low_pc | dw::DW_AT_ranges));
            let sibling = match abbrev.tag() {
                // Units, and what Rust and C++ put functions into.
                dw::DW_TAG_compile_unit | dw::DW_TAG_partial_unit | dw::DW_TAG_namespace | dw::DW_TAG_module => {
                    entries.skip_attributes(specs)?;
                    None
                }
                dw::DW_TAG_subprogram if has_code() => {
                    let entry = Entry::read(&mut entries, specs)?;
                    let mut is_first = true;
                    entry.ranges(debug, &self.unit, |begin, end| {
                        left = left.checked_sub(1).ok_or(Miss::TooLarge("ranges of functions"))?;
                        functions.push(Function { begin, end, entry: at, is_first });
                        is_first = false;
                        Ok(())
                    })?;
                    entry.sibling
                }
                _ if abbrev.has_children() => sibling(&mut entries, specs)?,
                _ => {
                    entries.skip_attributes(specs)?;
                    None
                }
            };
            // Only forward, or a crafted sibling would make a loop. Where there is none the children are walked.
            if let Some(sibling) = sibling.filter(|sibling| *sibling > entries.next_offset()) {
                entries = self.unit.entries_raw(Some(sibling))?;
            }
        }
        functions.sort_unstable_by_key(|function: &Function| (function.begin, function.end, function.entry.0));
        Ok(functions)
    }
}

/// Reads over an entry's attributes, up to the offset of the next entry at its level if it says so.
pub(crate) fn sibling<R: Reader<Offset = usize>>(
    entries: &mut EntriesRaw<'_, R>,
    specs: &[AttributeSpecification],
) -> Result<Option<UnitOffset>, Miss> {
    let Some(at) = specs.iter().position(|spec| spec.name() == dw::DW_AT_sibling) else {
        entries.skip_attributes(specs)?;
        return Ok(None);
    };
    entries.skip_attributes(&specs[..at])?;
    let value = entries.read_attribute(specs[at])?.value();
    entries.skip_attributes(&specs[at + 1..])?;
    Ok(match value {
        AttributeValue::UnitRef(offset) => Some(offset),
        _ => None,
    })
}

impl<R: Reader<Offset = usize>> Entry<R> {
    /// Reads an entry's attributes.
    pub(crate) fn read(entries: &mut EntriesRaw<'_, R>, specs: &[AttributeSpecification]) -> Result<Entry<R>, Miss> {
        let mut entry = Entry {
            low: None,
            high: None,
            ranges: None,
            sibling: None,
            origin: None,
            name: None,
            linkage_name: None,
            call_file: None,
            call_line: None,
        };
        for spec in specs {
            if !Entry::<R>::wants(spec.name()) {
                entries.skip_attributes(std::slice::from_ref(spec))?;
                continue;
            }
            let value = entries.read_attribute(*spec)?.value();
            match spec.name() {
                dw::DW_AT_low_pc => entry.low = Some(value),
                dw::DW_AT_high_pc => entry.high = Some(value),
                dw::DW_AT_ranges => entry.ranges = Some(value),
                dw::DW_AT_sibling => {
                    if let AttributeValue::UnitRef(offset) = value {
                        entry.sibling = Some(offset);
                    }
                }
                dw::DW_AT_name => entry.name = Some(value),
                dw::DW_AT_linkage_name | dw::DW_AT_MIPS_linkage_name => entry.linkage_name = Some(value),
                dw::DW_AT_abstract_origin => entry.origin = Some(value),
                dw::DW_AT_specification => entry.origin = entry.origin.take().or(Some(value)),
                dw::DW_AT_call_file => {
                    entry.call_file = match value {
                        AttributeValue::FileIndex(index) => Some(index),
                        value => value.udata_value(),
                    }
                }
                dw::DW_AT_call_line => entry.call_line = value.udata_value(),
                _ => {}
            }
        }
        Ok(entry)
    }

    fn wants(name: DwAt) -> bool {
        matches!(
            name,
            dw::DW_AT_low_pc
                | dw::DW_AT_high_pc
                | dw::DW_AT_ranges
                | dw::DW_AT_sibling
                | dw::DW_AT_name
                | dw::DW_AT_linkage_name
                | dw::DW_AT_MIPS_linkage_name
                | dw::DW_AT_abstract_origin
                | dw::DW_AT_specification
                | dw::DW_AT_call_file
                | dw::DW_AT_call_line
        )
    }

    /// Whether the entry says which addresses it covers.
    pub(crate) fn is_placed(&self) -> bool {
        self.low.is_some() || self.ranges.is_some()
    }

    /// Hands the entry's address ranges out, empty ones left out.
    pub(crate) fn ranges(
        &self,
        debug: &Debug<R>,
        unit: &gimli::Unit<R>,
        mut each: impl FnMut(u64, u64) -> Result<(), Miss>,
    ) -> Result<(), Miss> {
        if let Some(value) = &self.ranges
            && let Some(mut ranges) = debug.dwarf.attr_ranges(unit, value.clone())?
        {
            while let Some(range) = ranges.next()? {
                each(range.begin, range.end)?;
            }
            return Ok(());
        }
        let Some(low) = self.low.clone() else { return Ok(()) };
        let Some(begin) = debug.dwarf.attr_address(unit, low)? else { return Ok(()) };
        let end = match self.high.clone() {
            None => return Ok(()),
            Some(high) => match debug.dwarf.attr_address(unit, high.clone())? {
                Some(end) => end,
                None => begin.saturating_add(high.udata_value().unwrap_or(0)),
            },
        };
        if begin < end { each(begin, end) } else { Ok(()) }
    }

    /// Whether the entry covers an address; none where it says nothing of addresses.
    pub(crate) fn covers(&self, debug: &Debug<R>, unit: &gimli::Unit<R>, flat: u64) -> Result<Option<bool>, Miss> {
        if !self.is_placed() {
            return Ok(None);
        }
        let mut covers = false;
        self.ranges(debug, unit, |begin, end| {
            covers |= begin <= flat && flat < end;
            Ok(())
        })?;
        Ok(Some(covers))
    }
}

/// A string of the debug information.
pub(crate) fn text<'i, R: Bytes<'i>>(string: &R) -> Cow<'i, str> {
    String::from_utf8_lossy(string.bytes())
}
