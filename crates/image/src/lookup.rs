//! Finding symbols by name and by address.
//!
//! A single oops wants some twenty names of 120,000, so the first look-ups pass over the table and compare; who comes
//! back often gets an index.

mod heads;
mod pages;

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use object::SymbolIndex as TableIndex;
use object::read::elf::Sym as _;

use crate::elf::{RawSymbol, short_string};
use crate::symbols::Listed;
use crate::{Image, Kind, Symbol};
use heads::Heads;
use pages::Pages;

/// After so many passes over the symbol table the index has paid for itself.
const SCANS: u32 = 8;
/// With so many names or addresses at once a pass is no cheaper than the index.
const MANY: usize = 1000;
/// More labels than any function of a kernel's assembly has in a row.
const MAX_LABELS: usize = 16;
/// More symbols of one name than any kernel has (`jhash`: 17).
const MAX_SAME_NAME: usize = 256;

/// Symbols of the text, by name and by address; as numbers in the symbol table.
#[derive(Debug, Default)]
pub(crate) struct SymbolIndex {
    /// What the addresses are counted from.
    base: u64,
    /// Sorted by (hash of the name, number).
    by_name: Vec<Pair>,
    /// Sorted by (address, rank among aliases).
    by_address: Vec<Pair>,
}

/// Two `u32`, the lowest byte first: a key, and a number in the symbol table.
type Pair = [u8; 8];

impl<'d> Image<'d> {
    /// All text symbols of each name, in the symbol table's order.
    ///
    /// One call for many names costs one pass over the table.
    pub fn symbols_named(&self, names: &[&str]) -> Vec<Vec<Symbol<'d>>> {
        let found = match self.index_for(names.len()) {
            Some(index) => names.iter().map(|name| self.indexed(index, name)).collect(),
            None => self.scan_names(names),
        };
        let mut starts: Vec<u64> = found.iter().flatten().map(|(_, listed): &(&str, Listed<'_>)| listed.flat).collect();
        starts.sort_unstable();
        starts.dedup();
        let next = self.next_symbols(&starts);
        let size = |(name, listed): (&'d str, Listed<'d>)| {
            let next = starts.binary_search(&listed.flat).ok().and_then(|at| next[at]);
            self.sized(name, listed, next)
        };
        found.into_iter().map(|symbols| symbols.into_iter().map(size).collect()).collect()
    }

    /// The symbol that covers each flat address, the way kallsyms answers: the nearest at or before it.
    pub fn symbols_at(&self, flats: &[u64]) -> Vec<Option<Symbol<'d>>> {
        let best = match self.index_for(flats.len()) {
            Some(index) => flats.iter().map(|flat| self.indexed_at(index, *flat)).collect(),
            None => self.scan_addresses(flats),
        };
        let mut starts: Vec<u64> = best.iter().flatten().map(|(_, listed): &(&str, Listed<'_>)| listed.flat).collect();
        starts.sort_unstable();
        starts.dedup();
        let next = self.next_symbols(&starts);
        let size = |(name, listed): (&'d str, Listed<'d>)| {
            let next = starts.binary_search(&listed.flat).ok().and_then(|at| next[at]);
            self.sized(name, listed, next)
        };
        best.into_iter().map(|best| best.map(size)).collect()
    }

    /// The symbol that covers one flat address, as [`Image::symbols_at`] finds it.
    pub fn symbol_at(&self, flat: u64) -> Option<Symbol<'d>> {
        let Some(index) = self.index.get() else { return self.symbols_at(&[flat]).pop()? };
        let (name, listed) = self.indexed_at(index, flat)?;
        // Between the start and the address there is none.
        Some(self.sized(name, listed, index.behind(flat)))
    }

    /// The function that an address lies in: where kallsyms would print a label inside of one (`ftrace_call`), the function
    /// (`ftrace_caller`), as debuggers do.
    pub fn function_at(&self, flat: u64) -> Option<Symbol<'d>> {
        let nearest = self.symbol_at(flat)?;
        if nearest.elf_size > 0 {
            return Some(nearest);
        }
        // Labels lie behind the start of their function, so each step is to a lower symbol.
        let mut before = nearest.flat;
        for _ in 0..MAX_LABELS {
            let Some(at) = before.checked_sub(1) else { break };
            let Some(symbol) = self.symbol_at(at) else { break };
            if symbol.elf_size > 0 {
                let holds = symbol.flat.checked_add(symbol.elf_size).is_some_and(|end| flat < end);
                return Some(if holds { symbol } else { nearest });
            }
            before = symbol.flat;
        }
        Some(nearest)
    }

    /// Whether symbols of these names exist outside of the text: variables, which messages name in the same form.
    pub fn are_data(&self, names: &[&str]) -> Vec<bool> {
        let mut are_data = vec![false; names.len()];
        let mut heads = Heads::default();
        names.iter().for_each(|name| heads.insert(name));
        for (_, raw) in self.symbols.enumerate().skip(1) {
            let name = raw.st_name(self.endian);
            if raw.st_shndx(self.endian).index().is_none() || !heads.contain(self.strings, name) {
                continue;
            }
            if let Some(at) = names.iter().position(|wanted| short_string(self.strings, name) == Some(*wanted)) {
                are_data[at] = true;
            }
        }
        are_data
    }

    /// Takes an index that [`Image::symbol_index`] of an equal image made; what it says wrongly is not found.
    pub fn use_symbol_index(&self, base: u64, by_name: &[u8], by_address: &[u8]) {
        let by_name = by_name.as_chunks().0.to_vec();
        let by_address = by_address.as_chunks().0.to_vec();
        // Where the image has an index of its own this one is not needed.
        let _ = self.index.set(SymbolIndex { base, by_name, by_address });
    }

    /// The symbols of the text by name (hash, number) and by address (bytes from `base`, number), sorted, two `u32` each.
    ///
    /// Nothing where an address lies below `base` or 4 GiB above.
    pub fn symbol_index(&self, base: u64) -> Option<(Vec<u8>, Vec<u8>)> {
        let index = SymbolIndex::new(self, base)?;
        Some((index.by_name.as_flattened().to_vec(), index.by_address.as_flattened().to_vec()))
    }

    /// The lowest flat address of the text.
    pub fn lowest_text(&self) -> Option<u64> {
        self.layout.placed.first().map(|placed| placed.begin)
    }

    /// The index, if it is there or this request makes it worth its while.
    fn index_for(&self, requests: usize) -> Option<&SymbolIndex> {
        if let Some(index) = self.index.get() {
            return Some(index);
        }
        if requests < MANY && self.scans.fetch_add(1, Ordering::Relaxed) < SCANS {
            return None;
        }
        if self.index.get().is_none() {
            let _ = self.index.set(SymbolIndex::new(self, self.lowest_text()?)?);
        }
        self.index.get()
    }

    fn scan_names(&self, names: &[&str]) -> Vec<Vec<(&'d str, Listed<'d>)>> {
        let mut found = vec![Vec::new(); names.len()];
        let mut wanted: HashMap<&str, usize> = HashMap::with_capacity(names.len());
        let mut heads = Heads::default();
        for (at, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            wanted.entry(name).or_insert(at);
            heads.insert(name);
        }
        for (index, raw) in self.symbols.enumerate().skip(1) {
            if !heads.contain(self.strings, raw.st_name(self.endian)) {
                continue;
            }
            let Some(name) = short_string(self.strings, raw.st_name(self.endian)) else {
                continue;
            };
            let Some(at) = wanted.get(name) else { continue };
            let Some(listed) = self.listed_at(index, raw) else {
                continue;
            };
            if found[*at].len() < MAX_SAME_NAME {
                found[*at].push((name, listed));
            }
        }
        // A name that is asked for twice is answered twice.
        for (at, name) in names.iter().enumerate() {
            if let Some(first) = wanted.get(name).filter(|first| **first != at) {
                found[at] = found[*first].clone();
            }
        }
        found
    }

    fn indexed(&self, index: &SymbolIndex, name: &str) -> Vec<(&'d str, Listed<'d>)> {
        let hash = name_hash(name.as_bytes());
        let first = index.by_name.partition_point(|pair| split(pair).0 < hash);
        let same = index.by_name[first..].iter().map(split).take_while(|(other, _)| *other == hash);
        let symbols = same.filter_map(|(_, number)| {
            let (raw, listed) = self.numbered(number)?;
            let other = short_string(self.strings, raw.st_name(self.endian))?;
            (other == name).then_some((other, listed))
        });
        symbols.take(MAX_SAME_NAME).collect()
    }

    fn scan_addresses(&self, flats: &[u64]) -> Vec<Option<(&'d str, Listed<'d>)>> {
        let mut best: Vec<Option<(&'d str, Listed<'d>)>> = vec![None; flats.len()];
        let places: Vec<_> = flats.iter().map(|flat| self.layout.at(*flat)).collect();
        for (_, listed) in self.listed() {
            for (at, flat) in flats.iter().enumerate() {
                let better = match &best[at] {
                    Some((_, best)) if listed.flat < best.flat => false,
                    Some((name, best)) if listed.flat == best.flat => {
                        let other = self.kept_name(listed.raw);
                        other.is_some_and(|other| {
                            alias_rank(self.kind(), other, listed.raw) < alias_rank(self.kind(), name, best.raw)
                        })
                    }
                    _ => true,
                };
                let begin = places[at].map_or(u64::MAX, |placed| placed.begin);
                if better
                    && listed.flat <= *flat
                    && begin <= listed.flat
                    && let Some(name) = self.kept_name(listed.raw)
                {
                    best[at] = Some((name, listed));
                }
            }
        }
        best
    }

    fn indexed_at(&self, index: &SymbolIndex, flat: u64) -> Option<(&'d str, Listed<'d>)> {
        let placed = self.layout.at(flat)?;
        let after = index.up_to(flat);
        let (start, _) = index.by_address[..after].last().map(split)?;
        // Of several names at one address the first.
        let same = index.by_address[..after].iter().rev().take_while(|pair| split(pair).0 == start).count();
        let first = after - same;
        let (_, listed) = self.numbered(split(&index.by_address[first]).1)?;
        let is_own = listed.flat == index.base.wrapping_add(u64::from(start)) && placed.begin <= listed.flat;
        Some((self.kept_name(listed.raw).filter(|_| is_own)?, listed))
    }

    /// For each start (sorted), the nearest address behind it that has a symbol in kallsyms.
    fn next_symbols(&self, starts: &[u64]) -> Vec<Option<u64>> {
        if let Some(index) = self.index.get() {
            return starts.iter().map(|start| index.behind(*start)).collect();
        }
        // Nearly every function has the next one close behind it, so few symbols are looked at closely.
        let near = Pages::behind(starts);
        let mut next = self.next_of(starts, |flat| near.contain(flat));
        let is_near = |(at, start): (usize, &u64)| {
            let behind = starts.get(at + 1).map_or(next[at], |other| next[at].min(*other));
            Pages::reach(*start, behind)
        };
        if !starts.iter().enumerate().all(is_near) {
            next = self.next_of(starts, |_| true);
        }
        for at in (0..starts.len().saturating_sub(1)).rev() {
            next[at] = next[at].min(starts[at + 1]).min(next[at + 1]);
        }
        next.into_iter().map(|next| (next != u64::MAX).then_some(next)).collect()
    }

    /// The same of the symbols that are looked at, without those behind the next start.
    fn next_of(&self, starts: &[u64], is_wanted: impl Fn(u64) -> bool) -> Vec<u64> {
        let mut next = vec![u64::MAX; starts.len()];
        let is_linked = self.kind() == Kind::Kernel;
        for (index, raw) in self.symbols.enumerate().skip(1) {
            // In a kernel the value is the flat address.
            if is_linked && !is_wanted(raw.st_value(self.endian)) {
                continue;
            }
            let Some(listed) = self.listed_at(index, raw).filter(|listed| is_wanted(listed.flat)) else { continue };
            // Behind the start before it; most symbols are behind a nearer one already.
            let Some(at) = starts.partition_point(|start| *start < listed.flat).checked_sub(1) else {
                continue;
            };
            if listed.flat < next[at] && self.kept_name(listed.raw).is_some() {
                next[at] = listed.flat;
            }
        }
        next
    }

    fn numbered(&self, number: u32) -> Option<(&'d RawSymbol, Listed<'d>)> {
        let index = TableIndex(number as usize);
        let raw = self.symbols.symbol(index).ok()?;
        Some((raw, self.listed_at(index, raw)?))
    }
}

impl SymbolIndex {
    fn new(image: &Image<'_>, base: u64) -> Option<Self> {
        let (mut by_name, mut by_address) = (Vec::new(), Vec::new());
        for (number, listed) in image.listed() {
            let Some(name) = image.kept_name(listed.raw) else { continue };
            let at = u32::try_from(listed.flat.checked_sub(base)?).ok()?;
            by_name.push((name_hash(name.as_bytes()), number));
            by_address.push((at, alias_rank(image.kind(), name, listed.raw), number));
        }
        by_name.sort_unstable();
        by_address.sort_unstable();
        let by_name = by_name.into_iter().map(|(hash, number)| pair(hash, number)).collect();
        let by_address = by_address.into_iter().map(|(at, _, number)| pair(at, number)).collect();
        Some(SymbolIndex { base, by_name, by_address })
    }

    /// Where the next symbol behind an address starts.
    fn behind(&self, flat: u64) -> Option<u64> {
        let (next, _) = self.by_address.get(self.up_to(flat)).map(split)?;
        Some(self.base.wrapping_add(u64::from(next)))
    }

    /// How many symbols start at or before an address.
    fn up_to(&self, flat: u64) -> usize {
        self.by_address.partition_point(|pair| self.base.saturating_add(u64::from(split(pair).0)) <= flat)
    }
}

fn pair(key: u32, number: u32) -> Pair {
    (u64::from(number) << 32 | u64::from(key)).to_le_bytes()
}

fn split(pair: &Pair) -> (u32, u32) {
    let both = u64::from_le_bytes(*pair);
    (both as u32, (both >> 32) as u32)
}

/// Which of several names at one address kallsyms prints: the lowest.
///
/// In a kernel (scripts/kallsyms.c, `compare_symbols`) the last criterion is the order of `nm -n`, that of the names; in a
/// module (kernel/module/kallsyms.c) it is the first in the table.
fn alias_rank<'n>(kind: Kind, name: &'n str, symbol: &RawSymbol) -> (bool, bool, usize, &'n str) {
    if kind == Kind::Module {
        return (false, false, 0, "");
    }
    let is_weak = symbol.st_bind() == object::elf::STB_WEAK;
    let is_from_script = ["__start_", "__stop_", "__end_"].iter().any(|prefix| name.starts_with(prefix));
    (is_weak, is_from_script, name.bytes().take_while(|byte| *byte == b'_').count(), name)
}

/// FNV-1a; the index stores it next to the symbol's number, so equal hashes cost a comparison only.
fn name_hash(name: &[u8]) -> u32 {
    name.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
