//! The difference between this process's timestamps and the database's clock.
//!
//! Several nodes share one database. A node whose clock is wrong would take valid rows for expired
//! ones, and a repeated refresh token for a replay: it would do damage for all. The database's
//! clock is the one that all nodes see.

use std::time::Duration;

use doorward_provider::model::time::Timestamp;

use super::{PostgresStore, connection::Connection, failure::Failure};
use crate::row::Row as _;

impl PostgresStore {
    /// Fails, and logs it, if `now` differs from the database's clock by more than the bound.
    pub(super) async fn check_skew(
        &self,
        connection: &Connection,
        now: Timestamp,
    ) -> Result<(), Failure> {
        check(connection, now, self.max_clock_skew).await
    }
}

/// Fails, and logs it, if `now` differs from the database's clock by more than the bound.
pub(super) async fn check(
    connection: &Connection,
    now: Timestamp,
    bound: Option<Duration>,
) -> Result<(), Failure> {
    let Some(bound) = bound else { return Ok(()) };
    let sql = "SELECT CAST(extract(epoch FROM clock_timestamp()) AS BIGINT)";
    let theirs = connection.first(sql, &[], |row| row.timestamp(0, "clock_timestamp")).await?;
    let seconds = theirs.map_or(0, |theirs| now.since(theirs));
    if seconds.unsigned_abs() <= bound.as_secs() {
        return Ok(());
    }
    tracing::error!(
        seconds_ahead = seconds,
        bound = bound.as_secs(),
        "this machine's clock differs from the database's: until it is right, this process removes \
         nothing for its age and judges no replay"
    );
    Err(Failure::ClockSkew { seconds })
}
