//! Is this the same kernel binary? One digest over what is loaded.

use std::borrow::Cow;
use std::fmt;

use object::SymbolIndex;
use object::elf;
use object::read::elf::{FileHeader as _, Rela as _, SectionHeader as _, Sym as _};
use sha2::{Digest as _, Sha256};

use crate::elf::{elf_header, short_string};
use crate::{Error, Image, Kind};

/// The digest that sections and the whole are hashed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// BLAKE3, the fast one.
    #[default]
    Blake3,
    /// SHA-256, which gives the value that a syzkaller log shows after `kernel signature:`.
    Sha256,
}

impl Algorithm {
    /// The digest of some bytes.
    pub fn digest(self, bytes: &[u8]) -> Signature {
        Signature(match self {
            Algorithm::Blake3 => *blake3::hash(bytes).as_bytes(),
            Algorithm::Sha256 => Sha256::digest(bytes).into(),
        })
    }

    /// The digest of digests, which is how a signature is made of those of its parts, in their order.
    pub fn combine(self, parts: &[Signature]) -> Signature {
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.0).collect();
        self.digest(&bytes)
    }
}

/// A kernel signature or the digest of a part of one, printed as 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signature(pub [u8; 32]);

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a kernel signature is made of: a section that is loaded from the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedSection<'d> {
    /// The section's name; [`RELOCATIONS`] for the relocations of a module.
    pub name: &'d str,
    /// What is hashed.
    pub bytes: Cow<'d, [u8]>,
}

/// The name under which a module's relocations are a part of its signature.
pub const RELOCATIONS: &str = "(relocations)";

/// The kernel signature: the digest of the digests of each section that is loaded from the file, in header order.
///
/// Names, addresses and symbols are not hashed. The construction is syzkaller's `elfBinarySignature`
/// (pkg/build/linux.go); a module's relocations, which say what it calls, follow its sections.
pub fn kernel_signature(data: &[u8], algorithm: Algorithm) -> Result<Signature, Error> {
    let digests: Vec<_> = loaded_sections(data)?.iter().map(|section| algorithm.digest(&section.bytes)).collect();
    Ok(algorithm.combine(&digests))
}

/// The parts of a kernel signature, in their order; at least one.
///
/// Loaded means the ALLOC flag, and neither NOBITS nor NOTE: the build-id note would make every build different.
pub fn loaded_sections(data: &[u8]) -> Result<Vec<LoadedSection<'_>>, Error> {
    let header = elf_header(data)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, data)?;
    let mut loaded = Vec::new();
    let mut left = data.len();
    for section in sections.iter() {
        let kind = section.sh_type(endian);
        let is_loaded = section.sh_flags(endian).contains(elf::SHF_ALLOC);
        if is_loaded && kind != elf::SHT_NOBITS && kind != elf::SHT_NOTE {
            let bytes = section.data(endian, data)?;
            // Sections do not overlap, so together they are no longer than the file; else a crafted one takes hours.
            left = left.checked_sub(bytes.len()).ok_or(Error::Absurd("overlap of sections"))?;
            let name = sections.section_name(endian, section).ok();
            let name = name.and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
            loaded.push(LoadedSection { name, bytes: bytes.into() });
        }
    }
    if loaded.is_empty() {
        return Err(Error::NothingLoaded);
    }
    if header.e_type(endian) == elf::ET_REL {
        loaded.push(LoadedSection { name: RELOCATIONS, bytes: relocations(&Image::parse(data)?)?.into() });
    }
    Ok(loaded)
}

/// The signature of a kernel with a set of modules, given by name: the digest of the kernel's signature, then, ordered
/// by name, of each module the digest of its name and its signature.
///
/// The name is the kernel's, with `_` for `-`; it does not matter in which folder a module was found.
pub fn set_signature(algorithm: Algorithm, kernel: Signature, modules: &[(&str, Signature)]) -> Signature {
    let mut modules: Vec<_> = modules.iter().map(|(name, signature)| (name.replace('-', "_"), *signature)).collect();
    modules.sort();
    let parts = modules.iter().flat_map(|(name, signature)| [algorithm.digest(name.as_bytes()), *signature]);
    let parts: Vec<_> = [kernel].into_iter().chain(parts).collect();
    algorithm.combine(&parts)
}

/// A module's bytes have zeros where it calls, and the relocations say whom: offset, type, addend, and the symbol's
/// name, value and section, for each relocation of a loaded section.
fn relocations(image: &Image<'_>) -> Result<Vec<u8>, Error> {
    debug_assert_eq!(image.kind(), Kind::Module);
    let endian = image.endian;
    let mut text = Vec::new();
    // Names that many symbols share let a crafted file be far longer written out than it is.
    let limit = image.data.len().saturating_mul(16);
    for section in image.sections.iter() {
        let Some((entries, link)) = section.rela(endian, image.data)? else { continue };
        let target = section.info_link(endian);
        let is_loaded = |section: &crate::elf::Section| {
            section.sh_flags(endian).contains(elf::SHF_ALLOC) && section.sh_type(endian) != elf::SHT_NOTE
        };
        if link != image.symbols.section() || !image.sections.section(target).is_ok_and(is_loaded) {
            continue;
        }
        text.extend(image.names[target.0].as_bytes());
        text.push(0);
        for entry in entries {
            text.extend(entry.r_offset(endian).to_le_bytes());
            text.extend(entry.r_type(endian, false).0.to_le_bytes());
            text.extend(entry.r_addend(endian).to_le_bytes());
            let index = SymbolIndex(entry.r_sym(endian, false) as usize);
            if index.0 != 0 {
                let symbol = image.symbols.symbol(index)?;
                let section = image.symbols.symbol_section(endian, symbol, index)?;
                let section = section.and_then(|section| image.names.get(section.0)).copied().unwrap_or_default();
                let name = short_string(image.strings, symbol.st_name(endian)).unwrap_or_default();
                text.extend(name.as_bytes());
                text.push(0);
                text.extend(section.as_bytes());
                text.push(0);
                text.extend(symbol.st_value(endian).to_le_bytes());
            }
            if text.len() > limit {
                return Err(Error::Absurd("length of names in relocations"));
            }
        }
    }
    Ok(text)
}
