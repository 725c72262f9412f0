//! Rows of remembered consents.

use doorward_provider::model::{consent::Consent, time::Timestamp};

use super::{
    connection::Connection,
    failure::Failure,
    sql::{self, get},
};
use crate::columns::ColumnError;

/// The consent that a user gave a client.
pub(super) async fn find(
    connection: &Connection,
    sub: &str,
    client_id: &str,
) -> Result<Option<Consent>, Failure> {
    connection
        .first(
            "SELECT scope, expires_at FROM consents WHERE sub = $1 AND client_id = $2",
            &[&sub, &client_id],
            |row| {
                let scope: &str = get(row, 0, "consents.scope")?;
                Ok(Consent {
                    scope: scope.parse().map_err(|_| ColumnError::Unreadable("consents.scope"))?,
                    expires_at: sql::optional_moment(row, 1, "consents.expires_at")?,
                })
            },
        )
        .await
}

/// Remembers a consent in place of an earlier one.
pub(super) async fn remember(
    connection: &Connection,
    sub: &str,
    client_id: &str,
    consent: &Consent,
) -> Result<(), Failure> {
    connection
        .execute(
            "INSERT INTO consents (sub, client_id, scope, expires_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (sub, client_id) DO UPDATE SET scope = excluded.scope, expires_at = excluded.expires_at",
            &[&sub, &client_id, &consent.scope.to_string(), &consent.expires_at.map(Timestamp::seconds)],
        )
        .await?;
    Ok(())
}
