//! Rows of remembered consents.

use doorward_provider::model::{consent::Consent, time::Timestamp};
use rusqlite::{Connection, params};

use super::{
    failure::Failure,
    sql::{self, execute},
};
use crate::columns::ColumnError;

/// The consent that a user gave a client.
pub(super) fn find(
    connection: &Connection,
    sub: &str,
    client_id: &str,
) -> Result<Option<Consent>, Failure> {
    sql::first(
        connection,
        "SELECT scope, expires_at FROM consents WHERE sub = ?1 AND client_id = ?2",
        [sub, client_id],
        |row| {
            let scope: String = row.get(0)?;
            Ok(Consent {
                scope: scope.parse().map_err(|_| ColumnError::Unreadable("consents.scope"))?,
                expires_at: sql::optional_moment(row, 1)?,
            })
        },
    )
}

/// Remembers a consent in place of an earlier one.
pub(super) fn remember(
    connection: &Connection,
    sub: &str,
    client_id: &str,
    consent: &Consent,
) -> Result<(), Failure> {
    execute(
        connection,
        "INSERT INTO consents (sub, client_id, scope, expires_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (sub, client_id) DO UPDATE SET scope = excluded.scope, expires_at = excluded.expires_at",
        params![sub, client_id, consent.scope.to_string(), consent.expires_at.map(Timestamp::seconds)],
    )?;
    Ok(())
}
