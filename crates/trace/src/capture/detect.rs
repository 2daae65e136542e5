//! Which form a capture has, told from a few of its lines.
//!
//! A plain console costs a look at some dozen lines. Only where one of them looks like a captured line are all of them
//! looked at, and counted.

use memchr::{memchr, memmem};

use super::head::{self, plain, quotes, spaced_caller};
use super::lines::lines;
use super::stamp;
use super::syslog::{Head, Time};
use super::{Layer, pstore, record};

/// The first lines are all looked at.
const FIRST: usize = 16;

/// Of the others one in so many bytes, and no more than [`MOST`] of them.
const STRIDE: usize = 256;
const MOST: usize = 512;

/// A line of each of lockdep's reports (kernel/locking/lockdep.c), the first one of a message of its own.
const LOCKDEP: &[u8] = b"other info that might help us debug this:";

/// A stamp and a blank are at least as wide as this.
const DEEP: usize = 8;

/// The outermost layer of a text, nothing for a plain console.
pub(super) fn outermost(text: &[u8]) -> Option<Layer> {
    let first = lines(text).map(|(_, line)| line).find(|line| !line.trim_ascii().is_empty())?;
    if pstore::is_header(first) {
        return Some(Layer::Pstore);
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

/// Whether the text is what `journalctl -o export` writes.
pub(super) fn is_export(text: &[u8]) -> bool {
    let text = &text[text.iter().take_while(|&&b| b == b'\n').count()..];
    text.starts_with(b"__CURSOR=")
        || text.first() == Some(&b'_') && lines(text).take(64).any(|(_, line)| line.starts_with(b"__CURSOR="))
}

/// What lines look like.
#[derive(Debug, Default)]
struct Votes {
    /// Lines with the layer, behind which the kernel speaks.
    kernel: [u32; Layer::COUNT],
    /// Lines with the layer, whatever is behind it.
    all: [u32; Layer::COUNT],
    /// Lines with printk's own prefix, or parts of it, at their start.
    plain: u32,
    /// Lines that hold something.
    lines: u32,
    /// Those that start in the first column.
    flush: u32,
    /// Those that are indented as far as a stamp reaches.
    deep: u32,
    /// The machine's name in journalctl's short-monotonic form.
    host: Vec<u8>,
}

/// What one line looks like.
enum Look {
    /// A line of the kernel's console.
    Plain,
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
        self.deep += u32::from(stamp::blanks(line) >= DEEP);
        match look(line, 0) {
            Look::Plain if self.is_from_host(line) => self.all[Layer::Syslog as usize] += 1,
            Look::Plain => self.plain += 1,
            Look::Text => {}
            Look::Layer(layer, is_kernel) => {
                if layer == Layer::Syslog && self.host.is_empty() {
                    self.host.extend_from_slice(monotonic_host(line).unwrap_or_default());
                }
                self.all[layer as usize] += 1;
                self.kernel[layer as usize] += u32::from(is_kernel);
            }
        }
    }

    /// A line of a program in journalctl's short-monotonic form.
    fn is_from_host(&self, line: &[u8]) -> bool {
        !self.host.is_empty() && Head::read(line).is_some_and(|head| head.host == self.host)
    }

    /// Whether these few lines give a reason to look at all of them.
    fn suggests_a_layer(&self) -> bool {
        self.kernel.iter().any(|&n| n > 0) || self.all.iter().any(|&n| n > self.plain) || self.is_indented()
    }

    /// The layer that the text has, these being all of its lines.
    fn winner(&self) -> Option<Layer> {
        let votes = |layer: &Layer| (self.kernel[*layer as usize], self.all[*layer as usize]);
        let best = Layer::ALL.into_iter().max_by_key(votes)?;
        let (kernel, all) = votes(&best);
        let needed = match best {
            // Such objects may be logged on a console by anything.
            Layer::DockerJson | Layer::JournalJson | Layer::DmesgJson => self.lines / 4,
            _ => 0,
        };
        if kernel > self.plain && kernel >= needed {
            return Some(best);
        }
        if self.plain == 0 && best.is_transport() && all * 2 >= self.lines {
            return Some(best);
        }
        self.is_indented().then_some(Layer::Indent)
    }

    fn is_indented(&self) -> bool {
        self.flush == 0 && self.lines > 0
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
    let Some(kernel) = stamp::kernel(line) else {
        let is_ctime = stamp::ctime(&line[1..]).is_some_and(|s| line.get(1 + s.len) == Some(&b']'));
        return if is_ctime { Look::Layer(Layer::DmesgTime, true) } else { Look::Text };
    };
    let rest = &line[kernel.len..];
    if rest.starts_with(b" [") && spaced_caller(line).is_some() {
        return Look::Layer(Layer::DmesgCaller, true);
    }
    if monotonic_host(line).is_some() { Look::Layer(Layer::Syslog, true) } else { Look::Plain }
}

/// The machine's name in a kernel line of journalctl's short-monotonic form, `[  772.918915] db1 kernel: `.
///
/// Any message may read `word word: `, so only the kernel's own lines tell that form.
pub(super) fn monotonic_host(line: &[u8]) -> Option<&[u8]> {
    let rest = &line[stamp::kernel(line)?.len..];
    let host_end = rest.iter().take(66).skip(1).position(|&b| b == b' ')? + 1;
    if !rest[host_end + 1..].starts_with(b"kernel:") {
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
    depth < super::LAYERS && matches!(look(text, depth + 1), Look::Plain | Look::Layer(_, true))
}

/// Whether the later lines of a message are indented to stand below the first, which has the stamp.
///
/// Only dmesg does that; a console repeats the prefix. Most such messages are lockdep's, in all of whose reports one
/// line is to be found; those of others are seen where they are in the sample.
fn has_indented_messages(text: &[u8], sample: &Votes) -> bool {
    if sample.plain == 0 || sample.deep == 0 && memmem::find(text, LOCKDEP).is_none() {
        return false;
    }
    let mut head = None;
    lines(text).any(|(_, line)| {
        let is_indented = head.is_some_and(|head| stamp::blanks(line) == head && line.len() > head);
        head = stamp::kernel(line).and_then(|s| head::behind_blank(line, s.len).map(|_| s.len + 1));
        is_indented
    })
}
