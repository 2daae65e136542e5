//! Debug sections: unpacked once, when they are first read.

use std::sync::OnceLock;

use object::read::elf::{CompressionHeader as _, SectionHeader as _};
use object::read::{CompressedData, CompressionFormat};
use object::{SectionIndex, elf};

use crate::elf::Section;
use crate::{Error, Image, Kind, Relocations};

/// A section named `.debug_*`.
#[derive(Debug)]
pub(crate) struct DebugSection<'d> {
    index: usize,
    /// What a compressed section holds, once it was read.
    unpacked: OnceLock<Result<Vec<u8>, Error>>,
    /// Only in relocatable files.
    relocations: Option<Relocations<'d>>,
}

impl<'d> DebugSection<'d> {
    /// The debug sections of an image, in header order.
    pub(crate) fn of(image: &Image<'d>) -> Result<Vec<DebugSection<'d>>, Error> {
        let is_debug = |(_, name): &(usize, &&str)| name.starts_with(".debug_");
        let found = image.names.iter().enumerate().filter(is_debug);
        let mut all: Vec<_> =
            found.map(|(index, _)| DebugSection { index, unpacked: OnceLock::new(), relocations: None }).collect();
        if image.kind() == Kind::Module {
            for section in image.sections.iter() {
                let Some((target, relocations)) = Relocations::parse(image, section)? else {
                    continue;
                };
                if let Ok(at) = all.binary_search_by_key(&target, |debug| debug.index) {
                    all[at].relocations = Some(relocations);
                }
            }
        }
        Ok(all)
    }
}

/// No debug section of a kernel is larger (DWARF of 32 bits could not address it).
const MAX_UNPACKED: u64 = 4 << 30;
/// Debug sections shrink by 2 to 5; zlib cannot do better than 1032.
const MAX_RATIO: u64 = 1032;

impl<'d> Image<'d> {
    /// The content of a debug section (`.debug_info`), unpacked if it is compressed; empty where there is none.
    ///
    /// A compressed section is unpacked by the first caller and kept as long as the image.
    pub fn debug_section(&self, name: &str) -> Result<&[u8], Error> {
        let Some((debug, section)) = self.debug_named(name) else {
            return Ok(&[]);
        };
        let bad = |why: String| Error::Section { name: name.to_owned(), why };
        if !section.sh_flags(self.endian).contains(elf::SHF_COMPRESSED) {
            return section.data(self.endian, self.data).map_err(|error| bad(error.to_string()));
        }
        let unpack = || self.unpack(section).map_err(bad);
        match debug.unpacked.get_or_init(unpack) {
            Ok(bytes) => Ok(bytes),
            Err(error) => Err(error.clone()),
        }
    }

    /// The relocations of a debug section; only relocatable files have any that are to be applied.
    ///
    /// A linked kernel may carry `.rela.debug_*` left over by `--emit-relocs`: those are already applied.
    pub fn debug_relocations(&self, name: &str) -> Option<&Relocations<'d>> {
        self.debug_named(name)?.0.relocations.as_ref()
    }

    fn debug_named(&self, name: &str) -> Option<(&DebugSection<'d>, &'d Section)> {
        let debug = self.debug.iter().find(|debug| self.names[debug.index] == name)?;
        let section = self.sections.section(SectionIndex(debug.index)).ok()?;
        Some((debug, section))
    }

    fn unpack(&self, section: &Section) -> Result<Vec<u8>, String> {
        let found = section.compression(self.endian, self.data).map_err(|error| error.to_string())?;
        let (header, offset, size) = found.ok_or("no compression header")?;
        let format = match header.ch_type(self.endian) {
            elf::ELFCOMPRESS_ZLIB => CompressionFormat::Zlib,
            elf::ELFCOMPRESS_ZSTD => CompressionFormat::Zstandard,
            other => return Err(format!("unknown compression {}", other.0)),
        };
        let unpacked: u64 = header.ch_size(self.endian);
        if unpacked > MAX_UNPACKED || unpacked > size.saturating_mul(MAX_RATIO) {
            return Err(format!("absurd size of {unpacked} bytes unpacked from {size}"));
        }
        let range = usize::try_from(offset).ok().zip(usize::try_from(size).ok());
        let bytes = range.and_then(|(offset, size)| self.data.get(offset..offset.checked_add(size)?));
        let data = bytes.ok_or("past the end of the file")?;
        let packed = CompressedData { format, data, uncompressed_size: unpacked };
        packed.decompress().map(|bytes| bytes.into_owned()).map_err(|error| error.to_string())
    }
}
