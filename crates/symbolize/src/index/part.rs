//! What the units of an image say of all of their addresses, unit by unit.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use image::Image;

use crate::dwarf::{self, InlinedCall, Stretch};
use crate::module::AnyDebug;
use crate::{Miss, Paths};

/// The units of an image, to be worked out one by one, on any thread.
pub struct Source<'i> {
    debug: AnyDebug<'i>,
    units: Vec<(usize, Vec<Range<u64>>)>,
    /// Addresses that more than one unit speaks of.
    contested: Vec<Range<u64>>,
}

/// What one unit says of its addresses.
pub struct Part<'i> {
    pub(super) ranges: Vec<Range<u64>>,
    /// What was found; nothing where the unit is damaged.
    pub(super) found: Option<Found<'i>>,
}

/// A unit's stretches and what they refer to.
pub(super) struct Found<'i> {
    /// Sorted by address; the file of a row is a number in `files`.
    pub(super) stretches: Vec<Stretch>,
    pub(super) calls: Vec<InlinedCall>,
    pub(super) names: Vec<Cow<'i, str>>,
    /// Whole paths by the number in the unit, and how many bytes of each are the build's directory.
    pub(super) files: HashMap<u64, (String, usize)>,
}

impl<'i> Source<'i> {
    /// Finds the units of an image.
    pub fn open(image: &'i Image<'i>) -> Result<Source<'i>, Miss> {
        let debug = AnyDebug::open(image, &Paths::Short)?;
        let mut covers = match &debug {
            AnyDebug::Linked(debug) => debug.covers()?,
            AnyDebug::Relocatable(debug) => debug.covers()?,
        };
        covers.sort_unstable_by_key(|(range, unit)| (range.start, range.end, *unit));
        let (mut units, mut contested) = (HashMap::<usize, Vec<Range<u64>>>::new(), Vec::new());
        let mut rest = &covers[..];
        while let Some(((first, unit), _)) = rest.split_first() {
            // Ranges that hang together by overlapping.
            let (mut end, mut count, mut is_own) = (first.end, 1, true);
            while let Some((range, other)) = rest.get(count).filter(|(range, _)| range.start < end) {
                end = end.max(range.end);
                is_own &= other == unit;
                count += 1;
            }
            match is_own {
                true => units.entry(*unit).or_default().push(first.start..end),
                false => contested.push(first.start..end),
            }
            rest = &rest[count..];
        }
        let mut units: Vec<_> = units.into_iter().collect();
        units.sort_unstable_by_key(|(unit, _)| *unit);
        Ok(Source { debug, units, contested })
    }

    /// How many parts there are.
    pub fn parts(&self) -> usize {
        self.units.len() + 1
    }

    /// Works one part out. Damage is no error: what is not known is asked of the debug information when it is wanted.
    pub fn part(&self, n: usize) -> Part<'i> {
        let Some((unit, ranges)) = self.units.get(n) else {
            return Part { ranges: self.contested.clone(), found: None };
        };
        let found = match &self.debug {
            AnyDebug::Linked(debug) => found(debug, *unit, ranges),
            AnyDebug::Relocatable(debug) => found(debug, *unit, ranges),
        };
        Part { ranges: ranges.clone(), found: found.ok() }
    }
}

fn found<'i, R: dwarf::Bytes<'i>>(
    debug: &dwarf::Debug<R>,
    unit: usize,
    ranges: &[Range<u64>],
) -> Result<Found<'i>, Miss> {
    let unit = debug.read_unit(unit)?;
    let sweep = unit.sweep(debug, ranges)?;
    let mut files = HashMap::new();
    let of_rows = sweep.stretches.iter().filter_map(|stretch| stretch.row).map(|(file, _)| u64::from(file));
    let mut last = None;
    for file in of_rows.chain(sweep.calls.iter().filter_map(|call| call.file)) {
        if last != Some(file) && !files.contains_key(&file) {
            files.extend(unit.whole_file(debug, file).map(|found| (file, found)));
        }
        last = Some(file);
    }
    Ok(Found { stretches: sweep.stretches, calls: sweep.calls, names: sweep.names, files })
}
