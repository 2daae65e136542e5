//! Images by path, each opened once and for as long as the process lives.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use ksplat::image::{Image, Kind};
use ksplat::symbolize::Symbolizer;

use crate::kernel_file::KernelFile;

/// A kernel or a module, ready to be asked.
pub struct Opened {
    /// The image.
    pub image: Image<'static>,
    symbolizer: OnceLock<Symbolizer<'static>>,
}

/// An image, or what is wrong with its file.
type Found = Result<&'static Opened, String>;

/// Images that were opened.
#[derive(Default)]
pub struct Images {
    opened: Mutex<HashMap<PathBuf, Found>>,
}

impl Images {
    /// Opens a kernel or a module, unpacked if need be.
    pub fn open(&self, path: &Path) -> Found {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.entry(path.to_owned()).or_insert_with(|| open(path)).clone()
    }
}

impl Opened {
    /// Looks frames up in the image; a module has the name that its frames give it.
    pub fn symbolizer(&'static self, module: &str) -> &'static Symbolizer<'static> {
        self.symbolizer.get_or_init(|| match self.image.kind() {
            Kind::Kernel => Symbolizer::new(Some(&self.image), []),
            Kind::Module => Symbolizer::new(None, [(module, &self.image)]),
        })
    }
}

fn open(path: &Path) -> Found {
    let bytes: &'static [u8] = Box::leak(Box::new(KernelFile::open(path)?));
    let image = Image::parse(bytes).map_err(|error| error.to_string())?;
    Ok(Box::leak(Box::new(Opened { image, symbolizer: OnceLock::new() })))
}
