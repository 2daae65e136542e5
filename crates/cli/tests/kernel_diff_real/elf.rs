//! A kernel's functions and objects, read from the ELF file by nothing but this.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// A function or an object: its address, and its bytes without relocated fields.
pub struct Part {
    pub address: u64,
    pub bytes: Vec<u8>,
}

/// Parts by name, without what compilers and macros number in it.
pub type Parts = BTreeMap<String, Vec<Part>>;

/// A kernel: its parts, and what they refer to.
pub struct Kernel {
    pub functions: Parts,
    pub objects: Parts,
    /// Start, end and name of all parts, also those without content, sorted.
    places: Vec<(u64, u64, String)>,
    /// Relocated fields and the addresses that they are filled with, sorted.
    references: Vec<(u64, u64)>,
    /// Addresses and contents of sections.
    sections: Vec<(u64, Vec<u8>)>,
}

struct Section {
    kind: u32,
    flags: u64,
    address: u64,
    offset: u64,
    size: u64,
    link: usize,
    info: usize,
}

fn half(bytes: &[u8], at: usize) -> usize {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()).into()
}

pub fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

impl Kernel {
    pub fn read(path: &Path) -> Kernel {
        let file = File::open(path).unwrap();
        let read = |offset: u64, size: u64| {
            let mut bytes = vec![0; size as usize];
            file.read_exact_at(&mut bytes, offset).unwrap();
            bytes
        };
        let header = read(0, 64);
        let table = read(long(&header, 0x28), 64 * half(&header, 0x3c) as u64);
        let sections: Vec<Section> = table
            .chunks_exact(64)
            .map(|row| Section {
                kind: word(row, 4),
                flags: long(row, 8),
                address: long(row, 16),
                offset: long(row, 24),
                size: long(row, 32),
                link: word(row, 40) as usize,
                info: word(row, 44) as usize,
            })
            .collect();
        // PROGBITS that is loaded.
        let loaded = |section: &Section| section.kind == 1 && section.flags & 2 == 2;
        let mut contents: BTreeMap<usize, Vec<u8>> = sections
            .iter()
            .enumerate()
            .filter(|(_, section)| loaded(section))
            .map(|(index, section)| (index, read(section.offset, section.size)))
            .collect();
        let originals = contents.iter().map(|(index, bytes)| (sections[*index].address, bytes.clone())).collect();
        let table = sections.iter().find(|section| section.kind == 2).unwrap();
        let strings = read(sections[table.link].offset, sections[table.link].size);
        let symbols = read(table.offset, table.size);
        let mut references = Vec::new();
        for relocations in sections.iter().filter(|section| section.kind == 4) {
            let Some(bytes) = contents.get_mut(&relocations.info) else { continue };
            for entry in read(relocations.offset, relocations.size).chunks_exact(24) {
                // What counts from the field's own end is most often the last of its instruction.
                let (width, end) = match word(entry, 8) {
                    1 | 24 => (8, 0),
                    2 | 4 => (4, 4),
                    10 | 11 => (4, 0),
                    0 => continue,
                    other => panic!("relocation type {other}"),
                };
                let at = (long(entry, 0) - sections[relocations.info].address) as usize;
                bytes[at..at + width].fill(0);
                let symbol = long(&symbols, 24 * word(entry, 12) as usize + 8);
                references.push((long(entry, 0), symbol.wrapping_add(long(entry, 16)).wrapping_add(end)));
            }
        }
        references.sort_unstable();
        let (functions, objects, places) = (Parts::new(), Parts::new(), Vec::new());
        let mut kernel = Kernel { functions, objects, places, references, sections: originals };
        for symbol in symbols.chunks_exact(24) {
            let (kind, section) = (symbol[4] & 15, half(symbol, 6));
            let (address, size) = (long(symbol, 8), long(symbol, 16));
            if !matches!(kind, 1 | 2) || size == 0 || section >= sections.len() {
                continue;
            }
            let name = strings[word(symbol, 0) as usize..].split(|byte| *byte == 0).next().unwrap();
            let name = plain(std::str::from_utf8(name).unwrap());
            kernel.places.push((address, address + size, name.clone()));
            let parts = match (kind == 2, sections[section].flags & 4 == 4) {
                (true, true) => &mut kernel.functions,
                (false, false) => &mut kernel.objects,
                _ => continue,
            };
            let Some(bytes) = contents.get(&section) else { continue };
            let at = (address - sections[section].address) as usize;
            let bytes = bytes[at..at + size as usize].to_vec();
            parts.entry(name).or_default().push(Part { address, bytes });
        }
        kernel.places.sort();
        for parts in [&mut kernel.functions, &mut kernel.objects] {
            parts.values_mut().for_each(|same| same.sort_by_key(|part| part.address));
        }
        kernel
    }

    /// Name and offset of a place; of several names of a function the first.
    pub fn at(&self, address: u64) -> Option<(&str, u64)> {
        let after = self.places.partition_point(|(start, ..)| *start <= address);
        let (start, ..) = self.places[..after].last()?;
        let first = self.places.partition_point(|(other, ..)| other < start);
        let (start, end, name) = &self.places[first];
        (address < *end).then_some((name, address - start))
    }

    /// All names of a place, with the offset in each.
    fn names(&self, address: u64) -> BTreeSet<(&str, u64)> {
        let after = self.places.partition_point(|(start, ..)| *start <= address);
        let near =
            self.places[..after].iter().rev().take(40).filter(|(start, end, _)| *start == address || address < *end);
        near.map(|(start, _, name)| (name.as_str(), address - start)).collect()
    }

    /// The text at a place, up to its NUL.
    fn text(&self, address: u64) -> Option<&[u8]> {
        let inside = |(start, bytes): &&(u64, Vec<u8>)| (*start..start + bytes.len() as u64).contains(&address);
        let (start, bytes) = self.sections.iter().find(inside)?;
        bytes[(address - start) as usize..].split(|byte| *byte == 0).next()
    }

    /// Offsets and targets of what a part refers to.
    fn references(&self, part: &Part) -> impl Iterator<Item = (u64, u64)> {
        let end = part.address + part.bytes.len() as u64;
        let first = self.references.partition_point(|(at, _)| *at < part.address);
        self.references[first..].iter().take_while(move |(at, _)| *at < end).map(|(at, to)| (at - part.address, *to))
    }

    /// Whether two parts refer to different things: of another name, without a name and with another text, or one of several that
    /// have the same name, which nothing here tells apart.
    pub fn refer_to_others(&self, ours: &Part, other: &Kernel, theirs: &Part) -> bool {
        let (a, b): (Vec<_>, Vec<_>) = (self.references(ours).collect(), other.references(theirs).collect());
        let differs = |((at, ours), (by, theirs)): (&(u64, u64), &(u64, u64))| {
            let (names, others) = (self.names(*ours), other.names(*theirs));
            let differs = match names.is_empty() && others.is_empty() {
                true => self.text(*ours) != other.text(*theirs),
                false => names.is_disjoint(&others),
            };
            at != by || differs || self.is_one_of_several(*ours)
        };
        let mut calls = self.resolved_calls(ours).filter(|to| self.names(*to).iter().any(|(_, offset)| *offset == 0));
        a.len() != b.len() || a.iter().zip(&b).any(differs) || calls.any(|to| self.is_one_of_several(to))
    }

    /// Whether the part at a place has a name that others have, too.
    fn is_one_of_several(&self, address: u64) -> bool {
        let count = |parts: &Parts, name: &str| parts.get(name).map_or(0, Vec::len);
        let names = self.names(address);
        names.iter().any(|(name, _)| count(&self.functions, name).max(count(&self.objects, name)) > 1)
    }

    /// Where calls and jumps go that the assembler resolved, and what looks like one.
    fn resolved_calls(&self, part: &Part) -> impl Iterator<Item = u64> {
        let calls = part.bytes.windows(5).enumerate().filter(|(_, bytes)| matches!(bytes[0], 0xe8 | 0xe9));
        calls.map(|(at, bytes)| (part.address + at as u64 + 5).wrapping_add_signed((word(bytes, 1) as i32).into()))
    }
}

/// A name without its numbers: `foo.isra.0`, `__UNIQUE_ID_ddebug236`.
fn plain(name: &str) -> String {
    let is_number = |piece: &&str| piece.bytes().all(|byte| byte.is_ascii_digit());
    let name = name.split('.').filter(|piece| !is_number(piece)).collect::<Vec<_>>().join(".");
    match name.starts_with("__UNIQUE_ID_") {
        true => name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned(),
        false => name,
    }
}
