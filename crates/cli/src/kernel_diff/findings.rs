//! What two kernels differ in, in classes that are counted.

use std::collections::BTreeMap;

use ksplat::image::program::{Change, PartKind, What};
use ksplat::kernel::differ_in_offsets;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

use super::side::Parts;

/// Kinds of parts, in the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Code with a name.
    Function,
    /// Data with a name.
    Data,
    /// Checksums of exported names and their types (`__crc_…`).
    Checksum,
    /// Memory that the file has no content for (`.bss`).
    Space,
    /// A string, a constant, a jump table: what has no name.
    Literal,
    /// A table of which the order says nothing.
    Table,
    /// What objtool says of the stack (ORC).
    Unwind,
}

/// How a part differs, in the order in which that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// It is in the first kernel only.
    Removed,
    /// It is in the second kernel only.
    Added,
    /// Its own bytes differ: instructions, constants.
    Bytes,
    /// Its own bytes are the same, and it refers to something else: calls another function, prints another string.
    References,
    /// Its instructions differ in offsets of fields of structures only.
    Offsets,
}

impl Class {
    /// How it is called in text.
    pub fn name(self) -> &'static str {
        match self {
            Class::Removed => "removed",
            Class::Added => "added",
            Class::Bytes => "changed",
            Class::References => "refer to something else",
            Class::Offsets => "changed in offsets of fields only",
        }
    }
}

/// A part that differs.
pub struct Finding<'c> {
    pub change: &'c Change,
    pub kind: Kind,
    pub class: Class,
}

/// All that differs, by kind, class and name.
pub fn findings<'c>(changes: &'c [Change], sides: [&Parts<'_>; 2]) -> Vec<Finding<'c>> {
    let finding = |change: &'c Change| Finding { change, kind: kind(change), class: class(change, sides) };
    let mut findings: Vec<Finding<'c>> = changes.par_iter().map(finding).collect();
    findings.sort_by_key(|finding| (finding.kind, finding.class));
    findings
}

/// How many there are of each kind and class.
pub fn counts(findings: &[Finding<'_>]) -> BTreeMap<(Kind, Class), usize> {
    let mut counts = BTreeMap::new();
    findings.iter().for_each(|finding| *counts.entry((finding.kind, finding.class)).or_default() += 1);
    counts
}

fn kind(change: &Change) -> Kind {
    match change.kind {
        PartKind::Function => Kind::Function,
        PartKind::Data if change.name.starts_with("__crc_") => Kind::Checksum,
        PartKind::Data => Kind::Data,
        PartKind::Space => Kind::Space,
        PartKind::Literal => Kind::Literal,
        PartKind::Table { .. } => Kind::Table,
        PartKind::Orc => Kind::Unwind,
    }
}

fn class(change: &Change, sides: [&Parts<'_>; 2]) -> Class {
    let listing = |side: &Parts<'_>, at: Option<usize>| Some(side.program.listing(&side.program.parts()[at?]));
    match change.what {
        What::Removed => Class::Removed,
        What::Added => Class::Added,
        What::References => Class::References,
        What::Bytes if change.kind == PartKind::Function => {
            let listings = listing(sides[0], change.first).zip(listing(sides[1], change.second));
            let has_code = |(first, second): &(_, _)| differ_in_offsets(first, second);
            match listings.filter(|(first, _)| !first.lines.is_empty()).as_ref().is_some_and(has_code) {
                true => Class::Offsets,
                false => Class::Bytes,
            }
        }
        What::Bytes => Class::Bytes,
    }
}
