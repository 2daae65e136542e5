//! Which form a capture has, told from a few of its lines.
//!
//! A plain console costs a look at some dozen lines. Only where one of them looks like a captured line are all of them
//! looked at, and counted.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use memchr::{memchr, memrchr};

use super::lines::lines;
use super::look::{Look, landmark, look, monotonic_host};
use super::syslog::Head;
use super::{Layer, head, json, pstore, quoted_printable, stamp, wrapped};
use crate::run::spaces;

/// The first lines are all looked at.
const FIRST: usize = 8;

/// Of the others one in so many bytes, and no more than [`MOST`] of them.
const STRIDE: usize = 1024;
const MOST: usize = 512;

/// So many lines of the kernel in a row that have a layer are a capture of their own, whatever stands before and behind:
/// a console to which somebody appended a journal. What a console shows of its machine's syslog is never that much.
const RUN: u32 = 32;

/// A line that is indented as far as a stamp and a blank reach at least.
static INDENTED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\n        "));

/// The outermost layer of a text, nothing for a plain console.
pub(super) fn outermost(text: &[u8]) -> Option<Layer> {
    let first = lines(text).map(|(_, line)| line).find(|line| !line.trim_ascii().is_empty())?;
    if pstore::is_header(first) {
        return Some(Layer::Pstore);
    }
    if is_export(text) {
        return Some(Layer::JournalExport);
    }
    let mut sample = Votes::default();
    sample_lines(text, |line| sample.count(line));
    if sample.widest <= quoted_printable::WIDTH && quoted_printable::is_quoted(text) {
        return Some(Layer::QuotedPrintable);
    }
    if sample.suggests_a_layer() {
        let mut all = Votes { host: std::mem::take(&mut sample.host), ..Votes::default() };
        lines(text).for_each(|(_, line)| all.count(line));
        if let Some(layer) = all.winner() {
            return Some(layer);
        }
    }
    if has_indented_messages(text, &sample) {
        return Some(Layer::Dmesg);
    }
    (sample.plain > 0 && wrapped::width(text).is_some()).then_some(Layer::Wrapped)
}

/// Whether the text is what `journalctl -o export` writes, or a part of it.
pub(super) fn is_export(text: &[u8]) -> bool {
    let text = &text[text.iter().take_while(|&&b| b == b'\n').count()..];
    let name = text.iter().take(64).take_while(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'_')).count();
    let is_field = name > 0 && text.get(name) == Some(&b'=');
    is_field && lines(text).take(64).any(|(_, line)| line.starts_with(b"__CURSOR="))
}

/// What lines look like.
#[derive(Debug, Default)]
struct Votes {
    /// Lines with the layer, behind which the kernel speaks.
    kernel: [u32; Layer::COUNT],
    /// Lines with the layer, whatever is behind it.
    all: [u32; Layer::COUNT],
    /// The layer that the kernel last spoke behind, and how often since it spoke without one; the longest such run of each.
    run: Option<(Layer, u32)>,
    longest: [u32; Layer::COUNT],
    /// Lines with printk's own prefix, or parts of it, at their start.
    plain: u32,
    /// Plain lines with a caller id.
    callers: u32,
    /// Lines that hold something.
    lines: u32,
    /// Those that start in the first column.
    flush: u32,
    /// Lines that a console has in the first column, and has not got there; and those that it has.
    shifted: u32,
    unshifted: u32,
    /// The length of the longest line.
    widest: usize,
    /// The machine's name in journalctl's short-monotonic form.
    host: Vec<u8>,
}

impl Votes {
    fn count(&mut self, line: &[u8]) {
        let Some(first) = line.first() else { return };
        if json::is_element(line.trim_ascii()) {
            return;
        }
        self.lines += 1;
        self.widest = self.widest.max(line.len());
        self.flush += u32::from(!matches!(first, b' ' | b'\t'));
        match landmark(line) {
            Some(0) => self.unshifted += 1,
            Some(_) => self.shifted += 1,
            None => {}
        }
        match look(line, 0) {
            Look::Plain if self.is_from_host(line) => self.all[Layer::Syslog as usize] += 1,
            Look::Plain => {
                self.plain += 1;
                self.run = None;
            }
            Look::Caller => {
                self.plain += 1;
                self.callers += 1;
                self.run = None;
            }
            Look::Text => {}
            Look::Layer(layer, is_kernel) => {
                if layer == Layer::Syslog && self.host.is_empty() {
                    self.host.extend_from_slice(monotonic_host(line).unwrap_or_default());
                }
                self.all[layer as usize] += 1;
                if is_kernel {
                    self.kernel[layer as usize] += 1;
                    let length = self.run.filter(|run| run.0 == layer).map_or(0, |run| run.1) + 1;
                    self.run = Some((layer, length));
                    let longest = &mut self.longest[layer as usize];
                    *longest = length.max(*longest);
                }
            }
        }
    }

    /// A line of a program in journalctl's short-monotonic form.
    fn is_from_host(&self, line: &[u8]) -> bool {
        !self.host.is_empty() && Head::read(line).is_some_and(|head| head.host == self.host)
    }

    /// Whether these few lines give a reason to look at all of them.
    fn suggests_a_layer(&self) -> bool {
        self.kernel.iter().any(|&n| n > 0)
            || self.all.iter().any(|&n| n > self.plain)
            || self.plain == 0 && self.flush < self.lines
    }

    /// The layer that the text has, these being all of its lines.
    fn winner(&self) -> Option<Layer> {
        let votes = |layer: &Layer| (self.kernel[*layer as usize], self.all[*layer as usize]);
        let best = Layer::ALL.into_iter().max_by_key(votes)?;
        let (kernel, all) = votes(&best);
        let is_enough = match best {
            // Such objects may be logged on a console by anything.
            Layer::DockerJson | Layer::JournalJson | Layer::DmesgJson => kernel * 4 >= self.lines,
            // syslog has its own lines on many a console: a log, or the kernel's part of one that a mail cites.
            Layer::Syslog => all * 2 >= self.lines || kernel * 8 >= self.lines && kernel * 2 >= all,
            _ => true,
        };
        if kernel > self.plain && is_enough || self.longest[best as usize] >= RUN {
            return Some(best);
        }
        if self.plain == 0 && best.is_transport() && all * 2 >= self.lines {
            return Some(best);
        }
        self.is_indented().then_some(Layer::Indent)
    }

    /// A text without stamps of which all lines are indented, or those that make a report (as in a commit message).
    fn is_indented(&self) -> bool {
        self.plain == 0 && self.lines > 0 && (self.flush == 0 || self.shifted > self.unshifted)
    }
}

/// Hands some lines of the text to `look`: the first ones, and others spread over the rest.
fn sample_lines(text: &[u8], mut look: impl FnMut(&[u8])) {
    let mut at = 0;
    for (start, line) in lines(text).take(FIRST) {
        look(line);
        at = start + line.len() + 1;
    }
    let stride = STRIDE.max(text.len() / MOST);
    at += stride;
    while let Some(newline) = text.get(at..).and_then(|rest| memchr(b'\n', rest)) {
        let start = at + newline + 1;
        let rest = &text[start..];
        let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
        look(line);
        at = start + stride.max(line.len());
    }
}

/// Whether the later lines of a message are indented to stand below the first, which has the stamp.
///
/// Only dmesg does that; a console repeats the prefix. Most such messages are lockdep's.
fn has_indented_messages(text: &[u8], sample: &Votes) -> bool {
    // dmesg puts a blank between stamp and caller, so where there is none it was not dmesg.
    if sample.plain == 0 || sample.callers > 0 {
        return false;
    }
    INDENTED.find_iter(text).any(|newline| {
        let line = &text[memrchr(b'\n', &text[..newline]).map_or(0, |i| i + 1)..newline];
        is_head_of(line, &text[newline + 1..])
    })
}

/// Whether `line` has a stamp, and the line behind it is indented as far.
fn is_head_of(line: &[u8], next: &[u8]) -> bool {
    let head = stamp::kernel_len(line).filter(|&len| head::behind_blank(line, len).is_some()).map(|len| len + 1);
    let own = spaces(next);
    head == Some(own) && !matches!(next.get(own), None | Some(b'\n'))
}
