//! Rows of account events.

use async_trait::async_trait;
use doorward_protocol::ids::Sub;
use doorward_provider::{
    model::account_event::{AccountEvent, KeptEvent, MOST_PER_USER},
    store::{AccountEvents, StoreError},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore,
    failure::Failure,
    sql::{self, execute},
};
use crate::record::read;

#[async_trait]
impl AccountEvents for SqliteStore {
    async fn add_account_event(&self, event: AccountEvent) -> Result<(), StoreError> {
        self.write("add_account_event", move |connection| add(connection, &event)).await
    }

    async fn account_events(
        &self,
        sub: &Sub,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<KeptEvent>, StoreError> {
        let sub = sub.clone();
        self.read("account_events", move |connection| page(connection, &sub, before, limit)).await
    }
}

/// Keeps an event if the user is still there, and removes what is too much.
pub(super) fn add(connection: &Connection, event: &AccountEvent) -> Result<(), Failure> {
    let AccountEvent { sub, at, kind, device, detail } = event;
    execute(
        connection,
        "INSERT INTO account_events (sub, at, kind, address, browser, detail)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM users WHERE sub = ?1)",
        params![sub.as_str(), at.seconds(), kind.as_str(), device.address, device.browser, detail],
    )?;
    execute(
        connection,
        "DELETE FROM account_events WHERE sub = ?1 AND number <=
             (SELECT number FROM account_events WHERE sub = ?1
                 ORDER BY number DESC LIMIT 1 OFFSET ?2)",
        params![sub.as_str(), MOST_PER_USER],
    )?;
    Ok(())
}

/// A page of a user's events, the latest first.
pub(super) const PAGE: &str =
    "SELECT number, sub, at, kind, address, browser, detail FROM account_events
    WHERE sub = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3";

fn page(
    connection: &Connection,
    sub: &Sub,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<KeptEvent>, Failure> {
    sql::all(connection, PAGE, params![sub.as_str(), before.unwrap_or(i64::MAX), limit], |row| {
        read::account_event(row)
    })
}

/// Removes a user's events.
pub(super) fn remove_all(connection: &Connection, sub: &Sub) -> Result<(), Failure> {
    execute(connection, "DELETE FROM account_events WHERE sub = ?1", [sub.as_str()])?;
    Ok(())
}
