//! A kernel and its modules, ready to be asked.

use std::collections::HashMap;

use image::Image;
use trace::Frame;

use crate::index::Index;
use crate::module::{Module, Named};
use crate::proof::whole;
use crate::resolve::meant;
use crate::{KaslrOffset, LinkAddr, Paths, Resolution, RuntimeAddr, resolve};

const PAGE: u64 = 0x1000;

/// A vmlinux and modules, and what was read of their debug information so far.
///
/// Sharing it between threads is fine; each unit is read once, by whoever needs it first.
pub struct Symbolizer<'i> {
    pub(crate) vmlinux: Option<Module<'i>>,
    modules: HashMap<String, Module<'i>>,
}

impl<'i> Symbolizer<'i> {
    /// A symbolizer for a kernel and modules, each under the name that the kernel prints; of equal names the first counts.
    pub fn new<'n>(
        vmlinux: Option<&'i Image<'i>>,
        modules: impl IntoIterator<Item = (&'n str, &'i Image<'i>)>,
    ) -> Symbolizer<'i> {
        Symbolizer::with_paths(vmlinux, modules, &Paths::default())
    }

    /// The same, with another way to shorten paths.
    pub fn with_paths<'n>(
        vmlinux: Option<&'i Image<'i>>,
        modules: impl IntoIterator<Item = (&'n str, &'i Image<'i>)>,
        paths: &Paths,
    ) -> Symbolizer<'i> {
        let mut by_name = HashMap::new();
        for (name, image) in modules {
            by_name.entry(plain(name)).or_insert_with(|| Module::new(image, paths));
        }
        Symbolizer { vmlinux: vmlinux.map(|image| Module::new(image, paths)), modules: by_name }
    }

    /// Lends the index of the kernel (`module` is none) or of a module, which from then on is asked before the debug
    /// information; the first one counts.
    pub fn lend_index(&self, module: Option<&str>, index: &'i Index<'i>) {
        if let Some(image) = self.module(module) {
            image.lend(index);
        }
    }

    /// Looks up the names of many frames at once, which costs one pass over a symbol table instead of one for each.
    pub fn prepare(&self, frames: &[Frame<'_>]) {
        let mut wanted: Vec<(Option<String>, Vec<&str>)> = Vec::new();
        for frame in frames.iter().filter(|frame| !frame.function.is_empty()) {
            let module = frame.module.map(plain);
            // The second is what the frame above is expected to call.
            let both = [frame.function, whole(frame.function)];
            match wanted.iter_mut().find(|(other, _)| *other == module) {
                Some((_, names)) => names.extend(both),
                None => wanted.push((module, both.to_vec())),
            }
        }
        for (module, mut names) in wanted {
            names.sort_unstable();
            names.dedup();
            if let Some(module) = self.module(module.as_deref()) {
                module.look_up(&names);
            }
        }
    }

    /// What a frame stands for.
    pub fn resolve(&self, frame: &Frame<'_>) -> Resolution<'i> {
        resolve::frame(self, frame)
    }

    /// What an address of the kernel (`module` is none) or of a module stands for.
    ///
    /// `exact` says that the address is the instruction itself and not one past a call, as in [`Frame::exact`].
    pub fn resolve_address(&self, module: Option<&str>, address: LinkAddr, exact: bool) -> Resolution<'i> {
        resolve::address(self, module, address, exact)
    }

    /// The lines that an instruction stands for: its own, then those of the calls that it was inlined through, innermost first.
    pub fn lines(&self, module: Option<&str>, address: LinkAddr) -> Vec<u32> {
        let Some(module) = self.module(module) else { return Vec::new() };
        let Ok(located) = module.locate(module.image.flat(address)) else { return Vec::new() };
        let called = located.inlined.iter().rev().map(|inlined| inlined.called.line);
        std::iter::once(located.place.line).chain(called).flatten().collect()
    }

    /// The place in the kernel's text that a run-time address means, if it is kernel text.
    pub fn link_addr(&self, address: RuntimeAddr, offset: KaslrOffset) -> Option<LinkAddr> {
        let linked = address.linked(offset)?;
        self.vmlinux.as_ref()?.image.link_addr(linked)
    }

    /// Where the kernel was loaded, told by a frame that has both an address and a name (`[<ffffffff9aa010c7>] vfs_write+0xc7/0x3f0`).
    ///
    /// Kernels are moved by whole pages; what is not does not mean the one function of that name and size.
    pub fn offset_of(&self, frame: &Frame<'_>) -> Option<KaslrOffset> {
        let (Some(address), Named::Text(symbols)) = (frame.address, self.vmlinux.as_ref()?.named(frame.function))
        else {
            return None;
        };
        let &[symbol] = &meant(&symbols, frame.size)[..] else { return None };
        let by = address.checked_sub(symbol.flat)?.checked_sub(frame.offset)?;
        (frame.module.is_none() && frame.size > 0 && by % PAGE == 0).then_some(KaslrOffset(by))
    }

    pub(crate) fn module(&self, name: Option<&str>) -> Option<&Module<'i>> {
        match name {
            None => self.vmlinux.as_ref(),
            Some(name) => self.modules.get(&plain(name)),
        }
    }
}

/// Files are called `nf-tables.ko` where the kernel says `nf_tables`.
fn plain(name: &str) -> String {
    name.replace('-', "_")
}
