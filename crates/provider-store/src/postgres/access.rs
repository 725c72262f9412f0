//! What clients may have of a user's data, summed up over grants and consents.

use async_trait::async_trait;
use doorward_provider::{
    model::{client_access::ClientAccess, time::Timestamp},
    store::{Access, StoreError},
};

use super::{
    PostgresStore, codes,
    connection::Connection,
    device_codes,
    failure::Failure,
    run,
    sql::{self},
};
use crate::record::read;

#[async_trait]
impl Access for PostgresStore {
    async fn access_of(&self, sub: &str, now: Timestamp) -> Result<Vec<ClientAccess>, StoreError> {
        run!(self, "access_of", of_user, sub, now)
    }

    async fn revoke_access(
        &self,
        sub: &str,
        client_id: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        run!(self, "revoke_access", revoke, sub, client_id, now)
    }
}

/// One entry for each client and scope.
async fn of_user(
    connection: &Connection,
    sub: &str,
    now: Timestamp,
) -> Result<Vec<ClientAccess>, Failure> {
    connection
        .all(
            "SELECT client_id, scope, min(created_at), max(used_at)
             FROM (SELECT client_id, content::JSONB ->> 'scope' AS scope, created_at, used_at FROM grants
                   WHERE sub = $1 AND revoked_at IS NULL AND expires_at > $2) AS live
             GROUP BY client_id, scope
             UNION ALL
             SELECT client_id, scope, NULL, NULL FROM consents
             WHERE sub = $1 AND (expires_at IS NULL OR expires_at > $2)",
            &[&sub, &now.seconds()],
            |row| read::access(row),
        )
        .await
}

/// Revokes the grants of a client for a user, takes back what would become one, and forgets the
/// consent. The grants come last: what was redeemed until then is among them.
async fn revoke(
    connection: &Connection,
    sub: &str,
    client_id: &str,
    now: Timestamp,
) -> Result<(), Failure> {
    if !sql::can_hold(client_id) {
        return Ok(());
    }
    connection.begin().await?;
    codes::remove_unredeemed(connection, sub, client_id).await?;
    device_codes::forget_allowed(connection, sub, Some(client_id)).await?;
    connection
        .execute(
            "WITH forgotten AS (DELETE FROM consents WHERE sub = $1 AND client_id = $2)
             UPDATE grants SET revoked_at = $3 WHERE sub = $1 AND client_id = $2 AND revoked_at IS NULL",
            &[&sub, &client_id, &now.seconds()],
        )
        .await?;
    connection.commit().await
}
