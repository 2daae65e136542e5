//! Which of several functions of one name and size a frame means: the one that calls the frame below it, or that the frame
//! above it calls.

use trace::Frame;

use super::calls::{CallCheck, Callee, check_symbol};
use super::site::{Site, Target, before};
use crate::module::{Module, Named};
use crate::resolve::meant;
use crate::{Candidate, Miss, Pick, Resolution, Symbolizer};

impl<'i> Symbolizer<'i> {
    /// What a frame of a stack stands for; `below` is the frame that it called, `above` the one that called it.
    ///
    /// They are asked only where several functions have the frame's name and size, and decide only if all is told: a call
    /// whose target is not in the file leaves it undecided.
    pub fn resolve_between(
        &self,
        frame: &Frame<'_>,
        below: Option<&Frame<'_>>,
        above: Option<&Frame<'_>>,
    ) -> Resolution<'i> {
        let found = self.resolve(frame);
        if !matches!(found.miss, Some(Miss::Ambiguous(count)) if count == found.candidates.len()) {
            return found;
        }
        let Some(module) = self.module(frame.module).filter(|module| module.image.is_x86_64()) else { return found };
        let called = above.and_then(|above| called_by(module, frame, above, &found.candidates));
        let calls = || below.and_then(|below| calling(module, frame, below, &found.candidates));
        match called.or_else(calls).map(|number| &found.candidates[number]) {
            Some(Candidate { calls: Ok(calls), .. }) => {
                Resolution { calls: calls.clone(), pick: Pick::CallSite, miss: None, candidates: Vec::new(), ..found }
            }
            _ => found,
        }
    }
}

/// The candidate that the frame above calls directly.
fn called_by(module: &Module<'_>, frame: &Frame<'_>, above: &Frame<'_>, candidates: &[Candidate<'_>]) -> Option<usize> {
    if above.module != frame.module || above.exact || above.offset == 0 {
        return None;
    }
    let Named::Text(symbols) = module.named(above.function) else { return None };
    let number =
        |target: Target<'_>| candidates.iter().position(|candidate| target == Target::Flat(candidate.symbol.flat));
    let mut called = meant(&symbols, above.size).into_iter().map(|symbol| {
        let end = symbol.flat.checked_add(above.offset)?;
        match before(module.image, &symbol, end, |target| number(target).is_some()) {
            Site::Call(target) => number(target),
            _ => None,
        }
    });
    let first = called.next()??;
    called.all(|other| other == Some(first)).then_some(first)
}

/// The candidate that calls the frame below, if all others surely do not.
fn calling<'i>(
    module: &Module<'i>,
    frame: &Frame<'_>,
    below: &Frame<'_>,
    candidates: &[Candidate<'i>],
) -> Option<usize> {
    if frame.exact || frame.offset == 0 {
        return None;
    }
    let mut only = None;
    for (number, candidate) in candidates.iter().enumerate() {
        match check_symbol(module, &candidate.symbol, frame, Some(&Callee::of(below))) {
            Some(CallCheck::Agrees) if only.is_none() => only = Some(number),
            Some(CallCheck::Differs | CallCheck::NoCall) => {}
            _ => return None,
        }
    }
    only
}
