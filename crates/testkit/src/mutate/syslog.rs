//! What syslog daemons write.

use std::io::Write as _;

use super::kernel::{HOST, Kernel, push_prefix};
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
        if byte == b'\t' {
            out.extend_from_slice(b"#011");
        } else {
            out.push(byte);
        }
    }
    out.push(b'\n');
}
