//! Kernel images from files: mapped where they are plain, unpacked where they are compressed.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Deref;
use std::path::{Path, PathBuf};

use ksplat::image::boot_payload;
use walkdir::WalkDir;

use crate::mmap::map;
use crate::output::{Output, reason};

/// The bytes of a kernel image.
pub enum KernelFile {
    Mapped(&'static [u8]),
    Unpacked(Vec<u8>),
}

/// A `vmlinux.xz` in a `bzImage` in a `.gz` is three; nobody packs deeper.
const MAX_DEPTH: usize = 4;
/// What a compressed file may unpack to whatever its size, bytes.
const SMALL: u64 = 64 << 20;
/// Kernels shrink by 3 to 10: what unpacks to more than 64 times its size is a trap.
const MAX_RATIO: u64 = 64;
/// No kernel is larger, with all its debug information.
const LARGEST: u64 = 4 << 30;
/// The kernel is packed with a dictionary of 128 MiB at most, KiB.
const XZ_MEMORY: u32 = 256 << 10;

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
    read.is_err() || head.starts_with(b"\x7fELF") || compression(&head).is_some() || boot_payload(&head).is_some()
}

#[derive(Clone, Copy)]
enum Compression {
    Gzip,
    Xz,
    Zstd,
    Bzip2,
    Lz4,
}

fn compression(head: &[u8]) -> Option<Compression> {
    const FORMATS: [(&[u8], Compression); 5] = [
        (b"\x1f\x8b", Compression::Gzip),
        (b"\xfd7zXZ\0", Compression::Xz),
        (b"\x28\xb5\x2f\xfd", Compression::Zstd),
        (b"BZh", Compression::Bzip2),
        (LZ4, Compression::Lz4),
    ];
    FORMATS.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, format)| *format)
}

/// Names compressions of the kernel's build that are not read.
fn packed_as(payload: &[u8]) -> &'static str {
    const UNREAD: [(&[u8], &str); 2] =
        [(b"\x5d\0\0", "packed by lzma, which is not read"), (b"\x89LZO", "packed by lzo, which is not read")];
    UNREAD.iter().find(|(magic, _)| payload.starts_with(magic)).map_or("not packed in a known way", |(_, what)| what)
}

/// Unpacks the first stream; `None` where the bytes are not compressed. What follows the stream is left alone: in a
/// bzImage that is the unpacked size.
fn unpack(packed: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let Some(format) = compression(packed) else { return Ok(None) };
    let limit = (packed.len() as u64).saturating_mul(MAX_RATIO).clamp(SMALL, LARGEST);
    let mut bytes = Vec::new();
    match format {
        Compression::Gzip => limited(&mut flate2::bufread::GzDecoder::new(packed), limit, &mut bytes),
        Compression::Xz => {
            let mut reader = lzma_rust2::XzReader::new_mem_limit(packed, false, XZ_MEMORY);
            limited(&mut reader, limit, &mut bytes)
        }
        Compression::Zstd => limited(&mut zstd::Decoder::with_buffer(packed)?.single_frame(), limit, &mut bytes),
        Compression::Bzip2 => limited(&mut bzip2::bufread::BzDecoder::new(packed), limit, &mut bytes),
        Compression::Lz4 => lz4(packed, limit, &mut bytes),
    }?;
    Ok(Some(bytes))
}

/// The old frame of lz4, which the kernel's build takes (lz4_Frame_format.md, "Legacy frame"): blocks with their sizes.
const LZ4: &[u8] = b"\x02\x21\x4c\x18";
/// What a block of that frame unpacks to at most, bytes.
const LZ4_BLOCK: usize = 8 << 20;

fn lz4(packed: &[u8], limit: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut rest = packed.get(LZ4.len()..).unwrap_or_default();
    let mut block = vec![0; LZ4_BLOCK];
    // Too few bytes for a size and a block: in a bzImage that is the unpacked size, else nothing.
    while let Some((size, tail)) = rest.split_first_chunk::<4>().filter(|(_, tail)| !tail.is_empty()) {
        let size = u32::from_le_bytes(*size) as usize;
        let packed = tail.get(..size).ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        let unpacked = lz4_flex::block::decompress_into(packed, &mut block).map_err(io::Error::other)?;
        limited(&mut &block[..unpacked], limit.saturating_sub(bytes.len() as u64), bytes)?;
        rest = &tail[size..];
    }
    Ok(())
}

fn limited(reader: &mut dyn Read, limit: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    let read = reader.take(limit + 1).read_to_end(bytes)? as u64;
    if read > limit {
        return Err(io::Error::other("unpacks to far more than a kernel of its size does"));
    }
    Ok(())
}
