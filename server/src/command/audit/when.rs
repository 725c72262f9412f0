//! Moments on the command line.

use std::str::FromStr;

use doorward_provider::model::time::Timestamp;
use time::{Date, Month};

/// A moment: a date with or without a time of day in UTC, or so long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A moment itself.
    At(Timestamp),
    /// This many seconds ago.
    Ago(i64),
}

impl Moment {
    /// The moment, seen from now.
    pub fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(seconds) => Timestamp::from_seconds(now.seconds().saturating_sub(seconds)),
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let moment = ago(text).map(Self::Ago).or_else(|| date(text).map(Self::At));
        moment.ok_or_else(|| {
            "give a date like 2026-11-28, with or without a time like T19:45:00, or how long ago: \
             30m, 24h or 7d"
                .to_owned()
        })
    }
}

fn ago(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let count: u32 = text.get(..text.len() - 1)?.parse().ok()?;
    Some(i64::from(count) * unit)
}

fn date(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, clock) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let mut parts = date.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
    let mut parts = clock.splitn(3, ':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next().unwrap_or("0"));
    let at = date.with_hms(hour.parse().ok()?, minute.parse().ok()?, second.parse().ok()?).ok()?;
    Some(Timestamp::from_seconds(at.assume_utc().unix_timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates_or_so_long_ago() {
        let at = |seconds| Ok(Moment::At(Timestamp::from_seconds(seconds)));
        assert_eq!("2026-11-28".parse(), at(1_795_824_000));
        assert_eq!("2026-11-28T19:45".parse(), at(1_795_895_100));
        assert_eq!("2026-11-28 19:45:01Z".parse(), at(1_795_895_101));
        assert_eq!("30m".parse(), Ok(Moment::Ago(1800)));
        assert_eq!("7d".parse(), Ok(Moment::Ago(604_800)));
        for text in ["", "h", "-1h", "2026-13-01", "2026-02-30", "2026-11-28T25:00", "yesterday"] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }

    #[test]
    fn so_long_ago_counts_from_now() {
        let now = Timestamp::from_seconds(10_000);
        assert_eq!(Moment::Ago(3600).at(now), Timestamp::from_seconds(6400));
    }
}
