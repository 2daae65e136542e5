//! A kernel taken apart: functions, data objects, literals and tables, each with a digest that does not depend on where
//! the linker put things.
//!
//! Steps, each over independent units so that a caller may run them at the same time:
//! [`Space::new`] lays out sections and symbols; [`Space::scan`] finds what each unit refers to; [`Program::new`] cuts
//! what has no symbol at the places that are referred to; [`Program::first_digest`] and [`Program::digest`] say what is
//! in a part. What is ignored is in `NORMALIZED.md`.

mod code;
mod difference;
mod digest;
mod lines;
mod listing;
mod names;
mod orc;
mod parts;
mod references;
mod relocated;
mod space;
mod spots;
mod tables;
mod texts;
mod units;

use std::borrow::Cow;
use std::collections::HashMap;

pub use difference::{Change, Difference, What};
pub use digest::Digests;
pub use lines::Lines;
pub use listing::{Line, Listing};
pub use references::Scanned;
pub use space::Space;
pub use units::Unit;

use crate::LinkAddr;
use references::{Reference, Target};

/// A part of a kernel.
#[derive(Clone, Debug)]
pub struct Part<'d> {
    /// What it is called without what compilers number; empty for literals.
    pub name: Cow<'d, str>,
    /// What the symbol table calls it.
    pub symbol: &'d str,
    /// What it is.
    pub kind: PartKind,
    /// The section that it is in, by its place in [`Space`].
    pub(crate) section: usize,
    /// Flat address of its first byte.
    pub begin: u64,
    /// Flat address behind its last byte.
    pub end: u64,
}

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PartKind {
    /// Code with a symbol.
    Function,
    /// Data with a symbol.
    Data,
    /// Memory without content in the file (`.bss`).
    Space,
    /// Code or data without a symbol: strings, constants, jump tables, what alternatives are patched with.
    Literal,
    /// Entries of equal size whose order says nothing.
    Table {
        /// Bytes of an entry.
        stride: u64,
    },
    /// Stack unwinding data of objtool, which is told by the place in the code.
    Orc,
}

/// A kernel taken apart.
#[derive(Debug)]
pub struct Program<'d> {
    pub(crate) space: Space<'d>,
    /// Sorted by address, disjoint.
    pub(crate) parts: Vec<Part<'d>>,
    /// Sorted by address, disjoint.
    pub(crate) references: Vec<Reference>,
    /// How many parts of this kind have this name.
    pub(crate) same_names: HashMap<(PartKind, Cow<'d, str>), u32>,
}

impl<'d> Program<'d> {
    /// Puts together what the scans of all units found, in the order of [`Space::units`].
    pub fn new(space: Space<'d>, scanned: Vec<Scanned>) -> Program<'d> {
        let mut targets: Vec<u64> = scanned.iter().flat_map(|scanned| &scanned.targets).copied().collect();
        targets.sort_unstable();
        targets.dedup();
        let count = scanned.iter().map(|scanned| scanned.references.len()).sum();
        let mut references = Vec::with_capacity(count);
        references.extend(scanned.into_iter().flat_map(|scanned| scanned.references));
        let parts = parts::cut(&space, &targets, &references);
        let mut same_names = HashMap::new();
        for part in parts.iter().filter(|part| !part.name.is_empty()) {
            *same_names.entry((part.kind, part.name.clone())).or_insert(0) += 1;
        }
        Program { space, parts, references, same_names }
    }

    /// The parts, sorted by address.
    pub fn parts(&self) -> &[Part<'d>] {
        &self.parts
    }

    /// Where a part is, some bytes behind its start, as debug information has it.
    pub fn link_addr(&self, part: &Part<'_>, offset: u64) -> LinkAddr {
        self.space.link_addr_in(part.section, part.begin + offset)
    }

    /// The part that covers a flat address.
    pub(crate) fn part_at(&self, flat: u64) -> Option<usize> {
        let after = self.parts.partition_point(|part| part.begin <= flat);
        let at = after.checked_sub(1)?;
        (flat < self.parts[at].end).then_some(at)
    }

    /// What a part refers to, sorted by address.
    pub(crate) fn references_in(&self, begin: u64, end: u64) -> &[Reference] {
        references::within(&self.references, begin, end)
    }

    /// The string at a flat address of data; pointers may look like one.
    pub(crate) fn text_at(&self, flat: u64) -> Option<&'d [u8]> {
        let text = self.space.text_at(flat)?;
        let references = self.references_in(flat, flat + text.len() as u64 + 1);
        references.iter().all(|reference| reference.target == Target::Ignored).then_some(text)
    }

    /// Whether its name does not tell a part from others. Of numbered objects (`__key.3`) that is said even where there is
    /// one, since another may come and go.
    pub(crate) fn is_ambiguous(&self, part: &Part<'d>) -> bool {
        let is_numbered = part.kind != PartKind::Function && part.name != part.symbol;
        is_numbered || self.same_names.get(&(part.kind, part.name.clone())).is_some_and(|count| *count > 1)
    }
}
