//! Laws of captures that come in pieces.

use std::io::{self, Read};
use std::ops::Range;

use ksplat::signature::Signature;
use ksplat::trace::{REACH, Rules, Scan, Scanner, windows};
use ksplat::{Found, Span};

use crate::ensure;

/// Captures as JSON or export are longer than the console that is in them.
const MOST: usize = 8 * REACH;

/// Windows come in order, hold where their reports start, and are not larger than they may be.
pub(crate) fn windows_share_the_capture(capture: &[u8]) -> Result<(), String> {
    let mut last = 0;
    for window in windows(capture, Rules::default()) {
        let (bytes, starts) = (&window.bytes, &window.starts);
        ensure!(bytes.start <= starts.start && starts.end <= bytes.end, "{window:?}: starts beyond its bytes");
        ensure!(bytes.end <= capture.len(), "{window:?} of {}", capture.len());
        ensure!(last <= starts.start, "{window:?} starts before {last}");
        ensure!(starts.start - bytes.start <= MOST && bytes.end - starts.end <= MOST, "{window:?} reaches too far");
        last = starts.end;
    }
    Ok(())
}

/// A capture in pieces has the windows of the whole.
pub(crate) fn pieces_have_the_same_windows(capture: &[u8]) -> Result<(), String> {
    let whole: Vec<_> = windows(capture, Rules::default()).map(|window| (window.bytes, window.starts)).collect();
    for size in sizes(capture.len()) {
        let pieces = in_pieces(capture, size);
        ensure!(pieces == whole, "in pieces of {size}: {pieces:?}, not {whole:?}");
    }
    Ok(())
}

/// A capture that is read has the reports of the one that is there.
pub(crate) fn a_stream_has_the_same_reports(capture: &[u8]) -> Result<(), String> {
    let mut whole = Vec::new();
    ksplat::reports(capture, |found| whole.push(Seen::of(found)));
    let mut streamed = Vec::new();
    let slow = Slow { rest: capture, size: capture.len() / 7 + 1 };
    let told = ksplat::stream(slow, |found| streamed.push(Seen::of(found)));
    ensure!(streamed == whole, "{streamed:?}, not {whole:?}");
    ensure!(told.as_ref().ok() == Some(&whole.len()), "{told:?}, not {}", whole.len());
    Ok(())
}

/// What is compared of a report.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    index: usize,
    span: Span,
    title: String,
    signature: Signature,
}

impl Seen {
    fn of(found: &Found<'_>) -> Seen {
        Seen {
            index: found.index,
            span: found.span,
            title: found.title.title.clone(),
            signature: found.signature.clone(),
        }
    }
}

/// Few sizes of pieces, of which none is a power of two or makes thousands.
fn sizes(length: usize) -> [usize; 3] {
    [length / 100 + 1, length / 7 + 1, 65_537]
}

/// The windows of a capture that comes in pieces of `size` bytes.
fn in_pieces(capture: &[u8], size: usize) -> Vec<(Range<usize>, Range<usize>)> {
    let (mut scanner, mut base, mut end, mut all) = (Scanner::new(Rules::default()), 0, 0, Vec::new());
    loop {
        end = capture.len().min(end + size);
        let whole = end == capture.len();
        loop {
            match scanner.scan(base, &capture[base..end], whole) {
                Scan::Window(window) => all.push((window.bytes, window.starts)),
                Scan::More(keep) => {
                    base = keep;
                    break;
                }
            }
        }
        if whole {
            return all;
        }
    }
}

/// A reader that gives a few bytes at once, as a pipe does.
struct Slow<'c> {
    rest: &'c [u8],
    size: usize,
}

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.size.min(buffer.len());
        self.rest.take(most as u64).read(buffer).inspect(|read| self.rest = &self.rest[*read..])
    }
}

/// A large capture that few bytes describe, in pairs: what comes, and how much of it.
pub(crate) fn described(input: &[u8]) -> Vec<u8> {
    /// More than is read as a whole, and several windows.
    const LONGEST: usize = 3 << 20;
    let mut capture = Vec::new();
    for pair in input.chunks_exact(2) {
        let much = usize::from(pair[1]);
        match pair[0] % 8 {
            0 | 1 => capture.extend(std::iter::repeat_n(&b"[    1.000000][   T12] quiet\n"[..], much * 256).flatten()),
            2 => capture.extend(std::iter::repeat_n(b'x', much * 4096)),
            3 => capture.extend(std::iter::repeat_n(b'\n', much)),
            4 => capture.extend_from_slice(b"[    1.000000][   T12] BUG: oh\n"),
            5 => capture.extend_from_slice(b"Call Trace:\n f+0x1/0x2\n"),
            6 => capture.extend_from_slice(b"BUG: x"),
            _ => capture.push(pair[1]),
        }
        capture.truncate(LONGEST);
    }
    capture
}
