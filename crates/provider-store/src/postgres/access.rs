//! What clients may have of a user's data, summed up over grants and consents.

use doorward_provider::model::{
    client_access::{ClientAccess, Use},
    time::Timestamp,
};

use super::{
    codes,
    connection::Connection,
    device_codes,
    failure::Failure,
    sql::{self, get},
};
use crate::columns::ColumnError;

/// One entry for each client and scope.
pub(super) async fn of_user(
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
            |row| {
                let scope: &str = get(row, 1, "scope")?;
                let since = sql::optional_moment(row, 2, "grants.created_at")?;
                let times = since.zip(sql::optional_moment(row, 3, "grants.used_at")?);
                Ok(ClientAccess {
                    client_id: get(row, 0, "client_id")?,
                    scope: scope.parse().map_err(|_| ColumnError::Unreadable("scope"))?,
                    used: times.map(|(since, last)| Use { since, last }),
                })
            },
        )
        .await
}

/// Revokes the grants of a client for a user, takes back what would become one, and forgets the
/// consent. The grants come last: what was redeemed until then is among them.
pub(super) async fn revoke(
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
