//! How times and durations are written on the page.

const SECONDS_PER_DAY: i64 = 86_400;

/// A timestamp as `2026-11-22 19:25:53 UTC`. `seconds` counts from 1970 (UTC), like a NumericDate
/// (RFC 7519 section 2). `None` after the year 9999, where this format ends.
pub fn utc(seconds: u64) -> Option<String> {
    const END: u64 = 253_402_300_800;
    let seconds = i64::try_from(seconds).ok().filter(|_| seconds < END)?;
    let (year, month, day) = civil_from_days(seconds / SECONDS_PER_DAY);
    let of_day = seconds % SECONDS_PER_DAY;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    Some(format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC"))
}

/// The Gregorian date of a day since 1970-01-01. It counts in eras of 400 years that begin in
/// March, so that a leap day is the last day of its year.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The remaining seconds in words: `in 59 min 12 s`, or `expired 3 s ago` if negative.
pub fn countdown(left: i64) -> String {
    if left > 0 {
        format!("in {}", duration(left.unsigned_abs()))
    } else {
        format!("expired {} ago", duration(left.unsigned_abs()))
    }
}

/// The two largest units.
fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {:02} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes:02} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_gregorian_and_utc() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (951_868_799, "2000-02-29 23:59:59 UTC"),
            (1_300_819_380, "2011-03-22 18:43:00 UTC"),
            (1_795_375_553, "2026-11-22 19:25:53 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
            (253_402_300_799, "9999-12-31 23:59:59 UTC"),
        ] {
            assert_eq!(utc(seconds).as_deref(), Some(text));
        }
        assert_eq!(utc(253_402_300_800), None);
        assert_eq!(utc(u64::MAX), None);
    }

    #[test]
    fn what_is_left_is_said_in_two_units() {
        for (left, text) in [
            (1, "in 1 s"),
            (59, "in 59 s"),
            (60, "in 1 min 00 s"),
            (3552, "in 59 min 12 s"),
            (3600, "in 1 h 00 min"),
            (90_000, "in 1 d 1 h"),
            (0, "expired 0 s ago"),
            (-63, "expired 1 min 03 s ago"),
        ] {
            assert_eq!(countdown(left), text);
        }
        assert!(countdown(i64::MIN).starts_with("expired "));
    }
}
