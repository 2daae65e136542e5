//! What is inside of compressed files and archives, in memory that does not grow with what they claim.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::rc::Rc;

/// What is done with each log: its name, and its bytes.
pub type Each<'e> = dyn FnMut(&str, &mut dyn Read) -> io::Result<()> + 'e;

/// KiB that an xz file may ask for: the highest level of xz needs 65 MiB, and a file may claim 4 GiB.
const XZ_MEMORY: u32 = 128 << 10;

/// Bytes that a tar archive may put in front of a member: its long name, its extended header.
const TAR_HEADERS: u64 = 1 << 20;

/// Reads a file or stream, or each member of an archive.
pub fn members(name: &str, input: &mut dyn BufRead, each: &mut Each<'_>) -> io::Result<()> {
    let head = input.fill_buf()?;
    if head.starts_with(b"\x1f\x8b") {
        inside(name, &mut flate2::bufread::MultiGzDecoder::new(input), each)
    } else if head.starts_with(b"\xfd7zXZ\0") {
        inside(name, &mut lzma_rust2::XzReader::new_mem_limit(input, true, XZ_MEMORY), each)
    } else if head.starts_with(b"\x28\xb5\x2f\xfd") {
        inside(name, &mut zstd::Decoder::with_buffer(input)?, each)
    } else if head.starts_with(b"BZh") {
        inside(name, &mut bzip2::bufread::MultiBzDecoder::new(input), each)
    } else {
        inside(name, input, each)
    }
}

/// Reads each member of a zip archive.
pub fn zip_members(name: &str, file: BufReader<File>, each: &mut Each<'_>) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(file)?;
    for index in 0..archive.len() {
        let mut member = archive.by_index(index)?;
        if member.is_file() {
            let path = format!("{name}/{}", String::from_utf8_lossy(member.name_raw()));
            each(&path, &mut member)?;
        }
    }
    Ok(())
}

/// A stream that may be a tar archive.
fn inside(name: &str, input: &mut dyn Read, each: &mut Each<'_>) -> io::Result<()> {
    let head = head(input)?;
    let is_tar = head.get(257..262) == Some(b"ustar");
    let mut input = io::Cursor::new(head).chain(input);
    if is_tar { tar_members(name, &mut input, each) } else { each(name, &mut input) }
}

/// As much of a stream as tells whether it is a tar archive. Who writes a log line by line gets an answer after each: a header
/// of tar has a NUL behind its name, and a line that ends before one is text.
fn head(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(512);
    let mut chunk = [0; 512];
    while head.len() < 262 && memchr::memchr2(0, b'\n', &head).is_none_or(|at| head[at] == 0) {
        match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => head.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(head)
}

fn tar_members(name: &str, input: &mut dyn Read, each: &mut Each<'_>) -> io::Result<()> {
    let left = Rc::new(Cell::new(TAR_HEADERS));
    let mut archive = tar::Archive::new(Metered { input, at: 0, left: Rc::clone(&left) });
    for member in archive.entries_with_seek()? {
        let mut member = member?;
        // A log may be of any size; what the archive reads for itself, and keeps in memory, may not.
        left.set(u64::MAX);
        let mut skipped = member.header().entry_size().unwrap_or(0);
        if member.header().entry_type().is_file() {
            let path = format!("{name}/{}", String::from_utf8_lossy(&member.path_bytes()));
            each(&path, &mut member)?;
            let mut unread = [0; 512];
            while member.read(&mut unread)? > 0 {}
            skipped = 0;
        }
        left.set(TAR_HEADERS.saturating_add(skipped));
    }
    Ok(())
}

/// A reader that gives so many bytes.
struct Metered<'i> {
    input: &'i mut dyn Read,
    at: u64,
    left: Rc<Cell<u64>>,
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 && !buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a header of over 1 MiB in a tar archive"));
        }
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = self.input.read(&mut buffer[..most])?;
        self.left.set(left - read as u64);
        self.at += read as u64;
        Ok(read)
    }
}

/// Goes forward only: the archive skips what pads its members.
impl Seek for Metered<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Current(bytes @ 0..) = to else { return Err(ErrorKind::Unsupported.into()) };
        let skipped = io::copy(&mut Read::take(&mut *self, bytes.unsigned_abs()), &mut io::sink())?;
        if skipped < bytes.unsigned_abs() { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(self.at) }
    }
}
