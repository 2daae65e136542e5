//! Forms of the kernel's own log: what user space wrote to the console is not in them.

use std::cell::Cell;
use std::io::Write as _;

use super::wall::{self, Wall};

const HOST: &str = "db1";

/// netconsole's `MAX_PRINT_CHUNK`: the bytes of a packet.
const PACKET: usize = 1000;

/// A console line that the kernel printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kernel<'l> {
    /// Microseconds since boot.
    pub(super) micros: i64,
    /// The caller's id, such as `T123`.
    pub(super) caller: Option<&'l [u8]>,
    /// The text behind the prefix.
    pub(super) message: &'l [u8],
}

impl<'l> Kernel<'l> {
    /// Reads a line with printk's prefix. What a console may have glued in front of that (a dropped-messages note, a
    /// login prompt, a level) is passed over.
    pub(super) fn parse(line: &'l [u8]) -> Option<Self> {
        let text = Self::at_stamp(line)?;
        let (stamp, rest) = text.strip_prefix(b"[")?.split_at(text.iter().position(|&b| b == b']')? - 1);
        let stamp = std::str::from_utf8(stamp).ok()?.trim_start_matches(' ');
        let (secs, fraction) = stamp.split_once('.')?;
        if !is_number(secs) || !is_number(fraction) || secs.len() > 12 {
            return None;
        }
        let fraction = format!("{fraction:0<6}");
        let micros = secs.parse::<i64>().ok()? * 1_000_000 + fraction[..6].parse::<i64>().ok()?;
        let rest = rest.strip_prefix(b"]")?;
        let (caller, rest) = caller(rest).map_or((None, rest), |(id, rest)| (Some(id), rest));
        Some(Kernel { micros, caller, message: rest.strip_prefix(b" ")? })
    }

    /// The line from the stamp's bracket on.
    fn at_stamp(line: &[u8]) -> Option<&[u8]> {
        let line = match line.strip_prefix(b"** ") {
            Some(rest) => {
                let note = b" printk messages dropped ** ";
                let end = rest.windows(note.len()).position(|w| w == note)?;
                if !rest[..end].iter().all(u8::is_ascii_digit) {
                    return None;
                }
                &rest[end + note.len()..]
            }
            None => line,
        };
        let prompt = b" login: ";
        let line = line.windows(prompt.len()).position(|w| w == prompt).map_or(line, |i| &line[i + prompt.len()..]);
        let Some(level) = line.strip_prefix(b"<") else { return Some(line) };
        let digits = level.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits > 0 && level.get(digits) == Some(&b'>') { Some(&level[digits + 1..]) } else { None }
    }
}

/// The kernel's lines of a log, as records: a message of more than one line is one record.
fn kernel_lines(log: &[u8]) -> Vec<(Kernel<'_>, Vec<u8>)> {
    let mut records: Vec<(Kernel<'_>, Vec<u8>)> = Vec::new();
    let mut is_open = false;
    for kernel in log.split(|&b| b == b'\n').filter_map(Kernel::parse) {
        match records.last_mut() {
            Some((first, text))
                if is_open
                    && (first.micros, first.caller) == (kernel.micros, kernel.caller)
                    && goes_on(kernel.message) =>
            {
                text.push(b'\n');
                text.extend_from_slice(kernel.message);
                is_open = false;
            }
            _ => {
                records.push((kernel, kernel.message.to_vec()));
                is_open = kernel.message.is_empty();
            }
        }
    }
    records
}

/// How the second lines of lockdep's messages begin (kernel/locking/lockdep.c: `"\nbut task is already holding lock:\n"`).
const LOCKDEP: [&str; 15] = [
    "-> #",
    "... which became",
    "and interrupts could create inverse lock ordering",
    "and this task is already holding",
    "but task is already holding",
    "but there are no more locks to release",
    "but this new dependency connects",
    "other info that might help us debug this",
    "stack backtrace:",
    "the dependencies between",
    "the existing dependency chain",
    "the shortest dependencies between",
    "to a ",
    "which lock already depends on the new lock",
    "which would create a new lock dependency",
];

fn goes_on(message: &[u8]) -> bool {
    LOCKDEP.iter().any(|start| message.starts_with(start.as_bytes()))
}

/// Writes a stamp and a caller as printk does.
pub(super) fn push_prefix(out: &mut Vec<u8>, micros: i64, caller: Option<&[u8]>) {
    let _ = write!(out, "{}", stamp(micros));
    if let Some(id) = caller {
        let _ = write!(out, "[{:>6}]", String::from_utf8_lossy(id));
    }
    out.push(b' ');
}

/// rsyslog's imklog, which leaves the kernel's own stamp in the message and escapes tabs.
pub(super) fn syslog(log: &[u8]) -> Vec<u8> {
    syslog_lines(log, |wall| format!("{} {:>2} {} {HOST} kernel: ", wall.month_name(), wall.day, wall.clock))
}

pub(super) fn syslog_iso(log: &[u8]) -> Vec<u8> {
    syslog_lines(log, |wall| format!("{}.{:06}+00:00 {HOST} kernel: ", wall.iso(), wall.micros))
}

pub(super) fn syslog_5424(log: &[u8]) -> Vec<u8> {
    syslog_lines(log, |wall| format!("<4>1 {}.{:06}+00:00 {HOST} kernel - - - ", wall.iso(), wall.micros))
}

pub(super) fn syslog_busybox(log: &[u8]) -> Vec<u8> {
    syslog_lines(log, |wall| format!("{} {:>2} {} {HOST} kern.warn kernel: ", wall.month_name(), wall.day, wall.clock))
}

/// syslog of a kernel that prints no stamps.
pub(super) fn syslog_bare(log: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for kernel in log.split(|&b| b == b'\n').filter_map(Kernel::parse) {
        let wall = Wall::at(kernel.micros);
        let _ = write!(out, "{} {:>2} {} {HOST} kernel: ", wall.month_name(), wall.day, wall.clock);
        push_rsyslog(&mut out, kernel.message);
    }
    out
}

pub(super) fn journal_short(log: &[u8]) -> Vec<u8> {
    journal(log, |wall, _| format!("{} {:02} {}", wall.month_name(), wall.day, wall.clock))
}

pub(super) fn journal_precise(log: &[u8]) -> Vec<u8> {
    journal(log, |wall, _| format!("{} {:02} {}.{:06}", wall.month_name(), wall.day, wall.clock, wall.micros))
}

pub(super) fn journal_iso(log: &[u8]) -> Vec<u8> {
    journal(log, |wall, _| format!("{}+0000", wall.iso()))
}

pub(super) fn journal_iso_precise(log: &[u8]) -> Vec<u8> {
    journal(log, |wall, _| format!("{}.{:06}+0000", wall.iso(), wall.micros))
}

pub(super) fn journal_full(log: &[u8]) -> Vec<u8> {
    journal(log, |wall, _| format!("{} {} {} UTC", wall.weekday(), wall.date(), wall.clock))
}

pub(super) fn journal_unix(log: &[u8]) -> Vec<u8> {
    journal(log, |wall, _| format!("{}.{:06}", wall.unix, wall.micros))
}

pub(super) fn journal_monotonic(log: &[u8]) -> Vec<u8> {
    journal(log, |_, micros| stamp(micros))
}

pub(super) fn journal_hostless(log: &[u8]) -> Vec<u8> {
    aligned(log, |kernel| {
        let wall = Wall::at(kernel.micros);
        format!("{} {:02} {} kernel: ", wall.month_name(), wall.day, wall.clock)
    })
}

pub(super) fn journal_monotonic_hostless(log: &[u8]) -> Vec<u8> {
    aligned(log, |kernel| format!("{} kernel: ", stamp(kernel.micros)))
}

/// One object a line. A message that is not UTF-8, or has control bytes, is an array of bytes.
pub(super) fn journal_json(log: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, (kernel, text)) in kernel_lines(log).into_iter().enumerate() {
        let is_text = text.iter().all(|&b| b >= b' ' || matches!(b, b'\n' | b'\t'));
        let message = match std::str::from_utf8(&text) {
            Ok(text) if is_text => serde_json::to_string(text),
            _ => serde_json::to_string(&text),
        };
        let message = message.expect("text and bytes are JSON");
        let (micros, wall) = (kernel.micros, Wall::at(kernel.micros));
        let realtime = format!("{}{:06}", wall.unix, wall.micros);
        // The fields come from a hash map, so their order changes from entry to entry.
        let stamp = format!("\"_SOURCE_MONOTONIC_TIMESTAMP\":\"{micros}\"");
        let message = format!("\"MESSAGE\":{message}");
        let (first, last) = if number % 2 == 0 { (&stamp, &message) } else { (&message, &stamp) };
        let _ = writeln!(
            out,
            "{{{first},\"_TRANSPORT\":\"kernel\",\"__REALTIME_TIMESTAMP\":\"{realtime}\",\"PRIORITY\":\"4\",\
             \"_HOSTNAME\":\"{HOST}\",\"SYSLOG_IDENTIFIER\":\"kernel\",\"__CURSOR\":\"s=1;i={number:x}\",\
             \"__MONOTONIC_TIMESTAMP\":\"{}\",{last}}}",
            micros + 17
        );
    }
    out
}

/// Fields a line, an empty line behind each entry; a message of more than one line in the binary form.
pub(super) fn journal_export(log: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, (kernel, text)) in kernel_lines(log).into_iter().enumerate() {
        let (micros, wall) = (kernel.micros, Wall::at(kernel.micros));
        let _ = write!(
            out,
            "__CURSOR=s=1;i={number:x}\n__REALTIME_TIMESTAMP={}{:06}\n__MONOTONIC_TIMESTAMP={}\n\
             _SOURCE_MONOTONIC_TIMESTAMP={micros}\n_TRANSPORT=kernel\nSYSLOG_IDENTIFIER=kernel\n",
            wall.unix,
            wall.micros,
            micros + 17
        );
        let is_text = std::str::from_utf8(&text).is_ok() && text.iter().all(|&b| b >= b' ' || b == b'\t');
        if is_text {
            out.extend([b"MESSAGE=", text.as_slice()].concat());
        } else {
            out.extend([b"MESSAGE\n", &(text.len() as u64).to_le_bytes()[..], text.as_slice()].concat());
        }
        out.extend_from_slice(b"\nPRIORITY=4\n\n");
    }
    out
}

pub(super) fn dmesg(log: &[u8]) -> Vec<u8> {
    aligned(log, |kernel| format!("{} ", stamp(kernel.micros)))
}

/// util-linux 2.39 and later, where the kernel tells callers.
pub(super) fn dmesg_callers(log: &[u8]) -> Vec<u8> {
    aligned(log, |kernel| {
        let caller = kernel.caller.map_or(String::new(), |id| format!("[{:>6}] ", String::from_utf8_lossy(id)));
        format!("{} {caller}", stamp(kernel.micros))
    })
}

pub(super) fn dmesg_time(log: &[u8]) -> Vec<u8> {
    aligned(log, |kernel| {
        let wall = Wall::at(kernel.micros);
        format!("[{} {} {:>2} {} {}] ", wall.weekday(), wall.month_name(), wall.day, wall.clock, wall.year)
    })
}

pub(super) fn dmesg_decoded(log: &[u8]) -> Vec<u8> {
    aligned(log, |kernel| format!("kern  :warn  : {} ", stamp(kernel.micros)))
}

pub(super) fn dmesg_iso(log: &[u8]) -> Vec<u8> {
    aligned(log, |kernel| {
        let wall = Wall::at(kernel.micros);
        format!("{},{:06}+00:00 ", wall.iso(), wall.micros)
    })
}

/// The time since the message before behind each stamp.
pub(super) fn dmesg_delta(log: &[u8]) -> Vec<u8> {
    let last = Cell::new(0);
    aligned(log, |kernel| {
        let delta = since(last.replace(kernel.micros), kernel.micros) as f64 / 1e6;
        let (secs, micros) = (kernel.micros / 1_000_000, kernel.micros % 1_000_000);
        format!("[{secs:5}.{micros:06} <{delta:12.6}>] ")
    })
}

/// The wall clock's minute where it changes, else the time since the message before.
pub(super) fn dmesg_human(log: &[u8]) -> Vec<u8> {
    let last = Cell::new(None);
    aligned(log, |kernel| {
        let wall = Wall::at(kernel.micros);
        match last.replace(Some(kernel.micros)).filter(|&last| minute(last) == minute(kernel.micros)) {
            Some(last) => {
                let delta = since(last, kernel.micros) as f64 / 1e6;
                if delta < 10.0 { format!("[  {delta:+8.6}] ") } else { format!("[ {delta:+9.6}] ") }
            }
            None => format!("[{}{:2} {}] ", wall.month_name(), wall.day, &wall.clock[..5]),
        }
    })
}

/// dmesg takes a last time of 0 for none.
pub(super) fn since(last: i64, micros: i64) -> i64 {
    if last == 0 { 0 } else { micros - last }
}

/// The number of the wall clock's minute.
pub(super) fn minute(micros: i64) -> i64 {
    wall::at(micros).div_euclid(60_000_000)
}

/// What the syslog system call gives: printk's prefix on every line, behind the level.
pub(super) fn dmesg_raw(log: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for kernel in log.split(|&b| b == b'\n').filter_map(Kernel::parse) {
        out.extend_from_slice(b"<4>");
        push_prefix(&mut out, kernel.micros, kernel.caller);
        out.extend_from_slice(kernel.message);
        out.push(b'\n');
    }
    out
}

pub(super) fn dmesg_json(log: &[u8]) -> Vec<u8> {
    json(log, |_| String::new())
}

/// util-linux 2.41 and later.
pub(super) fn dmesg_json_callers(log: &[u8]) -> Vec<u8> {
    json(log, |kernel| {
        kernel.caller.map_or(String::new(), |id| format!("         \"caller\": \"{}\",\n", String::from_utf8_lossy(id)))
    })
}

/// Records of `/dev/kmsg`, some of a device.
pub(super) fn kmsg(log: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, (kernel, text)) in kernel_lines(log).into_iter().enumerate() {
        out.extend_from_slice(record_head(number, &kernel).as_bytes());
        out.push(b';');
        out.extend_from_slice(&record_body(number, &text));
    }
    out
}

/// Packets of netconsole's extended form, as `nc -u -l` writes them down: some come late, long ones are cut.
pub(super) fn netconsole(log: &[u8]) -> Vec<u8> {
    let mut packets = Vec::new();
    for (number, (kernel, text)) in kernel_lines(log).into_iter().enumerate() {
        let head = format!("6.12.0-rc1,{}", record_head(number, &kernel));
        let body = record_body(number, &text);
        if head.len() + 1 + body.len() <= PACKET {
            packets.push([head.as_bytes(), b";", &body].concat());
            continue;
        }
        let mut offset = 0;
        for chunk in body.chunks(PACKET - head.len() - ",ncfrag=00000/00000;".len()) {
            packets.push([format!("{head},ncfrag={offset}/{};", body.len()).as_bytes(), chunk].concat());
            offset += chunk.len();
        }
    }
    // Two packets swap their places, unless one is a part of a record: those end without a newline.
    let is_whole = |packet: &[u8]| packet.ends_with(b"\n") && !packet.windows(8).any(|w| w == b",ncfrag=");
    for i in (1..packets.len().saturating_sub(1)).step_by(7) {
        if (i - 1..=i + 1).all(|i| is_whole(&packets[i])) {
            packets.swap(i, i + 1);
        }
    }
    packets.concat()
}

/// Parts of at most 4 KiB, the newest first, as the files of efi-pstore are listed.
pub(super) fn pstore(log: &[u8]) -> Vec<u8> {
    let mut parts: Vec<Vec<u8>> = vec![Vec::new()];
    for kernel in log.split(|&b| b == b'\n').filter_map(Kernel::parse) {
        let mut line = b"<4>".to_vec();
        push_prefix(&mut line, kernel.micros, kernel.caller);
        line.extend_from_slice(kernel.message);
        line.push(b'\n');
        if parts.last().is_some_and(|part| part.len() + line.len() > 4096 && !part.is_empty()) {
            parts.push(Vec::new());
        }
        parts.last_mut().expect("there is one").extend_from_slice(&line);
    }
    let mut out = Vec::new();
    for (number, part) in parts.iter().rev().enumerate().filter(|(_, part)| !part.is_empty()) {
        let _ = writeln!(out, "Panic#2 Part{}", number + 1);
        out.extend_from_slice(part);
    }
    out
}

/// printk's stamp.
fn stamp(micros: i64) -> String {
    format!("[{:5}.{:06}]", micros / 1_000_000, micros % 1_000_000)
}

fn syslog_lines(log: &[u8], head: impl Fn(&Wall) -> String) -> Vec<u8> {
    let mut out = Vec::new();
    for kernel in log.split(|&b| b == b'\n').filter_map(Kernel::parse) {
        out.extend_from_slice(head(&Wall::at(kernel.micros)).as_bytes());
        push_prefix(&mut out, kernel.micros, kernel.caller);
        push_rsyslog(&mut out, kernel.message);
    }
    out
}

/// rsyslog writes control bytes as `#` and three octal digits.
fn push_rsyslog(out: &mut Vec<u8>, message: &[u8]) {
    for &byte in message {
        if byte == b'\t' {
            out.extend_from_slice(b"#011");
        } else {
            out.push(byte);
        }
    }
    out.push(b'\n');
}

/// journalctl's short forms, of which all align the later lines of a message with the first. (They also print eight
/// blanks for a tab, which nothing can tell from eight blanks; here a tab is kept, as with `journalctl -a`.)
fn journal(log: &[u8], time: impl Fn(&Wall, i64) -> String) -> Vec<u8> {
    aligned(log, |kernel| format!("{} {HOST} kernel: ", time(&Wall::at(kernel.micros), kernel.micros)))
}

/// Records with `head` in front, their later lines as far to the right.
fn aligned(log: &[u8], head: impl Fn(&Kernel<'_>) -> String) -> Vec<u8> {
    let mut out = Vec::new();
    for (kernel, text) in kernel_lines(log) {
        let head = head(&kernel);
        for (number, line) in text.split(|&b| b == b'\n').enumerate() {
            if number == 0 {
                out.extend_from_slice(head.as_bytes());
            } else {
                out.extend(std::iter::repeat_n(b' ', head.len()));
            }
            out.extend_from_slice(line);
            out.push(b'\n');
        }
    }
    out
}

/// `dmesg --json`: fields on lines of their own.
fn json(log: &[u8], caller: impl Fn(&Kernel<'_>) -> String) -> Vec<u8> {
    let mut out = b"{\n   \"dmesg\": [".to_vec();
    for (number, (kernel, text)) in kernel_lines(log).into_iter().enumerate() {
        let (secs, micros) = (kernel.micros / 1_000_000, kernel.micros % 1_000_000);
        out.extend_from_slice(if number == 0 { b"\n      {\n" } else { b",{\n" });
        let _ = write!(out, "         \"pri\": 4,\n         \"time\": {secs:5}.{micros:06},\n{}", caller(&kernel));
        out.extend_from_slice(b"         \"msg\": ");
        push_json(&mut out, &text);
        out.extend_from_slice(b"\n      }");
    }
    out.extend_from_slice(b"\n   ]\n}\n");
    out
}

/// As util-linux writes strings: bytes that are no ASCII as they are.
fn push_json(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..b' ' => {
                let _ = write!(out, "\\u{byte:04x}");
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

fn record_head(number: usize, kernel: &Kernel<'_>) -> String {
    let caller = kernel.caller.map_or(String::new(), |id| format!(",caller={}", String::from_utf8_lossy(id)));
    format!("4,{},{},-{caller}", 300 + number, kernel.micros)
}

/// A record's text with its escapes, and the dictionary of a device behind some.
fn record_body(number: usize, text: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for &byte in text {
        if !(b' '..127).contains(&byte) || byte == b'\\' {
            let _ = write!(body, "\\x{byte:02x}");
        } else {
            body.push(byte);
        }
    }
    body.push(b'\n');
    if number % 20 == 3 {
        body.extend_from_slice(b" SUBSYSTEM=pci\n DEVICE=+pci:0000:00:1f.2\n");
    }
    body
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A caller id in brackets at the start, and what follows.
fn caller(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_prefix(b"[")?;
    let end = inner.iter().position(|&b| b == b']')?;
    let id = inner[..end].trim_ascii_start();
    let is_id = matches!(id.first(), Some(b'T' | b'C')) && is_number(std::str::from_utf8(&id[1..]).ok()?);
    is_id.then_some((id, &inner[end + 1..]))
}
