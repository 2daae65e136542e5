//! What systemd's journalctl prints.

use std::io::Write as _;

use super::kernel::{HOST, aligned, kernel_lines, stamp};
use super::wall::Wall;

pub(super) fn short(log: &[u8]) -> Vec<u8> {
    lines(log, |wall, _| format!("{} {:02} {}", wall.month_name(), wall.day, wall.clock))
}

pub(super) fn precise(log: &[u8]) -> Vec<u8> {
    lines(log, |wall, _| format!("{} {:02} {}.{:06}", wall.month_name(), wall.day, wall.clock, wall.micros))
}

pub(super) fn iso(log: &[u8]) -> Vec<u8> {
    lines(log, |wall, _| format!("{}+0000", wall.iso()))
}

pub(super) fn iso_precise(log: &[u8]) -> Vec<u8> {
    lines(log, |wall, _| format!("{}.{:06}+0000", wall.iso(), wall.micros))
}

pub(super) fn full(log: &[u8]) -> Vec<u8> {
    lines(log, |wall, _| format!("{} {} {} UTC", wall.weekday(), wall.date(), wall.clock))
}

pub(super) fn unix(log: &[u8]) -> Vec<u8> {
    lines(log, |wall, _| format!("{}.{:06}", wall.unix, wall.micros))
}

pub(super) fn monotonic(log: &[u8]) -> Vec<u8> {
    lines(log, |_, micros| stamp(micros))
}

pub(super) fn hostless(log: &[u8]) -> Vec<u8> {
    aligned(log, |kernel| {
        let wall = Wall::at(kernel.micros);
        format!("{} {:02} {} kernel: ", wall.month_name(), wall.day, wall.clock)
    })
}

pub(super) fn monotonic_hostless(log: &[u8]) -> Vec<u8> {
    aligned(log, |kernel| format!("{} kernel: ", stamp(kernel.micros)))
}

/// One object a line. A message that is not UTF-8, or has control bytes, is an array of bytes.
pub(super) fn json(log: &[u8]) -> Vec<u8> {
    objects(log, |fields| format!("{{{}}}\n", joined(fields, ":", ",")))
}

/// The same after another program wrote it anew: a blank behind each colon and each comma.
pub(super) fn json_spaced(log: &[u8]) -> Vec<u8> {
    objects(log, |fields| format!("{{{}}}\n", joined(fields, ": ", ", ")))
}

/// A field a line, and an element of an array a line.
pub(super) fn json_pretty(log: &[u8]) -> Vec<u8> {
    objects(log, |fields| format!("{{\n\t{}\n}}\n", joined(fields, " : ", ",\n\t")))
}

/// RFC 7464: a record separator in front of each object.
pub(super) fn json_seq(log: &[u8]) -> Vec<u8> {
    objects(log, |fields| format!("\x1e{{{}}}\n", joined(fields, ":", ",")))
}

/// Server-sent events: an empty line behind each object.
pub(super) fn json_sse(log: &[u8]) -> Vec<u8> {
    objects(log, |fields| format!("data: {{{}}}\n\n", joined(fields, ":", ",")))
}

/// Names and values of the fields of an entry.
type Fields = [(&'static str, Value); 9];

enum Value {
    Text(String),
    Bytes(Vec<u8>),
}

fn joined(fields: &Fields, colon: &str, comma: &str) -> String {
    let value = |value: &Value| match value {
        Value::Text(text) => serde_json::to_string(text).expect("text is JSON"),
        Value::Bytes(bytes) if comma.starts_with(",\n") => {
            let bytes: Vec<String> = bytes.iter().map(u8::to_string).collect();
            format!("[\n\t\t{}\n\t]", bytes.join(",\n\t\t"))
        }
        Value::Bytes(bytes) => serde_json::to_string(bytes).expect("bytes are JSON"),
    };
    let fields: Vec<String> = fields.iter().map(|(name, v)| format!("\"{name}\"{colon}{}", value(v))).collect();
    fields.join(comma)
}

/// An object for each entry.
fn objects(log: &[u8], object: impl Fn(&Fields) -> String) -> Vec<u8> {
    let mut out = String::new();
    for (number, (kernel, text)) in kernel_lines(log).into_iter().enumerate() {
        let is_text = text.iter().all(|&b| b >= b' ' || matches!(b, b'\n' | b'\t'));
        let message = match String::from_utf8(text) {
            Ok(text) if is_text => Value::Text(text),
            Ok(text) => Value::Bytes(text.into_bytes()),
            Err(error) => Value::Bytes(error.into_bytes()),
        };
        let text = |text: &str| Value::Text(text.to_owned());
        let (micros, wall) = (kernel.micros, Wall::at(kernel.micros));
        let mut fields = [
            ("_SOURCE_MONOTONIC_TIMESTAMP", Value::Text(micros.to_string())),
            ("_TRANSPORT", text("kernel")),
            ("__REALTIME_TIMESTAMP", Value::Text(format!("{}{:06}", wall.unix, wall.micros))),
            ("PRIORITY", text("4")),
            ("_HOSTNAME", text(HOST)),
            ("SYSLOG_IDENTIFIER", text("kernel")),
            ("__CURSOR", Value::Text(format!("s=1;i={number:x}"))),
            ("__MONOTONIC_TIMESTAMP", Value::Text((micros + 17).to_string())),
            ("MESSAGE", message),
        ];
        // The fields come from a hash map, so their order changes from entry to entry.
        if number % 2 == 1 {
            fields.reverse();
        }
        out.push_str(&object(&fields));
    }
    out.into_bytes()
}

/// The time and the cursor, and the fields below them.
pub(super) fn verbose(log: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, (kernel, text)) in kernel_lines(log).into_iter().enumerate() {
        let wall = Wall::at(kernel.micros);
        let _ = writeln!(
            out,
            "{} {} {}.{:06} UTC [s=1;i={number:x};b=0;m={:x};t=6;x=7]\n    _TRANSPORT=kernel\n    PRIORITY=4",
            wall.weekday(),
            wall.date(),
            wall.clock,
            wall.micros,
            kernel.micros + 17
        );
        out.extend_from_slice(b"    MESSAGE=");
        for (number, line) in text.split(|&b| b == b'\n').enumerate() {
            out.extend_from_slice(if number == 0 { b"" } else { b"            " });
            out.extend_from_slice(line);
            out.push(b'\n');
        }
        let _ = writeln!(out, "    _SOURCE_MONOTONIC_TIMESTAMP={}\n    SYSLOG_IDENTIFIER=kernel", kernel.micros);
    }
    out
}

/// Fields a line, an empty line behind each entry; a message of more than one line in the binary form.
pub(super) fn export(log: &[u8]) -> Vec<u8> {
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

/// journalctl's short forms, of which all align the later lines of a message with the first. (They also print eight
/// blanks for a tab, which nothing can tell from eight blanks; here a tab is kept, as with `journalctl -a`.)
fn lines(log: &[u8], time: impl Fn(&Wall, i64) -> String) -> Vec<u8> {
    aligned(log, |kernel| format!("{} {HOST} kernel: ", time(&Wall::at(kernel.micros), kernel.micros)))
}
