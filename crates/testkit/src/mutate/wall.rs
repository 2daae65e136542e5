//! The wall clock of the machine that the mutated logs come from.

/// 2026-11-22T23:36:18.5Z, when that machine booted, in microseconds since 1970.
const BOOT: i64 = 1_795_390_578_500_000;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
// 1970-01-01 was a Thursday.
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// The microseconds since 1970 at so many since boot.
pub(super) fn at(micros: i64) -> i64 {
    BOOT + micros
}

/// A time of the wall clock, in parts.
pub(super) struct Wall {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    /// `23:49:11`.
    pub(super) clock: String,
    pub(super) micros: i64,
    /// Seconds since 1970.
    pub(super) unix: i64,
}

impl Wall {
    /// The time at so many microseconds since boot.
    pub(super) fn at(micros: i64) -> Wall {
        let micros = at(micros);
        let unix = micros.div_euclid(1_000_000);
        let (days, secs) = (unix.div_euclid(86_400), unix.rem_euclid(86_400));
        // Howard Hinnant's civil_from_days.
        let shifted = days + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        Wall {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: of_year - (153 * shifted_month + 2) / 5 + 1,
            clock: format!("{:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60),
            micros: micros.rem_euclid(1_000_000),
            unix,
        }
    }

    pub(super) fn month_name(&self) -> &'static str {
        MONTHS[(self.month - 1) as usize]
    }

    pub(super) fn weekday(&self) -> &'static str {
        WEEKDAYS[self.unix.div_euclid(86_400).rem_euclid(7) as usize]
    }

    /// `2026-11-22T23:49:11`.
    pub(super) fn iso(&self) -> String {
        format!("{}T{}", self.date(), self.clock)
    }

    /// `2026-11-22`.
    pub(super) fn date(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::Wall;

    #[test]
    fn the_machine_booted_on_a_sunday() {
        let wall = Wall::at(0);
        assert_eq!(
            format!("{} {} {:06} {}", wall.weekday(), wall.iso(), wall.micros, wall.month_name()),
            "Sun 2026-11-22T23:36:18 500000 Nov"
        );
        assert_eq!(Wall::at(86_400_000_000 * 101).iso(), "2027-03-03T23:36:18");
    }
}
