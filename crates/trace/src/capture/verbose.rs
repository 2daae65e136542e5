//! `journalctl -o verbose`: a line with time and cursor, and the entry's fields below it, indented (systemd's
//! src/shared/logs-show.c, `output_verbose`).

use super::journal::Journal;
use super::lines::lines;
use super::map::Out;
use super::stamp;

/// Blanks in front of a field.
const FIELD: &[u8] = b"    ";
/// The later lines of a message stand below the first one, behind `MESSAGE=`.
const LATER: &[u8] = b"            ";

/// Writes the messages of the entries to `out`; a line that is no part of one is left alone.
pub(super) fn peel(text: &[u8], out: &mut Out) {
    let mut prefix = Vec::new();
    let mut open: Option<Entry<'_>> = None;
    for (at, line) in lines(text) {
        if let Some(received) = head(line) {
            Entry::write(open.take(), &mut prefix, out);
            open = Some(Entry { journal: Journal::received(received), ..Entry::default() });
        } else if !open.as_mut().is_some_and(|entry| entry.take(line, at)) {
            Entry::write(open.take(), &mut prefix, out);
            out.push(line, at);
            out.newline(at + line.len());
        }
    }
    Entry::write(open, &mut prefix, out);
}

/// Whether the line is the first one of an entry: `Sun 2026-11-22 23:49:11.918915 UTC [s=…;i=1;b=…;m=359105;t=…;x=…]`.
pub(super) fn is_head(line: &[u8]) -> bool {
    head(line).is_some()
}

/// The time since boot that the cursor tells, where it tells one, in microseconds.
fn head(line: &[u8]) -> Option<Option<i64>> {
    let cursor = line.get(stamp::full(line)?.len..)?.strip_prefix(b" [s=")?.strip_suffix(b"]")?;
    let monotonic = cursor.split(|b| *b == b';').find_map(|part| part.strip_prefix(b"m="));
    let monotonic = monotonic.and_then(|hex| std::str::from_utf8(hex).ok());
    Some(monotonic.and_then(|hex| i64::from_str_radix(hex, 16).ok()))
}

#[derive(Default)]
struct Entry<'t> {
    journal: Journal<'t>,
    /// The lines of the message, with their places.
    message: Vec<(&'t [u8], usize)>,
    /// The last field was the message.
    is_open: bool,
}

impl<'t> Entry<'t> {
    /// Takes a line below the head; false where it is none.
    fn take(&mut self, line: &'t [u8], at: usize) -> bool {
        let Some(field) = line.strip_prefix(FIELD) else { return false };
        if let Some(later) = line.strip_prefix(LATER) {
            if self.is_open {
                self.message.push((later, at + LATER.len()));
            }
            return true;
        }
        let Some(equals) = memchr::memchr(b'=', field) else { return false };
        let (name, value) = (&field[..equals], &field[equals + 1..]);
        self.is_open = name == b"MESSAGE" && self.message.is_empty();
        if self.is_open {
            self.message.push((value, at + FIELD.len() + equals + 1));
        }
        self.journal.field(name, value);
        true
    }

    fn write(entry: Option<Self>, prefix: &mut Vec<u8>, out: &mut Out) {
        let Some(Entry { journal, message, .. }) = entry else { return };
        journal.writer().prefix(prefix);
        for (line, at) in &message {
            out.push(prefix, *at);
            out.push(line, *at);
            out.newline(at + line.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peeled(text: &str) -> String {
        let mut out = Out::for_source(text.as_bytes());
        peel(text.as_bytes(), &mut out);
        String::from_utf8_lossy(&out.text).into_owned()
    }

    const HEAD: &str = "Sun 2026-11-22 23:36:22.010516 UTC [s=a5;i=1;b=00;m=359105;t=66;x=d1]\n";

    #[test]
    fn entries_become_lines() {
        let fields = "    _SOURCE_MONOTONIC_TIMESTAMP=3510516\n    _TRANSPORT=kernel\n    MESSAGE=a\n             b=c\n    PRIORITY=4\n";
        assert_eq!(peeled(&format!("{HEAD}{fields}")), "[    3.510516] a\n[    3.510516]  b=c\n");
        let program = "    _PID=12\n    SYSLOG_IDENTIFIER=sshd\n    MESSAGE=in\n-- Boot 0 --\n";
        assert_eq!(peeled(&format!("{HEAD}{program}")), "sshd[12]: in\n-- Boot 0 --\n");
    }

    #[test]
    fn the_cursor_tells_the_time_where_no_field_does() {
        assert_eq!(peeled(&format!("{HEAD}    _TRANSPORT=kernel\n    MESSAGE=a\n")), "[    3.510533] a\n");
    }
}
