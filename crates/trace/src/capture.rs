//! A capture to the console text that it holds: `bytes ─capture─> console text`.
//!
//! Whatever somebody captured (a journal, a kubectl log, a quoted mail) is turned into what the kernel's console would
//! have shown, so that the stages behind this one know one prefix only, printk's. What goes in is bytes; what comes out is
//! text in printk's own layout, and for each of its bytes the place in the capture that it comes from.

mod container;
mod controls;
mod delta;
mod detect;
mod entry;
mod export;
mod head;
mod journal;
mod json;
mod layer;
mod lines;
mod look;
mod map;
mod pstore;
mod quoted_printable;
mod record;
mod repeat;
mod stamp;
mod syslog;
mod verbose;
mod wrapped;

use std::borrow::Cow;

pub use layer::Layer;
use map::Map;

/// Forms within forms are peeled this often: a quoted mail of a kubectl log of a journal is three.
const LAYERS: usize = 4;

/// The console text that a capture holds, and where each part of it lies in the capture.
///
/// ```
/// let console = trace::Console::read(b"Nov 22 23:49:11 db1 kernel: [   12.500000] BUG: oh\n");
/// assert_eq!(console.text(), b"[   12.500000] BUG: oh\n");
/// assert_eq!(console.format(), [trace::Layer::Syslog]);
/// assert_eq!(console.offset(15), 43); // where `BUG` stands
/// ```
#[derive(Debug)]
pub struct Console<'a> {
    text: Cow<'a, [u8]>,
    layers: Vec<Layer>,
    /// One for each rewriting, that of the capture itself first.
    maps: Vec<Map>,
}

impl<'a> Console<'a> {
    /// Reads a capture; plain text is borrowed. A capture of 4 GiB or more is taken as it is.
    pub fn read(capture: &'a [u8]) -> Console<'a> {
        let mut console = Console { text: Cow::Borrowed(capture), layers: Vec::new(), maps: Vec::new() };
        if u32::try_from(capture.len()).is_err() {
            return console;
        }
        // The binary fields of an export may hold any byte, so only line breaks are mended before they are read.
        if detect::is_export(capture) {
            if let Some(mended) = controls::with_plain_line_breaks(capture) {
                console.rewrite(mended);
            }
            console.peel(Layer::JournalExport);
        }
        console.clean();
        while console.layers.len() < LAYERS {
            let Some(layer) = detect::outermost(&console.text) else { break };
            console.peel(layer);
            if layer.is_encoded() {
                console.clean();
            }
        }
        console
    }

    /// The console text, in printk's layout.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// What the capture was taken for, outermost layer first; empty for a plain console.
    pub fn format(&self) -> &[Layer] {
        &self.layers
    }

    /// The byte offset in the capture of what stands at byte offset `at` of the text.
    ///
    /// Text that the capture does not hold as such (a stamp made from a record's field) maps to what it was made from.
    pub fn offset(&self, at: usize) -> usize {
        self.maps.iter().rev().fold(at.min(self.text.len()), |at, map| map.source(at))
    }

    fn peel(&mut self, layer: Layer) {
        self.rewrite(layer.peel(&self.text));
        self.layers.push(layer);
    }

    fn clean(&mut self) {
        if let Some(cleaned) = controls::without(&self.text) {
            self.rewrite(cleaned);
        }
    }

    fn rewrite(&mut self, (text, map): (Vec<u8>, Map)) {
        self.text = Cow::Owned(text);
        self.maps.push(map);
    }
}
