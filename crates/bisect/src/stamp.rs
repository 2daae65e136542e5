//! The time that the standalone tool puts before a line, such as `09-Aug-2025 15:59:01: `.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// A date and a time of day, by the clock of the machine that ran the tool; its zone is not printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// The year.
    pub year: u16,
    /// The month, from 1.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
    /// Seconds since midnight.
    pub second: u32,
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Stamp {
    /// Takes the stamp off a line; a line without one, or with a date that there is not, stays whole.
    pub fn split(line: &str) -> (Option<Stamp>, &str) {
        const SHAPE: &[u8] = b"00-Aaa-0000 00:00:00:";
        let fits = line.len() >= SHAPE.len()
            && line.bytes().zip(SHAPE).all(|(byte, shape)| match shape {
                b'0' => byte.is_ascii_digit(),
                b'A' | b'a' => byte.is_ascii_alphabetic(),
                other => byte == *other,
            });
        let (text, rest) = line.split_at(if fits { SHAPE.len() } else { 0 });
        // An empty line may have lost the blank at its end.
        let rest = if rest.is_empty() { Some(rest) } else { rest.strip_prefix(' ') };
        match (rest, if fits { Stamp::parse(text) } else { None }) {
            (Some(rest), Some(stamp)) => (Some(stamp), rest),
            _ => (None, line),
        }
    }

    /// Reads the digits of a text of the right shape.
    fn parse(text: &str) -> Option<Stamp> {
        let number = |range: std::ops::Range<usize>| text[range].parse::<u32>().ok();
        let month = MONTHS.iter().position(|month| *month == &text[3..6])?;
        let (day, hour, minute, second) = (number(0..2)?, number(12..14)?, number(15..17)?, number(18..20)?);
        let is_time = (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
        is_time.then_some(Stamp {
            year: text[7..11].parse().ok()?,
            month: month as u8 + 1,
            day: day as u8,
            second: (hour * 60 + minute) * 60 + second,
        })
    }

    /// Seconds from an earlier stamp to this one; none where the clock went back.
    pub fn since(self, earlier: Stamp) -> Option<f64> {
        let seconds = |stamp: Stamp| stamp.days() * 86400 + i64::from(stamp.second);
        let passed = seconds(self) - seconds(earlier);
        (passed >= 0).then_some(passed as f64)
    }

    /// Days of the Gregorian calendar since some day.
    fn days(self) -> i64 {
        // The year starts in March, so that the leap day is its last.
        let (month, year) = ((i64::from(self.month) + 9) % 12, i64::from(self.year) - i64::from(self.month < 3));
        year * 365 + year.div_euclid(4) - year.div_euclid(100)
            + year.div_euclid(400)
            + (month * 153 + 2) / 5
            + i64::from(self.day)
    }
}

/// As ISO 8601 writes it, without a zone: `2025-08-09T15:59:01`.
impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Stamp { year, month, day, second } = self;
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Stamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Stamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$",
            "description": "A date and a time of day, by the clock of the machine that ran the tool."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Stamp;

    #[test]
    fn a_stamp_is_taken_off() {
        let (stamp, rest) = Stamp::split("09-Aug-2025 15:59:01: all runs: OK");
        assert_eq!(
            (stamp.map(|stamp| stamp.to_string()).as_deref(), rest),
            (Some("2025-08-09T15:59:01"), "all runs: OK")
        );
        assert_eq!(Stamp::split("09-Aug-2025 15:59:01:").1, "");
        for line in [
            "",
            "all runs: OK",
            "09-Aug-2025 15:59:01:x",
            "09-Foo-2025 15:59:01: x",
            "00-Aug-2025 15:59:01: x",
            "09-Aug-2025 25:59:01: x",
        ] {
            assert_eq!(Stamp::split(line), (None, line));
        }
    }

    #[test]
    fn time_passes_over_months_and_years() {
        let stamp = |text: &str| Stamp::split(text).0.expect("a stamp");
        for (from, to, seconds) in [
            ("09-Aug-2025 15:59:01: ", "09-Aug-2025 16:00:00: ", Some(59.0)),
            ("28-Feb-2024 23:59:59: ", "01-Mar-2024 00:00:00: ", Some(86401.0)),
            ("28-Feb-2025 23:59:59: ", "01-Mar-2025 00:00:00: ", Some(1.0)),
            ("31-Dec-2024 23:59:59: ", "01-Jan-2025 00:00:01: ", Some(2.0)),
            ("09-Aug-2025 16:00:00: ", "09-Aug-2025 15:59:59: ", None),
        ] {
            assert_eq!(stamp(to).since(stamp(from)), seconds, "{from} {to}");
        }
    }
}
