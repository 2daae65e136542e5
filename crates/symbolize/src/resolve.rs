//! From a frame to the symbol that is meant and its calls.

use std::borrow::Cow;

use image::{Fit, LinkAddr, Symbol};
use trace::Frame;

use crate::module::{Module, Named};
use crate::{Call, Candidate, Miss, Pick, Resolution, Symbolizer};

/// More candidates are counted, but their chains not looked up.
const MAX_CANDIDATES: usize = 32;

/// What a frame stands for.
pub(crate) fn frame<'i>(symbolizer: &Symbolizer<'i>, frame: &Frame<'_>) -> Resolution<'i> {
    let module = match (symbolizer.module(frame.module), frame.module) {
        (Some(module), _) => module,
        (None, None) => return Resolution::missed(Miss::NoVmlinux),
        (None, Some(_)) => return Resolution::missed(Miss::NoModule),
    };
    if let Some(printed) = frame.build_id
        && module.image.build_id().is_some_and(|own| !own.is(printed))
    {
        return Resolution::missed(Miss::OtherBuildId);
    }
    if frame.function.is_empty() {
        return Resolution::missed(Miss::BareAddress);
    }
    let symbols = match module.named(frame.function) {
        Named::Text(symbols) => symbols,
        Named::Data => return Resolution::missed(Miss::Data),
        Named::Nothing if module.image.symbol_count() == 0 => return Resolution::missed(Miss::Stripped),
        Named::Nothing => return Resolution::missed(Miss::NoSymbol),
    };
    match &symbols[..] {
        // Some messages name a function and an offset only.
        [only] if frame.size == 0 => decided(module, only, frame, Pick::OnlyName, 1),
        all if frame.size == 0 => among(module, all, frame, None, all.len()),
        all => sized(module, all, frame),
    }
}

/// What an address stands for.
pub(crate) fn address<'i>(
    symbolizer: &Symbolizer<'i>,
    module: Option<&str>,
    address: LinkAddr,
    exact: bool,
) -> Resolution<'i> {
    let module = match (symbolizer.module(module), module) {
        (Some(module), _) => module,
        (None, None) => return Resolution::missed(Miss::NoVmlinux),
        (None, Some(_)) => return Resolution::missed(Miss::NoModule),
    };
    let flat = module.image.flat(address);
    let flat = if exact { flat } else { flat.wrapping_sub(1) };
    if module.image.link_addr(flat).is_none() {
        return Resolution::missed(Miss::NotText);
    }
    match module.image.function_at(flat) {
        None => Resolution::missed(Miss::NoSymbol),
        Some(symbol) => match calls_at(module, &symbol, flat) {
            Err(miss) => Resolution {
                candidates: vec![Candidate { symbol, fit: None, calls: Err(miss.clone()) }],
                pick: Pick::Address,
                same_name: 1,
                ..Resolution::missed(miss)
            },
            calls => finished(calls, Pick::Address, 1),
        },
    }
}

/// Picks among symbols of one name by the printed size.
fn sized<'i>(module: &Module<'i>, symbols: &[Symbol<'i>], frame: &Frame<'_>) -> Resolution<'i> {
    for (fit, alone) in [(Fit::Exact, Pick::Size), (Fit::Plausible, Pick::PlausibleSize)] {
        let fitting = fitting(symbols, frame.size, fit);
        match &fitting[..] {
            [] => continue,
            [only] if symbols.len() > 1 => return decided(module, only, frame, Pick::SizeAmongMany, symbols.len()),
            [only] => return decided(module, only, frame, alone, 1),
            several => return among(module, several, frame, Some(fit), symbols.len()),
        }
    }
    let mut known: Vec<u64> = symbols.iter().map(|symbol| symbol.size.expected()).collect();
    known.sort_unstable();
    known.dedup();
    Resolution {
        miss: Some(Miss::OtherSize { printed: frame.size, known }),
        candidates: candidates(module, symbols, frame, Some(Fit::No)),
        same_name: symbols.len(),
        ..Resolution::missed(Miss::NoSymbol)
    }
}

fn fitting<'i>(symbols: &[Symbol<'i>], size: u64, fit: Fit) -> Vec<Symbol<'i>> {
    symbols.iter().filter(|symbol| symbol.size.fit(size) == fit).copied().collect()
}

/// The symbols of one name that a frame may mean: all of them where it says no size.
pub(crate) fn meant<'i>(symbols: &[Symbol<'i>], size: u64) -> Vec<Symbol<'i>> {
    if size == 0 {
        return symbols.to_vec();
    }
    let exact = fitting(symbols, size, Fit::Exact);
    if exact.is_empty() { fitting(symbols, size, Fit::Plausible) } else { exact }
}

/// Several symbols fit: they are an answer only if all give the same one.
fn among<'i>(
    module: &Module<'i>,
    symbols: &[Symbol<'i>],
    frame: &Frame<'_>,
    fit: Option<Fit>,
    same_name: usize,
) -> Resolution<'i> {
    let candidates = candidates(module, symbols, frame, fit);
    let mut chains = candidates.iter().map(|candidate| &candidate.calls);
    let first = chains.next();
    let same = symbols.len() <= MAX_CANDIDATES && chains.all(|chain| Some(chain) == first);
    match first {
        Some(Ok(calls)) if same => {
            Resolution { calls: calls.clone(), pick: Pick::SameChain, miss: None, candidates: Vec::new(), same_name }
        }
        _ => Resolution { candidates, same_name, ..Resolution::missed(Miss::Ambiguous(symbols.len())) },
    }
}

fn candidates<'i>(
    module: &Module<'i>,
    symbols: &[Symbol<'i>],
    frame: &Frame<'_>,
    fit: Option<Fit>,
) -> Vec<Candidate<'i>> {
    let few = symbols.iter().take(MAX_CANDIDATES);
    few.map(|symbol| Candidate { symbol: *symbol, fit, calls: calls_of(module, symbol, frame) }).collect()
}

fn decided<'i>(
    module: &Module<'i>,
    symbol: &Symbol<'i>,
    frame: &Frame<'_>,
    pick: Pick,
    same_name: usize,
) -> Resolution<'i> {
    finished(calls_of(module, symbol, frame), pick, same_name)
}

/// The calls of a frame, if it means this symbol.
fn calls_of<'i>(module: &Module<'i>, symbol: &Symbol<'i>, frame: &Frame<'_>) -> Result<Vec<Call<'i>>, Miss> {
    let size = if frame.size == 0 { symbol.size.expected() } else { frame.size };
    let start = symbol.flat.wrapping_add(frame.offset);
    match frame.offset {
        offset if offset > size || (offset == size && frame.exact) => Err(Miss::OffsetBeyondSize),
        // The kernel looks a return address up one byte before it, so a pointer to a function that lies on the stack
        // shows as the end of the padding in front of it: `? __pfx_vfs_write+0x10/0x10` is `vfs_write`.
        offset if offset == size && is_padding(symbol.name) => match module.locate(start) {
            Ok(located) if located.is_entry => Ok(located.calls(entry_name(symbol.name))),
            Ok(_) => Err(Miss::Padding),
            Err(miss) => Err(miss),
        },
        // No call returns to the start of a function.
        0 => calls_at(module, symbol, start),
        _ if frame.exact => calls_at(module, symbol, start),
        // A return address is one past the call, and the call may be the last instruction of its function.
        _ => calls_at(module, symbol, start.wrapping_sub(1)),
    }
}

fn calls_at<'i>(module: &Module<'i>, symbol: &Symbol<'i>, flat: u64) -> Result<Vec<Call<'i>>, Miss> {
    // Trampolines of static calls are written by inline assembly into a section of their own; no unit says anything of them.
    if symbol.name.starts_with("__SCT__") {
        return Err(Miss::NoDwarf);
    }
    match module.locate(flat) {
        Ok(located) => Ok(located.calls(Cow::Borrowed(symbol.name))),
        Err(Miss::NoDwarf) if is_padding(symbol.name) => Err(Miss::Padding),
        Err(miss) => Err(miss),
    }
}

/// Names of the space that `-fpatchable-function-entry` and kCFI leave in front of functions (objtool makes them).
fn is_padding(name: &str) -> bool {
    name.starts_with("__pfx_") || name.starts_with("__cfi_")
}

fn entry_name(name: &'_ str) -> Cow<'_, str> {
    Cow::Borrowed(&name["__pfx_".len()..])
}

fn finished<'i>(calls: Result<Vec<Call<'i>>, Miss>, pick: Pick, same_name: usize) -> Resolution<'i> {
    match calls {
        Ok(calls) => Resolution { calls, pick, miss: None, candidates: Vec::new(), same_name },
        Err(miss) => Resolution { pick, same_name, ..Resolution::missed(miss) },
    }
}
