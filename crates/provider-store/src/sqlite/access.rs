//! What clients may have of a user's data, summed up over grants and consents.

use async_trait::async_trait;
use doorward_protocol::ids::{ClientId, Sub};
use doorward_provider::{
    model::{client_access::ClientAccess, time::Timestamp},
    store::{Access, StoreError},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore, codes, device_codes,
    failure::Failure,
    sql::{self, execute},
};
use crate::{pages, record::read};

#[async_trait]
impl Access for SqliteStore {
    async fn access_of(
        &self,
        sub: &Sub,
        after: Option<&ClientId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<ClientAccess>, StoreError> {
        let (sub, after) = (sub.clone(), after.map(ToString::to_string).unwrap_or_default());
        self.read("access_of", move |connection| of_user(connection, &sub, &after, limit, now))
            .await
    }

    async fn revoke_access(
        &self,
        sub: &Sub,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        pages::run_all(pages::ROWS, || {
            let (sub, client_id) = (sub.to_owned(), client_id.to_owned());
            self.write("revoke_access", move |connection| revoke(connection, &sub, &client_id, now))
        })
        .await?;
        Ok(())
    }
}

/// The live grants and consents of the user `?1` at the time `?2`. What is of a removed client is
/// over, and so is what ends with a session of a disabled user, even if it is still there.
macro_rules! live {
    (grants) => {
        "sub = ?1 AND revoked_at IS NULL AND expires_at > ?2
            AND NOT EXISTS (SELECT 1 FROM left_behind l
                WHERE l.kind = 'client' AND l.id = grants.client_id)
            AND (offline = 1 OR EXISTS (SELECT 1 FROM users u WHERE u.sub = ?1 AND u.enabled)
                OR NOT EXISTS (SELECT 1 FROM sessions s WHERE s.sid = grants.sid))"
    };
    (consents) => {
        "sub = ?1 AND (expires_at IS NULL OR expires_at > ?2)
            AND NOT EXISTS (SELECT 1 FROM left_behind l
                WHERE l.kind = 'client' AND l.id = consents.client_id)"
    };
}

/// One entry for each client and scope, of a page of clients.
pub(super) const OF_USER: &str = concat!(
    "WITH page AS (
        SELECT client_id FROM grants WHERE client_id > ?3 AND ",
    live!(grants),
    " UNION SELECT client_id FROM consents WHERE client_id > ?3 AND ",
    live!(consents),
    " ORDER BY client_id LIMIT ?4
    )
    SELECT client_id, content ->> '$.scope' AS scope, min(created_at), max(used_at) FROM grants
    WHERE client_id IN page AND ",
    live!(grants),
    " GROUP BY client_id, scope
    UNION ALL
    SELECT client_id, scope, NULL, NULL FROM consents WHERE client_id IN page AND ",
    live!(consents)
);

fn of_user(
    connection: &Connection,
    sub: &Sub,
    after: &str,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<ClientAccess>, Failure> {
    sql::all(connection, OF_USER, params![sub.as_str(), now.seconds(), after, limit], |row| {
        read::access(row)
    })
}

/// Forgets the consent, removes what could become a grant, and revokes a page of the grants,
/// whatever time they were made at; returns how many.
fn revoke(
    connection: &Connection,
    sub: &Sub,
    client_id: &ClientId,
    now: Timestamp,
) -> Result<u64, Failure> {
    codes::remove_unredeemed(connection, sub, client_id)?;
    device_codes::forget_allowed(connection, sub, Some(client_id))?;
    execute(
        connection,
        "DELETE FROM consents WHERE sub = ?1 AND client_id = ?2",
        params![sub.as_str(), client_id.as_str()],
    )?;
    let revoked = execute(
        connection,
        "UPDATE grants SET revoked_at = ?3 WHERE rowid IN (
             SELECT rowid FROM grants
             WHERE sub = ?1 AND client_id = ?2 AND revoked_at IS NULL LIMIT ?4)",
        params![sub.as_str(), client_id.as_str(), now.seconds(), pages::ROWS],
    )?;
    Ok(revoked as u64)
}
