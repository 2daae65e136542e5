//! Is this the same kernel binary? One digest over what is loaded.

use std::fmt;

use object::elf;
use object::read::elf::{FileHeader as _, SectionHeader as _};
use sha2::{Digest as _, Sha256};

use crate::Error;
use crate::elf::elf_header;

/// The digest that sections and the whole are hashed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// BLAKE3, the fast one.
    #[default]
    Blake3,
    /// SHA-256, which gives the value that a syzkaller log shows after `kernel signature:`.
    Sha256,
}

/// A kernel signature, printed as 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Signature(pub [u8; 32]);

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The kernel signature: the digest of the digests of each section that is loaded from the file, in header order.
///
/// Loaded means the ALLOC flag, and neither NOBITS nor NOTE: the build-id note would make every build different. Names,
/// addresses and symbols are not hashed. The construction is syzkaller's `elfBinarySignature` (pkg/build/linux.go).
pub fn kernel_signature(data: &[u8], algorithm: Algorithm) -> Result<Signature, Error> {
    let header = elf_header(data)?;
    let endian = header.endian()?;
    let mut digests = Vec::new();
    let mut left = data.len();
    for section in header.sections(endian, data)?.iter() {
        let kind = section.sh_type(endian);
        let loaded = section.sh_flags(endian).contains(elf::SHF_ALLOC);
        if loaded && kind != elf::SHT_NOBITS && kind != elf::SHT_NOTE {
            let bytes = section.data(endian, data)?;
            // Sections do not overlap, so together they are no longer than the file; else a crafted one takes hours.
            left = left.checked_sub(bytes.len()).ok_or(Error::Absurd("overlap of sections"))?;
            digests.extend(digest(algorithm, bytes));
        }
    }
    if digests.is_empty() {
        return Err(Error::NothingLoaded);
    }
    Ok(Signature(digest(algorithm, &digests)))
}

fn digest(algorithm: Algorithm, bytes: &[u8]) -> [u8; 32] {
    match algorithm {
        Algorithm::Blake3 => *blake3::hash(bytes).as_bytes(),
        Algorithm::Sha256 => Sha256::digest(bytes).into(),
    }
}
