//! Which form a capture has, told from a few of its lines.
//!
//! A plain console costs a look at some dozen lines. Only where one of them looks like a captured line are all of them
//! looked at, and counted.

use std::sync::LazyLock;

use memchr::memmem::{self, Finder};
use memchr::{memchr, memrchr};

use super::delta::is_delta;
use super::head::{self, plain, quotes, spaced_caller};
use super::lines::lines;
use super::stamp;
use super::syslog::{Head, Time};
use super::{Layer, pstore, record};

/// The first lines are all looked at.
const FIRST: usize = 8;

/// Of the others one in so many bytes, and no more than [`MOST`] of them.
const STRIDE: usize = 512;
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
    if sample.suggests_a_layer() {
        let mut all = Votes { host: std::mem::take(&mut sample.host), ..Votes::default() };
        lines(text).for_each(|(_, line)| all.count(line));
        if let Some(layer) = all.winner() {
            return Some(layer);
        }
    }
    has_indented_messages(text, &sample).then_some(Layer::Dmesg)
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
    /// The machine's name in journalctl's short-monotonic form.
    host: Vec<u8>,
}

/// What one line looks like.
enum Look {
    /// A line of the kernel's console.
    Plain,
    /// The same, with a caller id.
    Caller,
    /// A line with a layer; `true` where the layer, or what is behind it, is the kernel's.
    Layer(Layer, bool),
    /// Some text.
    Text,
}

impl Votes {
    fn count(&mut self, line: &[u8]) {
        let Some(first) = line.first() else { return };
        self.lines += 1;
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

/// How far a line is indented that stands in the first column of a console, whatever the report.
pub(super) fn landmark(line: &[u8]) -> Option<usize> {
    let text = line.trim_ascii_start();
    let is_landmark = match text.first() {
        Some(b'C') => [&b"Call Trace:"[..], b"Call trace:", b"CPU: "].iter().any(|mark| text.starts_with(mark)),
        Some(b'H') => text.starts_with(b"Hardware name: "),
        Some(b'R') => text.starts_with(b"RIP: 00"),
        _ => false,
    };
    is_landmark.then_some(line.len() - text.len())
}

fn look(line: &[u8], depth: usize) -> Look {
    let Some(first) = line.first() else { return Look::Text };
    match first {
        b'[' => bracket(line),
        b' ' | b'\t' => {
            let inner = line.trim_ascii_start();
            if inner.first() == Some(&b'"') && is_dmesg_field(inner) {
                return Look::Layer(Layer::DmesgJson, true);
            }
            // What starts with a blank is a layer only with the kernel behind it: a trace is indented too.
            if is_kernel(inner, depth) { Look::Layer(Layer::Indent, true) } else { Look::Text }
        }
        b'>' => {
            let (own, at) = quotes(line);
            let is_kernel = is_kernel(&line[at..], depth);
            // KASAN marks a line of its memory dump with one `>`.
            let is_quote = is_kernel || own > 1 || at > own || at == line.len();
            if is_quote { Look::Layer(Layer::Quote, is_kernel) } else { Look::Text }
        }
        b'<' => {
            if plain(line).is_some() {
                Look::Plain
            } else {
                syslog(line)
            }
        }
        b'{' => object(line),
        b'0'..=b'9' => stamped(line, depth),
        b'A'..=b'Z' => syslog(line),
        b'a'..=b'z' if head::decoded(line).is_some() => Look::Layer(Layer::DmesgDecoded, true),
        _ => Look::Text,
    }
}

/// `[   12.345678] …` and `[Sun Nov 22 23:49:11 2026] …`.
fn bracket(line: &[u8]) -> Look {
    let Some(len) = stamp::kernel_len(line) else {
        let is_time = stamp::ctime(&line[1..]).and_then(|s| head::close_of_time(line, s.len)).is_some();
        return match (is_time, is_delta(line)) {
            (true, _) => Look::Layer(Layer::DmesgTime, true),
            (_, true) => Look::Layer(Layer::DmesgDelta, true),
            _ => Look::Text,
        };
    };
    match &line[len..] {
        [b'[', ..] => Look::Caller,
        [b' ', b'[', ..] if spaced_caller(line).is_some() => Look::Layer(Layer::DmesgCaller, true),
        b" kernel:" => Look::Layer(Layer::Syslog, true),
        rest if rest.starts_with(b" kernel: ") || monotonic_host(line).is_some() => Look::Layer(Layer::Syslog, true),
        _ => Look::Plain,
    }
}

/// The machine's name in a kernel line of journalctl's short-monotonic form, `[  772.918915] db1 kernel: `.
///
/// Any message may read `word word: `, so only the kernel's own lines tell that form.
pub(super) fn monotonic_host(line: &[u8]) -> Option<&[u8]> {
    let rest = line[stamp::kernel_len(line)?..].strip_prefix(b" ")?;
    let host_len = memchr(b' ', &rest[..rest.len().min(66)])?;
    if !rest[host_len + 1..].starts_with(b"kernel:") {
        return None;
    }
    Head::read(line).filter(Head::is_kernel).map(|head| head.host)
}

/// Lines that start with a number: ISO time, seconds since 1970, a record.
fn stamped(line: &[u8], depth: usize) -> Look {
    if record::Record::read(line).is_some() {
        return Look::Layer(Layer::Kmsg, true);
    }
    let Some(time) = stamp::iso(line) else { return syslog(line) };
    if let Some((at, _)) = head::cri(line) {
        return Look::Layer(Layer::Cri, is_kernel(&line[at..], depth));
    }
    if line[..time.len].contains(&b',') {
        return Look::Layer(Layer::DmesgIso, true);
    }
    match (syslog(line), head::behind_blank(line, time.len)) {
        (Look::Layer(layer, true), _) => Look::Layer(layer, true),
        (_, Some(at)) => Look::Layer(Layer::IsoStamp, is_kernel(&line[at..], depth)),
        _ => Look::Text,
    }
}

fn syslog(line: &[u8]) -> Look {
    match Head::read(line) {
        Some(Head { time: Time::Monotonic(_), .. }) | None => Look::Text,
        Some(head) => Look::Layer(Layer::Syslog, head.is_kernel()),
    }
}

fn object(line: &[u8]) -> Look {
    let has = |key: &[u8]| memmem::find(line, key).is_some();
    if has(b"\"MESSAGE\"") {
        Look::Layer(Layer::JournalJson, true)
    } else if has(b"\"log\":\"") && has(b"\"stream\":\"") {
        Look::Layer(Layer::DockerJson, true)
    } else if has(b"\"msg\":") && has(b"\"time\":") && has(b"\"pri\":") {
        Look::Layer(Layer::DmesgJson, true)
    } else {
        Look::Text
    }
}

fn is_dmesg_field(line: &[u8]) -> bool {
    [&b"\"pri\": "[..], b"\"time\": ", b"\"msg\": \"", b"\"dmesg\": ["].iter().any(|key| line.starts_with(key))
}

/// Whether the kernel speaks in what is behind a layer.
fn is_kernel(text: &[u8], depth: usize) -> bool {
    depth < super::LAYERS && matches!(look(text, depth + 1), Look::Plain | Look::Caller | Look::Layer(_, true))
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
    let own = stamp::blanks(next);
    head == Some(own) && !matches!(next.get(own), None | Some(b'\n'))
}
