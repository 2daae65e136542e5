//! Readers of debug sections, with or without relocations.

use std::fmt;

use gimli::{EndianSlice, Reader, Relocate, RelocateReader, RunTimeEndian};
use image::Relocations;

/// A reader over borrowed bytes, which it can hand out for as long as they live.
pub(crate) trait Bytes<'i>: Reader<Offset = usize> + Send + Sync {
    /// What is left to read.
    fn bytes(&self) -> &'i [u8];
}

impl<'i> Bytes<'i> for EndianSlice<'i, RunTimeEndian> {
    fn bytes(&self) -> &'i [u8] {
        self.slice()
    }
}

impl<'i> Bytes<'i> for RelocateReader<EndianSlice<'i, RunTimeEndian>, Relocated<'i>> {
    fn bytes(&self) -> &'i [u8] {
        self.inner().slice()
    }
}

/// The relocations of a section, or none.
#[derive(Clone, Copy)]
pub(crate) struct Relocated<'i>(pub(crate) Option<&'i Relocations<'i>>);

impl Relocate for Relocated<'_> {
    fn relocate_address(&self, offset: usize, value: u64) -> gimli::Result<u64> {
        Ok(self.0.map_or(value, |relocations| relocations.apply(offset as u64, value)))
    }

    fn relocate_offset(&self, offset: usize, value: usize) -> gimli::Result<usize> {
        match self.0 {
            None => Ok(value),
            Some(relocations) => gimli::ReaderOffset::from_u64(relocations.apply(offset as u64, value as u64)),
        }
    }
}

impl fmt::Debug for Relocated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Relocated")
    }
}
