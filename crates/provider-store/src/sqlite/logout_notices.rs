//! Rows of logout notices: the outbox of back-channel logout.

use async_trait::async_trait;
use doorward_protocol::ids::{ClientId, SessionId, Sub};
use doorward_provider::{
    model::{
        logout_notice::{LogoutNotice, NOTICE_LIFETIME},
        time::Timestamp,
    },
    store::{LogoutNotices, StoreError},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore,
    failure::Failure,
    sql::{self, execute},
};
use crate::record::read;

#[async_trait]
impl LogoutNotices for SqliteStore {
    async fn claim_logout_notices(
        &self,
        client_id: &ClientId,
        limit: u32,
        now: Timestamp,
        due_again: Timestamp,
    ) -> Result<Vec<LogoutNotice>, StoreError> {
        let id = client_id.to_owned();
        // Seldom is one due, and a look costs no commit.
        if !self
            .read("claim_logout_notices", move |connection| is_due(connection, &id, now))
            .await?
        {
            return Ok(Vec::new());
        }
        let id = client_id.to_owned();
        self.write("claim_logout_notices", move |connection| {
            claim(connection, &id, limit, now, due_again)
        })
        .await
    }

    async fn logout_notice_is_due(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.read("logout_notice_is_due", move |connection| {
            let sql = "SELECT 1 FROM logout_notices WHERE due_at <= ?1 LIMIT 1";
            Ok(sql::first(connection, sql, [now.seconds()], |_| Ok(()))?.is_some())
        })
        .await
    }

    async fn postpone_logout_notice(&self, id: i64, due: Timestamp) -> Result<(), StoreError> {
        self.write("postpone_logout_notice", move |connection| postpone(connection, id, due)).await
    }

    async fn drop_logout_notice(&self, id: i64) -> Result<(), StoreError> {
        self.write("drop_logout_notice", move |connection| remove(connection, id)).await
    }
}

/// Queues a notice of the end of this session for each of its clients that wants one.
pub(super) fn queue(
    connection: &Connection,
    sub: &Sub,
    sid: &SessionId,
    now: Timestamp,
) -> Result<(), Failure> {
    execute(
        connection,
        "INSERT INTO logout_notices (client_id, sub, sid, attempts, due_at, expires_at)
         SELECT client_id, ?1, ?2, 0, ?3, ?4 FROM session_clients WHERE sid = ?2 AND notify = 1",
        params![sub.as_str(), sid.as_str(), now.seconds(), now.plus(NOTICE_LIFETIME).seconds()],
    )?;
    Ok(())
}

/// Whether a notice for this client is due.
fn is_due(connection: &Connection, client_id: &ClientId, now: Timestamp) -> Result<bool, Failure> {
    let due = sql::first(
        connection,
        "SELECT 1 FROM logout_notices WHERE client_id = ?1 AND due_at <= ?2",
        params![client_id.as_str(), now.seconds()],
        |_| Ok(()),
    )?;
    Ok(due.is_some())
}

/// Takes due notices for a client; they are due again at `due_again`.
fn claim(
    connection: &Connection,
    client_id: &ClientId,
    limit: u32,
    now: Timestamp,
    due_again: Timestamp,
) -> Result<Vec<LogoutNotice>, Failure> {
    sql::all(
        connection,
        "UPDATE logout_notices SET attempts = attempts + 1, due_at = ?4
         WHERE id IN (SELECT id FROM logout_notices WHERE client_id = ?1 AND due_at <= ?3
             ORDER BY due_at, id LIMIT ?2)
         RETURNING id, client_id, sub, sid, attempts",
        params![client_id.as_str(), limit, now.seconds(), due_again.seconds()],
        |row| read::logout_notice(row),
    )
}

/// Sets the timestamp at which a notice is due.
fn postpone(connection: &Connection, id: i64, due: Timestamp) -> Result<(), Failure> {
    execute(
        connection,
        "UPDATE logout_notices SET due_at = ?2 WHERE id = ?1",
        params![id, due.seconds()],
    )?;
    Ok(())
}

/// Removes a notice.
fn remove(connection: &Connection, id: i64) -> Result<(), Failure> {
    execute(connection, "DELETE FROM logout_notices WHERE id = ?1", [id])?;
    Ok(())
}
