//! Forms that carry any text: they lose nothing.

use std::io::Write as _;

use super::kernel::Kernel;
use super::wall::Wall;

/// Container runtimes cut longer lines.
const CONTAINER_LINE: usize = 16 << 10;

pub(super) fn crlf(log: &[u8]) -> Vec<u8> {
    each(log, |line, out| [line, b"\r\n"].iter().for_each(|part| out.extend_from_slice(part)))
}

/// What a console gives that adds a carriage return to a program's own.
pub(super) fn cr_crlf(log: &[u8]) -> Vec<u8> {
    each(log, |line, out| [line, b"\r\r\n"].iter().for_each(|part| out.extend_from_slice(part)))
}

/// A file that a crash left padded with zeroes, at its end and between two writes.
pub(super) fn nul(log: &[u8]) -> Vec<u8> {
    let mut count = 0;
    let mut out = each(log, |line, out| {
        count += 1;
        out.extend_from_slice(line);
        out.extend(std::iter::repeat_n(0, if count % 10 == 0 { 7 } else { 0 }));
        out.push(b'\n');
    });
    out.extend([0; 64]);
    out
}

pub(super) fn unfinished(log: &[u8]) -> Vec<u8> {
    log.strip_suffix(b"\n").unwrap_or(log).to_vec()
}

/// As `dmesg --color=always` prints: the stamp in green, the subsystem in yellow, what alarms in red.
pub(super) fn colours(log: &[u8]) -> Vec<u8> {
    each(log, |line, out| {
        let Some(kernel) = Kernel::parse(line) else {
            out.extend_from_slice(line);
            out.push(b'\n');
            return;
        };
        let head = line.len() - kernel.message.len();
        let subsystem = kernel.message.windows(2).position(|w| w == b": ").filter(|&i| i < 24).map_or(0, |i| i + 2);
        let (subsystem, text) = kernel.message.split_at(subsystem);
        out.extend([b"\x1b[32m", &line[..head], b"\x1b[0m"].concat());
        if !subsystem.is_empty() {
            out.extend([b"\x1b[33m", subsystem, b"\x1b[0m"].concat());
        }
        out.extend([b"\x1b[1;31m", text, b"\x1b[0m\n"].concat());
    })
}

pub(super) fn indented(log: &[u8]) -> Vec<u8> {
    each(log, |line, out| put(out, b"  ", line))
}

pub(super) fn tabbed(log: &[u8]) -> Vec<u8> {
    each(log, |line, out| put(out, b"\t", line))
}

/// As mail programs quote: an empty line gets no blank.
pub(super) fn quoted(log: &[u8]) -> Vec<u8> {
    each(log, |line, out| put(out, if line.is_empty() { b">" } else { b"> " }, line))
}

pub(super) fn quoted_twice(log: &[u8]) -> Vec<u8> {
    quoted(&quoted(log))
}

/// `>> `.
pub(super) fn quoted_tight(log: &[u8]) -> Vec<u8> {
    each(log, |line, out| put(out, if line.is_empty() { b">>" } else { b">> " }, line))
}

/// A raw log of GitHub Actions: seven digits of the second.
pub(super) fn github(log: &[u8]) -> Vec<u8> {
    stamped(log, |wall, out| {
        let _ = write!(out, "{}.{:06}4Z ", wall.iso(), wall.micros);
    })
}

pub(super) fn docker_stamps(log: &[u8]) -> Vec<u8> {
    stamped(log, |wall, out| {
        let _ = write!(out, "{}.{:06}123Z ", wall.iso(), wall.micros);
    })
}

/// `gh run view --log`: the job and the step in front of the stamp.
pub(super) fn job(log: &[u8]) -> Vec<u8> {
    let out = github(log);
    each(&out, |line, out| put(out, b"boot (x86_64, kasan)\tRun the tests\t", line))
}

/// `docker compose logs`.
pub(super) fn compose(log: &[u8]) -> Vec<u8> {
    each(log, |line, out| put(out, b"vm-1  | ", line))
}

/// The log file of a container under Kubernetes, as containerd and CRI-O write it.
pub(super) fn cri(log: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (wall, line) in with_times(log) {
        let mut parts = line.chunks(CONTAINER_LINE).peekable();
        let mut next = Some(parts.next().unwrap_or_default());
        while let Some(part) = next {
            next = parts.next();
            let tag = if next.is_some() { 'P' } else { 'F' };
            let _ = write!(out, "{}.{:06}123Z stdout {tag} ", wall.iso(), wall.micros);
            out.extend_from_slice(part);
            out.push(b'\n');
        }
    }
    out
}

/// A mail program's lines: the kernel's, folded at 76 columns. A blank alone gives its place to the line break.
pub(super) fn folded(log: &[u8]) -> Vec<u8> {
    fold(log, false)
}

/// RFC 3676: blanks stay at the end of the line.
pub(super) fn flowed(log: &[u8]) -> Vec<u8> {
    fold(log, true)
}

fn fold(log: &[u8], is_flowed: bool) -> Vec<u8> {
    const WIDTH: usize = 76;
    let mut out = Vec::new();
    for line in log.split_inclusive(|&b| b == b'\n') {
        let Some(kernel) = Kernel::parse(line.strip_suffix(b"\n").unwrap_or(line)) else { continue };
        let start = out.len();
        super::kernel::push_prefix(&mut out, kernel.micros, kernel.caller);
        let (mut column, mut blanks, mut is_behind_word) = (out.len() - start, 0, false);
        for word in kernel.message.split(|b| *b == b' ') {
            if word.is_empty() {
                blanks += 1;
                continue;
            }
            let folds = is_behind_word && column + blanks + word.len() > WIDTH;
            let kept = if folds && blanks == 1 && !is_flowed { 0 } else { blanks };
            out.extend(std::iter::repeat_n(b' ', kept));
            out.extend_from_slice(if folds { b"\n" } else { b"" });
            out.extend_from_slice(word);
            column = if folds { 0 } else { column + blanks } + word.len();
            (blanks, is_behind_word) = (1, true);
        }
        out.extend(std::iter::repeat_n(b' ', blanks - 1));
        out.push(b'\n');
    }
    out
}

/// How some kernel developers cite a console: `| ` in front of every line.
pub(super) fn barred(log: &[u8]) -> Vec<u8> {
    each(log, |line, out| put(out, if line.is_empty() { b"|" } else { b"| " }, line))
}

/// Quoted-printable (RFC 2045): lines of at most 76 columns, the last one of a broken line a `=`.
pub(super) fn quoted_printable(log: &[u8]) -> Vec<u8> {
    const WIDTH: usize = 76;
    each(log, |line, out| {
        let mut column = 0;
        for (at, byte) in line.iter().enumerate() {
            let is_last = at + 1 == line.len();
            let is_plain = matches!(byte, b' ' | b'\t') && !is_last || byte.is_ascii_graphic() && *byte != b'=';
            let length = if is_plain { 1 } else { 3 };
            if column + length + usize::from(!is_last) > WIDTH {
                out.extend_from_slice(b"=\n");
                column = 0;
            }
            if is_plain {
                out.push(*byte);
            } else {
                let _ = write!(out, "={byte:02X}");
            }
            column += length;
        }
        out.push(b'\n');
    })
}

/// Go's encoder: `<`, `>` and `&` are escaped, bytes that are not UTF-8 are replaced.
pub(super) fn docker_json(log: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (wall, line) in with_times(log) {
        let mut line = line.to_vec();
        line.push(b'\n');
        let text = String::from_utf8_lossy(&line).into_owned();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let cut = rest.floor_char_boundary(CONTAINER_LINE);
            let log = serde_json::to_string(&rest[..cut]).expect("a string is JSON");
            let log = log.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
            let time = wall.iso();
            let _ = writeln!(out, "{{\"log\":{log},\"stream\":\"stdout\",\"time\":\"{time}.{:06}123Z\"}}", wall.micros);
            rest = &rest[cut..];
        }
    }
    out
}

/// The same after another program wrote it anew: a blank behind each colon and each comma.
pub(super) fn docker_json_spaced(log: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in docker_json(log).split_inclusive(|&b| b == b'\n') {
        let object: std::collections::BTreeMap<String, String> =
            serde_json::from_slice(line).expect("JSON was written");
        let fields: Vec<String> = object
            .iter()
            .map(|(name, value)| format!("\"{name}\": {}", serde_json::to_string(value).expect("a string is JSON")))
            .collect();
        let _ = writeln!(out, "{{{}}}", fields.join(", "));
    }
    out
}

/// Each line with a time: that of the kernel line at or before it.
fn with_times(log: &[u8]) -> impl Iterator<Item = (Wall, &[u8])> {
    let mut micros = 0;
    log.split_inclusive(|&b| b == b'\n').map(move |line| {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        micros = Kernel::parse(line).map_or(micros, |kernel| kernel.micros);
        (Wall::at(micros), line)
    })
}

fn stamped(log: &[u8], stamp: impl Fn(&Wall, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    for (wall, line) in with_times(log) {
        stamp(&wall, &mut out);
        put(&mut out, b"", line);
    }
    out
}

fn each(log: &[u8], mut write: impl FnMut(&[u8], &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(log.len() * 5 / 4);
    for line in log.split_inclusive(|&b| b == b'\n') {
        write(line.strip_suffix(b"\n").unwrap_or(line), &mut out);
    }
    out
}

fn put(out: &mut Vec<u8>, prefix: &[u8], line: &[u8]) {
    out.extend_from_slice(prefix);
    out.extend_from_slice(line);
    out.push(b'\n');
}
