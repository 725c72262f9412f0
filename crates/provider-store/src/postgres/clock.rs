//! The difference between this process's timestamps and the database's clock.
//!
//! Several nodes share one database. A node whose clock is wrong would take valid rows for expired
//! ones, and a repeated refresh token for a replay: it would do damage for all. The database's
//! clock is the one that all nodes see.

use std::time::Duration;

use doorward_provider::model::time::{OnceAMinute, Timestamp};

use super::{connection::Connection, failure::Failure};
use crate::row::Row as _;

/// Guards what a wrong clock of this process would damage.
#[derive(Debug)]
pub(super) struct ClockGuard {
    /// The greatest difference; `None`: any.
    bound: Option<Duration>,
    told: OnceAMinute,
}

impl ClockGuard {
    /// A guard with this bound.
    pub(super) fn new(bound: Option<Duration>) -> Self {
        Self { bound, told: OnceAMinute::default() }
    }

    /// Whether there is a bound.
    pub(super) fn is_on(&self) -> bool {
        self.bound.is_some()
    }

    /// Fails, and logs it now and then, if `now` differs from the database's clock by more than the
    /// bound.
    pub(super) async fn check(
        &self,
        connection: &Connection,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let Some(bound) = self.bound else { return Ok(()) };
        let sql = "SELECT CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT)";
        let theirs = connection.first(sql, &[], |row| row.timestamp(0, "clock_timestamp")).await?;
        let theirs = theirs.unwrap_or(now);
        let seconds = now.since(theirs);
        if seconds.unsigned_abs() <= bound.as_secs() {
            return Ok(());
        }
        if self.told.is_due(theirs) {
            tracing::error!(
                seconds_ahead = seconds,
                bound = bound.as_secs(),
                "this machine's clock differs from the database's: until it is right, this process \
                 removes nothing for its age, changes no signing keys, judges no replay, and is \
                 not ready"
            );
        }
        Err(Failure::ClockSkew { seconds })
    }
}
