//! The ELF file: sections, notes, symbols and relocations of a kernel or a module.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use gimli::write::RelocationTarget;
use object::build::elf::{Builder, Relocation, SectionData, SectionId, SymbolId};
use object::{Endianness, elf};

use super::code::{self, CallFixup};
use super::dwarf::{self, DebugSection};
use super::layout::{Layout, SymbolKind};
use super::{Kind, Vmlinux};

const PAGE: u64 = 0x1000;

/// Writes the file.
pub(super) fn write(image: &Vmlinux, layout: &Layout) -> Vec<u8> {
    let mut file =
        File { image, layout, builder: Builder::new(Endianness::Little, true), symtab: None, next_offset: PAGE };
    file.header();
    let (text, fixups) = file.code();
    let data = file.data();
    file.notes();
    let symtab = file.tables();
    file.symtab = Some(symtab);
    let sections = file.section_symbols(&text);
    let symbols = file.symbols(&text, data);
    file.call_relocations(&text, fixups, &symbols);
    file.debug(&sections);
    let mut bytes = Vec::new();
    file.builder.write(&mut bytes).expect("the builder got consistent tables");
    bytes
}

struct File<'a> {
    image: &'a Vmlinux,
    layout: &'a Layout,
    builder: Builder<'a>,
    symtab: Option<SectionId>,
    /// Where the next section that is loaded starts in a kernel's file; in step with addresses modulo a page.
    next_offset: u64,
}

impl<'a> File<'a> {
    fn is_kernel(&self) -> bool {
        self.image.kind == Kind::Kernel
    }

    fn header(&mut self) {
        let header = &mut self.builder.header;
        header.e_machine = elf::EM_X86_64;
        header.e_type = if self.image.kind == Kind::Kernel { elf::ET_EXEC } else { elf::ET_REL };
        if self.image.kind == Kind::Kernel {
            header.e_phoff = 64;
        }
    }

    /// Adds a section that is in memory, and in a kernel the segment that loads it.
    fn loaded(
        &mut self,
        name: &str,
        flags: elf::SectionFlags,
        address: u64,
        align: u64,
        data: SectionData<'a>,
    ) -> SectionId {
        let is_kernel = self.is_kernel();
        let note = matches!(data, SectionData::Note(_));
        let size = match &data {
            SectionData::Data(bytes) | SectionData::Note(bytes) => bytes.len() as u64,
            _ => 0,
        };
        let section = self.builder.sections.add();
        section.name = name.to_owned().into_bytes().into();
        section.sh_type = if note { elf::SHT_NOTE } else { elf::SHT_PROGBITS };
        section.sh_flags = elf::SHF_ALLOC | flags;
        section.sh_addralign = align;
        section.sh_size = size;
        section.data = data;
        let id = section.id();
        if is_kernel {
            section.sh_addr = address;
            section.sh_offset = self.next_offset + address % PAGE;
            self.next_offset = (section.sh_offset + size).next_multiple_of(PAGE);
            let protection = section.p_flags();
            let load = self.builder.segments.add();
            load.p_type = elf::PT_LOAD;
            load.p_flags = protection;
            load.p_align = PAGE;
            load.append_section_range(self.builder.sections.get(id));
            load.sections.push(id);
            if note {
                let segment = self.builder.segments.add();
                segment.p_type = elf::PT_NOTE;
                segment.p_flags = elf::PF_R;
                segment.p_align = 4;
                segment.append_section_range(self.builder.sections.get(id));
                segment.sections.push(id);
            }
        }
        id
    }

    fn code(&mut self) -> (Vec<SectionId>, Vec<Vec<CallFixup>>) {
        let layout = self.layout;
        let sections = layout.sections.iter().enumerate().map(|(index, section)| {
            let (bytes, fixups) = code::section(self.image, layout, index);
            let data = SectionData::Data(bytes.into());
            (self.loaded(&section.name, elf::SHF_EXECINSTR, section.address, 16, data), fixups)
        });
        sections.unzip()
    }

    /// Adds `.rodata` with the banner or `.modinfo`, and `.data` with the variables.
    fn data(&mut self) -> [Option<SectionId>; 2] {
        let [read_only, writable] = self.layout.data;
        let strings = match &self.image.kind {
            Kind::Kernel if self.image.banner.is_empty() => None,
            Kind::Kernel => Some((".rodata", format!("{}\0", self.image.banner))),
            Kind::Module(name) => Some((".modinfo", format!("license=GPL\0name={name}\0"))),
        };
        let none = elf::SectionFlags(0);
        let strings = strings
            .map(|(name, text)| self.loaded(name, none, read_only, 1, SectionData::Data(text.into_bytes().into())));
        let size: u64 = self.image.objects.iter().map(|(_, size)| size.next_multiple_of(8)).sum();
        let data = (size > 0).then(|| {
            let zeros = SectionData::Data(vec![0; size as usize].into());
            self.loaded(".data", elf::SHF_WRITE, writable, 8, zeros)
        });
        [strings, data]
    }

    /// Adds the notes. A kernel's begin with Xen's, of which one has the type number of a build-id.
    fn notes(&mut self) {
        let build_id = &self.image.build_id;
        let mut notes = Vec::new();
        let name = if self.is_kernel() {
            notes.extend(note(b"Xen\0", 3, &0xffff_ffff_8000_0000_u64.to_le_bytes()));
            ".notes"
        } else {
            ".note.gnu.build-id"
        };
        if !build_id.is_empty() {
            notes.extend(note(b"GNU\0", 3, build_id));
        }
        if !notes.is_empty() {
            let [_, data] = self.layout.data;
            let address = if self.is_kernel() { data + 0x10_0000 } else { 0 };
            self.loaded(name, elf::SectionFlags(0), address, 4, SectionData::Note(notes.into()));
        }
    }

    /// Adds the symbol and string tables, still empty.
    fn tables(&mut self) -> SectionId {
        let mut add = |name: &'static str, kind, data| {
            let section = self.builder.sections.add();
            section.name = name.as_bytes().into();
            section.sh_type = kind;
            section.sh_addralign = 1;
            section.data = data;
            section.id()
        };
        let strtab = add(".strtab", elf::SHT_STRTAB, SectionData::String);
        add(".shstrtab", elf::SHT_STRTAB, SectionData::SectionString);
        let symtab = add(".symtab", elf::SHT_SYMTAB, SectionData::Symbol);
        let section = self.builder.sections.get_mut(symtab);
        section.sh_link_section = Some(strtab);
        section.sh_entsize = 24;
        section.sh_addralign = 8;
        symtab
    }

    fn section_symbol(&mut self, section: SectionId, address: u64) -> SymbolId {
        let symbol = self.builder.symbols.add();
        symbol.set_st_info(elf::STB_LOCAL, elf::STT_SECTION);
        symbol.section = Some(section);
        symbol.st_value = address;
        symbol.id()
    }

    /// Adds the nameless symbols of the executable sections.
    fn section_symbols(&mut self, text: &[SectionId]) -> Vec<SymbolId> {
        let layout = self.layout;
        let places = text.iter().zip(&layout.sections);
        places.map(|(id, section)| self.section_symbol(*id, section.address)).collect()
    }

    fn symbols(&mut self, text: &[SectionId], [strings, data]: [Option<SectionId>; 2]) -> Vec<SymbolId> {
        let sections = &self.layout.sections;
        let place = |name: &str| match name {
            ".rodata" => strings,
            ".data" => data,
            _ => sections.iter().position(|section| section.name == name).map(|index| text[index]),
        };
        let mut ids = Vec::new();
        for symbol in &self.layout.symbols {
            let entry = self.builder.symbols.add();
            entry.name = symbol.name.as_bytes().into();
            entry.section = place(&symbol.section);
            entry.st_value = symbol.address;
            entry.st_size = symbol.size;
            let (bind, kind) = match symbol.kind {
                SymbolKind::Function => (elf::STB_GLOBAL, elf::STT_FUNC),
                SymbolKind::Alias => (elf::STB_WEAK, elf::STT_FUNC),
                SymbolKind::Label => (elf::STB_GLOBAL, elf::STT_NOTYPE),
                SymbolKind::Object => (elf::STB_GLOBAL, elf::STT_OBJECT),
            };
            entry.set_st_info(if symbol.local { elf::STB_LOCAL } else { bind }, kind);
            ids.push(entry.id());
        }
        ids
    }

    fn call_relocations(&mut self, text: &[SectionId], fixups: Vec<Vec<CallFixup>>, symbols: &[SymbolId]) {
        let mut missing: Vec<(String, SymbolId)> = Vec::new();
        for (index, fixups) in fixups.into_iter().enumerate().filter(|(_, fixups)| !fixups.is_empty()) {
            let mut relocations = Vec::new();
            for fixup in fixups {
                let symbol = match fixup.callee {
                    Ok(index) => symbols[index],
                    Err(name) => self.undefined(&mut missing, name),
                };
                relocations.push(Relocation {
                    r_offset: fixup.offset,
                    symbol: Some(symbol),
                    r_type: elf::R_X86_64_PLT32,
                    r_addend: -4,
                });
            }
            relocations.sort_by_key(|relocation| relocation.r_offset);
            self.relocations(&self.layout.sections[index].name, text[index], relocations);
        }
    }

    fn undefined(&mut self, known: &mut Vec<(String, SymbolId)>, name: String) -> SymbolId {
        if let Some((_, id)) = known.iter().find(|(have, _)| *have == name) {
            return *id;
        }
        let symbol = self.builder.symbols.add();
        symbol.name = name.clone().into_bytes().into();
        symbol.set_st_info(elf::STB_GLOBAL, elf::STT_NOTYPE);
        known.push((name, symbol.id()));
        symbol.id()
    }

    fn relocations(&mut self, name: &str, target: SectionId, relocations: Vec<Relocation>) {
        let section = self.builder.sections.add();
        section.name = format!(".rela{name}").into_bytes().into();
        section.sh_type = elf::SHT_RELA;
        section.sh_flags = elf::SHF_INFO_LINK;
        section.sh_link_section = self.symtab;
        section.sh_info_section = Some(target);
        section.sh_addralign = 8;
        section.sh_entsize = 24;
        section.data = SectionData::Relocation(relocations);
    }

    fn debug(&mut self, text: &[SymbolId]) {
        if !self.image.dwarf {
            return;
        }
        let sections = dwarf::sections(self.image, self.layout);
        let ids: Vec<_> = sections.iter().map(|section| self.debug_section(section)).collect();
        if self.is_kernel() && !self.image.leftovers {
            return;
        }
        let symbols: Vec<_> = ids.iter().map(|id| self.section_symbol(*id, 0)).collect();
        // Applying what is left over in a kernel is not only slow here: it gives garbage.
        let wrong = if self.is_kernel() { 0x1_0001 } else { 0 };
        for (section, id) in sections.iter().zip(&ids).filter(|(section, _)| !section.relocations.is_empty()) {
            let mut relocations: Vec<_> = section
                .relocations
                .iter()
                .map(|relocation| {
                    let symbol = match relocation.target {
                        RelocationTarget::Symbol(index) => text[index],
                        RelocationTarget::Section(target) => {
                            let index = sections.iter().position(|section| section.name == target.name());
                            symbols[index.expect("a section that is referred to was written")]
                        }
                    };
                    let r_type = if relocation.size == 8 { elf::R_X86_64_64 } else { elf::R_X86_64_32 };
                    let r_offset = relocation.offset as u64;
                    Relocation { r_offset, symbol: Some(symbol), r_type, r_addend: relocation.addend + wrong }
                })
                .collect();
            relocations.sort_by_key(|relocation| relocation.r_offset);
            self.relocations(section.name, *id, relocations);
        }
    }

    fn debug_section(&mut self, debug: &DebugSection) -> SectionId {
        let bytes = if self.is_kernel() { debug.linked(self.layout) } else { debug.bytes().to_vec() };
        let section = self.builder.sections.add();
        section.name = debug.name.as_bytes().into();
        section.sh_type = elf::SHT_PROGBITS;
        section.sh_addralign = 1;
        if debug.name.ends_with("str") {
            section.sh_flags = elf::SHF_MERGE | elf::SHF_STRINGS;
            section.sh_entsize = 1;
        }
        section.data = SectionData::Data(if self.image.compressed {
            section.sh_flags |= elf::SHF_COMPRESSED;
            section.sh_addralign = 8;
            compress(&bytes).into()
        } else {
            bytes.into()
        });
        section.id()
    }
}

/// One ELF note, padded to 4 bytes.
fn note(owner: &[u8; 4], kind: u32, content: &[u8]) -> Vec<u8> {
    let mut note = Vec::new();
    note.extend(4_u32.to_le_bytes());
    note.extend((content.len() as u32).to_le_bytes());
    note.extend(kind.to_le_bytes());
    note.extend(owner);
    note.extend(content);
    note.resize(note.len().next_multiple_of(4), 0);
    note
}

/// An `Elf64_Chdr` and the zlib stream behind it.
fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(elf::ELFCOMPRESS_ZLIB.0.to_le_bytes());
    out.extend(0_u32.to_le_bytes());
    out.extend((bytes.len() as u64).to_le_bytes());
    out.extend(1_u64.to_le_bytes());
    let mut encoder = ZlibEncoder::new(out, Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing to memory does not fail")
}
