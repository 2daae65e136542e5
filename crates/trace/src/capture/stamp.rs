//! Time stamps that tools put in front of a line, read from their first byte.
//!
//! Each function returns how many bytes the stamp takes, and the time in microseconds: since boot for the
//! kernel's own stamp, since some fixed day for those of the wall clock (only differences are used).

use crate::run::{digits, spaces};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const WEEKDAYS: [&[u8; 3]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];

/// A stamp at the start of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Bytes that the stamp takes, without the blank after it.
    pub(super) len: usize,
    /// Microseconds.
    pub(super) micros: i64,
}

/// printk's `[   12.345678]`; the length is that through the `]`.
pub(super) fn kernel(line: &[u8]) -> Option<Stamp> {
    let len = kernel_len(line)?;
    let micros = seconds(line[1..len - 1].trim_ascii_start())?;
    Some(Stamp { len, micros })
}

/// The length of printk's stamp alone; each line of a plain console is asked for it.
pub(super) fn kernel_len(line: &[u8]) -> Option<usize> {
    let mut at = 1 + spaces(line.strip_prefix(b"[")?);
    let secs = digits(&line[at..]);
    at += secs;
    if secs == 0 || secs > 18 || line.get(at) != Some(&b'.') {
        return None;
    }
    let fraction = digits(&line[at + 1..]);
    at += 1 + fraction;
    (fraction > 0 && line.get(at) == Some(&b']')).then_some(at + 1)
}

/// The length of a level, `<4>`.
pub(super) fn level(line: &[u8]) -> Option<usize> {
    let rest = line.strip_prefix(b"<")?;
    let digits = digits(&rest[..rest.len().min(5)]);
    (digits > 0 && rest.get(digits) == Some(&b'>')).then_some(digits + 2)
}

/// A printk caller id with its brackets, `[ T123]` or `[    C1]`: its length and the id (`T123`).
pub(super) fn caller(line: &[u8]) -> Option<(usize, &[u8])> {
    if line.first() != Some(&b'[') {
        return None;
    }
    let start = 1 + spaces(&line[1..]);
    if !matches!(line.get(start), Some(b'T' | b'C')) {
        return None;
    }
    let end = start + 1 + digits(&line[start + 1..]);
    (end > start + 1 && line.get(end) == Some(&b']')).then(|| (end + 1, &line[start..end]))
}

/// RFC 3164's `Nov 22 23:49:11`, with a fraction in journalctl's short-precise form.
pub(super) fn month_day(line: &[u8]) -> Option<Stamp> {
    if line.get(3) != Some(&b' ') {
        return None;
    }
    let month = month(line)?;
    let day_at = if line.get(4) == Some(&b' ') { 5 } else { 4 };
    let (day, day_len) = number(&line[day_at..])?;
    let at = day_at + day_len;
    if day_len > 2 || line.get(at) != Some(&b' ') {
        return None;
    }
    let clock = clock(&line[at + 1..])?;
    // Without a year: a year that has a 29 February, and differences never reach that far.
    Some(Stamp { len: at + 1 + clock.len, micros: days(2024, month, day) * DAY + clock.micros })
}

/// ISO 8601 as its many writers have it: `T` between day and time, a fraction after `.` or `,`, `Z` or an offset.
pub(super) fn iso(line: &[u8]) -> Option<Stamp> {
    let date = date(line)?;
    if line.get(date.len) != Some(&b'T') {
        return None;
    }
    let clock = clock(&line[date.len + 1..])?;
    let mut len = date.len + 1 + clock.len;
    let mut micros = date.micros + clock.micros;
    match line.get(len) {
        Some(b'Z') => len += 1,
        Some(&sign @ (b'+' | b'-')) => {
            let (hours, hours_len) = number(line.get(len + 1..len + 3)?)?;
            let colon = usize::from(line.get(len + 3) == Some(&b':'));
            let (minutes, minutes_len) = number(line.get(len + 3 + colon..len + 5 + colon)?)?;
            if hours_len + minutes_len != 4 {
                return None;
            }
            let zone = (hours * 60 + minutes) * 60 * SECOND;
            micros += if sign == b'+' { -zone } else { zone };
            len += 5 + colon;
        }
        _ => {}
    }
    Some(Stamp { len, micros })
}

/// What is inside the brackets of `dmesg -T`: `Sun Nov 22 23:49:11 2026`.
pub(super) fn ctime(line: &[u8]) -> Option<Stamp> {
    if !weekday(line) {
        return None;
    }
    let day = month_day(&line[4..])?;
    let at = 4 + day.len;
    let (year, year_len) = number(line.get(at + 1..)?)?;
    if line[at] != b' ' || year_len != 4 {
        return None;
    }
    let month = month(&line[4..])?;
    let in_month = day.micros - days(2024, month, 0) * DAY;
    Some(Stamp { len: at + 1 + year_len, micros: days(year, month, 0) * DAY + in_month })
}

/// journalctl's short-full form `Sun 2026-11-22 23:49:11 UTC`.
pub(super) fn full(line: &[u8]) -> Option<Stamp> {
    if !weekday(line) {
        return None;
    }
    let date = date(&line[4..])?;
    let at = 4 + date.len;
    if line.get(at) != Some(&b' ') {
        return None;
    }
    let clock = clock(&line[at + 1..])?;
    let zone_at = at + 1 + clock.len;
    let zone = line
        .get(zone_at + 1..)?
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b':'))
        .count();
    (line[zone_at] == b' ' && zone > 0).then(|| Stamp { len: zone_at + 1 + zone, micros: date.micros + clock.micros })
}

/// journalctl's short-unix form `1669160951.918915`.
pub(super) fn unix(line: &[u8]) -> Option<Stamp> {
    let (secs, secs_len) = number(line)?;
    if !(9..=11).contains(&secs_len) || line.get(secs_len) != Some(&b'.') {
        return None;
    }
    let (micros, frac_len) = fraction(&line[secs_len + 1..])?;
    Some(Stamp { len: secs_len + 1 + frac_len, micros: secs * SECOND + micros })
}

/// Seconds with an optional fraction, as microseconds.
pub(super) fn seconds(text: &[u8]) -> Option<i64> {
    let (secs, len) = number(text)?;
    let micros = match text.get(len) {
        Some(b'.') => fraction(&text[len + 1..])?.0,
        _ => 0,
    };
    Some(secs.saturating_mul(SECOND).saturating_add(micros))
}

/// A decimal number of up to 18 digits at the start, and its length.
pub(super) fn number(line: &[u8]) -> Option<(i64, usize)> {
    let len = digits(line);
    if len == 0 || len > 18 {
        return None;
    }
    Some((line[..len].iter().fold(0, |n, &b| n * 10 + i64::from(b - b'0')), len))
}

/// Digits after a decimal point as microseconds, and how many they are.
fn fraction(line: &[u8]) -> Option<(i64, usize)> {
    let len = digits(line);
    let micros = (0..6).fold(0, |n, i| n * 10 + if i < len { i64::from(line[i] - b'0') } else { 0 });
    (len > 0).then_some((micros, len))
}

fn month(line: &[u8]) -> Option<i64> {
    let name = line.get(..3)?;
    MONTHS.iter().zip(1..).find_map(|(m, n)| (m.as_slice() == name).then_some(n))
}

fn weekday(line: &[u8]) -> bool {
    line.get(3) == Some(&b' ') && line.get(..3).is_some_and(|name| WEEKDAYS.iter().any(|d| d.as_slice() == name))
}

/// `2026-11-22`.
fn date(line: &[u8]) -> Option<Stamp> {
    let shape = line.get(..10)?;
    let field = |from: usize, to: usize| number(&shape[from..to]).filter(|&(_, len)| len == to - from).map(|(n, _)| n);
    let (year, month, day) = (field(0, 4)?, field(5, 7)?, field(8, 10)?);
    (shape[4] == b'-' && shape[7] == b'-').then(|| Stamp { len: 10, micros: days(year, month, day) * DAY })
}

/// `23:49:11`, with an optional fraction of any length.
fn clock(line: &[u8]) -> Option<Stamp> {
    let shape = line.get(..8)?;
    let field = |from: usize| number(&shape[from..from + 2]).filter(|&(_, len)| len == 2).map(|(n, _)| n);
    let (hours, minutes, secs) = (field(0)?, field(3)?, field(6)?);
    if shape[2] != b':' || shape[5] != b':' {
        return None;
    }
    let micros = (hours * 3600 + minutes * 60 + secs) * SECOND;
    match line.get(8) {
        Some(b'.' | b',') => Some(
            fraction(&line[9..])
                .map_or(Stamp { len: 8, micros }, |(f, len)| Stamp { len: 9 + len, micros: micros + f }),
        ),
        _ => Some(Stamp { len: 8, micros }),
    }
}

/// Days since 1 March of the year 0 in the civil calendar (Howard Hinnant's `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_writer_of_a_wall_clock_tells_the_same_time() {
        let want = iso(b"2024-02-29T23:49:11Z x").expect("a stamp").micros;
        assert_eq!(iso(b"2024-03-01T00:49:11+01:00").map(|s| s.micros), Some(want));
        assert_eq!(iso(b"2024-03-01T00:49:11+0100").map(|s| s.micros), Some(want));
        assert_eq!(month_day(b"Feb 29 23:49:11 host").map(|s| s.micros), Some(want));
        assert_eq!(ctime(b"Thu Feb 29 23:49:11 2024] x"), Some(Stamp { len: 24, micros: want }));
        assert_eq!(full(b"Thu 2024-02-29 23:49:11 UTC host"), Some(Stamp { len: 27, micros: want }));
    }

    #[test]
    fn fractions_of_any_length_are_microseconds() {
        let whole = iso(b"2026-11-22T23:49:11Z").expect("a stamp").micros;
        for (text, micros) in [("2026-11-22T23:49:11.1234567Z", 123_456), ("2026-11-22T23:49:11,5+00:00", 500_000)] {
            let stamp = iso(text.as_bytes()).expect("a stamp");
            assert_eq!((stamp.len, stamp.micros - whole), (text.len(), micros));
        }
    }

    #[test]
    fn what_only_looks_like_a_stamp_is_none() {
        for text in [
            "[",
            "[ 1.]",
            "[.5]",
            "[  1.2",
            "[Thu Feb 29]",
            "",
            "2024-02-29",
            "2024-02-29T1:2:3Z",
            "May be",
            "Nov 222 23:49:11",
        ] {
            let line = text.as_bytes();
            assert_eq!((kernel(line), iso(line), month_day(line), ctime(line)), (None, None, None, None), "{text}");
        }
    }

    #[test]
    fn caller_ids_have_padding() {
        assert_eq!(caller(b"[    C1] x"), Some((8, &b"C1"[..])));
        assert_eq!(caller(b"[T3245] x"), Some((7, &b"T3245"[..])));
        assert_eq!(caller(b"[ X3] x"), None);
        assert_eq!(caller(b"[ T] x"), None);
    }
}
