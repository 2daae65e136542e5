//! What syslog daemons write of a line that comes again: `message repeated 3 times: [ text]`, `last message repeated 3 times`.

use std::ops::Range;

use super::head::Heads;
use super::lines::push_unescaped;
use super::map::Out;
use super::stamp;
use super::syslog::Head;
use crate::run::digits;

/// A line that stands for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Repeat {
    times: usize,
    /// Where the repeated text stands; nothing where it is that of the line before.
    text: Option<Range<usize>>,
}

impl Repeat {
    /// Reads a line of rsyslog, or of a syslogd, which has no program in it.
    pub(super) fn read(line: &[u8]) -> Option<Repeat> {
        const MARK: &[u8] = b"message repeated ";
        // Most lines end in neither of these.
        if !line.ends_with(b"]") && !line.ends_with(b" times") {
            return None;
        }
        let mark = memchr::memmem::find(line, MARK)?;
        let before = line[..mark].strip_suffix(b"last ").unwrap_or(&line[..mark]);
        let behind = &line[mark + MARK.len()..];
        let digits = digits(behind);
        let times = std::str::from_utf8(&behind[..digits]).ok()?.parse().ok().filter(|times| *times > 0)?;
        let rest = behind[digits..].strip_prefix(b" times")?;
        if rest.is_empty() {
            let is_head = Head::read(line).is_some_and(|head| head.message == before.len()) || is_hosts(before);
            return is_head.then_some(Repeat { times, text: None });
        }
        rest.strip_prefix(b": [")?;
        let start = line.len() - rest.len() + 3;
        let start = start + usize::from(line.get(start) == Some(&b' '));
        let is_head = Head::read(line).is_some_and(|head| head.message == mark);
        (is_head && start < line.len()).then_some(Repeat { times, text: Some(start..line.len() - 1) })
    }
}

/// Writes lines as often as they came.
#[derive(Debug)]
pub(super) struct Repeats {
    /// Bytes that may still be made up: no capture becomes more than about twice as long.
    left: usize,
    /// The last line that was written, in the text.
    last: Range<usize>,
}

impl Repeats {
    /// For a capture of so many bytes.
    pub(super) fn within(bytes: usize) -> Self {
        Repeats { left: bytes, last: 0..0 }
    }

    /// Takes note of what was written of a line, from `start` on.
    pub(super) fn wrote(&mut self, start: usize, out: &Out) {
        self.last = start..out.text.len();
    }

    /// Writes what `line`, which stands at `at`, stands for.
    pub(super) fn write(&mut self, repeat: Repeat, line: &[u8], at: usize, heads: &mut Heads, out: &mut Out) {
        let start = out.text.len();
        if let Some(text) = repeat.text
            && let Some(head) = Head::read(line)
        {
            let plain = [&line[..head.message], &line[text.clone()]].concat();
            let mut prefix = Vec::new();
            let message = heads.read(&plain, &mut prefix).unwrap_or(head.message);
            out.push(&prefix, at);
            push_unescaped(&plain[message..], at + text.start + message - head.message, &prefix, out);
            self.wrote(start, out);
        } else {
            let last = out.text[self.last.clone()].to_vec();
            out.push(&last, at);
            self.last = start..out.text.len();
        }
        let text = out.text[self.last.clone()].to_vec();
        let more = repeat.times.saturating_sub(1).min(self.left / (text.len() + 1));
        self.left -= more * (text.len() + 1);
        for _ in 0..more {
            out.newline(at);
            out.push(&text, at);
        }
    }
}

/// `Nov 22 23:49:11 db1 `.
fn is_hosts(before: &[u8]) -> bool {
    let Some(time) = stamp::month_day(before) else { return false };
    let host = before[time.len..].trim_ascii();
    !host.is_empty() && !host.contains(&b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_stand_for_others() {
        let read = |line: &'static str| Repeat::read(line.as_bytes()).map(|r| (r.times, r.text.map(|at| &line[at])));
        for (line, want) in [
            ("Nov 22 23:49:11 db1 kernel: message repeated 3 times: [ x]", Some((3, Some("x")))),
            ("Nov 22 23:49:11 db1 kernel: message repeated 3 times: [x [m]]", Some((3, Some("x [m]")))),
            ("Nov 22 23:49:11 db1 kernel: last message repeated 2 times", Some((2, None))),
            ("Nov 22 23:49:11 db1 last message repeated 2 times", Some((2, None))),
            ("Nov 22 23:49:11 db1 kernel: the last message repeated 2 times", None),
            ("Nov 22 23:49:11 db1 kernel: message repeated 0 times: [ x]", None),
            ("last message repeated 2 times", None),
            ("Nov 22 23:49:11 db1 kernel: message repeated 2 times: [", None),
        ] {
            assert_eq!(read(line), want, "{line}");
        }
    }

    #[test]
    fn a_capture_is_not_blown_up() {
        let line = "Nov 22 23:49:11 db1 kernel: BUG: oh\n";
        let capture = line.repeat(9) + "Nov 22 23:49:11 db1 last message repeated 4000000000 times\n";
        let console = crate::Console::read(capture.as_bytes());
        assert!(console.text().len() > capture.len() && console.text().len() < 3 * capture.len());
    }
}
