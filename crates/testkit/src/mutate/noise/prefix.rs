//! Noise in what printk puts in front of messages, and between them.

use super::super::tokens::{digits, each_line};
use crate::numbers::Numbers;

/// printk's stamp at the start of a line, or behind a level: where its number starts and ends, behind `[` and blanks, before
/// `]`.
fn stamp(line: &[u8]) -> Option<(usize, usize)> {
    let level = line.strip_prefix(b"<").map_or(0, |rest| digits(rest) + 2);
    let start = level + 1 + line.get(level..)?.strip_prefix(b"[")?.iter().take_while(|b| **b == b' ').count();
    let seconds = digits(&line[start..]);
    let fraction = digits(line[start + seconds..].strip_prefix(b".")?);
    let end = start + seconds + 1 + fraction;
    (seconds > 0 && fraction > 0 && line.get(end) == Some(&b']')).then_some((start, end))
}

/// A caller id as printk prints it, `[  T123]`: where it starts, its letter and its number.
fn caller(line: &[u8]) -> Option<(usize, u8, u64)> {
    let (_, end) = stamp(line)?;
    let inner = line[end + 1..].strip_prefix(b"[")?;
    let close = inner.iter().position(|b| *b == b']')?;
    let id = inner[..close].trim_ascii_start();
    let (letter, number) = (*id.first()?, std::str::from_utf8(id.get(1..)?).ok()?);
    let is_printed =
        matches!(letter, b'T' | b'C') && inner[..close] == *format!("{:>6}", String::from_utf8_lossy(id)).as_bytes();
    let number = number.parse().ok().filter(|n: &u64| *n < 1 << 22 && n.to_string() == number)?;
    (is_printed && inner.get(close + 1) == Some(&b' ')).then_some((end + 1, letter, number))
}

/// The machine was up for longer.
pub(super) fn times(log: &[u8], seed: u64) -> Vec<u8> {
    let later = seed % 100_000_000;
    each_line(log, |line, out| {
        // Only what printk prints: five digits or blanks and more, a point, and six digits.
        let micros = stamp(line).and_then(|(start, end)| {
            let (seconds, micros) = std::str::from_utf8(&line[start..end]).ok()?.split_once('.')?;
            let number = format!("{seconds}{micros}").parse::<u64>().ok()?;
            (micros.len() == 6 && seconds.len() <= 9).then_some((start, end, number))
        });
        let Some((start, end, micros)) = micros else { return out.extend_from_slice(line) };
        let micros = micros + later;
        let open = line[..start].iter().position(|b| *b == b'[').unwrap_or(0);
        out.extend_from_slice(&line[..open]);
        out.extend_from_slice(format!("[{:5}.{:06}", micros / 1_000_000, micros % 1_000_000).as_bytes());
        out.extend_from_slice(&line[end..]);
    })
}

/// Other tasks and other CPUs printed it.
pub(super) fn callers(log: &[u8], seed: u64) -> Vec<u8> {
    each_line(log, |line, out| {
        // A login prompt, or a note of lost messages, may stand in front of the stamp.
        let stamps = line.iter().enumerate().filter(|(_, b)| **b == b'[').map(|(at, _)| at);
        let mut found = stamps.filter_map(|at| caller(&line[at..]).map(|(start, letter, n)| (at + start, letter, n)));
        let Some((start, letter, number)) = found.next() else { return out.extend_from_slice(line) };
        let other = number + 1 + if letter == b'T' { seed % 30_000 } else { seed % 7 };
        let close = start + line[start..].iter().position(|b| *b == b']').unwrap_or(0);
        out.extend_from_slice(&line[..start]);
        out.extend_from_slice(format!("[{:>6}", format!("{}{other}", char::from(letter))).as_bytes());
        out.extend_from_slice(&line[close..]);
    })
}

/// What other callers print: among it all that a report is made of, save what starts one.
const OTHERS: [&str; 12] = [
    "usb 1-1: new high-speed USB device number 5 using dummy_hcd",
    "Call Trace:",
    " <TASK>",
    " other_function+0x1a/0x2b0",
    " ? doubtful_function+0x5/0x10 [other_module]",
    "CPU: 7 PID: 77777 Comm: other Tainted: G        W          5.4.0-other #1",
    "RIP: 0010:other_pointer+0x11/0x20",
    "Code: 00 11 22 33",
    "Freed by task 77777:",
    "",
    "-> #0 (other_lock){+.+.}-{3:3}:",
    "------------[ cut here ]------------",
];

/// Another task, or an interrupt on another CPU, prints between the lines.
pub(super) fn others(log: &[u8], seed: u64) -> Vec<u8> {
    let holds = |text: &[u8]| log.windows(text.len()).any(|window| window == text);
    // A console without caller ids has one caller; one that asks other CPUs for their stacks takes what they print.
    if !log.split(|b| *b == b'\n').any(|line| caller(line).is_some()) {
        return log.to_vec();
    }
    let taken = |id: &str| holds(format!("[{id:>6}] ").as_bytes());
    let mut free = vec!["T77777", "T88888"];
    if !holds(b"Sending NMI from CPU") {
        free.push("C77");
    }
    free.retain(|id| !taken(id));
    let mut numbers = Numbers::new(seed);
    let mut out = Vec::with_capacity(log.len() * 2);
    let mut before = None;
    for line in log.split_inclusive(|b| *b == b'\n') {
        // printk puts nothing between a message and its note that it was printed before.
        let is_note = line.windows(9).any(|window| window == b"replaying");
        if let Some((start, end)) = before.filter(|_| !is_note && !free.is_empty() && out.ends_with(b"\n")) {
            for _ in 0..numbers.below(4) {
                let stamp: &[u8] = &log[start..end];
                let (id, text) = (free[numbers.below(free.len())], OTHERS[numbers.below(OTHERS.len())]);
                out.extend_from_slice(format!("[{:>12}][{id:>6}] {text}\n", String::from_utf8_lossy(stamp)).as_bytes());
            }
        }
        out.extend_from_slice(line);
        let at = line.as_ptr() as usize - log.as_ptr() as usize;
        before = stamp(line).map(|(start, end)| (at + start, at + end));
    }
    out
}
