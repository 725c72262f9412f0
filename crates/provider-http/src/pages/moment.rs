//! How moments are written on pages. Without a script nobody here knows the reader's time zone, so
//! they are in UTC.

use doorward_provider::model::time::Timestamp;
use time::OffsetDateTime;

/// A moment to the minute.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// For the `datetime` attribute of `<time>` (HTML section 4.5.14).
    pub(crate) iso: String,
    /// For people, in every language alike.
    pub(crate) text: String,
}

pub(crate) fn utc(at: Timestamp) -> Written {
    // Moments beyond the calendar come from no clock.
    let at =
        OffsetDateTime::from_unix_timestamp(at.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let date = format!("{:04}-{:02}-{:02}", at.year(), u8::from(at.month()), at.day());
    let time = format!("{:02}:{:02}", at.hour(), at.minute());
    Written { iso: format!("{date}T{time}Z"), text: format!("{date} {time} UTC") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_the_minute_in_utc() {
        let written = utc(Timestamp::from_seconds(1_800_000_059));
        assert_eq!(
            (written.iso.as_str(), written.text.as_str()),
            ("2027-01-15T08:00Z", "2027-01-15 08:00 UTC")
        );
        assert_eq!(utc(Timestamp::from_seconds(i64::MAX)).text, "1970-01-01 00:00 UTC");
    }
}
