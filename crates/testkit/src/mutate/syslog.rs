//! What syslog daemons write.

use std::io::Write as _;

use super::kernel::{HOST, Kernel, kernel_lines, push_prefix};
use super::wall::Wall;

/// rsyslog's imklog, which leaves the kernel's own stamp in the message and escapes tabs.
pub(super) fn rfc3164(log: &[u8]) -> Vec<u8> {
    with_heads(log, |wall| format!("{} {:>2} {} {HOST} kernel: ", wall.month_name(), wall.day, wall.clock))
}

pub(super) fn iso(log: &[u8]) -> Vec<u8> {
    with_heads(log, |wall| format!("{}.{:06}+00:00 {HOST} kernel: ", wall.iso(), wall.micros))
}

pub(super) fn rfc5424(log: &[u8]) -> Vec<u8> {
    with_heads(log, |wall| format!("<4>1 {}.{:06}+00:00 {HOST} kernel - - - ", wall.iso(), wall.micros))
}

pub(super) fn busybox(log: &[u8]) -> Vec<u8> {
    with_heads(log, |wall| format!("{} {:>2} {} {HOST} kern.warn kernel: ", wall.month_name(), wall.day, wall.clock))
}

/// syslog of a kernel that prints no stamps.
pub(super) fn bare(log: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for kernel in log.split(|&b| b == b'\n').filter_map(Kernel::parse) {
        let wall = Wall::at(kernel.micros);
        let _ = write!(out, "{} {:>2} {} {HOST} kernel: ", wall.month_name(), wall.day, wall.clock);
        push_rsyslog(&mut out, kernel.message);
    }
    out
}

/// The same of a journal, whose messages of more than one line are one line here.
pub(super) fn folded(log: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (kernel, text) in kernel_lines(log) {
        let wall = Wall::at(kernel.micros);
        let _ = write!(out, "{} {:>2} {} {HOST} kernel: ", wall.month_name(), wall.day, wall.clock);
        push_rsyslog(&mut out, &text);
    }
    out
}

/// The same with the kernel's stamps.
pub(super) fn folded_with_stamps(log: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (kernel, text) in kernel_lines(log) {
        let wall = Wall::at(kernel.micros);
        let _ = write!(out, "{}.{:06}+00:00 {HOST} kernel: ", wall.iso(), wall.micros);
        push_prefix(&mut out, kernel.micros, kernel.caller);
        push_rsyslog(&mut out, &text);
    }
    out
}

/// rsyslog with `$RepeatedMsgReduction on`.
pub(super) fn repeated(log: &[u8]) -> Vec<u8> {
    without_repeats(&bare(log), |line, times, out| {
        let message = line.windows(8).position(|at| at == b"kernel: ").map_or(0, |at| at + 8);
        out.extend_from_slice(&line[..message]);
        let _ = write!(out, "message repeated {times} times: [ ");
        out.extend_from_slice(&line[message..]);
        out.extend_from_slice(b"]\n");
    })
}

/// A syslogd of BSD's kind.
pub(super) fn last_repeated(log: &[u8]) -> Vec<u8> {
    without_repeats(&bare(log), |line, times, out| {
        let host = line.windows(HOST.len()).position(|at| at == HOST.as_bytes()).map_or(0, |at| at + HOST.len());
        out.extend_from_slice(&line[..host]);
        let _ = writeln!(out, " last message repeated {times} times");
    })
}

/// Each line once, and what `write` makes of how often it comes again.
fn without_repeats(log: &[u8], write: impl Fn(&[u8], usize, &mut Vec<u8>)) -> Vec<u8> {
    let (mut out, mut lines) = (Vec::new(), log.split_inclusive(|b| *b == b'\n').peekable());
    while let Some(line) = lines.next() {
        out.extend_from_slice(line);
        let mut times = 0;
        while lines.next_if_eq(&line).is_some() {
            times += 1;
        }
        if times > 0 {
            write(line.strip_suffix(b"\n").unwrap_or(line), times, &mut out);
        }
    }
    out
}

fn with_heads(log: &[u8], head: impl Fn(&Wall) -> String) -> Vec<u8> {
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
        match byte {
            b'\t' | b'\n' | b'\x1b' => {
                let _ = write!(out, "#{byte:03o}");
            }
            _ => out.push(byte),
        }
    }
    out.push(b'\n');
}
