//! Durations as Go prints them, such as `3h57m50.120166307s` or `6.304198ms`.

use schemars::JsonSchema;
use serde::Serialize;

/// A duration in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Clock(pub f64);

impl Clock {
    /// Reads Go's notation; none for text that is not a duration.
    pub fn parse(text: &str) -> Option<Clock> {
        let (mut rest, mut seconds) = (text, 0.0);
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let value: f64 = rest[..digits].parse().ok()?;
            rest = &rest[digits..];
            let letters = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
            seconds += value
                * match &rest[..letters] {
                    "h" => 3600.0,
                    "m" => 60.0,
                    "s" => 1.0,
                    "ms" => 1e-3,
                    "µs" | "us" => 1e-6,
                    "ns" => 1e-9,
                    "" if text == "0" => 1.0,
                    _ => return None,
                };
            rest = &rest[letters..];
        }
        (!text.is_empty()).then_some(Clock(seconds))
    }
}

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0.round().clamp(0.0, 1e15) as u64;
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        match (hours, minutes) {
            (0, 0) => write!(f, "{seconds}s"),
            (0, _) => write!(f, "{minutes}m{seconds}s"),
            _ => write!(f, "{hours}h{minutes}m{seconds}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn durations_are_read_and_shown() {
        for (text, seconds, shown) in [
            ("3h57m50.120166307s", 14270.120166307, "3h57m50s"),
            ("13.521677864s", 13.521677864, "14s"),
            ("6.304198ms", 0.006304198, "0s"),
            ("55µs", 55e-6, "0s"),
            ("0s", 0.0, "0s"),
            ("2m0.5s", 120.5, "2m1s"),
        ] {
            let clock = Clock::parse(text).expect(text);
            assert!((clock.0 - seconds).abs() < 1e-9, "{text}: {clock:?}");
            assert_eq!(clock.to_string(), shown, "{text}");
        }
        for text in ["", "h", "3x", "3", "-1s", "1..2s"] {
            assert_eq!(Clock::parse(text), None, "{text}");
        }
    }
}
