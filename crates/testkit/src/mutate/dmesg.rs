//! What util-linux's dmesg prints.

use std::cell::Cell;
use std::io::Write as _;

use super::kernel::{Kernel, aligned, kernel_lines, push_prefix, stamp};
use super::wall::{self, Wall};

pub(super) fn plain(log: &[u8]) -> Vec<u8> {
    aligned(log, |kernel| format!("{} ", stamp(kernel.micros)))
}

/// util-linux 2.39 and later, where the kernel tells callers.
pub(super) fn callers(log: &[u8]) -> Vec<u8> {
    aligned(log, |kernel| {
        let caller = kernel.caller.map_or(String::new(), |id| format!("[{:>6}] ", String::from_utf8_lossy(id)));
        format!("{} {caller}", stamp(kernel.micros))
    })
}

pub(super) fn time(log: &[u8]) -> Vec<u8> {
    aligned(log, |kernel| {
        let wall = Wall::at(kernel.micros);
        format!("[{} {} {:>2} {} {}] ", wall.weekday(), wall.month_name(), wall.day, wall.clock, wall.year)
    })
}

pub(super) fn decoded(log: &[u8]) -> Vec<u8> {
    aligned(log, |kernel| format!("kern  :warn  : {} ", stamp(kernel.micros)))
}

pub(super) fn iso(log: &[u8]) -> Vec<u8> {
    aligned(log, |kernel| {
        let wall = Wall::at(kernel.micros);
        format!("{},{:06}+00:00 ", wall.iso(), wall.micros)
    })
}

/// The time since the message before behind each stamp.
pub(super) fn delta(log: &[u8]) -> Vec<u8> {
    let last = Cell::new(0);
    aligned(log, |kernel| {
        let delta = since(last.replace(kernel.micros), kernel.micros) as f64 / 1e6;
        let (secs, micros) = (kernel.micros / 1_000_000, kernel.micros % 1_000_000);
        format!("[{secs:5}.{micros:06} <{delta:12.6}>] ")
    })
}

/// The wall clock's minute where it changes, else the time since the message before.
pub(super) fn human(log: &[u8]) -> Vec<u8> {
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
pub(super) fn raw(log: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for kernel in log.split(|&b| b == b'\n').filter_map(Kernel::parse) {
        out.extend_from_slice(b"<4>");
        push_prefix(&mut out, kernel.micros, kernel.caller);
        out.extend_from_slice(kernel.message);
        out.push(b'\n');
    }
    out
}

pub(super) fn json(log: &[u8]) -> Vec<u8> {
    objects(log, |_| String::new())
}

/// util-linux 2.41 and later.
pub(super) fn json_callers(log: &[u8]) -> Vec<u8> {
    objects(log, |kernel| {
        kernel.caller.map_or(String::new(), |id| format!("         \"caller\": \"{}\",\n", String::from_utf8_lossy(id)))
    })
}

/// `dmesg --json`: fields on lines of their own.
fn objects(log: &[u8], caller: impl Fn(&Kernel<'_>) -> String) -> Vec<u8> {
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
