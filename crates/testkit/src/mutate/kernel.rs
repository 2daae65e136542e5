//! The kernel's lines of a console, as the records of its log.

use std::io::Write as _;

/// The machine's name.
pub(super) const HOST: &str = "db1";

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
pub(super) fn kernel_lines(log: &[u8]) -> Vec<(Kernel<'_>, Vec<u8>)> {
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

/// printk's stamp.
pub(super) fn stamp(micros: i64) -> String {
    format!("[{:5}.{:06}]", micros / 1_000_000, micros % 1_000_000)
}

/// Records with `head` in front, their later lines as far to the right.
pub(super) fn aligned(log: &[u8], head: impl Fn(&Kernel<'_>) -> String) -> Vec<u8> {
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
