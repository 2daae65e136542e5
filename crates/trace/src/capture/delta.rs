//! dmesg's stamps that tell the time since the message before (`-H`, `-e`, `-d`, `--time-format delta`).

use super::stamp::{self, number, seconds};
use crate::run::{digits, spaces};

/// What a stamp tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// Microseconds since boot: `[   12.140900 <    7.000000>]`.
    SinceBoot(i64),
    /// Microseconds since the message before: `[  +7.000000]`, `[<    7.000000>]`.
    SinceLast(i64),
    /// The wall clock's minute, in microseconds from some fixed day: `[Nov22 23:48]`.
    Minute(i64),
}

/// Adds up what stamps tell.
#[derive(Debug, Default)]
pub(super) struct Delta {
    micros: i64,
    first_minute: Option<i64>,
}

impl Delta {
    /// The length of a stamp through its `]`, and the time since boot as far as the capture tells it.
    pub(super) fn read(&mut self, line: &[u8]) -> Option<(usize, i64)> {
        let (len, told) = read(line)?;
        self.micros = match told {
            Told::SinceBoot(micros) => micros,
            Told::SinceLast(micros) => self.micros.saturating_add(micros),
            Told::Minute(minute) => self.micros.max(minute - *self.first_minute.get_or_insert(minute)),
        };
        Some((len, self.micros))
    }
}

/// Whether a line starts with such a stamp.
pub(super) fn is_delta(line: &[u8]) -> bool {
    read(line).is_some()
}

/// The length of `<    7.000000>` at the start, and the seconds in it as microseconds.
pub(super) fn angle(text: &[u8]) -> Option<(usize, i64)> {
    let inner = text.strip_prefix(b"<")?;
    let end = inner.iter().take(24).position(|&b| b == b'>')?;
    Some((end + 2, exact(inner[..end].trim_ascii_start())?))
}

/// Seconds with six digits behind the point and nothing else, in microseconds; `<60941eb4>` is an address. Messages of
/// several CPUs may be stored out of order, so the time since the last one may be negative.
fn exact(text: &[u8]) -> Option<i64> {
    if let Some(text) = text.strip_prefix(b"-") {
        return exact_positive(text).map(|micros| -micros);
    }
    exact_positive(text)
}

fn exact_positive(text: &[u8]) -> Option<i64> {
    let secs = digits(text);
    let fraction = text.get(secs..)?.strip_prefix(b".")?;
    if fraction.len() == 6 && digits(fraction) == 6 { seconds(text) } else { None }
}

fn read(line: &[u8]) -> Option<(usize, Told)> {
    let inner = line.strip_prefix(b"[")?;
    let end = inner.iter().take(64).position(|&b| b == b']')?;
    let (inner, len) = (&inner[..end], end + 2);
    if let Some((angle_len, micros)) = angle(inner) {
        return (angle_len == inner.len()).then_some((len, Told::SinceLast(micros)));
    }
    let text = &inner[spaces(inner)..];
    if let Some(delta) = text.strip_prefix(b"+") {
        return Some((len, Told::SinceLast(exact(delta)?)));
    }
    if text.first() == Some(&b'-') {
        return Some((len, Told::SinceLast(exact(text)?)));
    }
    if text.first().is_some_and(u8::is_ascii_digit) {
        let space = text.iter().position(|&b| b == b' ')?;
        let is_whole = angle(&text[space + 1..])?.0 == text.len() - space - 1;
        return is_whole.then_some((len, Told::SinceBoot(exact(&text[..space])?)));
    }
    Some((len, Told::Minute(minute(text)?)))
}

/// `Nov22 23:48`, or `Nov 2 23:48`.
fn minute(text: &[u8]) -> Option<i64> {
    let (month, rest) = text.split_at_checked(3)?;
    let (day, day_len) = number(&rest[spaces(rest)..])?;
    let clock = rest.get(spaces(rest) + day_len..)?.strip_prefix(b" ")?;
    let is_short = clock.len() == 5 && (1..=31).contains(&day);
    let month = std::str::from_utf8(month).ok()?;
    let clock = std::str::from_utf8(clock).ok()?;
    if is_short { stamp::month_day(format!("{month} {day:2} {clock}:00").as_bytes()).map(|s| s.micros) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_add_up() {
        let mut delta = Delta::default();
        let mut at = |line: &str| delta.read(line.as_bytes());
        assert_eq!(at("[Nov22 23:48] Linux"), Some((13, 0)));
        assert_eq!(at("[  +0.500000] x"), Some((13, 500_000)));
        assert_eq!(at("[Nov22 23:50] x"), Some((13, 120_000_000)));
        assert_eq!(at("[<    7.000001>] x"), Some((16, 127_000_001)));
        assert_eq!(at("[   12.140900 <    7.000000>] x"), Some((29, 12_140_900)));
        assert_eq!(at("[  -0.000002] x"), Some((13, 12_140_898)));
        assert_eq!(at("[   12.140899 <   -0.000001>] x"), Some((29, 12_140_899)));
    }

    #[test]
    fn other_brackets_are_none() {
        for line in [
            "[   12.140900] x",
            "[<60941eb4>] f+0x1/0x2",
            "[<ffffffff81000000>] f",
            "[...]",
            "[ok]",
            "[Nov22]",
            "[+]",
            "[12 <1.2]",
        ] {
            assert!(!is_delta(line.as_bytes()), "{line}");
        }
    }
}
