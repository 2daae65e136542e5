//! The chain of inlined calls at an address of a function.

use std::borrow::Cow;
use std::sync::Arc;

use gimli::{AttributeValue, UnitOffset, constants as dw};

use super::unit::{Entry, Unit, text};
use super::{Bytes, Debug, Inlined, Place};
use crate::Miss;

/// Entries that are looked at for one address; the largest function of a kernel has some ten thousand.
const MAX_ENTRIES: usize = 2_000_000;
/// Deeper than any chain of a kernel (some 20).
const MAX_CHAIN: usize = 256;
/// From an inlined call to the function's declaration it is two or three steps.
const MAX_ORIGINS: usize = 16;
/// What stands for an inlined function of which no name is known.
pub(crate) const UNNAMED: &str = "??";

impl<'i, R: Bytes<'i>> Unit<R> {
    /// The inlined calls that cover an address of the function at `entry`, outermost first.
    pub(crate) fn inlined_at(&self, debug: &Debug<R>, entry: UnitOffset, flat: u64) -> Result<Vec<Inlined<'i>>, Miss> {
        let mut chain = Vec::new();
        let mut entries = self.unit.entries_raw(Some(entry))?;
        // Depth of `entries` when it was last placed, and the depth of the list whose end ends the search.
        let (mut base, mut floor) = (0, 1);
        let mut skipping = None;
        match entries.read_abbreviation()? {
            Some(abbrev) if abbrev.has_children() => entries.skip_attributes(abbrev.attributes())?,
            _ => return Ok(chain),
        }
        let mut left = MAX_ENTRIES;
        while !entries.is_empty() {
            left = left.checked_sub(1).ok_or(Miss::TooLarge("entries of a function"))?;
            let depth = base + entries.next_depth();
            let Some(abbrev) = entries.read_abbreviation()? else {
                if depth <= floor {
                    break;
                }
                continue;
            };
            if skipping.is_some_and(|skipped| depth > skipped) {
                entries.skip_attributes(abbrev.attributes())?;
                continue;
            }
            skipping = None;
            if !abbrev.has_children() && abbrev.tag() != dw::DW_TAG_inlined_subroutine {
                entries.skip_attributes(abbrev.attributes())?;
                continue;
            }
            let read = Entry::read(&mut entries, abbrev.attributes())?;
            let descend = match abbrev.tag() {
                dw::DW_TAG_inlined_subroutine => {
                    let covers = read.covers(debug, &self.unit, flat)? == Some(true);
                    if covers {
                        if chain.len() >= MAX_CHAIN {
                            return Err(Miss::TooLarge("chain of inlined calls"));
                        }
                        chain.push(self.inlined_call(debug, &read)?);
                        if !abbrev.has_children() {
                            break;
                        }
                        // What is inlined further is inside; its siblings are of no interest.
                        floor = depth + 1;
                    }
                    covers
                }
                dw::DW_TAG_lexical_block => read.covers(debug, &self.unit, flat)? != Some(false),
                _ => false,
            };
            if descend || !abbrev.has_children() {
                continue;
            }
            match read.sibling.filter(|sibling| *sibling > entries.next_offset()) {
                Some(sibling) => {
                    entries = self.unit.entries_raw(Some(sibling))?;
                    base = depth;
                }
                None => skipping = Some(depth),
            }
        }
        Ok(chain)
    }

    fn inlined_call(&self, debug: &Debug<R>, entry: &Entry<R>) -> Result<Inlined<'i>, Miss> {
        let function = match entry.origin.clone() {
            Some(origin) => self.name_of(debug, origin)?,
            None => None,
        };
        let small = |value: Option<u64>| value.and_then(|value| u32::try_from(value).ok()).filter(|value| *value > 0);
        let called =
            Place { file: entry.call_file.and_then(|index| self.file(debug, index)), line: small(entry.call_line) };
        Ok(Inlined { function: function.unwrap_or(Cow::Borrowed(UNNAMED)), called })
    }

    /// The name of the function that an entry is an instance of.
    pub(crate) fn name_of(
        &self,
        debug: &Debug<R>,
        mut origin: AttributeValue<R>,
    ) -> Result<Option<Cow<'i, str>>, Miss> {
        let mut other: Option<Arc<Unit<R>>> = None;
        for _ in 0..MAX_ORIGINS {
            let offset = match origin {
                AttributeValue::UnitRef(offset) => offset,
                // With link-time optimisation a function of another unit may be inlined.
                AttributeValue::DebugInfoRef(offset) => {
                    let unit = debug.unit_around(offset.0)?;
                    let in_unit = offset.to_unit_offset(&unit.unit.header);
                    other = Some(unit);
                    let Some(in_unit) = in_unit else { return Ok(None) };
                    in_unit
                }
                _ => return Ok(None),
            };
            let unit = other.as_ref().map_or(&self.unit, |other| &other.unit);
            let mut entries = unit.entries_raw(Some(offset))?;
            let Some(abbrev) = entries.read_abbreviation()? else { return Ok(None) };
            let entry = Entry::read(&mut entries, abbrev.attributes())?;
            if let Some(name) = entry.linkage_name.or(entry.name) {
                return Ok(Some(text(&debug.dwarf().attr_string(unit, name)?)));
            }
            match entry.origin {
                Some(next) => origin = next,
                None => return Ok(None),
            }
        }
        Err(Miss::TooLarge("chain of origins"))
    }
}
