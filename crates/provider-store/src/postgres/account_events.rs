//! Rows of account events.

use async_trait::async_trait;
use doorward_protocol::ids::Sub;
use doorward_provider::{
    model::account_event::{AccountEvent, KeptEvent, MOST_PER_USER},
    store::{AccountEvents, StoreError},
};

use super::{PostgresStore, connection::Connection, failure::Failure, run, users};
use crate::record::read;

#[async_trait]
impl AccountEvents for PostgresStore {
    async fn add_account_event(&self, event: AccountEvent) -> Result<(), StoreError> {
        run!(self, "add_account_event", add, &event)
    }

    async fn account_events(
        &self,
        sub: &Sub,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<KeptEvent>, StoreError> {
        run!(self, "account_events", page, sub, before, limit)
    }
}

/// Keeps an event if the user is still there, and removes what is too much. The lock keeps the
/// removal of the user away until then. The removal of events does not see the new row, so it
/// counts one less.
pub(super) async fn add(connection: &Connection, event: &AccountEvent) -> Result<(), Failure> {
    let AccountEvent { sub, at, kind, device, detail } = event;
    let (at, kind, others) = (at.seconds(), kind.as_str(), i64::from(MOST_PER_USER) - 1);
    let added = connection
        .count(
            "WITH added AS (
                 INSERT INTO account_events (sub, at, kind, address, browser, detail)
                 SELECT sub, $2, $3, $4, $5, $6 FROM users WHERE sub = $1 FOR KEY SHARE
                 RETURNING number
             ), removed AS (
                 DELETE FROM account_events WHERE sub = $1 AND number <=
                     (SELECT number FROM account_events WHERE sub = $1
                         ORDER BY number DESC LIMIT 1 OFFSET $7)
             )
             SELECT count(*) FROM added",
            &[&sub.as_str(), &at, &kind, &device.address, &device.browser, detail, &others],
        )
        .await?;
    if added == 0 { users::refuse_overtaken(connection, sub).await } else { Ok(()) }
}

/// A page of a user's events, the latest first.
pub(super) const PAGE: &str =
    "SELECT number, sub, at, kind, address, browser, detail FROM account_events
    WHERE sub = $1 AND number < $2 ORDER BY number DESC LIMIT $3";

async fn page(
    connection: &Connection,
    sub: &Sub,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<KeptEvent>, Failure> {
    connection
        .all(
            PAGE,
            &[&sub.as_str(), &before.unwrap_or(i64::MAX), &i64::from(limit)],
            read::account_event,
        )
        .await
}

/// Removes a user's events.
pub(super) async fn remove_all(connection: &Connection, sub: &Sub) -> Result<(), Failure> {
    connection.execute("DELETE FROM account_events WHERE sub = $1", &[&sub.as_str()]).await?;
    Ok(())
}
