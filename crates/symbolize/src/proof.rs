//! Whether an image is the one that printed a report: what of the report agrees with it.
//!
//! Only a build-id or a version line proves something ([`Identity`]). The rest are signs: sizes of functions, the bytes of
//! a `Code:` line, and what the call instructions call.

mod calls;
mod code;
mod pick;
mod site;

use std::fmt;
use std::ops::AddAssign;

use trace::Frame;

pub(crate) use calls::whole;
pub use calls::{CallCheck, Stack, check_calls, look_ahead};

use crate::module::Named;
use crate::resolve::meant;
use crate::{Identity, Symbolizer};

/// How many things agree with an image, and how many do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// They are as in the image.
    pub agree: usize,
    /// They are not.
    pub differ: usize,
    /// They may be either: the kernel rewrites them, or the file does not say.
    pub unknown: usize,
}

/// What was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    /// Functions by their sizes; those of other names are no function of the image.
    pub sizes: Count,
    /// Instructions of `Code:` lines.
    pub code: Count,
    /// Call instructions before return addresses of frames that the unwinder does not doubt.
    pub calls: Count,
    /// The same of frames that the unwinder doubts: those that differ are stale.
    pub doubted: Count,
}

/// Whether the image is the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Proved by a build-id or a version line.
    Verified,
    /// Nothing proves it, and nothing speaks against it.
    Unverified,
    /// Proved not to be, or most of what was compared differs.
    Mismatch,
}

impl Standing {
    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Verified => "verified",
            Standing::Unverified => "unverified",
            Standing::Mismatch => "mismatch",
        }
    }

    /// Judges an image.
    pub fn of(identity: &Identity, signs: &Signs) -> Standing {
        let speaks_against = |count: &Count| count.differ > count.agree;
        match identity {
            Identity::Same(_) => Standing::Verified,
            Identity::Other { .. } => Standing::Mismatch,
            _ if speaks_against(&signs.sizes) || speaks_against(&signs.code) => Standing::Mismatch,
            _ => Standing::Unverified,
        }
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Count) {
        self.agree += other.agree;
        self.differ += other.differ;
        self.unknown += other.unknown;
    }
}

impl AddAssign for Signs {
    fn add_assign(&mut self, other: Signs) {
        self.sizes += other.sizes;
        self.code += other.code;
        self.calls += other.calls;
        self.doubted += other.doubted;
    }
}

impl Count {
    fn compared(self) -> usize {
        self.agree + self.differ
    }
}

impl fmt::Display for Signs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        let named = [("sizes", self.sizes), ("instructions", self.code), ("calls", self.calls)];
        for (name, count) in named.into_iter().filter(|(_, count)| count.compared() > 0) {
            write!(f, "{between}{} of {} {name} agree", count.agree, count.compared())?;
            between = ", ";
        }
        let Count { differ: stale, .. } = self.doubted;
        if stale > 0 {
            write!(f, "{between}{stale} of {} doubted frames are stale", self.doubted.compared())?;
        }
        Ok(())
    }
}

impl Signs {
    /// Compares the size of a frame's function with those of the image's functions of that name.
    pub fn size(&mut self, symbolizer: &Symbolizer<'_>, frame: &Frame<'_>) {
        let Some(module) = symbolizer.module(frame.module).filter(|_| frame.size > 0) else { return };
        if module.image.symbol_count() == 0 {
            return;
        }
        match module.named(frame.function) {
            Named::Text(symbols) if !meant(&symbols, frame.size).is_empty() => self.sizes.agree += 1,
            Named::Text(_) | Named::Nothing => self.sizes.differ += 1,
            Named::Data => {}
        }
    }

    /// Counts the check of a frame's call.
    pub fn call(&mut self, frame: &Frame<'_>, check: Option<CallCheck>) {
        let count = if frame.reliable { &mut self.calls } else { &mut self.doubted };
        match check {
            Some(CallCheck::Agrees) => count.agree += 1,
            Some(CallCheck::Differs | CallCheck::NoCall) => count.differ += 1,
            Some(CallCheck::Unknown) => count.unknown += 1,
            None => {}
        }
    }

    /// Compares the bytes of a `Code:` line, of which the one at `trap` belongs to the frame's address.
    pub fn code(&mut self, symbolizer: &Symbolizer<'_>, frame: &Frame<'_>, bytes: &[u8], trap: usize) {
        let Some(module) = symbolizer.module(frame.module) else { return };
        let Named::Text(symbols) = module.named(frame.function) else { return };
        let compared = meant(&symbols, frame.size);
        // Of several functions the one that fits best is meant.
        let counts = compared.iter().map(|symbol| code::compare(module.image, symbol, frame.offset, bytes, trap));
        if let Some(best) = counts.min_by_key(|count| count.differ) {
            self.code += best;
        }
    }
}
