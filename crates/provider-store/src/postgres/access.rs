//! What clients may have of a user's data, summed up over grants and consents.

use async_trait::async_trait;
use doorward_protocol::ids::{ClientId, Sub};
use doorward_provider::{
    model::{client_access::ClientAccess, time::Timestamp},
    store::{Access, StoreError},
};

use super::{PostgresStore, codes, connection::Connection, device_codes, failure::Failure, run};
use crate::{pages, record::read};

#[async_trait]
impl Access for PostgresStore {
    async fn access_of(
        &self,
        sub: &Sub,
        after: Option<&ClientId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<ClientAccess>, StoreError> {
        let after = after.map_or("", ClientId::as_str);
        run!(self, "access_of", of_user, sub, after, limit, now)
    }

    async fn revoke_access(
        &self,
        sub: &Sub,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        pages::run_all(pages::ROWS, || async move {
            run!(self, "revoke_access", revoke, sub, client_id, now)
        })
        .await?;
        Ok(())
    }
}

/// The live grants and consents of the user `$1` at the time `$2`. What is of a removed client is
/// over, and so is what ends with a session of a disabled user, even if it is still there.
macro_rules! live {
    (grants) => {
        "sub = $1 AND revoked_at IS NULL AND expires_at > $2
            AND NOT EXISTS (SELECT 1 FROM left_behind l
                WHERE l.kind = 'client' AND l.id = grants.client_id)
            AND (offline OR EXISTS (SELECT 1 FROM users u WHERE u.sub = $1 AND u.enabled)
                OR NOT EXISTS (SELECT 1 FROM sessions s WHERE s.sid = grants.sid))"
    };
    (consents) => {
        "sub = $1 AND (expires_at IS NULL OR expires_at > $2)
            AND NOT EXISTS (SELECT 1 FROM left_behind l
                WHERE l.kind = 'client' AND l.id = consents.client_id)"
    };
}

/// One entry for each client and scope, of a page of clients in the order of bytes, whatever the
/// database's language is.
pub(super) const OF_USER: &str = concat!(
    "WITH page AS (
        SELECT client_id FROM (
            SELECT client_id FROM grants WHERE ",
    live!(grants),
    " UNION SELECT client_id FROM consents WHERE ",
    live!(consents),
    ") AS clients
        WHERE client_id COLLATE \"C\" > $3 ORDER BY client_id COLLATE \"C\" LIMIT $4
    )
    SELECT client_id, scope, min(created_at), max(used_at)
    FROM (SELECT client_id, content::JSONB ->> 'scope' AS scope, created_at, used_at
          FROM grants WHERE client_id IN (SELECT client_id FROM page) AND ",
    live!(grants),
    ") AS live
    GROUP BY client_id, scope
    UNION ALL
    SELECT client_id, scope, NULL, NULL FROM consents
    WHERE client_id IN (SELECT client_id FROM page) AND ",
    live!(consents)
);

async fn of_user(
    connection: &Connection,
    sub: &Sub,
    after: &str,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<ClientAccess>, Failure> {
    connection
        .all(OF_USER, &[&sub.as_str(), &now.seconds(), &after, &i64::from(limit)], read::access)
        .await
}

/// Forgets the consent, removes what could become a grant, and revokes a page of the grants,
/// whatever clock they were made by; returns how many. The grants come last: a code that was
/// redeemed before is among them.
async fn revoke(
    connection: &Connection,
    sub: &Sub,
    client_id: &ClientId,
    now: Timestamp,
) -> Result<u64, Failure> {
    connection.begin().await?;
    codes::remove_unredeemed(connection, sub, client_id).await?;
    device_codes::forget_allowed(connection, sub, Some(client_id)).await?;
    let revoked = connection
        .execute(
            "WITH forgotten AS (DELETE FROM consents WHERE sub = $1 AND client_id = $2)
             UPDATE grants SET revoked_at = $3 WHERE id IN (
                 SELECT id FROM grants
                 WHERE sub = $1 AND client_id = $2 AND revoked_at IS NULL
                     LIMIT $4 FOR NO KEY UPDATE)",
            &[&sub.as_str(), &client_id.as_str(), &now.seconds(), &i64::from(pages::ROWS)],
        )
        .await?;
    connection.commit().await?;
    Ok(revoked)
}
