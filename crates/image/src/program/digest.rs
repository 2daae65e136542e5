//! What is in a part, as a digest: bytes as they are, references by what they name.

use std::collections::HashMap;

use object::SymbolIndex;

use super::names::normal_name;
use super::references::Target;
use super::texts::{is_path, normal_text, text};
use super::{Part, PartKind, Program};
use crate::Signature;

pub(super) type Digest = [u8; 32];

/// The digests of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digests {
    /// Of its content, references named.
    pub content: Digest,
    /// Of its bytes alone, references left out.
    pub shape: Digest,
}

/// The scheme and its version: a change of what is ignored changes this text.
const CONTEXT: &str = "ksplat normalized kernel signature v2";

/// Fields of `.modinfo` that say which build a module is of, and from which file.
const MODINFO: [&[u8]; 4] = [b"vermagic=", b"srcversion=", b"scmversion=", b"file="];

/// Tells what follows in the text that is hashed.
#[derive(Clone, Copy)]
enum Tag {
    Bytes = 1,
    Ignored,
    Itself,
    Named,
    Physical,
    Symbol,
    Text,
    Literal,
    Table,
    Behind,
    Nowhere,
}

/// How parts without a name of their own are told apart: not in the first round, by their first digests in the second.
pub(super) type Firsts<'f> = Option<&'f [Option<Digest>]>;

impl<'d> Program<'d> {
    /// The digest of a part that its name does not tell from others (a literal, or one of several static functions of a
    /// name), with what it refers to by name only.
    pub fn first_digest(&self, at: usize) -> Option<Digest> {
        let part = &self.parts[at];
        let needed = part.kind == PartKind::Literal || self.is_ambiguous(part);
        needed.then(|| {
            let mut out = Vec::new();
            self.write(part, None, &mut out);
            *blake3::hash(&out).as_bytes()
        })
    }

    /// The digests of a part, given the first ones of all; `None` where it does not count.
    pub fn digest(&self, at: usize, firsts: &[Option<Digest>]) -> Option<Digests> {
        let part = &self.parts[at];
        let bytes = self.space.bytes(part.section, part.begin, part.end);
        if part.kind == PartKind::Literal && text(bytes).is_some_and(is_path) {
            return None;
        }
        let mut out = Vec::with_capacity(bytes.len() * 2);
        self.write(part, Some(firsts), &mut out);
        let content = *blake3::hash(&out).as_bytes();
        let mut shape = bytes.to_vec();
        for reference in self.references_in(part.begin, part.end) {
            let begin = (reference.begin - part.begin) as usize;
            let end = (begin + reference.size as usize).min(shape.len());
            shape.get_mut(begin..end).into_iter().flatten().for_each(|byte| *byte = 0);
        }
        Some(Digests { content, shape: *blake3::hash(&shape).as_bytes() })
    }

    /// The normalised signature: of the set of all parts, each with its kind, section, name and content.
    pub fn signature(&self, digests: &[Option<Digests>]) -> Signature {
        let element = |(part, digests): (&Part<'d>, &Option<Digests>)| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&[kind_byte(part.kind)]);
            for text in [self.section_of(part), &part.name] {
                hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
            }
            hasher.update(&digests.as_ref()?.content);
            Some(*hasher.finalize().as_bytes())
        };
        let mut elements: Vec<Digest> = self.parts.iter().zip(digests).filter_map(element).collect();
        elements.sort_unstable();
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update(elements.as_flattened());
        hasher.update(&self.initcalls());
        Signature(*hasher.finalize().as_bytes())
    }

    /// The section of a part, without the part's own name (`-ffunction-sections`).
    pub(super) fn section_of(&self, part: &Part<'d>) -> &'d str {
        let section = self.space.sections[part.section].name;
        let own = section.strip_suffix(part.symbol).and_then(|section| section.strip_suffix('.'));
        own.filter(|own| !own.is_empty() && !part.symbol.is_empty()).unwrap_or(section)
    }

    /// The one table whose order counts: what the kernel calls at boot, one after the other.
    fn initcalls(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for part in self.parts.iter().filter(|part| part.symbol.starts_with("__initcall__")) {
            out.extend(part.name.as_bytes());
            out.push(0);
        }
        out
    }

    fn write(&self, part: &Part<'d>, firsts: Firsts<'_>, out: &mut Vec<u8>) {
        let bytes = self.space.bytes(part.section, part.begin, part.end);
        let references = self.references_in(part.begin, part.end);
        match part.kind {
            PartKind::Space => out.extend((part.end - part.begin).to_le_bytes()),
            PartKind::Orc => self.write_orc(references, part, firsts, out),
            PartKind::Table { stride } => {
                let entries = (part.begin..part.end).step_by(stride as usize).filter_map(|begin| {
                    let end = (begin + stride).min(part.end);
                    let mut out = Vec::new();
                    self.write_bytes(part, begin, end, firsts, &mut out);
                    // Padding at the table's end is no entry.
                    let is_padding = self.references_in(begin, end).is_empty()
                        && self.space.bytes(part.section, begin, end).iter().all(|byte| *byte == 0);
                    (!is_padding).then(|| *blake3::hash(&out).as_bytes())
                });
                let mut entries: Vec<Digest> = entries.collect();
                entries.sort_unstable();
                out.extend(entries.as_flattened());
            }
            _ => match text(bytes).filter(|text| bytes[text.len()..].iter().all(|byte| *byte == 0)) {
                Some(text) if references.is_empty() || self.is_modinfo(part) => self.write_text(part, text, out),
                _ => self.write_bytes(part, part.begin, part.end, firsts, out),
            },
        }
    }

    fn is_modinfo(&self, part: &Part<'d>) -> bool {
        self.space.sections[part.section].name == ".modinfo"
    }

    fn write_text(&self, part: &Part<'d>, text: &[u8], out: &mut Vec<u8>) {
        out.push(Tag::Text as u8);
        if self.is_modinfo(part) {
            // Of a part of the kernel, the field has the part's name in front: `loop.file=drivers/block/loop`.
            let name = text.iter().position(|byte| matches!(byte, b'.' | b'=')).filter(|at| text[*at] == b'.');
            let field = name.map_or(text, |at| &text[at + 1..]);
            if let Some(ignored) = MODINFO.iter().find(|start| field.starts_with(start)) {
                out.extend(*ignored);
                return;
            }
        }
        normal_text(text, out);
    }

    fn write_bytes(&self, part: &Part<'d>, begin: u64, end: u64, firsts: Firsts<'_>, out: &mut Vec<u8>) {
        let mut seen = HashMap::new();
        let mut at = begin;
        let plain = |from: u64, to: u64, out: &mut Vec<u8>| {
            let bytes = self.space.bytes(part.section, from, to);
            out.push(Tag::Bytes as u8);
            out.extend((bytes.len() as u32).to_le_bytes());
            out.extend(bytes);
        };
        for reference in self.references_in(begin, end) {
            plain(at, reference.begin, out);
            // Where a version is left out, so is how long it is.
            let size = if reference.target == Target::Ignored { 0 } else { reference.size };
            out.push(size as u8);
            self.write_target(part, reference.target, firsts, &mut seen, out);
            at = (reference.begin + u64::from(reference.size)).min(end);
        }
        plain(at, end, out);
    }

    /// Names a target. Of several parts of a name, `seen` tells whether it is the same as before.
    pub(super) fn write_target(
        &self,
        part: &Part<'d>,
        target: Target,
        firsts: Firsts<'_>,
        seen: &mut HashMap<usize, u32>,
        out: &mut Vec<u8>,
    ) {
        let place = match target {
            Target::Ignored => return out.push(Tag::Ignored as u8),
            Target::Symbol { index, plus } => {
                let symbol = self.space.image.symbols.symbol(SymbolIndex(index as usize));
                let symbol = symbol.map_or("", |symbol| self.space.symbol_name(symbol));
                return write_name(Tag::Symbol, &normal_name(symbol), plus as u64, out);
            }
            Target::Place(place) => place,
            Target::Physical(place) => {
                out.push(Tag::Physical as u8);
                place
            }
        };
        let mut name = |tag: Tag, name: &str, plus: u64| write_name(tag, name, plus, out);
        if part.begin <= place && place < part.end {
            return name(Tag::Itself, "", place - part.begin);
        }
        let Some(at) = self.part_at(place) else {
            let before = self.parts.partition_point(|part| part.begin <= place).checked_sub(1);
            let before = before.map(|at| &self.parts[at]).filter(|before| !before.name.is_empty());
            return match (self.space.section_at(place), before) {
                // Zeros up to the next part: the empty string, most often.
                (Some(section), _) if self.space.bytes(section, place, place + 1) == [0] => {
                    name(Tag::Text, "", 0);
                }
                (Some(section), Some(before)) if before.section == section => {
                    name(Tag::Behind, &before.name, place - before.begin);
                }
                (Some(section), _) => name(Tag::Behind, self.space.sections[section].name, 0),
                (None, _) => name(Tag::Nowhere, "", place),
            };
        };
        let found = &self.parts[at];
        let first = || firsts.and_then(|firsts| firsts[at]).unwrap_or_default();
        match found.kind {
            PartKind::Table { .. } | PartKind::Orc => {
                name(Tag::Table, self.section_of(found), u64::from(place == found.begin));
            }
            PartKind::Literal => match self.text_at(place) {
                Some(text) => {
                    out.push(Tag::Text as u8);
                    self.write_versioned(place, text, out);
                    out.push(0);
                }
                None => {
                    name(Tag::Literal, "", place - found.begin);
                    out.extend(first());
                }
            },
            _ => {
                name(Tag::Named, &found.name, place - found.begin);
                if self.is_ambiguous(found) {
                    let count = seen.len() as u32;
                    out.extend(seen.entry(at).or_insert(count).to_le_bytes());
                    out.extend(first());
                }
            }
        }
    }

    /// A string at a place of data, without the versions in it.
    fn write_versioned(&self, place: u64, text: &[u8], out: &mut Vec<u8>) {
        let spots = &self.space.spots;
        let first = spots.partition_point(|spot| spot.begin < place);
        let mut at = 0;
        for spot in spots[first..].iter().take_while(|spot| spot.begin < place + text.len() as u64) {
            let begin = (spot.begin - place) as usize;
            normal_text(text.get(at..begin).unwrap_or_default(), out);
            out.push(Tag::Ignored as u8);
            at = (begin + spot.size as usize).min(text.len()).max(at);
        }
        normal_text(&text[at..], out);
    }
}

fn write_name(tag: Tag, name: &str, plus: u64, out: &mut Vec<u8>) {
    out.push(tag as u8);
    out.extend((name.len() as u32).to_le_bytes());
    out.extend(name.as_bytes());
    out.extend(plus.to_le_bytes());
}

fn kind_byte(kind: PartKind) -> u8 {
    match kind {
        PartKind::Function => 1,
        PartKind::Data => 2,
        PartKind::Space => 3,
        PartKind::Literal => 4,
        PartKind::Table { .. } => 5,
        PartKind::Orc => 6,
    }
}
