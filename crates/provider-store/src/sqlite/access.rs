//! What clients may have of a user's data, summed up over grants and consents.

use async_trait::async_trait;
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
    async fn access_of(&self, sub: &str, now: Timestamp) -> Result<Vec<ClientAccess>, StoreError> {
        let sub = sub.to_owned();
        self.read("access_of", move |connection| of_user(connection, &sub, now)).await
    }

    async fn revoke_access(
        &self,
        sub: &str,
        client_id: &str,
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

/// One entry for each client and scope.
fn of_user(
    connection: &Connection,
    sub: &str,
    now: Timestamp,
) -> Result<Vec<ClientAccess>, Failure> {
    sql::all(
        connection,
        "SELECT client_id, content ->> '$.scope' AS scope, min(created_at), max(used_at) FROM grants
         WHERE sub = ?1 AND revoked_at IS NULL AND expires_at > ?2 GROUP BY client_id, scope
         UNION ALL
         SELECT client_id, scope, NULL, NULL FROM consents WHERE sub = ?1
             AND (expires_at IS NULL OR expires_at > ?2)",
        params![sub, now.seconds()],
        |row| read::access(row),
    )
}

/// Forgets the consent, removes what could become a grant, and revokes a page of the grants that
/// were made until now; returns how many.
fn revoke(
    connection: &Connection,
    sub: &str,
    client_id: &str,
    now: Timestamp,
) -> Result<u64, Failure> {
    codes::remove_unredeemed(connection, sub, client_id)?;
    device_codes::forget_allowed(connection, sub, Some(client_id))?;
    execute(
        connection,
        "DELETE FROM consents WHERE sub = ?1 AND client_id = ?2",
        params![sub, client_id],
    )?;
    let revoked = execute(
        connection,
        "UPDATE grants SET revoked_at = ?3 WHERE rowid IN (
             SELECT rowid FROM grants
             WHERE sub = ?1 AND client_id = ?2 AND created_at <= ?3 AND revoked_at IS NULL
                 LIMIT ?4)",
        params![sub, client_id, now.seconds(), pages::ROWS],
    )?;
    Ok(revoked as u64)
}
