//! What one line of a capture looks like.

use memchr::{memchr, memmem};

use super::delta::is_delta;
use super::head::{self, plain, quotes, spaced_caller};
use super::syslog::{Head, Time};
use super::{Layer, container, json, record, stamp, verbose};

/// What one line looks like.
pub(super) enum Look {
    /// A line of the kernel's console.
    Plain,
    /// The same, with a caller id.
    Caller,
    /// A line with a layer; `true` where the layer, or what is behind it, is the kernel's.
    Layer(Layer, bool),
    /// Some text.
    Text,
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

/// Looks at a line that stands behind so many layers.
pub(super) fn look(line: &[u8], depth: usize) -> Look {
    let Some(first) = line.first() else { return Look::Text };
    let look = match first {
        b'[' => bracket(line),
        b' ' | b'\t' => {
            let inner = line.trim_ascii_start();
            if inner.first() == Some(&b'"')
                && let Some(layer) = field(inner)
            {
                return Look::Layer(layer, true);
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
        b'|' if line.len() == 1 || line[1] == b' ' => {
            Look::Layer(Layer::Quote, is_kernel(&line[quotes(line).1..], depth))
        }
        b'<' => {
            if plain(line).is_some() {
                Look::Plain
            } else {
                syslog(line)
            }
        }
        b'{' | b'\x1e' => object(line),
        b'0'..=b'9' => stamped(line, depth),
        b'A'..=b'Z' if verbose::is_head(line) => Look::Layer(Layer::JournalVerbose, true),
        b'A'..=b'Z' => syslog(line),
        b'd' if matches!(json::behind_mark(line), [b'{', ..]) => object(line),
        b'a'..=b'z' if head::decoded(line).is_some() => Look::Layer(Layer::DmesgDecoded, true),
        _ => Look::Text,
    };
    if matches!(look, Look::Text) { named(line, depth) } else { look }
}

/// Lines that start with a name: a job and its step, a service.
fn named(line: &[u8], depth: usize) -> Look {
    if let Some(at) = container::job(line) {
        return Look::Layer(Layer::Job, is_kernel(&line[at..], depth));
    }
    container::compose(line).map_or(Look::Text, |at| Look::Layer(Layer::Compose, is_kernel(&line[at..], depth)))
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
        rest if rest.starts_with(b" kernel: ") || host_behind(line, len).is_some() => Look::Layer(Layer::Syslog, true),
        _ => Look::Plain,
    }
}

/// The machine's name in a kernel line of journalctl's short-monotonic form, `[  772.918915] db1 kernel: `.
///
/// Any message may read `word word: `, so only the kernel's own lines tell that form.
pub(super) fn monotonic_host(line: &[u8]) -> Option<&[u8]> {
    host_behind(line, stamp::kernel_len(line)?)
}

/// The same, where the stamp's length is known.
fn host_behind(line: &[u8], stamp: usize) -> Option<&[u8]> {
    let rest = line[stamp..].strip_prefix(b" ")?;
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
    if let Some((at, _)) = container::cri(line) {
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
    let has = |name: &[u8]| {
        let behind = |at: usize| line[at + name.len()..].trim_ascii_start().first() == Some(&b':');
        memmem::find_iter(line, name).any(behind)
    };
    if has(b"\"MESSAGE\"") {
        Look::Layer(Layer::JournalJson, true)
    } else if has(b"\"log\"") && has(b"\"stream\"") {
        Look::Layer(Layer::DockerJson, true)
    } else if has(b"\"msg\"") && has(b"\"time\"") && has(b"\"pri\"") {
        Look::Layer(Layer::DmesgJson, true)
    } else {
        Look::Text
    }
}

/// The layer that has such a field on a line of its own.
fn field(line: &[u8]) -> Option<Layer> {
    const OF_DMESG: [&[u8]; 4] = [b"\"pri\": ", b"\"time\": ", b"\"msg\": \"", b"\"dmesg\": ["];
    let is_of_dmesg = OF_DMESG.iter().any(|field| line.starts_with(field));
    if is_of_dmesg { Some(Layer::DmesgJson) } else { json::is_field_of_the_journal(line).then_some(Layer::JournalJson) }
}

/// Whether the kernel speaks in what is behind a layer.
fn is_kernel(text: &[u8], depth: usize) -> bool {
    depth < super::LAYERS && matches!(look(text, depth + 1), Look::Plain | Look::Caller | Look::Layer(_, true))
}
