//! One image with its debug information: the kernel or a module.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use gimli::{EndianSlice, RelocateReader, RunTimeEndian};
use image::{Image, Kind, Symbol};

use crate::dwarf::{Debug, Located, Relocated};
use crate::index::{Answer, Index};
use crate::{Miss, Paths};

/// More names than one kernel's logs have; beyond, what was looked up is forgotten.
const MAX_NAMES: usize = 200_000;

type Plain<'i> = EndianSlice<'i, RunTimeEndian>;

/// An image and what was read of it.
pub(crate) struct Module<'i> {
    pub(crate) image: &'i Image<'i>,
    paths: Paths,
    debug: OnceLock<Result<AnyDebug<'i>, Miss>>,
    names: Mutex<HashMap<String, Named<'i>>>,
    /// Symbols by the addresses that they were asked for by.
    covering: Mutex<HashMap<u64, Option<Symbol<'i>>>>,
    index: OnceLock<&'i Index<'i>>,
}

/// What has a name.
#[derive(Clone)]
pub(crate) enum Named<'i> {
    /// Symbols of the text.
    Text(Arc<[Symbol<'i>]>),
    /// No symbol of the text, but one of the data.
    Data,
    /// Nothing.
    Nothing,
}

/// Debug information that is read as it is, or with relocations applied.
pub(crate) enum AnyDebug<'i> {
    Linked(Box<Debug<Plain<'i>>>),
    Relocatable(Box<Debug<RelocateReader<Plain<'i>, Relocated<'i>>>>),
}

impl<'i> Module<'i> {
    pub(crate) fn new(image: &'i Image<'i>, paths: &Paths) -> Module<'i> {
        Module {
            image,
            paths: paths.clone(),
            debug: OnceLock::new(),
            names: Mutex::default(),
            covering: Mutex::default(),
            index: OnceLock::new(),
        }
    }

    /// Takes an index of the image, which is asked first.
    pub(crate) fn lend(&self, index: &'i Index<'i>) {
        index.give_symbols(self.image);
        // One that is there already has the same answers.
        let _ = self.index.set(index);
    }

    /// What has this name.
    pub(crate) fn named(&self, name: &str) -> Named<'i> {
        let known = |module: &Module<'i>| module.names().get(name).cloned();
        known(self).unwrap_or_else(|| {
            self.look_up(&[name]);
            known(self).unwrap_or(Named::Nothing)
        })
    }

    /// Looks up names that nobody has asked for yet.
    pub(crate) fn look_up(&self, names: &[&str]) {
        let missing: Vec<&str> = {
            let known = self.names();
            names.iter().copied().filter(|name| !known.contains_key(*name)).collect()
        };
        if missing.is_empty() {
            return;
        }
        let found = self.image.symbols_named(&missing);
        let without = missing.iter().zip(&found).filter(|(_, symbols)| symbols.is_empty());
        let without: Vec<&str> = without.map(|(name, _)| *name).collect();
        let are_data = if without.is_empty() { Vec::new() } else { self.image.are_data(&without) };
        let mut are_data = are_data.into_iter();
        let mut known = self.names();
        if known.len() > MAX_NAMES {
            known.clear();
        }
        for (name, symbols) in missing.iter().zip(found) {
            let named = match symbols.is_empty() {
                false => Named::Text(symbols.into()),
                true if are_data.next() == Some(true) => Named::Data,
                true => Named::Nothing,
            };
            known.insert(name.to_string(), named);
        }
    }

    /// The symbol that covers a flat address.
    pub(crate) fn symbol_at(&self, flat: u64) -> Option<Symbol<'i>> {
        let known = self.covering().get(&flat).copied();
        known.unwrap_or_else(|| {
            self.look_at(&[flat]);
            self.covering().get(&flat).copied().flatten()
        })
    }

    /// Looks up the symbols at addresses that nobody has asked for yet.
    pub(crate) fn look_at(&self, flats: &[u64]) {
        let missing: Vec<u64> = {
            let known = self.covering();
            flats.iter().copied().filter(|flat| !known.contains_key(flat)).collect()
        };
        if missing.is_empty() {
            return;
        }
        let found = self.image.symbols_at(&missing);
        let mut known = self.covering();
        if known.len() > MAX_NAMES {
            known.clear();
        }
        known.extend(missing.into_iter().zip(found));
    }

    /// The calls at a flat address, without the physical function's name.
    pub(crate) fn locate(&self, flat: u64) -> Result<Located<'i>, Miss> {
        match self.index.get().map_or(Answer::Ask, |index| index.locate(flat)) {
            Answer::Known(located) => return Ok(located),
            Answer::Nothing => return Err(Miss::NoDwarf),
            Answer::Ask => {}
        }
        match self.debug.get_or_init(|| AnyDebug::open(self.image, &self.paths)) {
            Err(miss) => Err(miss.clone()),
            Ok(AnyDebug::Linked(debug)) => debug.locate(flat),
            Ok(AnyDebug::Relocatable(debug)) => debug.locate(flat),
        }
    }

    fn covering(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Option<Symbol<'i>>>> {
        self.covering.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn names(&self) -> std::sync::MutexGuard<'_, HashMap<String, Named<'i>>> {
        // A map of finished entries is whole whatever another thread did.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'i> AnyDebug<'i> {
    pub(crate) fn open(image: &'i Image<'i>, paths: &Paths) -> Result<AnyDebug<'i>, Miss> {
        let endian = match image.is_little_endian() {
            true => RunTimeEndian::Little,
            false => RunTimeEndian::Big,
        };
        let section = |name: &str| match image.debug_section(name) {
            Ok(bytes) => Ok(EndianSlice::new(bytes, endian)),
            Err(error) => Err(Miss::BadSection(error.to_string())),
        };
        if section(".debug_info")?.is_empty() {
            return Err(Miss::NoDebugInfo);
        }
        Ok(match image.kind() {
            Kind::Kernel => AnyDebug::Linked(Box::new(Debug::load(section, false, paths)?)),
            Kind::Module => {
                let relocated = |name: &str| {
                    let relocations = Relocated(image.debug_relocations(name));
                    Ok(RelocateReader::new(section(name)?, relocations))
                };
                AnyDebug::Relocatable(Box::new(Debug::load(relocated, true, paths)?))
            }
        })
    }
}
