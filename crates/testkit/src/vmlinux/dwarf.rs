//! DWARF 5 as GCC writes it: abstract instances, inlined calls, range lists, a line program and `.debug_aranges`.
//!
//! Every section comes with its relocations, as an assembler would leave it: a kernel applies them, a module keeps them.

use std::collections::BTreeMap;

use gimli::constants::*;
use gimli::write::{
    Address, AttributeValue, Dwarf, EndianVec, FileId, LineProgram, LineString, Range, RangeList, RelocateWriter,
    Relocation, RelocationTarget, Sections, Unit, UnitEntryId, Writer,
};
use gimli::{Encoding, Format, LineEncoding, LittleEndian, SectionId};

use super::Vmlinux;
use super::function::{Function, Inline, source_name};
use super::layout::{Layout, Part};

const ENCODING: Encoding = Encoding { format: Format::Dwarf32, version: 5, address_size: 8 };
const PRODUCER: &str = "GNU C11 12.2.0 -mcmodel=kernel -g (ksplat testkit)";

/// A debug section before it is linked. A relocation's symbol is an index into [`Layout::sections`].
#[derive(Clone)]
pub(super) struct DebugSection {
    pub(super) name: &'static str,
    bytes: EndianVec<LittleEndian>,
    pub(super) relocations: Vec<Relocation>,
}

impl DebugSection {
    fn new(name: &'static str) -> Self {
        DebugSection { name, bytes: EndianVec::new(LittleEndian), relocations: Vec::new() }
    }

    /// The bytes, with zeros where relocations go.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.slice()
    }

    /// The bytes with every relocation applied.
    pub(super) fn linked(&self, layout: &Layout) -> Vec<u8> {
        let mut bytes = self.bytes().to_vec();
        for relocation in &self.relocations {
            let base = match relocation.target {
                RelocationTarget::Symbol(section) => layout.sections[section].address,
                RelocationTarget::Section(_) => 0,
            };
            let value = base.wrapping_add_signed(relocation.addend).to_le_bytes();
            let size = usize::from(relocation.size);
            bytes[relocation.offset..relocation.offset + size].copy_from_slice(&value[..size]);
        }
        bytes
    }
}

impl RelocateWriter for DebugSection {
    type Writer = EndianVec<LittleEndian>;

    fn writer(&self) -> &Self::Writer {
        &self.bytes
    }

    fn writer_mut(&mut self) -> &mut Self::Writer {
        &mut self.bytes
    }

    fn relocate(&mut self, relocation: Relocation) {
        self.relocations.push(relocation);
    }
}

/// Writes all debug sections of an image, in a fixed order.
pub(super) fn sections(image: &Vmlinux, layout: &Layout) -> Vec<DebugSection> {
    let mut files: Vec<&str> = Vec::new();
    for function in &image.functions {
        if !files.contains(&function.body.file.as_str()) {
            files.push(&function.body.file);
        }
    }
    let mut dwarf = Dwarf::new();
    for file in &files {
        let unit = UnitWriter::new(&mut dwarf, image, layout, file).finish();
        dwarf.units.add(unit);
    }
    let mut sections = Sections::new(DebugSection::new(""));
    dwarf.write(&mut sections).expect("the tables above are well-formed");
    let mut written = Vec::new();
    let walked: Result<(), gimli::write::Error> = sections.for_each(|id, section| {
        if !section.bytes().is_empty() {
            written.push(DebugSection { name: id.name(), ..section.clone() });
        }
        Ok(())
    });
    walked.expect("the closure never fails");
    if image.aranges && !files.is_empty() {
        written.push(aranges(image, layout, &files, &written));
    }
    written
}

/// Builds one compilation unit.
struct UnitWriter<'a> {
    dwarf: &'a mut Dwarf,
    image: &'a Vmlinux,
    unit: Unit,
    parts: Vec<&'a Part>,
    abstracts: BTreeMap<(&'a str, &'a str, u32), UnitEntryId>,
}

impl<'a> UnitWriter<'a> {
    fn new(dwarf: &'a mut Dwarf, image: &'a Vmlinux, layout: &'a Layout, file: &str) -> Self {
        let (directory, name) = split(file);
        let mut string = |text: &str| LineString::new(text, ENCODING, &mut dwarf.line_strings);
        let (build, directory, name) = (string(&image.build_directory), directory.map(&mut string), string(name));
        // Entry 0 is the unit's own file and entry 1 is another one, which readers that count from 1 get wrong.
        let program = LineProgram::new(ENCODING, LineEncoding::default(), build, directory, name, None);
        let mut unit = Unit::new(ENCODING, program);
        let root = unit.root();
        let entry = unit.get_mut(root);
        let text = AttributeValue::StringRef(dwarf.strings.add(PRODUCER));
        entry.set(DW_AT_producer, text);
        entry.set(DW_AT_language, AttributeValue::Language(DW_LANG_C11));
        entry.set(DW_AT_name, AttributeValue::LineStringRef(dwarf.line_strings.add(file)));
        let build = dwarf.line_strings.add(image.build_directory.as_str());
        entry.set(DW_AT_comp_dir, AttributeValue::LineStringRef(build));
        entry.set(DW_AT_stmt_list, AttributeValue::LineProgramRef);
        let parts = unit_parts(image, layout, file);
        UnitWriter { dwarf, image, unit, parts, abstracts: BTreeMap::new() }
    }

    fn finish(mut self) -> Unit {
        let root = self.unit.root();
        let ranges = self.parts.iter().map(|part| (part.section, part.offset, part.size)).collect();
        self.set_ranges(root, ranges);

        let functions: Vec<&Function> = self.own_functions().filter(|function| function.described).collect();
        for function in &functions {
            if source_name(&function.name) != function.name {
                self.abstract_instance(&function.body);
            }
            self.abstract_instances(&function.body);
        }
        for function in functions {
            self.concrete(function);
        }
        for part in self.parts.clone() {
            self.lines(part);
        }
        self.unit
    }

    /// The unit's functions, each once.
    fn own_functions(&self) -> impl Iterator<Item = &'a Function> + use<'a> {
        let image = self.image;
        let first_parts: Vec<_> = self.parts.iter().filter(|part| part.first == 0).map(|part| part.function).collect();
        first_parts.into_iter().map(|index| &image.functions[index])
    }

    fn abstract_instances(&mut self, scope: &'a Inline) {
        for call in &scope.inlined {
            self.abstract_instance(call);
            self.abstract_instances(call);
        }
    }

    /// Adds the DIE that the copies of one function share, unless it is there.
    fn abstract_instance(&mut self, scope: &'a Inline) {
        let key = (scope.name.as_str(), scope.file.as_str(), scope.line);
        if self.abstracts.contains_key(&key) {
            return;
        }
        let entry = self.unit.add(self.unit.root(), DW_TAG_subprogram);
        self.abstracts.insert(key, entry);
        self.declare(entry, scope);
        self.unit.get_mut(entry).set(DW_AT_inline, AttributeValue::Inline(DW_INL_declared_inlined));
    }

    fn declare(&mut self, entry: UnitEntryId, scope: &Inline) {
        let name = AttributeValue::StringRef(self.dwarf.strings.add(scope.name.as_str()));
        let file = AttributeValue::FileIndex(Some(self.file(&scope.file)));
        let entry = self.unit.get_mut(entry);
        entry.set(DW_AT_name, name);
        entry.set(DW_AT_decl_file, file);
        entry.set(DW_AT_decl_line, AttributeValue::Udata(scope.line.into()));
    }

    /// Adds the DIE of a function that has code of its own.
    fn concrete(&mut self, function: &'a Function) {
        let scope = &function.body;
        let entry = self.unit.add(self.unit.root(), DW_TAG_subprogram);
        match self.abstracts.get(&(scope.name.as_str(), scope.file.as_str(), scope.line)) {
            Some(origin) => self.unit.get_mut(entry).set(DW_AT_abstract_origin, AttributeValue::UnitRef(*origin)),
            None => {
                self.declare(entry, scope);
                if !function.local {
                    self.unit.get_mut(entry).set(DW_AT_external, AttributeValue::FlagPresent);
                }
            }
        }
        self.set_ranges(entry, self.places(function, scope));
        self.inlined_calls(entry, function, scope);
    }

    fn inlined_calls(&mut self, parent: UnitEntryId, function: &'a Function, scope: &'a Inline) {
        if !scope.inlined.is_empty() {
            self.unit.get_mut(parent).set_sibling(true);
        }
        for call in &scope.inlined {
            let origin = self.abstracts[&(call.name.as_str(), call.file.as_str(), call.line)];
            let file = self.file(&scope.file);
            let id = self.unit.add(parent, DW_TAG_inlined_subroutine);
            let entry = self.unit.get_mut(id);
            entry.set(DW_AT_abstract_origin, AttributeValue::UnitRef(origin));
            entry.set(DW_AT_call_file, AttributeValue::FileIndex(Some(file)));
            entry.set(DW_AT_call_line, AttributeValue::Udata(call.call_line.into()));
            self.set_ranges(id, self.places(function, call));
            self.inlined_calls(id, function, call);
        }
    }

    /// The section, offset and length of each piece of a scope.
    fn places(&self, function: &Function, scope: &Inline) -> Vec<(usize, u64, u64)> {
        let mut places = Vec::new();
        let own = self.parts.iter().filter(|part| std::ptr::eq(&self.image.functions[part.function], function));
        for part in own {
            for range in &scope.ranges {
                let start = range.start.max(part.first);
                let end = range.end.min(part.first + part.size);
                if start < end {
                    places.push((part.section, part.offset + start - part.first, end - start));
                }
            }
        }
        places
    }

    fn set_ranges(&mut self, entry: UnitEntryId, places: Vec<(usize, u64, u64)>) {
        let begin = |section, offset: u64| Address::Symbol { symbol: section, addend: offset as i64 };
        if let [(section, offset, length)] = places[..] {
            let entry = self.unit.get_mut(entry);
            entry.set(DW_AT_low_pc, AttributeValue::Address(begin(section, offset)));
            entry.set(DW_AT_high_pc, AttributeValue::Udata(length));
            return;
        }
        let ranges = places
            .into_iter()
            .map(|(section, offset, length)| Range::StartLength { begin: begin(section, offset), length });
        let list = self.unit.ranges.add(RangeList(ranges.collect()));
        let is_root = entry == self.unit.root();
        let entry = self.unit.get_mut(entry);
        entry.set(DW_AT_ranges, AttributeValue::RangeListRef(list));
        if is_root {
            entry.set(DW_AT_low_pc, AttributeValue::Address(Address::Constant(0)));
        }
    }

    /// Adds one sequence of the line program.
    fn lines(&mut self, part: &Part) {
        let function = &self.image.functions[part.function];
        let end = part.first + part.size;
        let address = Address::Symbol { symbol: part.section, addend: part.offset as i64 };
        self.unit.line_program.begin_sequence(Some(address));
        let mut last = None;
        for offset in function.boundaries().into_iter().filter(|at| (part.first..end).contains(at)) {
            let chain = function.chain(offset);
            let here = (chain[0].file.clone(), chain[0].line);
            if last.as_ref() == Some(&here) {
                continue;
            }
            let file = self.file(&here.0);
            let row = self.unit.line_program.row();
            row.address_offset = offset - part.first;
            row.file = file;
            row.line = here.1.into();
            self.unit.line_program.generate_row();
            last = Some(here);
        }
        self.unit.line_program.end_sequence(part.size);
    }

    fn file(&mut self, path: &str) -> FileId {
        let (directory, name) = split(path);
        let mut string = |text: &str| LineString::new(text, ENCODING, &mut self.dwarf.line_strings);
        let (directory, name) = (directory.map(&mut string), string(name));
        let program = &mut self.unit.line_program;
        let directory = directory.map_or(program.default_directory(), |name| program.add_directory(name));
        program.add_file(name, directory, None)
    }
}

/// The parts of a unit, in the order of their addresses.
fn unit_parts<'a>(image: &Vmlinux, layout: &'a Layout, file: &str) -> Vec<&'a Part> {
    let own = layout.parts.iter().filter(|part| image.functions[part.function].body.file == file);
    let mut parts: Vec<_> = own.collect();
    parts.sort_by_key(|part| (part.section, part.offset));
    parts
}

fn split(path: &str) -> (Option<&str>, &str) {
    path.rsplit_once('/').map_or((None, path), |(directory, name)| (Some(directory), name))
}

/// Writes `.debug_aranges`, which gimli does not: DWARF 5 §6.1.2, still with version 2.
fn aranges(image: &Vmlinux, layout: &Layout, files: &[&str], written: &[DebugSection]) -> DebugSection {
    let info = written.iter().find(|section| section.name == ".debug_info").map_or(&[][..], DebugSection::bytes);
    let mut section = DebugSection::new(".debug_aranges");
    let mut emit = || -> gimli::write::Result<()> {
        let mut unit = 0;
        for file in files {
            let parts = unit_parts(image, layout, file);
            // Version, offset, two sizes and 4 bytes that align the first pair to 16 bytes.
            let length = 2 + 4 + 2 + 4 + 16 * (parts.len() + 1);
            section.write_u32(length as u32)?;
            section.write_u16(2)?;
            section.write_offset(unit, SectionId::DebugInfo, 4)?;
            section.write(&[8, 0, 0, 0, 0, 0])?;
            for part in parts {
                section.write_address(Address::Symbol { symbol: part.section, addend: part.offset as i64 }, 8)?;
                section.write_u64(part.size)?;
            }
            section.write(&[0; 16])?;
            let length = info[unit..].first_chunk().expect("gimli wrote a unit for each file");
            unit += 4 + u32::from_le_bytes(*length) as usize;
        }
        Ok(())
    };
    emit().expect("writing to memory does not fail");
    section
}
