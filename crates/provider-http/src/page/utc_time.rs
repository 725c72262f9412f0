//! Times on pages. Without script the server does not know the time zone of the reader, so they are
//! in UTC.

use doorward_provider::model::time::Timestamp;
use leptos::prelude::*;
use time::OffsetDateTime;

/// A timestamp to the minute.
#[derive(Debug, PartialEq, Eq)]
struct UtcTime {
    /// For the `datetime` attribute of `<time>` (HTML section 4.5.14).
    iso: String,
    /// For people. It reads the same in every language.
    text: String,
}

impl From<Timestamp> for UtcTime {
    fn from(timestamp: Timestamp) -> Self {
        // No clock gives a timestamp outside the calendar.
        let at = OffsetDateTime::from_unix_timestamp(timestamp.seconds())
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let date = format!("{:04}-{:02}-{:02}", at.year(), u8::from(at.month()), at.day());
        let time = format!("{:02}:{:02}", at.hour(), at.minute());
        Self { iso: format!("{date}T{time}Z"), text: format!("{date} {time} UTC") }
    }
}

/// A timestamp as a `<time>` element.
pub(crate) fn utc_time(at: Timestamp) -> impl IntoView + use<> {
    let UtcTime { iso, text } = at.into();
    view! { <time datetime=iso>{text}</time> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_the_minute_in_utc() {
        let written = UtcTime::from(Timestamp::from_seconds(1_800_000_059));
        assert_eq!(
            (written.iso.as_str(), written.text.as_str()),
            ("2027-01-15T08:00Z", "2027-01-15 08:00 UTC")
        );
        let beyond = UtcTime::from(Timestamp::from_seconds(i64::MAX));
        assert_eq!(beyond.text, "1970-01-01 00:00 UTC");
    }
}
