//! Peels a layer that stands in front of every line.

use memchr::memchr;

use super::Layer;
use super::container::cri;
use super::head::Heads;
use super::map::Out;
use super::repeat::{Repeat, Repeats};
use crate::run::spaces;

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
    let mut repeats = Repeats::within(text.len());
    let (mut prefix, mut read) = (Vec::new(), Vec::new());
    // The lines behind a message's first one are indented by the width of its head.
    let mut head = None;
    for (at, line) in lines(text) {
        if layer == Layer::Syslog
            && let Some(repeat) = Repeat::read(line)
        {
            repeats.write(repeat, line, at, &mut heads, out);
            if at + line.len() < text.len() {
                out.newline(at + line.len());
            }
            continue;
        }
        let start = out.text.len();
        let message = match heads.read(line, &mut read) {
            Some(message) => {
                std::mem::swap(&mut prefix, &mut read);
                // An empty message may have lost its blank.
                let lost = usize::from(message == line.len() && line.last() != Some(&b' '));
                head = (!layer.is_transport()).then_some(message + lost);
                Some(message)
            }
            None => head.filter(|&head| head > 0 && spaces(line) >= head),
        };
        match message {
            Some(message) => {
                out.push(&prefix, at);
                match layer {
                    Layer::Syslog => push_unescaped(&line[message..], at + message, &prefix, out),
                    _ => out.push(&line[message..], at + message),
                }
            }
            None => {
                head = None;
                out.push(line, at);
            }
        }
        repeats.wrote(start, out);
        let goes_on = layer == Layer::Cri && cri(line).is_some_and(|(_, partial)| partial);
        if !goes_on && at + line.len() < text.len() {
            out.newline(at + line.len());
        }
    }
}

/// rsyslog writes control bytes as `#` and three octal digits: the tabs of RCU stalls, the line breaks in lockdep's messages,
/// of which each line has the prefix on a console.
pub(super) fn push_unescaped(message: &[u8], at: usize, prefix: &[u8], out: &mut Out) {
    let mut from = 0;
    for mark in memchr::memchr_iter(b'#', message) {
        let [b'#', b'0', high @ b'0'..=b'3', low @ b'0'..=b'7', ..] = message[mark..] else { continue };
        out.push(&message[from..mark], at + from);
        match (high - b'0') * 8 + (low - b'0') {
            b'\n' => {
                out.newline(at + mark);
                out.push(prefix, at + mark);
            }
            control => out.push(&[control], at + mark),
        }
        from = mark + 4;
    }
    out.push(&message[from..], at + from);
}
