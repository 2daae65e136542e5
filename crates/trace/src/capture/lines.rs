//! Peels a layer that stands in front of every line.

use memchr::memchr;

use super::Layer;
use super::container::cri;
use super::head::Heads;
use super::map::Out;
use super::stamp::blanks;

/// The lines of a text with their offsets, without their newlines.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let len = memchr(b'\n', rest).unwrap_or(rest.len());
        let line = (at, &rest[..len]);
        at += len + 1;
        Some(line)
    })
}

/// Writes `text` to `out` without `layer`.
pub(super) fn peel(layer: Layer, text: &[u8], out: &mut Out) {
    let mut heads = Heads::of(layer, text);
    let (mut prefix, mut read) = (Vec::new(), Vec::new());
    // The lines behind a message's first one are indented by the width of its head.
    let mut head = None;
    for (at, line) in lines(text) {
        let message = match heads.read(line, &mut read) {
            Some(message) => {
                std::mem::swap(&mut prefix, &mut read);
                // An empty message may have lost its blank.
                let lost = usize::from(message == line.len() && line.last() != Some(&b' '));
                head = (!layer.is_transport()).then_some(message + lost);
                Some(message)
            }
            None => head.filter(|&head| head > 0 && blanks(line) >= head),
        };
        match message {
            Some(message) => {
                out.push(&prefix, at);
                push_message(layer, &line[message..], at + message, out);
            }
            None => {
                head = None;
                out.push(line, at);
            }
        }
        let goes_on = layer == Layer::Cri && cri(line).is_some_and(|(_, partial)| partial);
        if !goes_on && at + line.len() < text.len() {
            out.newline(at + line.len());
        }
    }
}

/// rsyslog writes a tab, which RCU stalls are full of, as `#011`.
fn push_message(layer: Layer, message: &[u8], at: usize, out: &mut Out) {
    let mut from = 0;
    if layer == Layer::Syslog {
        while let Some(tab) = memchr::memmem::find(&message[from..], b"#011") {
            out.push(&message[from..from + tab], at + from);
            out.push(b"\t", at + from + tab);
            from += tab + 4;
        }
    }
    out.push(&message[from..], at + from);
}
