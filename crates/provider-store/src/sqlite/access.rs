//! What clients may have of a user's data, summed up over grants and consents.

use doorward_provider::model::{
    client_access::{ClientAccess, Use},
    time::Timestamp,
};
use rusqlite::{Connection, params};

use super::{
    codes, device_codes,
    failure::Failure,
    sql::{self, execute},
};
use crate::columns::ColumnError;

/// One entry for each client and scope.
pub(super) fn of_user(
    connection: &Connection,
    sub: &str,
    now: Timestamp,
) -> Result<Vec<ClientAccess>, Failure> {
    sql::all(
        connection,
        "SELECT client_id, content ->> '$.scope' AS scope, min(created_at), max(used_at) FROM grants
         WHERE sub = ?1 AND revoked_at IS NULL AND expires_at > ?2 GROUP BY client_id, scope
         UNION ALL
         SELECT client_id, scope, NULL, NULL FROM consents WHERE sub = ?1 AND (expires_at IS NULL OR expires_at > ?2)",
        params![sub, now.seconds()],
        |row| {
            let scope: String = row.get(1)?;
            let times = sql::optional_moment(row, 2)?.zip(sql::optional_moment(row, 3)?);
            Ok(ClientAccess {
                client_id: row.get(0)?,
                scope: scope.parse().map_err(|_| ColumnError::Unreadable("scope"))?,
                used: times.map(|(since, last)| Use { since, last }),
            })
        },
    )
}

/// Revokes the grants of a client for a user, takes back what would become one, and forgets the
/// consent.
pub(super) fn revoke(
    connection: &Connection,
    sub: &str,
    client_id: &str,
    now: Timestamp,
) -> Result<(), Failure> {
    codes::remove_unredeemed(connection, sub, client_id)?;
    device_codes::forget_allowed(connection, sub, Some(client_id))?;
    execute(
        connection,
        "UPDATE grants SET revoked_at = ?3 WHERE sub = ?1 AND client_id = ?2 AND revoked_at IS NULL",
        params![sub, client_id, now.seconds()],
    )?;
    execute(
        connection,
        "DELETE FROM consents WHERE sub = ?1 AND client_id = ?2",
        [sub, client_id],
    )?;
    Ok(())
}
