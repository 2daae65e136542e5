//! The heads of syslog lines: a stamp, a host, a program.
//!
//! `journalctl`'s short forms are made to look like syslog, so they are read here too.

use super::stamp::{self, Stamp};

/// A syslog line's head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'l> {
    /// When it was logged.
    pub(super) time: Time,
    /// Who: the program and, in brackets, its process id.
    pub(super) tag: &'l [u8],
    /// Where the tag starts, for a line that holds it as `tag: message`.
    pub(super) tag_at: Option<usize>,
    /// Where the message starts.
    pub(super) message: usize,
    /// The machine; empty where the capture leaves it out.
    pub(super) host: &'l [u8],
}

/// When a line was logged, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Time {
    /// Since boot.
    Monotonic(Stamp),
    /// By the wall clock, from some fixed day.
    Wall(i64),
}

impl<'l> Head<'l> {
    /// The kernel's own line, not one of a program.
    pub(super) fn is_kernel(&self) -> bool {
        self.tag == b"kernel" || self.tag.starts_with(b"kernel[")
    }

    /// Reads the head of a line that has one.
    pub(super) fn read(line: &'l [u8]) -> Option<Self> {
        let priority = stamp::level(line).unwrap_or(0);
        if priority > 0 && line[priority..].starts_with(b"1 ") {
            return Self::rfc5424(line, priority + 2);
        }
        let rest = &line[priority..];
        let (time, len) = match rest.first()? {
            b'[' => stamp::kernel(rest).map(|s| (Time::Monotonic(s), s.len)),
            b'0'..=b'9' => stamp::iso(rest).or_else(|| stamp::unix(rest)).map(|s| (Time::Wall(s.micros), s.len)),
            _ => stamp::month_day(rest).or_else(|| stamp::full(rest)).map(|s| (Time::Wall(s.micros), s.len)),
        }?;
        let (host_at, host) = word(line, priority + len)?;
        if host.starts_with(b"[") {
            return None;
        }
        if let Some(tag) = host.strip_suffix(b":")
            && (tag == b"kernel" || matches!(time, Time::Wall(_)) && is_program(tag))
        {
            // journalctl's `--no-hostname`.
            let message = (host_at + host.len() + 1).min(line.len());
            return Some(Head { time, tag, tag_at: Some(host_at), message, host: b"" });
        }
        let (mut tag_at, mut tag) = word(line, host_at + host.len())?;
        if is_facility(tag) {
            (tag_at, tag) = word(line, tag_at + tag.len())?;
        }
        let name = tag.strip_suffix(b":").filter(|name| is_program(name))?;
        let message = (tag_at + tag.len() + 1).min(line.len());
        Some(Head { time, tag: name, tag_at: Some(tag_at), message, host })
    }

    /// `<13>1 2026-11-22T23:49:11.918915+00:00 host app procid msgid [structured data] message`.
    fn rfc5424(line: &'l [u8], at: usize) -> Option<Self> {
        let time = stamp::iso(&line[at..])?;
        let (host_at, host) = word(line, at + time.len)?;
        let (app_at, app) = word(line, host_at + host.len())?;
        let (process_at, process) = word(line, app_at + app.len())?;
        let (id_at, id) = word(line, process_at + process.len())?;
        let data_at = id_at + id.len() + 1;
        let message = data_at + structured_data(line.get(data_at..)?)?;
        let message = match line.get(message) {
            Some(b' ') => message + 1,
            None => message,
            Some(_) => return None,
        };
        let mark = if line[message..].starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Some(Head { time: Time::Wall(time.micros), tag: app, tag_at: None, message: message + mark, host })
    }
}

/// The word behind the one blank at `at`.
fn word(line: &[u8], at: usize) -> Option<(usize, &[u8])> {
    if line.get(at) != Some(&b' ') {
        return None;
    }
    let rest = &line[at + 1..];
    // Names are short; a long run without a blank is text.
    let window = &rest[..rest.len().min(256)];
    let len = window.iter().position(|&b| b == b' ').or((window.len() == rest.len()).then_some(rest.len()))?;
    (len > 0).then(|| (at + 1, &rest[..len]))
}

/// `kern.info`, which busybox's syslogd puts in front of the program.
fn is_facility(word: &[u8]) -> bool {
    word.iter()
        .position(|&b| b == b'.')
        .is_some_and(|dot| super::head::FACILITIES.iter().any(|f| f.as_bytes() == &word[..dot]))
}

/// `sshd`, `systemd-logind[123]`, `org.gnome.Shell.desktop`.
fn is_program(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || b"-_./@[]()+\\#".contains(b))
}

/// The length of RFC 5424 structured data: `-` or elements in brackets.
fn structured_data(text: &[u8]) -> Option<usize> {
    if text.first() == Some(&b'-') {
        return Some(1);
    }
    let mut at = 0;
    while text.get(at) == Some(&b'[') {
        let mut quoted = false;
        loop {
            at += 1;
            match text.get(at)? {
                b'\\' if quoted => at += 1,
                b'"' => quoted = !quoted,
                b']' if !quoted => break,
                _ => {}
            }
        }
        at += 1;
    }
    (at > 0).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tag and the message of a line.
    fn read(line: &str) -> Option<(&str, &str)> {
        let head = Head::read(line.as_bytes())?;
        Some((std::str::from_utf8(head.tag).expect("text"), &line[head.message..]))
    }

    #[test]
    fn every_kind_of_syslog_line_has_a_tag() {
        for line in [
            "Nov 22 23:49:11 db1 kernel: x y",
            "Nov 22 23:49:11.918915 db1 kernel: x y",
            "<4>Nov  2 23:49:11 db1 kernel: x y",
            "Nov 22 23:49:11 db1 kern.warn kernel: x y",
            "2026-11-22T23:49:11+0000 db1 kernel: x y",
            "2026-11-22T23:49:11.918915+00:00 db1 kernel: x y",
            "Sun 2026-11-22 23:49:11 UTC db1 kernel: x y",
            "1669160951.918915 db1 kernel: x y",
            "[  772.918915] db1 kernel: x y",
            "<4>1 2026-11-22T23:49:11.918915+00:00 db1 kernel - - - x y",
            "<4>1 2026-11-22T23:49:11.918915+00:00 db1 kernel - - [a@1 b=\"c]\\\"\"][d] \u{feff}x y",
        ] {
            assert_eq!(read(line), Some(("kernel", "x y")), "{line}");
        }
        assert_eq!(read("Nov 22 23:49:11 db1 kernel:"), Some(("kernel", "")));
        assert_eq!(read("Nov 22 23:49:11 kernel: x y"), Some(("kernel", "x y")));
        assert_eq!(read("Nov 22 23:49:11 sshd[12]: x y"), Some(("sshd[12]", "x y")));
        assert_eq!(read("[  772.918915] kernel: x y"), Some(("kernel", "x y")));
        assert_eq!(read("[  772.918915] usb: x y"), None);
        assert_eq!(read("Nov 22 23:49:11 db1 sshd[12]: in"), Some(("sshd[12]", "in")));
    }

    #[test]
    fn lines_without_host_or_program_have_no_head() {
        for line in [
            "Nov 22 23:49:11 [    1.000000] x",
            "Nov 22 23:49:11 last message repeated 2 times",
            "[    1.000000] BUG: oh",
            "<4>1 2026-11-22T23:49:11Z db1 kernel - - [open",
            "2018/01/09 14:28:48 host kernel: x",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
