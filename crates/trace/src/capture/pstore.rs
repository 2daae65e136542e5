//! Parts of a crash dump in pstore (fs/pstore/platform.c): put in order, without their headers.
//!
//! The kernel stores its log from the end, so `Part1` holds the newest lines and the files list in the wrong order.

use std::cmp::Reverse;

use super::lines::lines;
use super::map::Out;
use super::stamp::{self, number};

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header<'l> {
    reason: &'l [u8],
    count: i64,
    part: i64,
}

/// Whether the line is the header of a part, such as `Panic#2 Part3`.
pub(super) fn is_header(line: &[u8]) -> bool {
    Header::read(line).is_some()
}

/// Writes the parts to `out`, of each dump the oldest lines first.
pub(super) fn peel(text: &[u8], out: &mut Out) {
    let mut starts: Vec<(usize, usize, Option<Header<'_>>)> = vec![(0, 0, None)];
    for (at, line) in lines(text) {
        if let Some(header) = Header::read(line) {
            starts.push((at, (at + line.len() + 1).min(text.len()), Some(header)));
        }
    }
    let ends = starts.iter().skip(1).map(|&(at, ..)| at).chain([text.len()]);
    let mut parts: Vec<_> = starts.iter().zip(ends).map(|(&(_, from, header), end)| (header, from..end)).collect();
    // What precedes the first header stays in front. Dumps are numbered as they happen.
    parts.sort_by_key(|(header, _)| header.map(|h| (h.count, h.reason, Reverse(h.part))));
    for (_, part) in parts {
        if !out.at_line_start() {
            out.newline(part.start);
        }
        for (at, line) in lines(&text[part.clone()]) {
            // The console has no levels.
            let level = stamp::level(line).filter(|&len| line[len..].starts_with(b"[")).unwrap_or(0);
            let end = (at + line.len() + 1).min(part.len());
            out.push(&text[part.start + at + level..part.start + end], part.start + at + level);
        }
    }
}

impl<'l> Header<'l> {
    /// The reasons are those of `kmsg_dump_reason_str`.
    const REASONS: [&'static [u8]; 8] =
        [b"Unknown", b"Undef", b"Panic", b"Oops", b"Emergency", b"Shutdown", b"Restart", b"Halt"];

    fn read(line: &'l [u8]) -> Option<Self> {
        let hash = line.iter().take(12).position(|&b| b == b'#')?;
        let (reason, rest) = (&line[..hash], &line[hash + 1..]);
        let (count, len) = number(rest)?;
        let rest = rest[len..].strip_prefix(b" Part")?;
        let (part, len) = number(rest)?;
        (rest[len..].trim_ascii().is_empty() && Self::REASONS.contains(&reason)).then_some(Header {
            reason,
            count,
            part,
        })
    }
}
