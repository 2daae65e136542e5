//! Lines of a log to a `Log`: each line is classified once, in the context that the lines before it set.

mod block;
mod meaning;

use crate::{
    log::*,
    revision::*,
    runs,
    stamp::Stamp,
    template::{Means, Place, Row, classify},
};

impl<'a> Log<'a> {
    /// Reads a bisection log. Any bytes can be read; what is not understood is in `lines.unread`.
    ///
    /// ```
    /// let log = bisect::Log::parse(b"bisecting cause commit starting from bef7b2a7be28638770972ab2709adf11d601c11a\n");
    /// assert_eq!(log.direction, Some(bisect::Direction::Cause));
    /// ```
    pub fn parse(bytes: &'a [u8]) -> Log<'a> {
        let mut reader = Reader::new(bytes);
        let mut start = 0;
        while start < bytes.len() {
            let end = bytes[start..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |at| start + at);
            let next = (end + 1).min(bytes.len());
            let end = if bytes[start..end].ends_with(b"\r") { end - 1 } else { end };
            reader.log.starts.push(start);
            match String::from_utf8_lossy(&bytes[start..end]) {
                Text::Borrowed(line) => reader.line(line, Text::Borrowed, next),
                Text::Owned(line) => reader.line(&line, |text| Text::Owned(text.to_owned()), next),
            }
            start = next;
        }
        reader.finish()
    }
}

/// What is known between two lines.
struct Reader<'a> {
    log: Log<'a>,
    place: Place,
    /// Role and release tag of the next test block.
    role: Option<Role>,
    release: Option<Text<'a>>,
    /// The commit that git chose, and what it had left.
    next: Option<Commit<'a>>,
    remaining: Option<Remaining>,
    /// The last stamp: entries of several lines have one before the first.
    now: Option<Stamp>,
    /// Whether the last line of the log's result was read.
    named: bool,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Reader<'a> {
        let log = Log { bytes, ..Log::default() };
        let place = Place::Top;
        Reader { log, place, role: None, release: None, next: None, remaining: None, now: None, named: false }
    }

    fn line<'l>(&mut self, line: &'l str, text: impl Fn(&'l str) -> Text<'a>, next: usize) {
        let number = self.log.starts.len();
        self.log.lines.total = number;
        let line = if self.place == Place::Report { line } else { self.unstamped(line) };
        let Some((row, holes)) = classify(self.place, line) else {
            self.log.lines.unread.push((number, text(line)));
            return;
        };
        if row.means == Means::ErrorTexts && number > 1 {
            self.log.lines.unread.push((number, text(line)));
            return;
        }
        match row.means {
            Means::Foreign(kind) => *self.log.lines.foreign.entry(kind).or_default() += 1,
            _ => *self.log.lines.known.entry(row.name).or_default() += 1,
        }
        self.read(row, line, &holes, text, next);
        self.place = self.place_after(row, line);
    }

    /// The line without its stamp, which is noted.
    fn unstamped<'l>(&mut self, line: &'l str) -> &'l str {
        let (stamp, line) = Stamp::split(line);
        if let Some(stamp) = stamp {
            self.now = Some(stamp);
            self.log.times.get_or_insert((stamp, stamp)).1 = stamp;
        }
        line
    }

    /// Where the line after this one stands.
    fn place_after(&self, row: &Row, line: &str) -> Place {
        match row.means {
            Means::Testing | Means::Compiler | Means::Signature => Place::Test,
            Means::Run | Means::AllRuns if line.contains("[\"") || line.contains("with body: ") => Place::Tool,
            Means::BuildFailed => Place::Build,
            Means::GitStart | Means::GitDecision | Means::Remaining | Means::Next | Means::OnlySkipped => Place::Git,
            Means::Found => Place::Commit,
            Means::Inconclusive | Means::Candidate => Place::Candidates,
            Means::Totals => Place::Result,
            Means::Failed | Means::ErrorTexts => Place::Error,
            Means::Crash => Place::Report,
            Means::Blank if self.place == Place::Tool => Place::Top,
            Means::Blank | Means::Foreign(_) => self.place,
            _ => Place::Top,
        }
    }

    fn finish(mut self) -> Log<'a> {
        let log = &mut self.log;
        log.untested = self.next;
        log.outcome = match log.outcome {
            _ if !log.errors.is_empty() => Outcome::Error,
            _ if self.named => Outcome::Found,
            Outcome::Inconclusive => Outcome::Inconclusive,
            _ if !log.reasons.is_empty() => Outcome::NotFound,
            // The log was cut after git had found the commit.
            _ if log.culprit.is_some() => Outcome::Found,
            _ => Outcome::Unfinished,
        };
        runs::count(log);
        self.log
    }
}
