//! The digest of what objtool says of the stack (ORC): two tables, whose entries belong together.

use std::collections::HashMap;

use super::digest::Firsts;
use super::references::{Reference, Target};
use super::{Part, Program};

impl<'d> Program<'d> {
    /// For each place in code, what objtool says of the stack there; the set of these, since the table is sorted by address.
    pub(super) fn write_orc(&self, places: &[Reference], part: &Part<'d>, firsts: Firsts<'_>, out: &mut Vec<u8>) {
        let count = (part.end - part.begin) / 4;
        let entries = self.space.sections.iter().find(|section| section.name == ".orc_unwind");
        let entries = entries.map_or(&[][..], |section| section.bytes);
        let size = entries.len().checked_div(count as usize).unwrap_or(0);
        let mut said = Vec::with_capacity(places.len());
        let mut text = Vec::new();
        for place in places {
            let number = ((place.begin - part.begin) / 4) as usize;
            let entry = number.checked_mul(size).and_then(|at| entries.get(at..at + size)).unwrap_or_default();
            let Target::Place(flat) = place.target else { continue };
            // Behind the last function of an object file, an empty entry ends what was said of it.
            let Some(code) = self.part_at(flat).map(|at| &self.parts[at]) else { continue };
            if flat == code.begin && entry.iter().all(|byte| *byte == 0) {
                continue;
            }
            text.clear();
            self.write_target(part, place.target, firsts, &mut HashMap::new(), &mut text);
            text.extend(entry);
            said.push(*blake3::hash(&text).as_bytes());
        }
        said.sort_unstable();
        out.extend(said.as_flattened());
    }
}
