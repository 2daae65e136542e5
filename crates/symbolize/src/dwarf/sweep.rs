//! All of a unit at once: what each of its addresses stands for, in rising order.
//!
//! The answer at an address is the one of [`Unit::locate`]; here it is worked out for whole stretches: the tree of inlined
//! calls of a function is painted onto its addresses, parents before children, and the rows of the line table are laid over.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use gimli::{AttributeValue, UnitOffset, constants as dw};

use super::unit::{Entry, Function, Unit, sibling};
use super::{Bytes, Debug};
use crate::Miss;

/// Entries that are looked at in one unit, those of its functions included.
const MAX_ENTRIES: usize = 8_000_000;
/// Stretches that are painted in one unit; the largest of a kernel has some 100,000.
const MAX_PAINT: usize = 64_000_000;
/// Deeper than any chain of a kernel (some 20).
const MAX_CHAIN: usize = 256;

/// No inlined call: the function itself.
pub(crate) const ROOT: u32 = 0;
/// Nothing is known of the address.
pub(crate) const NOTHING: u32 = u32::MAX;

/// What the addresses from `begin` to the next stretch stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) begin: u64,
    /// The innermost inlined call: [`ROOT`], [`NOTHING`], or one more than its number in [`Sweep::calls`].
    pub(crate) call: u32,
    /// The file in the unit's line table and the line, from 1; none where the line table has no row.
    pub(crate) row: Option<(u16, u32)>,
    /// A function starts here.
    pub(crate) is_entry: bool,
}

/// An inlined call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InlinedCall {
    /// What it is inlined into, as in [`Stretch::call`]; never a later call.
    pub(crate) parent: u32,
    /// Number of the function's name in [`Sweep::names`].
    pub(crate) name: u32,
    /// The file in the unit's line table and the line of the call, where they are known.
    pub(crate) file: Option<u64>,
    pub(crate) line: Option<u32>,
}

/// A unit's stretches and what they refer to.
#[derive(Debug, Default)]
pub(crate) struct Sweep<'i> {
    /// Sorted by address.
    pub(crate) stretches: Vec<Stretch>,
    pub(crate) calls: Vec<InlinedCall>,
    pub(crate) names: Vec<Cow<'i, str>>,
}

/// A piece of a function: from `begin` on the innermost call is `call`.
#[derive(Clone, Copy)]
struct Piece {
    begin: u64,
    call: u32,
    is_entry: bool,
}

/// An inlined call and where it was put, among the calls of one function.
struct Placed {
    parent: u32,
    call: u32,
    ranges: Range<usize>,
}

struct Sweeper<'s, 'i, R: Bytes<'i>> {
    unit: &'s Unit<R>,
    debug: &'s Debug<R>,
    sweep: Sweep<'i>,
    /// Names by the place of the entry that has, or leads to, them.
    names: HashMap<u64, u32>,
    left: usize,
    paint: usize,
}

impl<'i, R: Bytes<'i>> Unit<R> {
    /// What the addresses of these ranges (sorted, apart from each other) stand for.
    pub(crate) fn sweep(&self, debug: &Debug<R>, ranges: &[Range<u64>]) -> Result<Sweep<'i>, Miss> {
        let sweep = Sweep::default();
        let mut sweeper =
            Sweeper { unit: self, debug, sweep, names: HashMap::new(), left: MAX_ENTRIES, paint: MAX_PAINT };
        let pieces = sweeper.functions()?;
        let rows = self.lines()?.pieces();
        let mut sweep = sweeper.sweep;
        sweep.stretches = merged(&pieces, &rows, ranges);
        Ok(sweep)
    }
}

impl<'i, R: Bytes<'i>> Sweeper<'_, 'i, R> {
    /// The functions of the unit, in pieces; where none is, a piece of [`NOTHING`].
    fn functions(&mut self) -> Result<Vec<Piece>, Miss> {
        let functions = self.unit.functions(self.debug)?;
        let mut inlined: HashMap<usize, Vec<(Range<u64>, u32)>> = HashMap::new();
        let mut pieces = Vec::with_capacity(functions.len() * 8);
        for (at, function) in functions.iter().enumerate() {
            // An address belongs to the last function that starts at or before it, if that reaches so far.
            let next = functions.get(at + 1).map_or(u64::MAX, |next| next.begin);
            let end = function.end.min(next);
            if function.begin >= end {
                continue;
            }
            let painted = match inlined.entry(function.entry.0) {
                std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::hash_map::Entry::Vacant(new) => {
                    let painted = self.paint(function.entry)?;
                    new.insert(painted)
                }
            };
            self.cut(function, end, painted, &mut pieces);
            if function.end < next {
                pieces.push(Piece { begin: end, call: NOTHING, is_entry: false });
            }
        }
        Ok(pieces)
    }

    /// The pieces of one range of a function.
    fn cut(&self, function: &Function, end: u64, painted: &[(Range<u64>, u32)], pieces: &mut Vec<Piece>) {
        let Function { begin, is_first, .. } = *function;
        let mut at = begin;
        let mut push = |from: u64, call| {
            let is_entry = is_first && from == begin;
            pieces.push(Piece { begin: from, call, is_entry });
        };
        let first = painted.partition_point(|(range, _)| range.end <= begin);
        for (range, call) in painted[first..].iter().take_while(|(range, _)| range.start < end) {
            if at < range.start {
                push(at, ROOT);
            }
            push(range.start.max(begin), *call);
            at = range.end.min(end);
        }
        if at < end {
            push(at, ROOT);
        }
    }

    /// Where which call of a function is the innermost one; sorted, and nothing where it is the function itself.
    fn paint(&mut self, entry: UnitOffset) -> Result<Vec<(Range<u64>, u32)>, Miss> {
        let (placed, ranges) = self.inlined_calls(entry)?;
        if placed.is_empty() {
            return Ok(Vec::new());
        }
        let mut bounds: Vec<u64> = ranges.iter().flat_map(|range| [range.start, range.end]).collect();
        bounds.sort_unstable();
        bounds.dedup();
        let mut owners = vec![ROOT; bounds.len()];
        for Placed { parent, call, ranges: own } in placed {
            for range in &ranges[own] {
                let first = bounds.partition_point(|bound| *bound < range.start);
                let mine = owners[first..].iter_mut().zip(&bounds[first..]).take_while(|(_, at)| **at < range.end);
                for (owner, _) in mine {
                    self.paint = self.paint.checked_sub(1).ok_or(Miss::TooLarge("inlined calls of a unit"))?;
                    // Only what the parent has left: of siblings that overlap the first one counts.
                    if *owner == parent {
                        *owner = call;
                    }
                }
            }
        }
        let mut painted: Vec<(Range<u64>, u32)> = Vec::with_capacity(bounds.len());
        for (at, pair) in bounds.windows(2).enumerate().filter(|(at, _)| owners[*at] != ROOT) {
            match painted.last_mut() {
                Some((range, call)) if range.end == pair[0] && *call == owners[at] => range.end = pair[1],
                _ => painted.push((pair[0]..pair[1], owners[at])),
            }
        }
        Ok(painted)
    }

    /// The inlined calls of a function, parents first, and all their ranges.
    fn inlined_calls(&mut self, entry: UnitOffset) -> Result<(Vec<Placed>, Vec<Range<u64>>), Miss> {
        let (mut placed, mut ranges): (Vec<Placed>, Vec<Range<u64>>) = (Vec::new(), Vec::new());
        let unit = &self.unit.unit;
        let mut entries = unit.entries_raw(Some(entry))?;
        match entries.read_abbreviation()? {
            Some(abbrev) if abbrev.has_children() => entries.skip_attributes(abbrev.attributes())?,
            _ => return Ok((placed, ranges)),
        }
        /// Whose children are being read: the call that they are in, and the lexical blocks' limits.
        #[derive(Clone)]
        struct Level {
            call: u32,
            within: Option<Range<usize>>,
            is_skipped: bool,
        }
        let mut levels = vec![Level { call: ROOT, within: None, is_skipped: false }];
        let mut depth = 1;
        while depth > 0 && !entries.is_empty() {
            self.left = self.left.checked_sub(1).ok_or(Miss::TooLarge("entries of a unit"))?;
            let Some(abbrev) = entries.read_abbreviation()? else {
                depth -= 1;
                levels.pop();
                continue;
            };
            let level = levels.last().cloned().unwrap_or(Level { call: ROOT, within: None, is_skipped: true });
            let (tag, has_children) = (abbrev.tag(), abbrev.has_children());
            let is_inlined = tag == dw::DW_TAG_inlined_subroutine;
            if level.is_skipped || !has_children && !is_inlined {
                entries.skip_attributes(abbrev.attributes())?;
                if has_children {
                    depth += 1;
                    levels.push(Level { is_skipped: true, ..level });
                }
                continue;
            }
            if !is_inlined && tag != dw::DW_TAG_lexical_block {
                match sibling(&mut entries, abbrev.attributes())?.filter(|sibling| *sibling > entries.next_offset()) {
                    Some(sibling) => entries = unit.entries_raw(Some(sibling))?,
                    None => {
                        depth += 1;
                        levels.push(Level { is_skipped: true, ..level });
                    }
                }
                continue;
            }
            let read = Entry::read(&mut entries, abbrev.attributes())?;
            let first = ranges.len();
            let within = level.within.clone().map(|within| ranges[within].to_vec());
            read.ranges(self.debug, unit, |begin, end| {
                self.left = self.left.checked_sub(1).ok_or(Miss::TooLarge("ranges of a unit"))?;
                match &within {
                    None => ranges.push(begin..end),
                    Some(within) => {
                        let limited = within.iter().map(|limit| begin.max(limit.start)..end.min(limit.end));
                        ranges.extend(limited.filter(|range| range.start < range.end));
                    }
                }
                Ok(())
            })?;
            let own = first..ranges.len();
            let inner = match (is_inlined, own.is_empty()) {
                (true, false) => {
                    if levels.len() > MAX_CHAIN {
                        return Err(Miss::TooLarge("chain of inlined calls"));
                    }
                    let call = self.call(&read, level.call)?;
                    placed.push(Placed { parent: level.call, call, ranges: own });
                    Level { call, within: None, is_skipped: false }
                }
                (false, _) if !read.is_placed() => level,
                (false, false) => Level { within: Some(own), ..level },
                (_, true) => Level { is_skipped: true, ..level },
            };
            if !has_children {
                continue;
            }
            match read.sibling.filter(|sibling| inner.is_skipped && *sibling > entries.next_offset()) {
                Some(sibling) => entries = unit.entries_raw(Some(sibling))?,
                None => {
                    depth += 1;
                    levels.push(inner);
                }
            }
        }
        Ok((placed, ranges))
    }

    /// Notes an inlined call; its number, from 1.
    fn call(&mut self, entry: &Entry<R>, parent: u32) -> Result<u32, Miss> {
        let name = self.name(entry.origin.clone())?;
        let small = |value: Option<u64>| value.and_then(|value| u32::try_from(value).ok()).filter(|value| *value > 0);
        self.sweep.calls.push(InlinedCall { parent, name, file: entry.call_file, line: small(entry.call_line) });
        u32::try_from(self.sweep.calls.len()).ok().filter(|n| *n < NOTHING).ok_or(Miss::TooLarge("calls of a unit"))
    }

    fn name(&mut self, origin: Option<AttributeValue<R>>) -> Result<u32, Miss> {
        // Within the unit, or within the section: the two never meet.
        let key = match &origin {
            Some(AttributeValue::UnitRef(offset)) => offset.0 as u64,
            Some(AttributeValue::DebugInfoRef(offset)) => offset.0 as u64 | 1 << 63,
            _ => u64::MAX,
        };
        if let Some(known) = self.names.get(&key) {
            return Ok(*known);
        }
        let name = match origin {
            Some(origin) => self.unit.name_of(self.debug, origin)?,
            None => None,
        };
        let number = self.sweep.names.len() as u32;
        self.sweep.names.push(name.unwrap_or(Cow::Borrowed(super::inlined::UNNAMED)));
        self.names.insert(key, number);
        Ok(number)
    }
}

/// Lays rows over functions, within ranges.
fn merged(functions: &[Piece], rows: &[(u64, Option<(u16, u32)>)], ranges: &[Range<u64>]) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::with_capacity(functions.len() + rows.len());
    for range in ranges {
        let mut f = functions.partition_point(|piece| piece.begin <= range.start);
        let mut r = rows.partition_point(|row| row.0 <= range.start);
        let mut at = range.start;
        let (mut call, mut is_entry, mut row) = (NOTHING, false, None);
        if let Some(piece) = f.checked_sub(1).map(|f| functions[f]) {
            (call, is_entry) = (piece.call, piece.is_entry && piece.begin == at);
        }
        if let Some(before) = r.checked_sub(1) {
            row = rows[before].1;
        }
        loop {
            // Code without a function has its row: stubs of assembly, weak aliases.
            let call_here = if call == NOTHING && row.is_some() { ROOT } else { call };
            let stretch = Stretch { begin: at, call: call_here, row, is_entry };
            let same =
                |last: &Stretch| last.call == stretch.call && last.row == stretch.row && last.begin >= range.start;
            if is_entry || !stretches.last().is_some_and(same) {
                stretches.push(stretch);
            }
            let next = [functions.get(f).map(|piece| piece.begin), rows.get(r).map(|row| row.0)];
            let Some(next) = next.into_iter().flatten().min().filter(|next| *next < range.end) else { break };
            at = next;
            is_entry = false;
            while let Some(piece) = functions.get(f).filter(|piece| piece.begin == at) {
                (call, is_entry) = (piece.call, piece.is_entry);
                f += 1;
            }
            while let Some(new) = rows.get(r).filter(|row| row.0 == at) {
                row = new.1;
                r += 1;
            }
        }
        stretches.push(Stretch { begin: range.end, call: NOTHING, row: None, is_entry: false });
    }
    stretches
}
