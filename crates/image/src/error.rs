//! Why bytes are not a kernel image.

use std::fmt;

/// Why bytes are not a kernel image, or not one that can be read.
///
/// Messages are lower-case phrases without a path; the command puts the path in front.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// There are no bytes.
    Empty,
    /// The magic number is another one; the text names what it is where that is known (`an xz file`).
    NotElf(Option<&'static str>),
    /// A 32-bit ELF file.
    Elf32,
    /// An ELF file that is neither linked nor relocatable (a core dump), with its `e_type`.
    Type(u16),
    /// The ELF structure contradicts itself or the file is shorter than it says.
    Malformed(String),
    /// A section that contradicts itself or cannot be unpacked.
    Section {
        /// The section's name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A count or a size that no kernel has.
    Absurd(&'static str),
    /// No section of the file is loaded, so there is nothing to sign.
    NothingLoaded,
    /// The symbols were stripped, which the comparison of functions needs.
    NoSymbols,
    /// A linked kernel of a machine whose instructions are not read.
    Machine,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Empty => f.write_str("empty file"),
            Error::NotElf(None) => f.write_str("not an ELF file"),
            Error::NotElf(Some(what)) => write!(f, "not an ELF file but {what}"),
            Error::Elf32 => f.write_str("a 32-bit ELF file, only 64-bit ones are read"),
            Error::Type(kind) => write!(f, "ELF type {kind} is neither a kernel nor a module"),
            Error::Malformed(why) => write!(f, "bad ELF file: {why}"),
            Error::Section { name, why } => write!(f, "bad ELF section {name}: {why}"),
            Error::Absurd(what) => write!(f, "bad ELF file: absurd {what}"),
            Error::NothingLoaded => f.write_str("no section of the file is loaded"),
            Error::NoSymbols => f.write_str("no symbols, which comparing function by function needs"),
            Error::Machine => {
                f.write_str("instructions are read of x86_64 only; relocatable files can be of any machine")
            }
        }
    }
}

impl std::error::Error for Error {}

impl From<object::read::Error> for Error {
    fn from(error: object::read::Error) -> Error {
        // `object` says "Invalid ELF symbol table data", in a house where messages are lower-case.
        let text = error.to_string();
        let mut chars = text.chars();
        let first = chars.next().map(|c| c.to_ascii_lowercase());
        Error::Malformed(first.into_iter().chain(chars).collect())
    }
}
