//! Inputs: standard input, files, directories, and archives read through.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

mod archive;

use archive::{Each, members, zip_members};

use crate::output::{Output, reason};

/// Bytes that are asked of the system at once.
const READ: usize = 64 << 10;

/// Something to read: `-` is standard input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Input(PathBuf);

impl Input {
    /// The name in results.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Reads the input, or each member of an archive, under the name that results give it.
    pub fn read(&self, each: &mut Each<'_>) -> io::Result<()> {
        let name = self.0.to_string_lossy();
        if self.0.as_os_str() == "-" {
            return members(&name, &mut BufReader::with_capacity(READ, io::stdin().lock()), each);
        }
        let mut file = BufReader::with_capacity(READ, File::open(&self.0)?);
        // Only what can be read from its end is read as a zip file; a pipe keeps what was looked at.
        if file.fill_buf()?.starts_with(b"PK\x03\x04") && file.rewind().is_ok() {
            return zip_members(&name, file, each);
        }
        members(&name, &mut file, each)
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
