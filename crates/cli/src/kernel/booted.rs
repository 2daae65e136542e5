//! A kernel that ran: its images, and where it was loaded.

use std::ops::Deref;
use std::sync::Arc;

use ksplat::symbolize::{KaslrOffset, Miss, Resolution, RuntimeAddr};
use ksplat::trace::Frame;

use super::Kernel;

/// Doubted frames between two others.
const MOST_DOUBTED: usize = 64;

/// One run of a kernel.
pub struct Booted<'o> {
    pub(super) kernel: Arc<Kernel<'o>>,
    /// By how much it was moved, where the log says so.
    pub(super) offset: Option<KaslrOffset>,
}

impl<'o> Deref for Booted<'o> {
    type Target = Kernel<'o>;

    fn deref(&self) -> &Kernel<'o> {
        &self.kernel
    }
}

impl Booted<'_> {
    /// What the frames of a stack stand for, innermost first, or those of several stacks one behind the other.
    pub fn resolve_all(&self, frames: &[Frame<'_>]) -> Vec<Resolution<'static>> {
        self.prepare(frames);
        if let Some(image) = self.kernel.image {
            self.files.images.asked(image, frames.iter().filter(|frame| frame.module.is_none()).count());
        }
        let has_bare = frames.iter().any(|frame| frame.function.is_empty());
        let told = || frames.iter().find_map(|frame| self.vmlinux.offset_of(frame));
        let offset = if has_bare { self.offset.or_else(told) } else { None };
        let mut below = None;
        let resolve = |(number, frame): (usize, &Frame<'_>)| {
            let above = frames[number + 1..].iter().take(MOST_DOUBTED).find(|frame| frame.reliable);
            let found = match frame.address.filter(|_| frame.function.is_empty()) {
                Some(address) => self.resolve_bare(RuntimeAddr(address), offset, frame.exact),
                None => self.of(frame).resolve_between(frame, below.map(|below| &frames[below]), above),
            };
            below = if frame.reliable { Some(number) } else { below };
            found
        };
        frames.iter().enumerate().map(resolve).collect()
    }

    /// What an address of the running kernel stands for. Where modules lie a log does not say.
    fn resolve_bare(&self, address: RuntimeAddr, offset: Option<KaslrOffset>, exact: bool) -> Resolution<'static> {
        if self.path().is_none() {
            return Resolution::missed(Miss::NoVmlinux);
        }
        let Some(offset) = offset else { return Resolution::missed(Miss::UnknownOffset) };
        match self.vmlinux.link_addr(address, offset) {
            Some(place) => self.vmlinux.resolve_address(None, place, exact),
            None => Resolution::missed(Miss::NotText),
        }
    }
}
