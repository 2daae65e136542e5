//! The symbol index: what each address of an image stands for, in one compact file that is read in place.
//!
//! [`Source`] works an image's units out, each on its own and on any thread; [`write()`] makes one file of these [`Part`]s;
//! [`Index`] reads it without copying. Its answers are those of the debug information it was made from, and where there is
//! none to be had (units that overlap or are damaged) it says so, and the debug information is asked. `FORMAT.md` has the bytes.

mod file;
mod part;
mod strings;
mod write;

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering as Atomic};
use std::sync::{Arc, OnceLock};

use image::Image;

use crate::Paths;
use crate::dwarf::{Inlined, Located, Place};
use file::{Bytes, Section};

pub use file::IndexError;
pub use part::{Part, Source};
pub use write::write;

/// Stretches in a block: each block says all, a stretch says what differs from the one before.
const BLOCK: usize = 32;
/// Calls of stretches below this have a meaning of their own; the others are places of nodes.
const FIRST_NODE: u64 = 3;
/// The function itself, no inlined call.
const ROOT: u64 = 0;
/// No debug information for these addresses.
const NOTHING: u64 = 1;
/// The debug information has to be asked.
const ASK: u64 = 2;
/// Deeper than any chain of a kernel, and as deep as the debug information may be.
const MAX_CHAIN: usize = 256;

/// An index, read in place.
pub struct Index<'i> {
    bytes: Bytes<'i>,
    base: u64,
    /// Paths by number, as they are shown.
    files: Vec<OnceLock<Option<Arc<str>>>>,
    paths: Paths,
    is_damaged: AtomicBool,
}

/// What an index says of an address.
#[derive(Debug)]
pub(crate) enum Answer<'i> {
    Known(Located<'i>),
    /// There is no debug information.
    Nothing,
    /// The index does not know.
    Ask,
}

impl<'i> Index<'i> {
    /// Opens an index that was made for an image with this key; what it holds is checked as it is read.
    pub fn open(bytes: &'i [u8], key: &str) -> Result<Index<'i>, IndexError> {
        Index::with_paths(bytes, key, &Paths::default())
    }

    /// The same, with another way to shorten paths.
    pub fn with_paths(bytes: &'i [u8], key: &str, paths: &Paths) -> Result<Index<'i>, IndexError> {
        let bytes = Bytes::open(bytes, key)?;
        let base = bytes.base();
        let files = (0..bytes.len(Section::Files) / FILE).map(|_| OnceLock::new()).collect();
        Ok(Index { bytes, base, files, paths: paths.clone(), is_damaged: AtomicBool::new(false) })
    }

    /// True where some part that was read is not what was written: the file is to be made anew.
    pub fn is_damaged(&self) -> bool {
        self.is_damaged.load(Atomic::Relaxed)
    }

    /// What the instruction at a flat address stands for.
    pub(crate) fn locate(&self, flat: u64) -> Answer<'i> {
        let Some(at) = flat.checked_sub(self.base).and_then(|at| u32::try_from(at).ok()) else {
            return Answer::Nothing;
        };
        let found = self.stretch(at).and_then(|stretch| match stretch {
            Some(stretch) => self.located(stretch, at),
            None => Some(Answer::Nothing),
        });
        self.sound(found).unwrap_or(Answer::Ask)
    }

    /// Gives an image its symbols in order, if it has the table that they are counted in: a stripped copy of the image has
    /// the same build-id.
    pub(crate) fn give_symbols(&self, image: &Image<'_>) {
        if image.symbol_count() != self.bytes.symbols() as usize {
            return;
        }
        let all = |section| self.bytes.get(section, 0, self.bytes.len(section));
        if let Some((by_name, by_address)) = self.sound(all(Section::ByName).zip(all(Section::ByAddress))) {
            image.use_symbol_index(self.base, by_name, by_address);
        }
    }

    /// Notes where something could not be read.
    fn sound<T>(&self, read: Option<T>) -> Option<T> {
        if read.is_none() {
            self.is_damaged.store(true, Atomic::Relaxed);
        }
        read
    }

    /// The stretch that an address lies in: nothing before the first one. `None` is damage.
    fn stretch(&self, at: u32) -> Option<Option<Stretch>> {
        let blocks = self.bytes.get(Section::Blocks, 0, self.bytes.len(Section::Blocks))?.as_chunks::<8>().0;
        let block = |[a, b, c, d, e, f, g, h]: [u8; 8]| {
            (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]) as usize)
        };
        let after = blocks.partition_point(|bytes| block(*bytes).0 <= at);
        let Some(n) = after.checked_sub(1) else { return Some(None) };
        let (begin, start) = block(blocks[n]);
        let end = blocks.get(after).map_or(self.bytes.len(Section::Stretches), |bytes| block(*bytes).1);
        let bytes = self.bytes.get(Section::Stretches, start, end.checked_sub(start)?)?;
        Stretch::find(bytes, begin, at).map(Some)
    }

    fn located(&self, stretch: Stretch, at: u32) -> Option<Answer<'i>> {
        let mut call = match stretch.call {
            ASK => return Some(Answer::Ask),
            NOTHING => return Some(Answer::Nothing),
            ROOT => None,
            node => Some(node - FIRST_NODE),
        };
        let mut inlined = Vec::new();
        while let Some(node) = call {
            let node = usize::try_from(node).ok()?;
            let len = self.bytes.len(Section::Nodes).checked_sub(node)?.min(4 * MAX_VARINT);
            let mut input = Input(self.bytes.get(Section::Nodes, node, len)?);
            let (up, name) = (input.varint()?, input.varint()?);
            let (file, line) = (input.varint()?, input.varint()?);
            let called = Place { file: self.file(file)?, line: known(line)? };
            inlined.push(Inlined { function: self.string(name)?, called });
            if inlined.len() > MAX_CHAIN {
                return None;
            }
            // Parents come first, so this ends.
            call = if up == 0 { None } else { Some((node as u64).checked_sub(up)?) };
        }
        inlined.reverse();
        let place = Place { file: self.file(stretch.file)?, line: known(u64::from(stretch.line))? };
        let is_entry = stretch.is_entry && stretch.begin == at;
        Some(Answer::Known(Located { inlined, place, is_entry }))
    }

    /// A path by its number, from 1; 0 is none.
    fn file(&self, number: u64) -> Option<Option<Arc<str>>> {
        let Some(number) = number.checked_sub(1) else { return Some(None) };
        let number = usize::try_from(number).ok()?;
        let slot = self.files.get(number)?;
        let show = || {
            let bytes = self.bytes.get(Section::Files, number * FILE, FILE)?;
            let path = self.string(u64::from(u32_at(bytes, 0)?))?;
            Some(Arc::from(self.paths.shown(&path, u32_at(bytes, 4)? as usize)))
        };
        slot.get_or_init(show).clone().map(Some)
    }

    fn string(&self, number: u64) -> Option<Cow<'i, str>> {
        strings::get(&self.bytes, usize::try_from(number).ok()?)
    }
}

/// Bytes of a file's record: its path's number, and how much of it is the build's directory.
const FILE: usize = 8;
/// Addresses with one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    /// Bytes from the index's base.
    begin: u32,
    call: u64,
    file: u64,
    line: u32,
    /// A function starts at `begin`.
    is_entry: bool,
}

impl Stretch {
    /// Puts down what differs from the stretch before; `node` is the last place of a node.
    fn put(self, before: &Stretch, node: &mut u64, out: &mut Vec<u8>) {
        let is_called = self.call != before.call || self.is_entry;
        let delta = u64::from(self.begin - before.begin);
        let has_file = self.file != before.file;
        put_varint(delta << 2 | u64::from(is_called) << 1 | u64::from(has_file), out);
        if is_called {
            let call =
                if self.call < FIRST_NODE { self.call } else { FIRST_NODE + zigzag(self.call as i64 - *node as i64) };
            put_varint(call << 1 | u64::from(self.is_entry), out);
            if self.call >= FIRST_NODE {
                *node = self.call;
            }
        }
        if has_file {
            put_varint(self.file, out);
        }
        put_varint(zigzag(i64::from(self.line) - i64::from(before.line)), out);
    }

    /// Finds the stretch of a block that an address lies in, the block's first one beginning at `begin`.
    fn find(block: &[u8], begin: u32, at: u32) -> Option<Stretch> {
        let mut input = Input(block);
        let mut node = input.varint()?;
        let mut stretch = Stretch { begin, call: ROOT, file: 0, line: 0, is_entry: false };
        let mut found = None;
        while !input.0.is_empty() {
            let head = input.varint()?;
            stretch.begin = stretch.begin.checked_add(u32::try_from(head >> 2).ok()?)?;
            if stretch.begin > at {
                break;
            }
            stretch.is_entry = false;
            if head & 2 != 0 {
                let call = input.varint()?;
                stretch.is_entry = call & 1 != 0;
                stretch.call = call >> 1;
                if stretch.call >= FIRST_NODE {
                    node = node.checked_add_signed(unzigzag(stretch.call - FIRST_NODE))?;
                    stretch.call = node;
                }
            }
            if head & 1 != 0 {
                stretch.file = input.varint()?;
            }
            let line = i64::from(stretch.line).checked_add(unzigzag(input.varint()?))?;
            stretch.line = u32::try_from(line).ok()?;
            found = Some(stretch);
        }
        found
    }
}

/// Lines count from 1; 0 is none.
fn known(line: u64) -> Option<Option<u32>> {
    let line = u32::try_from(line).ok()?;
    Some((line > 0).then_some(line))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

/// Bytes of the longest varint.
const MAX_VARINT: usize = 10;

/// Numbers of seven bits a byte, the lowest first (LEB128).
struct Input<'b>(&'b [u8]);

impl<'b> Input<'b> {
    #[inline(always)]
    fn varint(&mut self) -> Option<u64> {
        // Nearly all are one or two bytes long.
        match *self.0 {
            [first, ref rest @ ..] if first < 0x80 => {
                self.0 = rest;
                Some(u64::from(first))
            }
            [first, second, ref rest @ ..] if second < 0x80 => {
                self.0 = rest;
                Some(u64::from(first & 0x7f) | u64::from(second) << 7)
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for at in 0..MAX_VARINT {
            let byte = *self.0.get(at)?;
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                self.0 = &self.0[at + 1..];
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, len: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }
}

fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever stands in a file whose checksums are right: answers or none, and no panic.
    #[test]
    fn any_bytes_are_read() {
        let mut seed = 7_u64;
        let mut random = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize
        };
        let (mut known, mut damaged) = (0, 0);
        for _ in 0..3000 {
            // Mostly small numbers, and one block and group at the start, so that places and lengths often lead somewhere.
            let mut sections: [Vec<u8>; 8] = std::array::from_fn(|_| {
                let count = random() % 200;
                (0..count)
                    .map(|_| {
                        let byte = random();
                        if byte % 9 == 0 { (byte / 9) as u8 } else { (byte / 9 % 5) as u8 }
                    })
                    .collect()
            });
            sections[Section::Blocks as usize] = vec![0; 8];
            sections[Section::Groups as usize] = vec![0; 4];
            let bytes = file::put("key", 0x1000, 1, sections);
            let index = Index::open(&bytes, "key").expect("a file with good checksums");
            for at in 0..40 {
                known += u32::from(matches!(index.locate(0x1000 + at), Answer::Known(_)));
            }
            damaged += u32::from(index.is_damaged());
        }
        assert!(known > 1000 && damaged > 1000, "{known} answers, {damaged} damaged files");
    }

    #[test]
    fn numbers_come_back() {
        for value in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(value, &mut bytes);
            assert!(bytes.len() <= MAX_VARINT);
            assert_eq!(Input(&bytes).varint(), Some(value));
            assert_eq!(zigzag(unzigzag(value)), value);
        }
        assert_eq!(Input(&[0x80; 20]).varint(), None);
        assert_eq!(Input(&[]).varint(), None);
    }
}
