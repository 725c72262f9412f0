//! Timestamps and lifetimes, as every message of the protocol writes them.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// A point in time: whole seconds since 1970-01-01 UTC, as JWT's NumericDate (RFC 7519 section 2).
///
/// ```
/// use doorward_protocol::time::Timestamp;
///
/// let issued = Timestamp::from_seconds(1_700_000_000);
/// let expires = issued.plus(300);
/// assert_eq!(expires.since(issued), 300);
/// assert!(issued < expires);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Takes seconds since 1970-01-01 UTC.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970-01-01 UTC.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// This many seconds later.
    #[must_use]
    pub fn plus(self, seconds: impl Into<Seconds>) -> Self {
        Self(self.0.saturating_add(i64::from(seconds.into())))
    }

    /// Seconds from the other timestamp to this one; negative if this one is earlier.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A time span in whole seconds, as `expires_in` (RFC 6749 section 5.1) and every other lifetime.
///
/// ```
/// use doorward_protocol::time::{Seconds, Timestamp};
///
/// let lifetime = Seconds::new(300);
/// let end = Timestamp::from_seconds(1_800_000_000).plus(lifetime);
/// assert_eq!(end.seconds(), 1_800_000_300);
/// assert_eq!(serde_json::to_string(&lifetime).unwrap(), "300");
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Seconds(u32);

impl Seconds {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Takes a number of seconds.
    pub const fn new(seconds: u32) -> Self {
        Self(seconds)
    }

    /// The number of seconds.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Whether it is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl From<u32> for Seconds {
    fn from(seconds: u32) -> Self {
        Self(seconds)
    }
}

impl From<Seconds> for i64 {
    fn from(Seconds(seconds): Seconds) -> Self {
        Self::from(seconds)
    }
}

impl From<Seconds> for u64 {
    fn from(Seconds(seconds): Seconds) -> Self {
        Self::from(seconds)
    }
}

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        Self::from_secs(seconds.into())
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}
