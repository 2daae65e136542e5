//! Source lines and inlined calls of kernel stack frames, from DWARF.
//!
//! A frame goes in, as the kernel printed it; out comes a [`Resolution`]: the chain of calls at that place, innermost
//! first, or the reason why there is none. The work is done on borrowed images, from any number of threads, and each
//! unit of debug information is read at most once.
//!
//! ```
//! # fn show(vmlinux: &[u8], frames: &[trace::Frame<'_>]) -> Result<(), image::Error> {
//! let kernel = image::Image::parse(vmlinux)?;
//! let symbolizer = symbolize::Symbolizer::new(Some(&kernel), []);
//! symbolizer.prepare(frames);
//! for frame in frames {
//!     for call in symbolizer.resolve(frame).calls {
//!         println!("{} {}", call.function, call.place());
//!     }
//! }
//! # Ok(()) }
//! # assert!(show(b"", &[]).is_err());
//! ```

mod address;
pub mod code;
mod dwarf;
mod identity;
pub mod index;
mod module;
mod paths;
pub mod proof;
mod resolution;
mod resolve;
mod symbolizer;

pub use address::{KaslrOffset, RuntimeAddr};
pub use gimli::Error as DwarfError;
pub use identity::{Choice, Identity, Mark};
pub use image::LinkAddr;
pub use paths::Paths;
pub use resolution::{Call, Candidate, Miss, Pick, Resolution};
pub use symbolizer::Symbolizer;
