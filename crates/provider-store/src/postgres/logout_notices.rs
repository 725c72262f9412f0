//! Rows of logout notices: the outbox of back-channel logout.

use async_trait::async_trait;
use doorward_protocol::ids::ClientId;
use doorward_provider::{
    model::{
        logout_notice::{LogoutNotice, NOTICE_LIFETIME},
        time::Timestamp,
    },
    store::{LogoutNotices, StoreError},
};

use super::{PostgresStore, connection::Connection, failure::Failure, run};
use crate::record::read;

#[async_trait]
impl LogoutNotices for PostgresStore {
    async fn claim_logout_notices(
        &self,
        client_id: &ClientId,
        limit: u32,
        now: Timestamp,
        due_again: Timestamp,
    ) -> Result<Vec<LogoutNotice>, StoreError> {
        run!(self, "claim_logout_notices", claim, client_id, limit, now, due_again)
    }

    async fn logout_notice_is_due(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.run("logout_notice_is_due", || async {
            let sql = "SELECT 1 FROM logout_notices WHERE due_at <= $1 ORDER BY due_at LIMIT 1";
            let due = self.connection().await?.first(sql, &[&now.seconds()], |_| Ok(())).await?;
            Ok(due.is_some())
        })
        .await
    }

    async fn postpone_logout_notice(&self, id: i64, due: Timestamp) -> Result<(), StoreError> {
        run!(self, "postpone_logout_notice", postpone, id, due)
    }

    async fn drop_logout_notice(&self, id: i64) -> Result<(), StoreError> {
        run!(self, "drop_logout_notice", remove, id)
    }
}

/// Queues a notice of the end of these sessions, of these users, for each of their clients that
/// wants one.
pub(super) async fn queue(
    connection: &Connection,
    subs: &[&str],
    sids: &[&str],
    now: Timestamp,
) -> Result<(), Failure> {
    connection
        .execute(
            "INSERT INTO logout_notices (client_id, sub, sid, attempts, due_at, expires_at)
             SELECT c.client_id, e.sub, e.sid, 0, $3::BIGINT, $4::BIGINT
             FROM unnest($1::TEXT[], $2::TEXT[]) AS e (sub, sid)
                 JOIN session_clients c ON c.sid = e.sid
             WHERE c.notify",
            &[&subs, &sids, &now.seconds(), &now.plus(NOTICE_LIFETIME).seconds()],
        )
        .await?;
    Ok(())
}

/// Takes due notices for a client; they are due again at `due_again`. Notices that another process
/// is taking are left to it.
async fn claim(
    connection: &Connection,
    client_id: &ClientId,
    limit: u32,
    now: Timestamp,
    due_again: Timestamp,
) -> Result<Vec<LogoutNotice>, Failure> {
    connection
        .all(
            "WITH due AS (
                 SELECT id FROM logout_notices WHERE client_id = $1 AND due_at <= $3
                 ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
             )
             UPDATE logout_notices n SET attempts = n.attempts + 1, due_at = $4 FROM due
                 WHERE n.id = due.id
             RETURNING n.id, n.client_id, n.sub, n.sid, n.attempts",
            &[&client_id.as_str(), &i64::from(limit), &now.seconds(), &due_again.seconds()],
            read::logout_notice,
        )
        .await
}

/// Sets the timestamp at which a notice is due.
async fn postpone(connection: &Connection, id: i64, due: Timestamp) -> Result<(), Failure> {
    connection
        .execute("UPDATE logout_notices SET due_at = $2 WHERE id = $1", &[&id, &due.seconds()])
        .await?;
    Ok(())
}

/// Removes a notice.
async fn remove(connection: &Connection, id: i64) -> Result<(), Failure> {
    connection.execute("DELETE FROM logout_notices WHERE id = $1", &[&id]).await?;
    Ok(())
}
