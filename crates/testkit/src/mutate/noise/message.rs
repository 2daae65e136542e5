//! Noise within messages.

use super::super::tokens::{digits, each_line, is_hex, replace_each};
use crate::numbers::mixed;

/// Other CPUs: `CPU: 1`, `CPU#1`, `cpu 1`, `on cpu=1`, and the stalled ones of RCU.
pub(super) fn cpus(log: &[u8], seed: u64) -> Vec<u8> {
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
pub(super) fn processes(log: &[u8], seed: u64) -> Vec<u8> {
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
pub(super) fn names(log: &[u8], seed: u64) -> Vec<u8> {
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
pub(super) fn addresses(log: &[u8], seed: u64) -> Vec<u8> {
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
pub(super) fn registers(log: &[u8], seed: u64) -> Vec<u8> {
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
pub(super) fn offsets(log: &[u8], seed: u64) -> Vec<u8> {
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
