//! The file of an index: a header, a directory of sections, a checksum for each piece of them.
//!
//! A piece is checked when it is first read, so that a look-up reads what it needs and nothing else.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use twox_hash::XxHash3_64;

use super::u32_at;

const MAGIC: &[u8; 8] = b"KSPLATIX";
/// Changes with every change of the bytes; another version is another file.
const VERSION: u32 = 2;
/// Bytes of the header, the directory included.
const HEADER: usize = 256;
const KEY: Range<usize> = 40..104;
const DIRECTORY: usize = 104;
/// Bytes that have a checksum of their own.
const PIECE: usize = 32 << 10;

/// The sections, in the order of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    /// For each block of stretches: where it begins (bytes from the base), and where its bytes are. Two `u32` each.
    Blocks,
    /// Stretches in blocks.
    Stretches,
    /// Inlined calls.
    Nodes,
    /// Paths.
    Files,
    /// Symbols by name: hash, number in the symbol table. Two `u32` each.
    ByName,
    /// Symbols by address: bytes from the base, number in the symbol table. Two `u32` each.
    ByAddress,
    /// Where groups of strings start.
    Groups,
    /// Strings.
    Strings,
}

const SECTIONS: usize = 8;

/// Why a file is no index of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexError {
    /// It does not start as an index does.
    NotAnIndex,
    /// Another version of ksplat made it.
    OtherVersion,
    /// It belongs to another image.
    OtherImage,
    /// It was cut or changed after it was written.
    Damaged,
}

impl fmt::Display for IndexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IndexError::NotAnIndex => "not a symbol index",
            IndexError::OtherVersion => "a symbol index of another version",
            IndexError::OtherImage => "the symbol index of another image",
            IndexError::Damaged => "a damaged symbol index",
        })
    }
}

impl std::error::Error for IndexError {}

/// The bytes of an index, checked as they are read.
pub(super) struct Bytes<'i> {
    all: &'i [u8],
    sections: [Range<usize>; SECTIONS],
    body: usize,
    base: u64,
    symbols: u32,
    checked: Box<[AtomicBool]>,
}

impl<'i> Bytes<'i> {
    pub(super) fn open(all: &'i [u8], key: &str) -> Result<Bytes<'i>, IndexError> {
        if !all.starts_with(MAGIC) {
            return Err(IndexError::NotAnIndex);
        }
        let header = all.get(..HEADER).ok_or(IndexError::Damaged)?;
        let word = |at: usize| header[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let place = |at: usize| usize::try_from(word(at)).map_err(|_| IndexError::Damaged);
        if u32_at(header, 8) != Some(VERSION) {
            return Err(IndexError::OtherVersion);
        }
        let (length, body) = (place(24)?, HEADER + pieces(all.len()) * 8);
        if length != all.len() || body > all.len() || word(16) != head_sum(all, body) {
            return Err(IndexError::Damaged);
        }
        if padded_key(key) != header[KEY] {
            return Err(IndexError::OtherImage);
        }
        let mut sections = [const { 0..0 }; SECTIONS];
        for (n, section) in sections.iter_mut().enumerate() {
            let (start, len) = (place(DIRECTORY + n * 16)?, place(DIRECTORY + n * 16 + 8)?);
            let end = start.checked_add(len).filter(|end| body <= start && *end <= all.len());
            *section = start..end.ok_or(IndexError::Damaged)?;
        }
        let checked = (0..pieces(all.len())).map(|_| AtomicBool::new(false)).collect();
        let symbols = u32_at(header, 12).unwrap_or(0);
        Ok(Bytes { all, sections, body, base: word(32), symbols, checked })
    }

    pub(super) fn base(&self) -> u64 {
        self.base
    }

    /// How many symbols the table of the image has.
    pub(super) fn symbols(&self) -> u32 {
        self.symbols
    }

    pub(super) fn len(&self, section: Section) -> usize {
        self.sections[section as usize].len()
    }

    /// Some bytes of a section; `None` where they are not there, or not as they were written.
    #[inline]
    pub(super) fn get(&self, section: Section, at: usize, len: usize) -> Option<&'i [u8]> {
        let Range { start, end } = self.sections[section as usize];
        let from = start.checked_add(at)?;
        let to = from.checked_add(len).filter(|to| *to <= end)?;
        if len > 0 {
            for piece in from / PIECE..=(to - 1) / PIECE {
                if !self.checked[piece].load(Ordering::Relaxed) {
                    self.check(piece)?;
                }
            }
        }
        Some(&self.all[from..to])
    }

    #[cold]
    fn check(&self, piece: usize) -> Option<()> {
        let sum = self.all[HEADER + piece * 8..self.body].first_chunk().map(|bytes| u64::from_le_bytes(*bytes))?;
        (sum == piece_sum(self.all, self.body, piece)).then_some(())?;
        self.checked[piece].store(true, Ordering::Relaxed);
        Some(())
    }
}

/// Makes a file of its sections.
pub(super) fn put(key: &str, base: u64, symbols: u32, sections: [Vec<u8>; SECTIONS]) -> Vec<u8> {
    let content: usize = sections.iter().map(Vec::len).sum();
    // The checksums have to find place in front of what they are of, themselves included.
    let mut body = HEADER;
    while HEADER + pieces(body + content) * 8 > body {
        body = HEADER + pieces(body + content) * 8;
    }
    let mut all = Vec::with_capacity(body + content);
    all.resize(body, 0);
    all[..8].copy_from_slice(MAGIC);
    all[8..12].copy_from_slice(&VERSION.to_le_bytes());
    all[12..16].copy_from_slice(&symbols.to_le_bytes());
    all[24..32].copy_from_slice(&((body + content) as u64).to_le_bytes());
    all[32..40].copy_from_slice(&base.to_le_bytes());
    all[KEY].copy_from_slice(&padded_key(key));
    for (n, section) in sections.into_iter().enumerate() {
        let at = DIRECTORY + n * 16;
        let start = all.len() as u64;
        all[at..at + 8].copy_from_slice(&start.to_le_bytes());
        all[at + 8..at + 16].copy_from_slice(&(section.len() as u64).to_le_bytes());
        all.extend(section);
    }
    for piece in 0..pieces(all.len()) {
        let sum = piece_sum(&all, body, piece);
        all[HEADER + piece * 8..][..8].copy_from_slice(&sum.to_le_bytes());
    }
    let sum = head_sum(&all, body);
    all[16..24].copy_from_slice(&sum.to_le_bytes());
    all
}

fn pieces(len: usize) -> usize {
    len.div_ceil(PIECE)
}

/// The checksum of the header and the checksums behind it, without its own place.
fn head_sum(all: &[u8], body: usize) -> u64 {
    let mut head = all[..body].to_vec();
    head[16..24].fill(0);
    XxHash3_64::oneshot(&head)
}

/// The checksum of what a piece has of the sections.
fn piece_sum(all: &[u8], body: usize, piece: usize) -> u64 {
    let end = ((piece + 1) * PIECE).min(all.len());
    XxHash3_64::oneshot(&all[(piece * PIECE).max(body).min(end)..end])
}

/// A key as the header has it: longer ones are cut, so they should be digests.
fn padded_key(key: &str) -> [u8; KEY.end - KEY.start] {
    let mut padded = [0; KEY.end - KEY.start];
    padded.iter_mut().zip(key.bytes()).for_each(|(to, from)| *to = from);
    padded
}
