//! Whether each frame of a stack really calls the one below it.

use image::Symbol;
use trace::Frame;

use super::site::{Site, Target, before, jumps, near_call, stands_in};
use crate::Symbolizer;
use crate::module::{Module, Named};
use crate::resolve::meant;

/// What the instruction before a frame's return address says of the function that was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallCheck {
    /// It calls the function of the frame below, or one that goes on there.
    Agrees,
    /// It calls another function.
    Differs,
    /// What it calls is not in the file: an indirect or static call, a thunk, code that the kernel rewrites.
    Unknown,
    /// It is no call: nothing returns here.
    NoCall,
}

impl CallCheck {
    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            CallCheck::Agrees => "agrees",
            CallCheck::Differs => "differs",
            CallCheck::Unknown => "unknown",
            CallCheck::NoCall => "no call",
        }
    }
}

/// Checks the frames of one stack, innermost first; `of` says which images a frame is looked up in.
pub fn check_calls<'i>(frames: &[Frame<'_>], of: impl Fn(&Frame<'_>) -> &'i Symbolizer<'i>) -> Vec<Option<CallCheck>> {
    look_ahead(frames, &of);
    let mut stack = Stack::default();
    frames.iter().map(|frame| stack.check(of(frame), frame)).collect()
}

/// A stack whose frames come one by one, innermost first.
#[derive(Clone, Debug, Default)]
pub struct Stack {
    /// The frame before.
    listed: Option<Callee>,
    /// The last one that is not doubted.
    reliable: Option<Callee>,
}

impl Stack {
    /// Checks the next frame.
    ///
    /// It has no check where its address is no return address, where it cannot be looked up, and where the machine is not
    /// x86_64. A frame that the unwinder doubts is held against the one listed below it, the others against the nearest
    /// that is not doubted.
    pub fn check(&mut self, symbolizer: &Symbolizer<'_>, frame: &Frame<'_>) -> Option<CallCheck> {
        let below = if frame.reliable { self.reliable.as_ref().or(self.listed.as_ref()) } else { self.listed.as_ref() };
        let module = symbolizer.module(frame.module);
        let found = module.and_then(|module| check(module, frame, below));
        let own = Callee::of(frame);
        if frame.reliable {
            self.reliable = Some(own.clone());
        }
        self.listed = Some(own);
        found
    }
}

/// A function that is expected to be called.
#[derive(Clone, Debug)]
pub(crate) struct Callee {
    function: String,
    module: Option<String>,
}

impl Callee {
    pub(crate) fn of(frame: &Frame<'_>) -> Callee {
        Callee { function: frame.function.to_owned(), module: frame.module.map(str::to_owned) }
    }
}

/// Looks up in one pass what the calls of some frames lead to, where that is none of the frames' functions.
pub fn look_ahead<'i>(frames: &[Frame<'_>], of: impl Fn(&Frame<'_>) -> &'i Symbolizer<'i>) {
    let mut by_module: Vec<(&'i Module<'i>, Vec<u64>, Vec<u64>)> = Vec::new();
    for frame in frames {
        let Some(module) = of(frame).module(frame.module).filter(|module| module.image.is_x86_64()) else { continue };
        let Named::Text(symbols) = module.named(frame.function) else { continue };
        let known = by_module.iter().position(|(other, ..)| std::ptr::eq(*other, module));
        let at = known.unwrap_or_else(|| {
            by_module.push((module, Vec::new(), Vec::new()));
            by_module.len() - 1
        });
        let (_, starts, targets) = &mut by_module[at];
        starts.extend(symbols.iter().map(|symbol| symbol.flat));
        if frame.offset > 0 && !frame.exact {
            let ends = symbols.iter().take(MAX_SYMBOLS).filter_map(|symbol| symbol.flat.checked_add(frame.offset));
            targets.extend(ends.filter_map(|end| near_call(module.image, end)));
        }
    }
    for (module, mut starts, mut targets) in by_module {
        starts.sort_unstable();
        targets.retain(|target| starts.binary_search(target).is_err());
        targets.sort_unstable();
        targets.dedup();
        module.look_at(&targets);
    }
}

fn check(module: &Module<'_>, frame: &Frame<'_>, callee: Option<&Callee>) -> Option<CallCheck> {
    if frame.exact || frame.offset == 0 || !module.image.is_x86_64() {
        return None;
    }
    let Named::Text(symbols) = module.named(frame.function) else { return None };
    let symbols = meant(&symbols, frame.size);
    let mut found = None;
    for symbol in symbols.iter().take(MAX_SYMBOLS).filter(|_| frame.offset <= frame.size) {
        match (check_symbol(module, symbol, frame, callee), found) {
            (Some(CallCheck::Agrees), _) => return Some(CallCheck::Agrees),
            (check, None) => found = check,
            // Which of them is meant is not known.
            (check, before) if check != before => found = Some(CallCheck::Unknown),
            _ => {}
        }
    }
    found
}

/// Symbols of one name that are looked at.
const MAX_SYMBOLS: usize = 32;

/// The same, if the frame means this symbol.
pub(crate) fn check_symbol<'i>(
    module: &Module<'i>,
    symbol: &Symbol<'i>,
    frame: &Frame<'_>,
    callee: Option<&Callee>,
) -> Option<CallCheck> {
    let end = symbol.flat.checked_add(frame.offset)?;
    let wanted = callee.map(|callee| Wanted::new(module, frame, callee));
    let is_wanted = |target: Target<'_>| wanted.as_ref().is_some_and(|wanted| wanted.is(target));
    match before(module.image, symbol, end, is_wanted) {
        Site::NoCall => Some(CallCheck::NoCall),
        Site::Unknown => wanted.map(|_| CallCheck::Unknown),
        Site::Call(target) if is_wanted(target) => Some(CallCheck::Agrees),
        Site::Call(target) => wanted.map(|wanted| of_other(module, target, &wanted)),
    }
}

/// Functions that are looked at in the search for one that goes on in the wanted one.
const MAX_JUMPED: usize = 8;

/// The target is not the wanted function itself, but may go on there, at once or through others.
fn of_other(module: &Module<'_>, target: Target<'_>, wanted: &Wanted<'_, '_>) -> CallCheck {
    let mut goes_on = vec![target];
    let mut is_known = wanted.is_here;
    let mut next = 0;
    while let Some(target) = goes_on.get(next).copied() {
        next += 1;
        let Target::Flat(flat) = target else {
            is_known = false;
            continue;
        };
        let Some(called) = module.symbol_at(flat).filter(|called| !stands_in(called.name) && next <= MAX_JUMPED) else {
            is_known = false;
            break;
        };
        let jumps = jumps(module.image, &called);
        if jumps.to.iter().any(|to| wanted.is(*to)) {
            return CallCheck::Agrees;
        }
        is_known &= !jumps.elsewhere;
        let ahead: Vec<u64> =
            jumps.to.iter().filter_map(|to| if let Target::Flat(flat) = to { Some(*flat) } else { None }).collect();
        module.look_at(&ahead);
        for to in jumps.to {
            // Loops, and a cold part that jumps back.
            if !goes_on.contains(&to) && to != Target::Flat(called.flat) {
                goes_on.push(to);
            }
        }
    }
    if is_known { CallCheck::Differs } else { CallCheck::Unknown }
}

/// The function that a name is of: what the compiler moved out of one is jumped to, and the function is called.
pub(crate) fn whole(name: &str) -> &str {
    name.split(".cold").next().unwrap_or(name)
}

/// The function that a frame is expected to call, as the caller's image has it.
struct Wanted<'f, 'i> {
    name: &'f str,
    /// Whether it is in the caller's image.
    is_here: bool,
    symbols: Vec<Symbol<'i>>,
}

impl<'f, 'i> Wanted<'f, 'i> {
    fn new(module: &Module<'i>, caller: &Frame<'_>, callee: &'f Callee) -> Wanted<'f, 'i> {
        let name = whole(&callee.function);
        let is_here = callee.module.as_deref() == caller.module;
        let symbols = match module.named(name) {
            Named::Text(symbols) if is_here => symbols.to_vec(),
            _ => Vec::new(),
        };
        Wanted { name, is_here, symbols }
    }

    fn is(&self, target: Target<'_>) -> bool {
        match target {
            Target::Flat(flat) => self.symbols.iter().any(|symbol| symbol.flat == flat),
            Target::Name(name) => !self.is_here && name == self.name,
        }
    }
}
