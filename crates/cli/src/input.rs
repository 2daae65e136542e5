//! Inputs: standard input, files, directories, and archives read through.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::output::{Output, reason};

/// Something to read: `-` is standard input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Input(PathBuf);

impl Input {
    /// The name in results.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Reads the input, or each member of an archive, under the name that results give it.
    pub fn read(&self, each: &mut dyn FnMut(&str, &mut dyn Read) -> io::Result<()>) -> io::Result<()> {
        let name = self.0.to_string_lossy();
        if self.0.as_os_str() == "-" {
            return members(&name, &mut BufReader::new(io::stdin().lock()), each);
        }
        let file = File::open(&self.0)?;
        if starts_with(&file, b"PK\x03\x04") {
            return zip_members(&name, file, each);
        }
        members(&name, &mut BufReader::new(file), each)
    }
}

/// The files behind the paths of a command line, in order; a directory stands for the files below it, sorted.
pub fn inputs(paths: &[PathBuf], output: &Output) -> Vec<Input> {
    if paths.is_empty() {
        return vec![Input("-".into())];
    }
    let mut inputs = Vec::new();
    for path in paths {
        if !path.is_dir() {
            inputs.push(Input(path.clone()));
            continue;
        }
        for entry in WalkDir::new(path).sort_by_file_name() {
            match entry {
                Ok(entry) if entry.file_type().is_file() => inputs.push(Input(entry.into_path())),
                Ok(_) => {}
                Err(error) => {
                    let at = error.path().unwrap_or(path).to_owned();
                    let why =
                        error.into_io_error().map_or_else(|| "a directory contains itself".into(), |e| reason(&e));
                    output.error(&at, &why);
                }
            }
        }
    }
    inputs
}

fn members(
    name: &str,
    input: &mut dyn BufRead,
    each: &mut dyn FnMut(&str, &mut dyn Read) -> io::Result<()>,
) -> io::Result<()> {
    let head = input.fill_buf()?;
    if head.starts_with(b"\x1f\x8b") {
        inside(name, &mut flate2::bufread::MultiGzDecoder::new(input), each)
    } else if head.starts_with(b"\xfd7zXZ\0") {
        inside(name, &mut lzma_rust2::XzReader::new(input, true), each)
    } else if head.starts_with(b"\x28\xb5\x2f\xfd") {
        inside(name, &mut zstd::Decoder::with_buffer(input)?, each)
    } else if head.starts_with(b"BZh") {
        inside(name, &mut bzip2::bufread::MultiBzDecoder::new(input), each)
    } else {
        inside(name, input, each)
    }
}

/// A stream that may be a tar archive.
fn inside(
    name: &str,
    input: &mut dyn Read,
    each: &mut dyn FnMut(&str, &mut dyn Read) -> io::Result<()>,
) -> io::Result<()> {
    let mut head = Vec::with_capacity(512);
    input.take(512).read_to_end(&mut head)?;
    let is_tar = head.get(257..262) == Some(b"ustar");
    let mut input = io::Cursor::new(head).chain(input);
    if !is_tar {
        return each(name, &mut input);
    }
    let mut archive = tar::Archive::new(input);
    for member in archive.entries()? {
        let mut member = member?;
        if member.header().entry_type().is_file() {
            let path = format!("{name}/{}", String::from_utf8_lossy(&member.path_bytes()));
            each(&path, &mut member)?;
        }
    }
    Ok(())
}

fn zip_members(name: &str, file: File, each: &mut dyn FnMut(&str, &mut dyn Read) -> io::Result<()>) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(BufReader::new(file))?;
    for index in 0..archive.len() {
        let mut member = archive.by_index(index)?;
        if member.is_file() {
            let path = format!("{name}/{}", String::from_utf8_lossy(member.name_raw()));
            each(&path, &mut member)?;
        }
    }
    Ok(())
}

/// True where a seekable file starts with these bytes; the file is at its start again.
fn starts_with(mut file: &File, magic: &[u8]) -> bool {
    let mut head = vec![0; magic.len()];
    let is = file.read_exact(&mut head).is_ok() && head == magic;
    io::Seek::rewind(&mut file).is_ok() && is
}
