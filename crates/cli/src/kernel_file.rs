//! Kernel images from files: mapped where they are plain, unpacked where they are compressed.

mod unpack;

use std::fs::File;
use std::io::{self, Read};
use std::ops::Deref;
use std::path::{Path, PathBuf};

use ksplat::image::boot_payload;
use walkdir::WalkDir;

use crate::mmap::map;
use crate::output::{Output, reason};
use unpack::{LARGEST, is_compressed, limited, packed_as, unpack};

/// The bytes of a kernel image.
pub enum KernelFile {
    Mapped(&'static [u8]),
    Unpacked(Vec<u8>),
}

/// A `vmlinux.xz` in a `bzImage` in a `.gz` is three; nobody packs deeper.
const MAX_DEPTH: usize = 4;

impl KernelFile {
    /// Reads an image; `-` is standard input. A compressed file and a bzImage are unpacked.
    pub fn open(path: &Path) -> Result<KernelFile, String> {
        let mut file = if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            limited(&mut io::stdin().lock(), LARGEST, &mut bytes).map_err(|error| reason(&error))?;
            KernelFile::Unpacked(bytes)
        } else {
            KernelFile::Mapped(map(path).map_err(|error| reason(&error))?)
        };
        for _ in 0..MAX_DEPTH {
            let inner = match boot_payload(&file) {
                Some(payload) => payload.map_err(|error| error.to_string())?,
                None => &file,
            };
            match unpack(inner).map_err(|error| reason(&error))? {
                Some(bytes) => file = KernelFile::Unpacked(bytes),
                None if inner.len() < file.len() => return Err(format!("the kernel in it is {}", packed_as(inner))),
                None => break,
            }
        }
        Ok(file)
    }
}

impl Deref for KernelFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            KernelFile::Mapped(bytes) => bytes,
            KernelFile::Unpacked(bytes) => bytes,
        }
    }
}

/// The images behind the paths of a command line; a directory stands for the kernels and modules below it, sorted.
///
/// Those are the files that are called `vmlinux…`, `vmlinuz…`, `bzImage…` or `….ko` (also `.ko.xz` and the like) and begin as one.
pub fn kernel_files(paths: &[PathBuf], output: &Output) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() { below(path, is_kernel_name, output, &mut found) } else { found.push(path.clone()) }
    }
    found
}

/// The modules below a directory, sorted by path, each with the name that the kernel knows it by.
pub fn module_files(directory: &Path, output: &Output) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    below(directory, |name| module_name(name).is_some(), output, &mut found);
    let named = |path: PathBuf| {
        let name = module_name(&path.file_name()?.to_string_lossy())?;
        Some((name, path))
    };
    found.into_iter().filter_map(named).collect()
}

fn below(directory: &Path, wanted: impl Fn(&str) -> bool, output: &Output, found: &mut Vec<PathBuf>) {
    for entry in WalkDir::new(directory).sort_by_file_name() {
        match entry {
            Ok(entry) => {
                let name = entry.file_name().to_string_lossy();
                if entry.file_type().is_file() && wanted(&name) && begins_as_kernel(entry.path()) {
                    found.push(entry.into_path());
                }
            }
            Err(error) => {
                let at = error.path().unwrap_or(directory).to_owned();
                let why = error.into_io_error().map_or_else(|| "a directory contains itself".into(), |e| reason(&e));
                output.error(&at, &why);
            }
        }
    }
}

fn is_kernel_name(name: &str) -> bool {
    let kernel = ["vmlinux", "vmlinuz", "bzImage"].iter().any(|start| name.starts_with(start));
    kernel || module_name(name).is_some()
}

/// What is loaded under a name; debug files beside it are not.
fn module_name(name: &str) -> Option<String> {
    fetch::module_name(name).filter(|_| !name.contains(".ko.debug"))
}

/// False for `vmlinux.lds`, and also for what cannot be read as far as is needed to see that; opening says why.
fn begins_as_kernel(path: &Path) -> bool {
    let mut head = Vec::with_capacity(1 << 10);
    let read = File::open(path).and_then(|file| file.take(1 << 10).read_to_end(&mut head));
    read.is_err() || head.starts_with(b"\x7fELF") || is_compressed(&head) || boot_payload(&head).is_some()
}
