//! Kernel ELF files: vmlinux and modules, symbols, build-ids, sections, kernel signatures.
//!
//! Bytes go in, borrowed views come out: no file is opened, no thread is started, nothing is logged, and
//! pages of a mapped vmlinux that nobody asks for are not touched.
//!
//! ```
//! # fn show(vmlinux: &[u8]) -> Result<(), image::Error> {
//! let image = image::Image::parse(vmlinux)?;
//! for symbol in &image.symbols_named(&["vfs_write"])[0] {
//!     println!("{:#x}, {} bytes in the kernel's view", symbol.address.offset, symbol.size.least());
//! }
//! # Ok(()) }
//! # assert!(show(b"").is_err());
//! ```

mod boot;
mod debug;
mod elf;
mod error;
mod identity;
mod layout;
mod lookup;
mod operand;
pub mod program;
mod relocations;
mod signature;
mod symbols;

pub use boot::boot_payload;
pub use elf::{Image, Kind};
pub use error::Error;
pub use identity::BuildId;
pub use layout::LinkAddr;
pub use operand::Operand;
pub use relocations::Relocations;
pub use signature::{
    Algorithm, LoadedSection, RELOCATIONS, Signature, kernel_signature, loaded_sections, set_signature,
};
pub use symbols::{Fit, KernelSize, Symbol};
