//! The kernel and modules that frames are looked up in; a module is opened when the first frame names it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ksplat::image::{Image, Kind};
use ksplat::symbolize::{Resolution, Symbolizer};
use ksplat::trace::Frame;
use walkdir::WalkDir;

use crate::args::Shared;
use crate::mmap::map;
use crate::output::{Output, reason};

/// A kernel and its modules, opened for as long as the process lives.
pub struct Kernel<'o> {
    vmlinux: &'static Symbolizer<'static>,
    modules: HashMap<String, PathBuf>,
    open: Mutex<HashMap<String, &'static Symbolizer<'static>>>,
    output: &'o Output,
}

impl<'o> Kernel<'o> {
    /// Opens what the command line names; `None` where it names nothing. Files that cannot be read are said.
    pub fn open(shared: &Shared, output: &'o Output) -> Option<Kernel<'o>> {
        if shared.vmlinux.is_none() && shared.modules.is_empty() && shared.debug_dir.is_none() {
            return None;
        }
        let below = || shared.debug_dir.as_deref().and_then(|directory| vmlinux_below(directory, output));
        let image = shared.vmlinux.clone().or_else(below).and_then(|path| {
            let path = path.as_path();
            let image = open(path, output)?;
            if image.kind() == Kind::Module {
                output.error(path, &"a module, not a kernel");
                return None;
            }
            Some(image)
        });
        let vmlinux = Box::leak(Box::new(Symbolizer::new(image, [])));
        let modules = modules(shared.modules.iter().chain(&shared.debug_dir), output);
        Some(Kernel { vmlinux, modules, open: Mutex::default(), output })
    }

    /// Looks up the names of many frames at once.
    pub fn prepare(&self, frames: &[Frame<'_>]) {
        let mut by_module: HashMap<Option<&str>, Vec<Frame<'_>>> = HashMap::new();
        for frame in frames {
            by_module.entry(frame.module).or_default().push(*frame);
        }
        for (module, frames) in by_module {
            self.of(module).prepare(&frames);
        }
    }

    /// What many frames stand for.
    pub fn resolve_all(&self, frames: &[Frame<'_>]) -> Vec<Resolution<'static>> {
        self.prepare(frames);
        frames.iter().map(|frame| self.resolve(frame)).collect()
    }

    /// What a frame stands for.
    pub fn resolve(&self, frame: &Frame<'_>) -> Resolution<'static> {
        self.of(frame.module).resolve(frame)
    }

    /// The image that a frame's module is in; the kernel itself where there is none, so that the frame is a miss.
    fn of(&self, module: Option<&str>) -> &'static Symbolizer<'static> {
        let Some(name) = module else { return self.vmlinux };
        let name = plain(name);
        let mut open_modules = self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        open_modules.entry(name).or_insert_with_key(|name| {
            let image = self.modules.get(name).and_then(|path| open(path, self.output));
            let modules = image.map(|image| (name.as_str(), image));
            Box::leak(Box::new(Symbolizer::new(None, modules)))
        })
    }
}

fn open(path: &Path, output: &Output) -> Option<&'static Image<'static>> {
    let bytes = map(path).map_err(|error| output.error(path, &reason(&error))).ok()?;
    let image = Image::parse(bytes).map_err(|error| output.error(path, &error)).ok()?;
    Some(Box::leak(Box::new(image)))
}

/// The one vmlinux below a directory: `vmlinux`, `vmlinux.debug` or `vmlinux-6.1.0-50-cloud-amd64`. Of several none is guessed.
fn vmlinux_below(directory: &Path, output: &Output) -> Option<PathBuf> {
    let is_vmlinux = |name: &str| matches!(name, "vmlinux" | "vmlinux.debug") || name.starts_with("vmlinux-");
    let files = WalkDir::new(directory).sort_by_file_name().into_iter().flatten();
    let mut found: Vec<PathBuf> = files
        .filter(|entry| entry.file_type().is_file() && is_vmlinux(&entry.file_name().to_string_lossy()))
        .map(walkdir::DirEntry::into_path)
        .collect();
    match found.len() {
        0 => output.error(directory, &"no vmlinux below it"),
        1 => return found.pop(),
        count => output.error(directory, &format!("{count} kernels below it, say which by --vmlinux")),
    }
    None
}

/// The modules below directories by the name that the kernel prints; of equal names the first counts.
fn modules<'p>(directories: impl Iterator<Item = &'p PathBuf>, output: &Output) -> HashMap<String, PathBuf> {
    let mut modules = HashMap::new();
    for directory in directories {
        if let Err(error) = std::fs::metadata(directory) {
            output.error(directory, &reason(&error));
            continue;
        }
        for entry in WalkDir::new(directory).follow_links(true).sort_by_file_name().into_iter().flatten() {
            let name = entry.file_name().to_string_lossy();
            let stem = name.strip_suffix(".ko").or_else(|| name.strip_suffix(".ko.debug"));
            if let Some(stem) = stem.filter(|_| entry.file_type().is_file()) {
                modules.entry(plain(stem)).or_insert_with(|| entry.path().to_owned());
            }
        }
    }
    modules
}

/// The kernel prints `snd_hda_intel` for `snd-hda-intel.ko`.
fn plain(name: &str) -> String {
    name.replace('-', "_")
}
