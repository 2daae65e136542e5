//! Debug information of one image: which unit covers an address, and what that unit says.

mod inlined;
mod lines;
mod program;
mod ranges;
mod relocated;
mod sweep;
mod unit;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use gimli::{DebugInfoOffset, Reader, SectionId};

use ranges::UnitRanges;
pub(crate) use relocated::{Bytes, Relocated};
pub(crate) use sweep::{InlinedCall, NOTHING, ROOT, Stretch};
use unit::{Unit, text};

use crate::{Call, Miss, Paths, paths};

/// Sections that lines and inlined calls are read from.
const SECTIONS: [SectionId; 10] = [
    SectionId::DebugAbbrev,
    SectionId::DebugAddr,
    SectionId::DebugAranges,
    SectionId::DebugInfo,
    SectionId::DebugLine,
    SectionId::DebugLineStr,
    SectionId::DebugRanges,
    SectionId::DebugRngLists,
    SectionId::DebugStr,
    SectionId::DebugStrOffsets,
];
/// A module has at most some hundreds of sources.
const MAX_MODULE_UNITS: usize = 4096;

type UnitSlot<R> = Arc<OnceLock<Result<Arc<Unit<R>>, Miss>>>;

/// The debug information of an image and the units of it that were read.
pub(crate) struct Debug<R: Reader<Offset = usize>> {
    dwarf: gimli::Dwarf<R>,
    paths: Paths,
    is_module: bool,
    /// What `.debug_aranges` says.
    ranges: OnceLock<Result<UnitRanges, Miss>>,
    /// What the root entries of the units say that `.debug_aranges` does not mention.
    roots: OnceLock<Result<UnitRanges, Miss>>,
    units: Mutex<HashMap<usize, UnitSlot<R>>>,
    /// Where all units start; only for references from one unit to another.
    starts: OnceLock<Result<Vec<usize>, Miss>>,
    own_dir: OnceLock<Option<String>>,
}

/// What an address stands for, but for the name of the physical function.
#[derive(Clone, Debug, Default)]
pub(crate) struct Located<'i> {
    /// The inlined calls that the address is in, outermost first.
    pub(crate) inlined: Vec<Inlined<'i>>,
    /// The place in the innermost function.
    pub(crate) place: Place,
    /// Whether the address is where a function starts.
    pub(crate) is_entry: bool,
}

/// A function inlined into the one before it.
#[derive(Clone, Debug)]
pub(crate) struct Inlined<'i> {
    pub(crate) function: Cow<'i, str>,
    /// Where it was called.
    pub(crate) called: Place,
}

/// A place in the source.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) file: Option<Arc<str>>,
    pub(crate) line: Option<u32>,
}

impl<'i, R: Bytes<'i>> Debug<R> {
    /// Takes the sections that a loader hands out by name.
    pub(crate) fn load(
        section: impl Fn(&str) -> Result<R, Miss>,
        is_module: bool,
        paths: &Paths,
    ) -> Result<Debug<R>, Miss> {
        let empty = section("")?;
        let dwarf = gimli::Dwarf::load(|id| match SECTIONS.contains(&id) {
            true => section(id.name()),
            false => Ok(empty.clone()),
        })?;
        Ok(Debug {
            dwarf,
            paths: paths.clone(),
            is_module,
            ranges: OnceLock::new(),
            roots: OnceLock::new(),
            units: Mutex::default(),
            starts: OnceLock::new(),
            own_dir: OnceLock::new(),
        })
    }

    /// What the instruction at a flat address stands for.
    pub(crate) fn locate(&self, flat: u64) -> Result<Located<'i>, Miss> {
        let ranges = self.ranges()?;
        match self.locate_in(ranges, flat) {
            Err(Miss::NoDwarf) => self.locate_in(self.roots(ranges)?, flat),
            found => found,
        }
    }

    fn locate_in(&self, ranges: &UnitRanges, flat: u64) -> Result<Located<'i>, Miss> {
        for offset in ranges.covering(flat) {
            match self.unit(offset)?.locate(self, flat) {
                // Ranges of units may overlap where the linker dropped one of two equal functions.
                Err(Miss::NoDwarf) => continue,
                found => return found,
            }
        }
        Err(Miss::NoDwarf)
    }

    /// The unit that starts at an offset of `.debug_info`.
    pub(crate) fn unit(&self, offset: usize) -> Result<Arc<Unit<R>>, Miss> {
        let slot = {
            let mut units = self.units.lock().unwrap_or_else(PoisonError::into_inner);
            units.entry(offset).or_default().clone()
        };
        slot.get_or_init(|| self.read_unit(offset).map(Arc::new)).clone()
    }

    /// The same, read anew and not kept.
    pub(crate) fn read_unit(&self, offset: usize) -> Result<Unit<R>, Miss> {
        let header = self.dwarf.unit_header(DebugInfoOffset(offset))?;
        Ok(Unit::new(self.dwarf.unit(header)?))
    }

    /// The address ranges of all units, with the offset of each.
    pub(crate) fn covers(&self) -> Result<Vec<(Range<u64>, usize)>, Miss> {
        let ranges = self.ranges()?;
        Ok(ranges.iter().chain(self.roots(ranges)?.iter()).collect())
    }

    fn ranges(&self) -> Result<&UnitRanges, Miss> {
        self.ranges.get_or_init(|| UnitRanges::of_aranges(&self.dwarf)).as_ref().map_err(Miss::clone)
    }

    fn roots(&self, known: &UnitRanges) -> Result<&UnitRanges, Miss> {
        self.roots.get_or_init(|| UnitRanges::of_roots(&self.dwarf, known)).as_ref().map_err(Miss::clone)
    }

    /// The unit that an offset of `.debug_info` lies in.
    pub(crate) fn unit_around(&self, offset: usize) -> Result<Arc<Unit<R>>, Miss> {
        let starts = self.starts.get_or_init(|| {
            let mut starts = Vec::new();
            let mut headers = self.dwarf.units();
            while let Some(header) = headers.next()? {
                starts.extend(header.debug_info_offset().map(|offset| offset.0));
            }
            Ok(starts)
        });
        let starts = starts.as_ref().map_err(Miss::clone)?;
        let before = starts.partition_point(|start| *start <= offset).checked_sub(1);
        before.map_or(Err(Miss::NoDwarf), |at| self.unit(starts[at]))
    }

    pub(crate) fn dwarf(&self) -> &gimli::Dwarf<R> {
        &self.dwarf
    }

    pub(crate) fn paths(&self) -> &Paths {
        &self.paths
    }

    /// The directory that the sources of a module from outside the tree have in common.
    pub(crate) fn own_dir(&self) -> Option<&str> {
        let find = || {
            let mut headers = self.dwarf.units();
            let units = std::iter::from_fn(|| headers.next().ok().flatten()).take(MAX_MODULE_UNITS);
            let read = units.filter_map(|header| self.dwarf.unit(header).ok());
            // A module has a generated x.mod.c next to its sources, and some of the kernel's own.
            let own = read.filter_map(|unit| {
                let name = text(unit.name.as_ref()?).into_owned();
                let comp_dir = unit.comp_dir.as_ref().map(text).unwrap_or_default();
                (name.starts_with('/') && !name.starts_with(&*comp_dir)).then_some(name)
            });
            paths::common_dir(own)
        };
        match self.is_module {
            true => self.own_dir.get_or_init(find).as_deref(),
            false => None,
        }
    }
}

impl<'i> Located<'i> {
    /// The calls, innermost first, with the name of the physical function.
    pub(crate) fn calls(self, physical: Cow<'i, str>) -> Vec<Call<'i>> {
        let mut place = self.place;
        let mut calls = Vec::with_capacity(self.inlined.len() + 1);
        let mut call = |function, place: Place, inlined| {
            let Place { file, line } = place;
            calls.push(Call { function, file, line, inlined });
        };
        for inlined in self.inlined.into_iter().rev() {
            call(inlined.function, std::mem::replace(&mut place, inlined.called), true);
        }
        call(physical, place, false);
        calls
    }
}
