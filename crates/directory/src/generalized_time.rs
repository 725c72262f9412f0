//! The timestamps of directories: generalized time (RFC 4517 section 3.3.13), as `20301231235959Z`.

use doorward_provider::model::time::Timestamp;

/// Reads a timestamp. Fractions are left out. `None` if it is none.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (moment, rest) = text.split_at_checked(digits)?;
    if !matches!(moment.len(), 10 | 12 | 14) {
        return None;
    }
    let part = |from: usize, to: usize| match moment.get(from..to) {
        Some(digits) => digits.parse::<i64>().ok(),
        // Minutes and seconds may be left out.
        None => Some(0),
    };
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    let is_one = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    let zone = match rest.strip_prefix(['.', ',']) {
        Some(fraction) => fraction.trim_start_matches(|one: char| one.is_ascii_digit()),
        None => rest,
    };
    is_one.then_some(Timestamp::from_seconds(seconds - offset(zone)?))
}

/// How far a zone is ahead of UTC, in seconds.
fn offset(zone: &str) -> Option<i64> {
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("Z", "") => return Some(0),
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|one| one.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = digits.split_at(2);
    let minutes = if minutes.is_empty() { 0 } else { minutes.parse::<i64>().ok()? };
    Some(sign * (hours.parse::<i64>().ok()? * 3600 + minutes * 60))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Years are counted from March on, so
/// that the day of leap years is the last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_read() {
        for (text, seconds) in [
            ("19700101000000Z", Some(0)),
            ("20000229000000Z", Some(951_782_400)),
            ("20270115080000Z", Some(1_800_000_000)),
            ("2027011508Z", Some(1_800_000_000)),
            ("202701150800Z", Some(1_800_000_000)),
            ("20270115080000.5Z", Some(1_800_000_000)),
            ("20270115080000,123Z", Some(1_800_000_000)),
            ("20270115100000+0200", Some(1_800_000_000)),
            ("20270115023000-0530", Some(1_800_000_000)),
            ("2027011510+02", Some(1_800_000_000)),
            ("99991231235959Z", Some(253_402_300_799)),
            ("000001010000Z", Some(-62_167_219_200)),
            ("", None),
            ("20270115080000", None),
            ("20271315080000Z", None),
            ("20270100080000Z", None),
            ("2027011524Z", None),
            ("20270115Z", None),
            ("20270115080000+2", None),
            ("20270115080000Zx", None),
            ("never", None),
            ("\u{e9}", None),
        ] {
            assert_eq!(parse(text).map(Timestamp::seconds), seconds, "{text}");
        }
    }
}
