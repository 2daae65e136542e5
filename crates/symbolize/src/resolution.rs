//! What a frame stands for, or why that is not known.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use image::Symbol;

use crate::DwarfError;

/// One function at one source line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call<'i> {
    /// The function's name: for the physical function as the kernel prints it (`foo.isra.0`), for an inlined one the source's.
    pub function: Cow<'i, str>,
    /// The source file, without the build's directory: `net/core/dev.c`.
    pub file: Option<Arc<str>>,
    /// The source line, from 1; none for code that the compiler made up.
    pub line: Option<u32>,
    /// Whether the function is inlined into the next call of the chain.
    pub inlined: bool,
}

impl Resolution<'_> {
    /// Nothing is known, for this reason.
    pub fn missed(miss: Miss) -> Self {
        Resolution { calls: Vec::new(), pick: Pick::None, miss: Some(miss), candidates: Vec::new(), same_name: 0 }
    }
}

impl Call<'_> {
    /// The source place, as `net/core/dev.c:6142`, `net/core/dev.c:?` or `??`.
    pub fn place(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{file}:{line}"),
            (Some(file), None) => write!(f, "{file}:?"),
            (None, _) => f.write_str("??"),
        })
    }
}

/// A symbol that has the frame's name, and what the frame would be if it was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate<'i> {
    /// The symbol.
    pub symbol: Symbol<'i>,
    /// How its size compares with the printed one; none where the frame has no size.
    pub fit: Option<image::Fit>,
    /// Its chain, innermost first.
    pub calls: Result<Vec<Call<'i>>, Miss>,
}

/// How the symbol of a frame was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Nothing was picked.
    None,
    /// It is the only one of that name, and the frame says no size.
    OnlyName,
    /// It is the only one of that name, and its size is the printed one.
    Size,
    /// It is the only one of that name whose size can be the printed one, which depends on how the module was placed.
    PlausibleSize,
    /// Others have that name too, but another size.
    SizeAmongMany,
    /// Others have that name and size, but only this one calls, or is called by, its neighbours in the stack.
    CallSite,
    /// Others have that name and size, and all have the same chain.
    SameChain,
    /// The frame has an address, and this symbol covers it.
    Address,
}

/// What a frame stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution<'i> {
    /// The calls, innermost first; the last one is the physical function. Empty where there is a miss.
    pub calls: Vec<Call<'i>>,
    /// How the symbol was picked.
    pub pick: Pick,
    /// Why there are no calls.
    pub miss: Option<Miss>,
    /// The symbols of that name with their chains, where none could be picked: what the frame might be. Of an address of
    /// which there are no lines, the symbol that covers it.
    pub candidates: Vec<Candidate<'i>>,
    /// How many symbols have the frame's name.
    pub same_name: usize,
}

/// Why a frame has no calls. Prints as a short phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Miss {
    /// No vmlinux was given.
    NoVmlinux,
    /// The frame's module was not given.
    NoModule,
    /// The frame's build-id is not the image's.
    OtherBuildId,
    /// The frame is a bare address.
    BareAddress,
    /// The frame is a bare address, and nothing tells where the kernel was loaded.
    UnknownOffset,
    /// The address is in no executable section of the image.
    NotText,
    /// No symbol has this name.
    NoSymbol,
    /// The image has no symbols at all: they were stripped, as in what a bzImage unpacks to.
    Stripped,
    /// The name is that of a variable: lockdep prints where a lock's key lies in the same form.
    Data,
    /// All symbols of this name have other sizes (bytes, as the kernel would print them).
    OtherSize {
        /// The size in the frame.
        printed: u64,
        /// The sizes of the symbols.
        known: Vec<u64>,
    },
    /// So many symbols have this name and size, and different chains.
    Ambiguous(usize),
    /// The frame's offset lies behind the function's end.
    OffsetBeyondSize,
    /// The address is in the padding in front of a function, where no code is.
    Padding,
    /// The image has no debug information.
    NoDebugInfo,
    /// The image has debug information, but none for this address.
    NoDwarf,
    /// The debug information contradicts itself.
    BadDwarf(DwarfError),
    /// A debug section cannot be read.
    BadSection(String),
    /// The debug information of this place is larger than any kernel's; the text says what of it.
    TooLarge(&'static str),
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Miss::NoVmlinux => f.write_str("no kernel image found"),
            Miss::NoModule => f.write_str("no image of the module found"),
            Miss::OtherBuildId => f.write_str("build-id differs from the image's"),
            Miss::BareAddress => f.write_str("bare address"),
            Miss::UnknownOffset => f.write_str("bare address, and it is not known where the kernel was loaded"),
            Miss::NotText => f.write_str("address is not in the text"),
            Miss::Data => f.write_str("a variable, not code"),
            Miss::Stripped => f.write_str("the image has no symbols"),
            Miss::NoSymbol => f.write_str("no such symbol"),
            Miss::OtherSize { printed, known } => {
                write!(f, "size {printed:#x} differs from the image's ")?;
                for (at, size) in known.iter().enumerate() {
                    write!(f, "{}{size:#x}", if at > 0 { ", " } else { "" })?;
                }
                Ok(())
            }
            Miss::Ambiguous(count) => write!(f, "{count} symbols have this name and size"),
            Miss::OffsetBeyondSize => f.write_str("offset beyond the function's size"),
            Miss::Padding => f.write_str("padding in front of a function"),
            Miss::NoDebugInfo => f.write_str("no debug information"),
            Miss::NoDwarf => f.write_str("no debug information for this address"),
            Miss::BadDwarf(error) => write!(f, "bad debug information: {error}"),
            Miss::BadSection(why) => f.write_str(why),
            Miss::TooLarge(what) => write!(f, "debug information too large: {what}"),
        }
    }
}

impl From<DwarfError> for Miss {
    fn from(error: DwarfError) -> Miss {
        Miss::BadDwarf(error)
    }
}
