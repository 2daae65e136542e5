//! Symbols to units: disjoint pieces of sections, with or without a symbol.

use std::cmp::Reverse;

use object::elf;
use object::read::elf::Sym as _;

use super::space::Space;

/// A piece of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    pub(crate) section: usize,
    pub(crate) begin: u64,
    pub(crate) end: u64,
    /// Index of its symbol.
    pub(crate) symbol: Option<usize>,
    /// Whether the symbol says how long it is.
    pub(crate) is_sized: bool,
}

/// A symbol that starts a unit.
struct Label {
    begin: u64,
    size: u64,
    is_local: bool,
    index: usize,
}

/// All units, sorted and without gaps in what sections cover.
pub(super) fn units(space: &Space<'_>) -> Vec<Unit> {
    let mut labels = labels(space);
    let order = |label: &Label| (label.begin, Reverse(label.size), label.is_local);
    labels.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| name(space, a).cmp(name(space, b))));
    let mut labels = labels.into_iter().peekable();
    let mut units = Vec::with_capacity(labels.len() * 2);
    for (section, placed) in space.sections.iter().enumerate() {
        // What is open ends where the next label stands.
        let mut open = Unit { section, begin: placed.begin, end: placed.begin, symbol: None, is_sized: false };
        let mut close = |mut unit: Unit, end: u64| {
            unit.end = end;
            if unit.begin < end {
                units.push(unit);
            }
        };
        while let Some(label) = labels.next_if(|label| label.begin < placed.end) {
            // Inner labels and other names of the same are no units.
            if label.begin < open.begin || (label.begin == open.begin && label.size == 0 && open.symbol.is_some()) {
                continue;
            }
            close(open, label.begin);
            if label.size == 0 {
                let symbol = (!ends_something(name(space, &label))).then_some(label.index);
                open = Unit { section, begin: label.begin, end: 0, symbol, is_sized: false };
            } else {
                let end = label.begin.saturating_add(label.size).min(placed.end);
                let unit = Unit { section, begin: label.begin, end, symbol: Some(label.index), is_sized: true };
                close(unit, end);
                open = Unit { section, begin: end, end: 0, symbol: None, is_sized: false };
            }
        }
        close(open, placed.end);
    }
    units
}

fn labels(space: &Space<'_>) -> Vec<Label> {
    let endian = space.image.endian;
    let mut labels = Vec::new();
    for (index, symbol) in space.image.symbols.enumerate().skip(1) {
        let kind = symbol.st_type();
        if ![elf::STT_NOTYPE, elf::STT_OBJECT, elf::STT_FUNC].contains(&kind) {
            continue;
        }
        let Some(begin) = space.place_of(index, symbol) else { continue };
        let Some(section) = space.section_at(begin) else { continue };
        let name = space.symbol_name(symbol);
        if name.is_empty() || name.starts_with(".L") || name.starts_with('$') {
            continue;
        }
        let size = symbol.st_size(endian).min(space.sections[section].end - begin);
        labels.push(Label { begin, size, is_local: symbol.st_bind() == elf::STB_LOCAL, index: index.0 });
    }
    labels
}

fn name<'d>(space: &Space<'d>, label: &Label) -> &'d str {
    let symbol = space.image.symbols.symbol(object::SymbolIndex(label.index));
    symbol.map_or("", |symbol| space.symbol_name(symbol))
}

/// Linker scripts mark the end of tables: what follows such a label is something else.
fn ends_something(name: &str) -> bool {
    let text_ends = ["_etext", "_einittext", "_edata", "_end"].contains(&name);
    text_ends || name.starts_with("__stop_") || name.starts_with("__end_") || name.ends_with("_end")
}
