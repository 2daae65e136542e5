//! A console log, changed in what differs from one occurrence of a crash to the next: nothing of this may change its name.
//!
//! Equal things stay equal and different ones different: a caller keeps its lines, a function its size.

use crate::numbers::{Numbers, mixed};

use super::tokens::{digits, each_line, is_hex, replace_each};

/// A kind of change.
#[derive(Clone, Copy, Debug)]
pub struct Noise {
    /// What changes.
    pub name: &'static str,
    /// Changes a console log; a seed chooses how.
    pub write: fn(&[u8], u64) -> Vec<u8>,
    /// Only what printk puts in front of messages changes, so that it means nothing whatever the messages are.
    pub is_outside_messages: bool,
}

const fn outside(name: &'static str, write: fn(&[u8], u64) -> Vec<u8>) -> Noise {
    Noise { name, write, is_outside_messages: true }
}

const fn inside(name: &'static str, write: fn(&[u8], u64) -> Vec<u8>) -> Noise {
    Noise { name, write, is_outside_messages: false }
}

/// All kinds of change.
pub const NOISES: &[Noise] = &[
    outside("time", times),
    outside("caller ids", callers),
    outside("lines of other callers", others),
    inside("CPUs", cpus),
    inside("process ids", processes),
    inside("numbers of task names", names),
    inside("addresses", addresses),
    inside("registers", registers),
    inside("offsets and sizes", offsets),
];

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
fn times(log: &[u8], seed: u64) -> Vec<u8> {
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
fn callers(log: &[u8], seed: u64) -> Vec<u8> {
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
fn others(log: &[u8], seed: u64) -> Vec<u8> {
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

/// Other CPUs: `CPU: 1`, `CPU#1`, `cpu 1`, `on cpu=1`, and the stalled ones of RCU.
fn cpus(log: &[u8], seed: u64) -> Vec<u8> {
    let other = move |number: &[u8]| number_plus(number, 1 + seed % 7);
    const BEFORE: [&str; 9] = ["CPU: ", "CPU#", "CPU ", "CPUs ", "cpu ", "cpu=", "cpu:", "cpus=", "CPU:"];
    each_line(log, |line, out| {
        // `[    1.0] rcu: \t0-....: (1 GPs behind)`
        let stalled = line.windows(2).position(|w| w == b"\t0" || w[0] == b'\t' && w[1].is_ascii_digit());
        replace_each(line, out, |line, at| {
            let is_number = line[at].is_ascii_digit() && !line[at - 1].is_ascii_alphanumeric();
            let names_cpu = || BEFORE.iter().any(|word| line[..at].ends_with(word.as_bytes()));
            let length = digits(&line[at..]);
            let is_stalled = || stalled.is_some_and(|tab| tab + 1 == at) && line.get(at + length) == Some(&b'-');
            (is_number && length < 5 && (names_cpu() || is_stalled())).then(|| (length, other(&line[at..at + length])))
        });
    })
}

/// Other process ids: `PID: 5`, `pid:5`, `by task sh/5`, `sh/5 is trying to acquire lock`, `task sh:5 blocked`.
fn processes(log: &[u8], seed: u64) -> Vec<u8> {
    const BEFORE: [&str; 8] = ["PID: ", "pid: ", "pid:", "pid=", "pid ", "by task ", "owner: ", "reader: "];
    let add = 1 + seed % 20_000;
    each_line(log, |line, out| {
        replace_each(line, out, |line, at| {
            if !line[at].is_ascii_digit() || line[at - 1].is_ascii_alphanumeric() {
                return None;
            }
            let length = digits(&line[at..]);
            let (before, behind) = (&line[..at], &line[at + length..]);
            let names_it = BEFORE.iter().any(|word| before.ends_with(word.as_bytes()));
            let is_task = before.ends_with(b"/")
                && [&b" is trying"[..], b":\n", b"\n", b"/", b" on cpu"].iter().any(|end| behind.starts_with(end))
                && ["task ", " lock", "held by ", " by "].iter().any(|word| holds(line, word));
            let is_hung = before.ends_with(b":") && behind.starts_with(b" blocked for");
            (length < 8 && (names_it || is_task || is_hung)).then(|| (length, number_plus(&line[at..at + length], add)))
        });
    })
}

/// Another worker, another of the fuzzer's processes: `kworker/0:1`, `syz-executor.3`, `syz.1.234`.
fn names(log: &[u8], seed: u64) -> Vec<u8> {
    let add = 1 + seed % 7;
    each_line(log, |line, out| {
        replace_each(line, out, |line, at| {
            if !line[at].is_ascii_digit() || line[at - 1].is_ascii_digit() {
                return None;
            }
            let before = &line[..at];
            let word =
                &before[before.iter().rposition(|b| matches!(b, b' ' | b'"' | b'(' | b'\t')).map_or(0, |n| n + 1)..];
            let is_worker = word.starts_with(b"kworker/") && matches!(word.last(), Some(b'/' | b'u' | b':'));
            let is_executor = matches!(word, b"syz-executor" | b"syz-executor." | b"syz.");
            let is_program = word.starts_with(b"syz.") && word.ends_with(b".") && word.len() < 12;
            let length = digits(&line[at..]);
            (length < 7 && (is_worker || is_executor || is_program))
                .then(|| (length, number_plus(&line[at..at + length], add)))
        });
    })
}

/// KASLR, and other memory: kernel and user addresses of 16 digits, and of 8 in brackets.
fn addresses(log: &[u8], seed: u64) -> Vec<u8> {
    each_line(log, |line, out| {
        replace_each(line, out, |line, at| {
            let length = run(line, at)?;
            let text = &line[at..at + length];
            let is_address = length == 16 && [&b"ffff"[..], b"00007f", b"00005"].iter().any(|p| text.starts_with(p))
                || length == 8 && line[..at].ends_with(b"[<") && line[at + length..].starts_with(b">]");
            // What an address stands for lies in its first digits, and in its place within a page.
            let kept = if length == 16 { 6 } else { 2 };
            is_address.then(|| (length, other_hex(text, kept..length - 3, seed)))
        });
    })
}

/// Other values of registers, but not of the instruction pointer.
fn registers(log: &[u8], seed: u64) -> Vec<u8> {
    const NAMES: [&str; 12] =
        ["RAX: ", "RDX: ", "RBP: ", "R10: ", "R13: ", "FS:  ", "CR2: ", "DR0: ", "DR3: ", "RSP: ", "x29: ", "x2 : "];
    each_line(log, |line, out| {
        let is_dump = NAMES.iter().any(|name| holds(line, name)) && !holds(line, "+0x");
        replace_each(line, out, |line, at| {
            let length = run(line, at).filter(|length| is_dump && *length == 16)?;
            Some((length, other_hex(&line[at..at + length], 0..length, seed)))
        });
    })
}

/// Another compiler or configuration: `f+0x1/0x2`.
fn offsets(log: &[u8], seed: u64) -> Vec<u8> {
    each_line(log, |line, out| {
        replace_each(line, out, |line, at| {
            let rest = line[at..].strip_prefix(b"+0x")?;
            let offset = rest.iter().take_while(|b| is_hex(**b)).count();
            let behind = rest[offset..].strip_prefix(b"/0x").filter(|_| offset > 0)?;
            let size = behind.iter().take_while(|b| is_hex(**b)).count();
            let size_of = mixed(seed, &behind[..size]) % 0xfff + 1;
            let offset_of = mixed(seed, &rest[..offset]) % size_of;
            (size > 0).then(|| (6 + offset + size, format!("+{offset_of:#x}/{size_of:#x}").into_bytes()))
        });
    })
}

fn holds(line: &[u8], word: &str) -> bool {
    line.windows(word.len()).any(|window| window == word.as_bytes())
}

fn number_plus(number: &[u8], add: u64) -> Vec<u8> {
    let number = std::str::from_utf8(number).ok().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
    (number + add).to_string().into_bytes()
}

/// The length of a whole run of hex digits that starts at `at`.
fn run(line: &[u8], at: usize) -> Option<usize> {
    let is_start = is_hex(line[at]) && !line[at - 1].is_ascii_alphanumeric() && line[at - 1] != b'_';
    let length = line[at..].iter().take_while(|b| is_hex(**b)).count();
    let is_end = line.get(at + length).is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_');
    (is_start && is_end).then_some(length)
}

/// Other digits in a part of a number.
fn other_hex(text: &[u8], part: std::ops::Range<usize>, seed: u64) -> Vec<u8> {
    // What a page is mapped to does not depend on the place in it.
    let mut state = mixed(seed, &text[..part.end]);
    let mut other = text.to_vec();
    for digit in &mut other[part] {
        *digit = b"0123456789abcdef"[(state & 15) as usize];
        state = state.rotate_right(4);
    }
    other
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "[    1.000000][  T123] BUG: x on CPU#1\n\
        [    1.000000][  T123] CPU: 1 PID: 123 Comm: syz-executor.3 Not tainted 6.1.0 #1\n\
        [    1.000001][    C1] RAX: 0000000000000001 RBX: ffff888012345678 RCX: 0000000000000001\n\
        [    1.000002][  T123]  [<ffffffff81234567>] f.isra.0+0x1a/0x40\n";

    fn changed(name: &str) -> String {
        let noise = NOISES.iter().find(|noise| noise.name == name).unwrap();
        String::from_utf8((noise.write)(LOG.as_bytes(), 5)).unwrap()
    }

    /// The lines that differ, as they became.
    fn differences(name: &str) -> Vec<String> {
        let changed = changed(name);
        changed.lines().zip(LOG.lines()).filter(|(new, old)| new != old).map(|(new, _)| new.to_owned()).collect()
    }

    #[test]
    fn prefixes_change_on_every_line() {
        assert_eq!(differences("time").len(), 4);
        assert!(changed("time").starts_with("[    1.000005][  T123] BUG"));
        assert_eq!(differences("caller ids").len(), 4);
        assert!(changed("caller ids").starts_with("[    1.000000][  T129] BUG"));
    }

    #[test]
    fn what_a_message_says_changes_where_it_stands() {
        assert_eq!(differences("CPUs")[0], "[    1.000000][  T123] BUG: x on CPU#7");
        assert_eq!(differences("CPUs").len(), 2);
        let task = "[    1.000000][  T123] CPU: 1 PID: 129 Comm: syz-executor.3 Not tainted 6.1.0 #1";
        assert_eq!(differences("process ids"), [task]);
        assert!(differences("numbers of task names")[0].contains("syz-executor.9 Not"));
        assert_eq!(differences("addresses").len(), 2);
        assert!(differences("addresses")[1].contains("[<ffffff") && differences("addresses")[1].contains("567>]"));
        let registers = &differences("registers")[0];
        let values: Vec<&str> = registers.split(' ').filter(|word| word.len() == 16).collect();
        assert!(values[0] == values[2] && values[0] != values[1] && values[0] != "0000000000000001");
        let frame = &differences("offsets and sizes")[0];
        assert!(frame.contains("f.isra.0+0x") && !frame.contains("+0x1a/0x40"));
    }

    #[test]
    fn other_callers_only_add_lines() {
        let changed = changed("lines of other callers");
        let kept: Vec<&str> =
            changed.lines().filter(|line| !["T77777", "T88888", "C77"].iter().any(|id| line.contains(id))).collect();
        assert_eq!(kept, LOG.lines().collect::<Vec<_>>());
        assert!(changed.lines().count() > LOG.lines().count());
    }
}
