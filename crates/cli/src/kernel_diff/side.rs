//! One of two kernels: its bytes, its parts, its source lines.

use std::path::Path;
use std::sync::OnceLock;

use ksplat::image::Image;
use ksplat::kernel::{Apart, Sources};

use crate::kernel_file::KernelFile;

/// A kernel or module.
pub struct Side {
    path: String,
    bytes: &'static [u8],
    image: OnceLock<Result<&'static Image<'static>, String>>,
    sources: OnceLock<Option<Sources<'static>>>,
}

/// A kernel taken apart.
pub type Parts<'d> = Apart<'d>;

impl Side {
    /// Reads a file.
    pub fn open(path: &Path) -> Result<Side, String> {
        let file = KernelFile::open(path)?;
        // Both kernels live as long as the process.
        let bytes: &'static [u8] = match file {
            KernelFile::Mapped(bytes) => bytes,
            KernelFile::Unpacked(bytes) => bytes.leak(),
        };
        let path = path.to_string_lossy().into_owned();
        Ok(Side { path, bytes, image: OnceLock::new(), sources: OnceLock::new() })
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn bytes(&self) -> &'static [u8] {
        self.bytes
    }

    /// Takes it apart, with or without its source lines; the error says why that cannot be.
    pub fn apart(&self, with_sources: bool) -> Result<Parts<'static>, String> {
        Apart::new(self.image()?, self.sources().filter(|_| with_sources)).map_err(|error| error.to_string())
    }

    fn image(&self) -> Result<&'static Image<'static>, String> {
        let parse = || match Image::parse(self.bytes) {
            Ok(image) => Ok(&*Box::leak(Box::new(image))),
            Err(error) => Err(error.to_string()),
        };
        self.image.get_or_init(parse).clone()
    }

    /// Its source lines, if it has debug information.
    pub fn sources(&self) -> Option<&Sources<'static>> {
        self.sources.get_or_init(|| self.image().ok().and_then(Sources::of)).as_ref()
    }
}
