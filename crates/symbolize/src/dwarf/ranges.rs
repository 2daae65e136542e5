//! Which unit covers an address: `.debug_aranges`, and the root entries of units that it leaves out.

use std::collections::HashSet;
use std::ops::Range;

use gimli::{Format, Reader, Section as _};

use super::Bytes;
use crate::Miss;

/// Units whose ranges are looked at for one address; a kernel's do not overlap.
const MAX_OVERLAP: usize = 16;
/// Root entries may share one list of ranges; a kernel's units have some 50,000 ranges together.
const MAX_RANGES: usize = 4_000_000;

/// Address ranges and the offsets of their units in `.debug_info`.
#[derive(Debug, Default)]
pub(crate) struct UnitRanges {
    /// Sorted by `begin`.
    ranges: Vec<UnitRange>,
    /// All units that were said to have, or not to have, ranges.
    units: HashSet<usize>,
}

#[derive(Clone, Copy, Debug)]
struct UnitRange {
    begin: u64,
    end: u64,
    /// The largest `end` up to here: where it is not behind an address, no earlier range covers that.
    max_end: u64,
    unit: usize,
}

impl UnitRanges {
    /// What `.debug_aranges` says; it is a hint, so where it is damaged the rest is left out.
    pub(crate) fn of_aranges<'i, R: Bytes<'i>>(dwarf: &gimli::Dwarf<R>) -> Result<UnitRanges, Miss> {
        let mut found = UnitRanges::default();
        let mut input = dwarf.debug_aranges.reader().clone();
        while !input.is_empty() {
            if found.read_set(&mut input).is_err() {
                break;
            }
        }
        Ok(found.sorted())
    }

    /// What the root entries say of the units that `known` does not have.
    pub(crate) fn of_roots<'i, R: Bytes<'i>>(dwarf: &gimli::Dwarf<R>, known: &UnitRanges) -> Result<UnitRanges, Miss> {
        let mut found = UnitRanges::default();
        let mut headers = dwarf.units();
        while let Some(header) = headers.next()? {
            let Some(offset) = header.debug_info_offset().map(|offset| offset.0) else { continue };
            if known.units.contains(&offset) {
                continue;
            }
            // One damaged unit does not hide the others.
            let Ok(unit) = dwarf.unit(header) else { continue };
            let Ok(mut ranges) = dwarf.unit_ranges(&unit) else { continue };
            while let Ok(Some(range)) = ranges.next() {
                found.push(range.begin, range.end, offset)?;
            }
        }
        Ok(found.sorted())
    }

    /// The units that cover an address, the one with the nearest start first.
    pub(crate) fn covering(&self, address: u64) -> impl Iterator<Item = usize> + '_ {
        let after = self.ranges.partition_point(|range| range.begin <= address);
        let before = self.ranges[..after].iter().rev().take_while(move |range| address < range.max_end);
        before.filter(move |range| address < range.end).map(|range| range.unit).take(MAX_OVERLAP)
    }

    /// All ranges, with the offsets of their units.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Range<u64>, usize)> + '_ {
        self.ranges.iter().map(|range| (range.begin..range.end, range.unit))
    }

    /// Reads the ranges of one unit (DWARF 5, section 6.1.2).
    ///
    /// Not by gimli's iterator: that recurses over entries of zeros.
    fn read_set<R: Reader<Offset = usize>>(&mut self, input: &mut R) -> Result<(), Miss> {
        let (length, format) = input.read_initial_length()?;
        let mut set = input.split(length)?;
        let _version = set.read_u16()?;
        let unit = set.read_offset(format)?;
        let address_size = set.read_u8()?;
        let _segment_size = set.read_u8()?;
        self.units.insert(unit);
        // Pairs are aligned to their size, counted from the start of the set.
        let pair = 2 * usize::from(address_size);
        let header: usize = match format {
            Format::Dwarf32 => 12,
            Format::Dwarf64 => 24,
        };
        if pair == 0 {
            return Ok(());
        }
        set.skip(header.next_multiple_of(pair) - header)?;
        while set.len() >= pair {
            let begin = set.read_address(address_size)?;
            let length = set.read_address(address_size)?;
            self.push(begin, begin.saturating_add(length), unit)?;
        }
        Ok(())
    }

    fn push(&mut self, begin: u64, end: u64, unit: usize) -> Result<(), Miss> {
        if self.ranges.len() >= MAX_RANGES {
            return Err(Miss::TooLarge("ranges of units"));
        }
        if begin < end {
            self.ranges.push(UnitRange { begin, end, max_end: end, unit });
        }
        Ok(())
    }

    fn sorted(mut self) -> UnitRanges {
        self.ranges.sort_unstable_by_key(|range| (range.begin, range.end, range.unit));
        let mut max_end = 0;
        for range in &mut self.ranges {
            max_end = range.end.max(max_end);
            range.max_end = max_end;
        }
        self
    }
}
