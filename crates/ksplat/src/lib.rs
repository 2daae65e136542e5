//! Raw Linux kernel crashes into names, source lines and buckets: the pipeline on one page.
//!
//! `bytes ─window─> windows ─capture─> console text ─log─> splats ─report─> reports ─title─> names ─signature─> buckets`
//!
//! ```
//! let mut titles = Vec::new();
//! let log = b"BUG: workqueue lockup - pool cpus=0 stuck for 34s!\n";
//! ksplat::reports(log, |found| titles.push(found.title.title.clone()));
//! assert_eq!(titles, ["BUG: workqueue lockup"]);
//! ```

use std::io::{self, Read};
use std::ops::Range;

use signature::{Signature, Title};
use trace::{Causes, Console, Log, Regions, Report, Rules, Scan, Scanner, Splat, Why, Window};

pub use {family, image, signature, symbolize, trace};

mod checked;
mod decode;
mod echoes;
mod index;
pub mod kernel;
mod symbolized;
mod traits;

use echoes::Echoes;

pub use checked::{Checked, Checker};
pub use decode::{CodeLine, Decoder, Piece, Style, Token};
pub use index::build_index;
pub use symbolized::{Symbolized, listing, trapping_instruction};

/// How reports are read; [`reports`] and [`stream`] read them by the defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whose judgement titles, regions and flags follow.
    pub rules: Rules,
}

/// One report, and all that is known of it without a vmlinux.
#[derive(Debug)]
pub struct Found<'t> {
    /// Number of the report in its input.
    pub index: usize,
    /// The part of the console that the crash printed.
    pub splat: Splat<'t>,
    /// What it says.
    pub report: Report<'t>,
    /// Its name.
    pub title: Title,
    /// Its signature.
    pub signature: Signature,
    /// Where it stands in the input, in bytes.
    pub span: Span,
    /// The first cause that it only echoes, where it is none itself.
    pub follows: Option<Follows>,
}

/// The first cause of an echo. What headlines tell is looked for in the same window of the input, what titles and calls tell
/// in all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Follows {
    /// Number of that report in its input.
    pub report: usize,
    /// Why this one is no crash of its own.
    pub why: Why,
}

/// Where a report stands in its input, in bytes; the meaning of the first three is syzkaller's.
///
/// No place is before `start`, even in a capture that stores a report's later lines earlier (pstore, netconsole).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first byte of the line that started it.
    pub start: usize,
    /// The end of the last line with a trigger.
    pub end: usize,
    /// Where the search for the next report goes on.
    pub skip: usize,
    /// The end of the report's own last line.
    pub region_end: usize,
}

/// Finds the reports of a capture that is there as a whole; how many there are.
pub fn reports(capture: &[u8], each: impl FnMut(&Found<'_>)) -> usize {
    Options::default().reports(capture, each)
}

/// Finds the reports of a capture as it is read, in memory that does not grow with the input; how many there are.
pub fn stream(input: impl Read, each: impl FnMut(&Found<'_>)) -> io::Result<usize> {
    Options::default().stream(input, each)
}

/// Bytes that are read at once.
const CHUNK: usize = 1 << 20;

impl Options {
    /// Finds the reports of a capture that is there as a whole; how many there are.
    pub fn reports(self, capture: &[u8], mut each: impl FnMut(&Found<'_>)) -> usize {
        let mut seen = Seen::default();
        for window in trace::windows(capture, self.rules) {
            in_window(&capture[window.bytes.clone()], &window, self, &mut seen, &mut each);
        }
        seen.count
    }

    /// Finds the reports of a capture as it is read, in memory that does not grow with the input; how many there are.
    pub fn stream(self, mut input: impl Read, mut each: impl FnMut(&Found<'_>)) -> io::Result<usize> {
        let (mut scanner, mut base, mut buffer) = (Scanner::new(self.rules), 0, Vec::new());
        let mut seen = Seen::default();
        loop {
            let read = input.by_ref().take(CHUNK as u64).read_to_end(&mut buffer)?;
            loop {
                match scanner.scan(base, &buffer, read < CHUNK) {
                    Scan::Window(window) => {
                        let bytes = &buffer[window.bytes.start - base..window.bytes.end - base];
                        in_window(bytes, &window, self, &mut seen, &mut each);
                    }
                    Scan::More(keep) => {
                        buffer.drain(..keep - base);
                        base = keep;
                        break;
                    }
                }
            }
            if read < CHUNK {
                return Ok(seen.count);
            }
        }
    }
}

/// The reports of an input so far.
#[derive(Default)]
struct Seen {
    count: usize,
    echoes: Echoes,
}

fn in_window(bytes: &[u8], window: &Window, options: Options, seen: &mut Seen, each: &mut impl FnMut(&Found<'_>)) {
    let console = Console::read(bytes);
    let log = Log::parse(console.text(), options.rules);
    let causes = Causes::of(&log);
    let mut regions = (options.rules == Rules::Ksplat).then(|| Regions::of(&log, &causes));
    // The first cause of each splat, where that is a report of this window.
    let mut causes_of = Vec::new();
    let references = references(bytes, window.bytes.start, options.rules);
    let place = |at: usize| window.bytes.start + console.offset(at);
    for splat in log.splats() {
        if !starts_in(&window.starts, place(splat.start)) {
            causes_of.push(None);
            continue;
        }
        let echo = causes.echo(splat.index);
        let follows = echo.and_then(|echo| Some(Follows { report: causes_of[echo.of]?, why: echo.why }));
        let (splat, report, title) = match &mut regions {
            Some(regions) => cut(regions, splat),
            None => whole(splat),
        };
        let follows = follows.or_else(|| seen.echoes.judge(seen.count, &report, &title));
        causes_of.push(Some(follows.map_or(seen.count, |follows| follows.report)));
        let start = place(splat.start);
        let skip = place(splat.skip).max(start);
        let span = Span { start, skip, end: place(splat.end).max(skip), region_end: place(report.end).max(start) };
        let reference = references.binary_search_by_key(&span.start, |(start, _)| *start);
        let signature =
            reference.map_or_else(|_| Signature::of(&splat, &report, &title), |found| references[found].1.clone());
        each(&Found { index: seen.count, splat, report, title, signature, span, follows });
        seen.count += 1;
    }
}

fn whole(splat: Splat<'_>) -> (Splat<'_>, Report<'_>, Title) {
    let (report, title) = (Report::parse(&splat), Title::of(&splat));
    (splat, report, title)
}

/// The splat as ksplat's rules cut it; whole, where only that names it: its stack stands behind another report's headline.
fn cut<'t>(regions: &mut Regions<'t>, mut splat: Splat<'t>) -> (Splat<'t>, Report<'t>, Title) {
    regions.begin(&mut splat);
    let (own, report) = regions.cut(splat.clone());
    let title = Title::of(&own);
    let mut found = (own, report, title);
    let (_, _, title) = &found;
    if title.corrupted.is_some() {
        let mut splat = regions.judged(splat);
        splat.own = splat.lines.len();
        let (splat, report, other) = whole(splat);
        if other.corrupted.is_none() || title.lacks_function() && !other.lacks_function() {
            found = (splat, report, other);
        }
    }
    regions.end(&found.0, &found.1);
    found
}

/// The signatures that syzbot's rules give the reports of a window, with where they start, in order: other rules take
/// them over, so that one bug has one signature. Only what syzbot does not know has one by other rules.
fn references(bytes: &[u8], base: usize, rules: Rules) -> Vec<(usize, Signature)> {
    let mut references = Vec::new();
    if rules != Rules::Syzbot {
        reports(bytes, |found| {
            references.push((base + found.span.start, found.signature.clone()));
        });
    }
    references
}

/// A window's last start is a whole line, so a place in it belongs to this window and to no other.
fn starts_in(starts: &Range<usize>, place: usize) -> bool {
    starts.contains(&place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &[u8]) -> Vec<(usize, String, Span)> {
        let mut all = Vec::new();
        reports(text, |found| all.push((found.index, found.title.title.clone(), found.span)));
        let mut streamed = Vec::new();
        let count = stream(text, |found| streamed.push((found.index, found.title.title.clone(), found.span)));
        assert_eq!(streamed, all, "a stream has the same reports");
        assert_eq!(count.ok(), Some(all.len()));
        all
    }

    #[test]
    fn reports_far_apart_are_all_found_once() {
        let mut text = Vec::new();
        for n in 0..3 {
            text.extend_from_slice(format!("BUG: Bad page map in process x{n}\n").as_bytes());
            text.extend(std::iter::repeat_n(b"quiet\n", 100_000).flatten());
        }
        let found = found(&text);
        assert_eq!(found.iter().map(|f| f.0).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(found.iter().all(|f| f.1 == "BUG: Bad page map" && text[f.2.start..].starts_with(b"BUG: Bad")));
    }

    #[test]
    fn a_report_is_found_in_an_array_of_bytes() {
        let quiet = b"{\"MESSAGE\":\"quiet\",\"_TRANSPORT\":\"kernel\"}\n".repeat(100_000);
        let headline = b"BUG: Bad page map in process \xff";
        let array = format!("{{\"_TRANSPORT\":\"kernel\",\"MESSAGE\":{headline:?}}}\n");
        let spread =
            array.replace(',', ",\n").replace('[', "[\n").replace(']', "\n]").replace('{', "{\n").replace('}', "\n}");
        for array in [array, spread] {
            let text = [&quiet[..], array.as_bytes(), &quiet].concat();
            let found = found(&text);
            assert_eq!(found.iter().map(|f| &*f.1).collect::<Vec<_>>(), ["BUG: Bad page map"]);
            assert!((quiet.len()..text.len() - quiet.len()).contains(&found[0].2.start));
        }
    }

    #[test]
    fn nothing_is_found_in_nothing() {
        assert_eq!(found(b""), []);
        assert_eq!(found(&[0; 100_000]), []);
    }
}
