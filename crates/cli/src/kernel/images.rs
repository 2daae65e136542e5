//! Images by path, each opened once and for as long as the process lives, with its index where there is one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use ksplat::image::{Image, Kind};
use ksplat::symbolize::{Paths, Symbolizer};

use crate::index::{cache, key_of, open_index};
use crate::kernel_file::KernelFile;

/// With so many frames of a kernel looked up, its index pays: making it costs what some 20,000 new addresses cost without it,
/// and the next run has it.
const MANY: usize = 20_000;

/// A kernel or a module, ready to be asked.
pub struct Opened {
    /// The image.
    pub image: Image<'static>,
    path: PathBuf,
    paths: Paths,
    symbolizer: OnceLock<Symbolizer<'static>>,
    /// Frames that were looked up.
    asked: AtomicUsize,
}

/// An image, or what is wrong with its file.
type Found = Result<&'static Opened, String>;

/// Images that were opened.
pub struct Images {
    opened: Mutex<HashMap<PathBuf, Found>>,
    paths: Paths,
    /// Threads that make indexes beside the work.
    making: Mutex<Vec<JoinHandle<()>>>,
}

impl Images {
    /// Images whose source paths are shown without these directories, or without those of the build.
    pub fn new(strip: &[String]) -> Images {
        let paths = if strip.is_empty() { Paths::Short } else { Paths::Strip(strip.to_vec()) };
        Images { opened: Mutex::default(), paths, making: Mutex::default() }
    }

    /// Opens a kernel or a module, unpacked if need be.
    pub fn open(&self, path: &Path) -> Found {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.entry(path.to_owned()).or_insert_with(|| open(path, &self.paths)).clone()
    }

    /// Takes note that so many frames of a kernel are looked up. Where it comes to pay, its index is made in the background,
    /// used as soon as it is there, and kept for other runs.
    pub fn asked(&self, kernel: &'static Opened, frames: usize) {
        let before = kernel.asked.fetch_add(frames, Ordering::Relaxed);
        if before < MANY && before + frames >= MANY && kernel.image.has_debug_info() {
            let making = std::thread::spawn(|| kernel.make_index());
            self.making.lock().unwrap_or_else(PoisonError::into_inner).push(making);
        }
    }
}

impl Drop for Images {
    fn drop(&mut self) {
        let making = self.making.get_mut().unwrap_or_else(PoisonError::into_inner);
        for thread in making.drain(..) {
            // A run is as good without an index.
            let _ = thread.join();
        }
    }
}

impl Opened {
    /// Looks frames up in the image; a module has the name that its frames give it.
    pub fn symbolizer(&'static self, module: &str) -> &'static Symbolizer<'static> {
        self.symbolizer.get_or_init(|| {
            let (symbolizer, module) = match self.image.kind() {
                Kind::Kernel => (Symbolizer::with_paths(Some(&self.image), [], &self.paths), None),
                Kind::Module => (Symbolizer::with_paths(None, [(module, &self.image)], &self.paths), Some(module)),
            };
            if let Some(cache) = cache()
                && let Some(index) = open_index(&cache, &self.key(), &self.paths)
            {
                symbolizer.lend_index(module, Box::leak(Box::new(index)));
            }
            symbolizer
        })
    }

    fn make_index(&'static self) {
        let key = self.key();
        if let Some(cache) = cache()
            && cache.find(&key).is_none()
            && let Ok(made) = ksplat::build_index(&self.image, &key)
            && cache.put(&key, &made).is_ok()
            && let Some(index) = open_index(&cache, &key, &self.paths)
        {
            self.symbolizer("").lend_index(None, Box::leak(Box::new(index)));
        }
    }

    fn key(&self) -> String {
        key_of(&self.path, &self.image)
    }
}

fn open(path: &Path, paths: &Paths) -> Found {
    let bytes: &'static [u8] = Box::leak(Box::new(KernelFile::open(path)?));
    let image = Image::parse(bytes).map_err(|error| error.to_string())?;
    let (path, paths) = (path.to_owned(), paths.clone());
    let opened = Opened { image, path, paths, symbolizer: OnceLock::new(), asked: AtomicUsize::new(0) };
    Ok(Box::leak(Box::new(opened)))
}
