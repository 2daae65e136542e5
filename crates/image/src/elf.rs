//! An ELF file as a kernel image: its sections, its symbol table and what it is.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;

use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader as _, SectionHeader as _, SectionTable, SymbolTable};
use object::{Endianness, SectionIndex};

use crate::debug::DebugSection;
use crate::layout::Layout;
use crate::lookup::SymbolIndex;
use crate::{Error, Relocations};

pub(crate) type Header = FileHeader64<Endianness>;
pub(crate) type Section = elf::SectionHeader64<Endianness>;
pub(crate) type RawSymbol = elf::Sym64<Endianness>;

/// A vmlinux.o with a section for each function has some 200,000.
const MAX_SECTIONS: usize = 1 << 20;
/// Kernels know names of up to 511 bytes (`KSYM_NAME_LEN`), Rust's before hashing some more.
const MAX_NAME: usize = 4096;

/// What an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A linked kernel (`ET_EXEC`, or `ET_DYN` with `CONFIG_RELOCATABLE` on some machines).
    Kernel,
    /// A relocatable file (`ET_REL`): a `.ko`, whose sections all start at address 0 until the kernel loads them.
    Module,
}

/// A kernel or a module, over borrowed bytes (which the caller may have mapped).
#[derive(Debug)]
pub struct Image<'d> {
    pub(crate) data: &'d [u8],
    pub(crate) endian: Endianness,
    pub(crate) machine: elf::Machine,
    pub(crate) sections: SectionTable<'d, Header>,
    pub(crate) symbols: SymbolTable<'d, Header>,
    /// The string table of `symbols`, as bytes.
    pub(crate) strings: &'d [u8],
    /// Names of all sections, by index; empty where the name is missing or absurd.
    pub(crate) names: Vec<&'d str>,
    pub(crate) layout: Layout,
    pub(crate) debug: Vec<DebugSection<'d>>,
    /// Relocations of a module's text, by section.
    pub(crate) text_relocations: Vec<(usize, Relocations<'d>)>,
    pub(crate) alternatives: OnceLock<Vec<(u64, u8)>>,
    pub(crate) index: OnceLock<SymbolIndex>,
    /// How often the symbol table was scanned for want of an index.
    pub(crate) scans: AtomicU32,
    kind: Kind,
}

impl<'d> Image<'d> {
    /// Reads the headers of an ELF file; sections are read when they are asked for.
    ///
    /// Any 64-bit machine is taken; what depends on the machine (relocation types) knows the common ones.
    pub fn parse(data: &'d [u8]) -> Result<Image<'d>, Error> {
        let header = elf_header(data)?;
        let endian = header.endian()?;
        let kind = match header.e_type(endian) {
            elf::ET_EXEC | elf::ET_DYN => Kind::Kernel,
            elf::ET_REL => Kind::Module,
            other => return Err(Error::Type(other.0)),
        };
        let sections = header.sections(endian, data)?;
        if sections.len() > MAX_SECTIONS {
            return Err(Error::Absurd("number of sections"));
        }
        // A file whose table says that it has symbols must have them: the rest would silently be wrong.
        let symbols = sections.symbols(endian, data, elf::SHT_SYMTAB)?;
        let strings = match symbols.string_section() {
            SectionIndex(0) => &[][..],
            index => sections.section(index)?.data(endian, data)?,
        };
        let name_bytes = match header.section_strings_index(endian, data)? {
            SectionIndex(0) => &[][..],
            index => sections.section(index)?.data(endian, data)?,
        };
        let name = |section: &Section| short_string(name_bytes, section.sh_name(endian)).unwrap_or_default();
        let names: Vec<&str> = sections.iter().map(name).collect();
        let layout = Layout::new(kind, endian, &sections, &names)?;
        let mut image = Image {
            data,
            endian,
            machine: header.e_machine(endian),
            sections,
            symbols,
            strings,
            names,
            layout,
            debug: Vec::new(),
            text_relocations: Vec::new(),
            alternatives: OnceLock::new(),
            index: OnceLock::new(),
            scans: AtomicU32::new(0),
            kind,
        };
        image.debug = DebugSection::of(&image)?;
        image.text_relocations = image.read_text_relocations();
        Ok(image)
    }

    /// Kernel or module.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Byte order of the machine.
    pub fn is_little_endian(&self) -> bool {
        self.endian == Endianness::Little
    }

    /// True for x86_64, the machine whose call instructions can be checked.
    pub fn is_x86_64(&self) -> bool {
        self.machine == elf::EM_X86_64
    }

    /// True where the image has debug information.
    pub fn has_debug_info(&self) -> bool {
        self.section_named(".debug_info").is_some_and(|(_, section)| section.sh_size(self.endian) > 0)
    }

    /// Number of symbols in the table, whatever they are.
    pub fn symbol_count(&self) -> usize {
        self.symbols.len()
    }

    /// Sections in header order: (index, name, size in memory, executable).
    pub fn sections(&self) -> impl Iterator<Item = (u32, &'d str, u64, bool)> + '_ {
        self.sections.enumerate().skip(1).map(|(index, section)| {
            let flags = section.sh_flags(self.endian);
            let exec = flags.contains(elf::SHF_ALLOC | elf::SHF_EXECINSTR);
            (index.0 as u32, self.names[index.0], section.sh_size(self.endian), exec)
        })
    }

    /// The bytes of the first section of this name, as they are in the file; nothing for NOBITS.
    pub fn section_bytes(&self, name: &str) -> Option<&'d [u8]> {
        let (_, section) = self.section_named(name)?;
        section.data(self.endian, self.data).ok().filter(|bytes| !bytes.is_empty())
    }

    pub(crate) fn section_named(&self, name: &str) -> Option<(usize, &'d Section)> {
        let index = self.names.iter().position(|other| *other == name)?;
        self.sections.section(SectionIndex(index)).ok().map(|section| (index, section))
    }
}

/// A NUL-terminated string of a string table, unless it is longer than any name in a kernel.
pub(crate) fn short_string(table: &[u8], offset: u32) -> Option<&str> {
    let rest = table.get(offset as usize..)?;
    let rest = &rest[..rest.len().min(MAX_NAME)];
    let end = memchr::memchr(0, rest)?;
    std::str::from_utf8(&rest[..end]).ok()
}

/// The ELF header, or what the bytes are instead.
pub(crate) fn elf_header(data: &[u8]) -> Result<&Header, Error> {
    if data.is_empty() {
        return Err(Error::Empty);
    }
    if !data.starts_with(b"\x7fELF") {
        return Err(Error::NotElf(other_format(data)));
    }
    match data.get(4) {
        Some(1) => Err(Error::Elf32),
        _ => Ok(Header::parse(data)?),
    }
}

/// Names the formats that people pass for a vmlinux or a module.
fn other_format(data: &[u8]) -> Option<&'static str> {
    const FORMATS: [(usize, &[u8], &str); 7] = [
        (0, b"\x1f\x8b", "a gzip file"),
        (0, b"\xfd7zXZ\0", "an xz file"),
        (0, b"\x28\xb5\x2f\xfd", "a zstd file"),
        (0, b"BZh", "a bzip2 file"),
        (0, b"!<arch>\n", "an archive"),
        // Documentation/arch/x86/boot.rst: "HdrS" at 0x202.
        (0x202, b"HdrS", "a bzImage"),
        (0x38, b"ARMd", "an arm64 boot image"),
    ];
    let row = FORMATS.iter().find(|(at, magic, _)| data.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    row.map(|(.., name)| *name)
}
