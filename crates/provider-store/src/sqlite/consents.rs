//! Rows of remembered consents.

use async_trait::async_trait;
use doorward_protocol::ids::{ClientId, Sub};
use doorward_provider::{
    model::{consent::Consent, time::Timestamp},
    store::{Consents, StoreError},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore,
    failure::Failure,
    sql::{self, execute},
};
use crate::record::read;

#[async_trait]
impl Consents for SqliteStore {
    async fn consent(
        &self,
        sub: &Sub,
        client_id: &ClientId,
    ) -> Result<Option<Consent>, StoreError> {
        let (sub, client_id) = (sub.to_owned(), client_id.to_owned());
        self.read("consent", move |connection| find(connection, &sub, &client_id)).await
    }

    async fn remember_consent(
        &self,
        sub: &Sub,
        client_id: &ClientId,
        consent: Consent,
    ) -> Result<(), StoreError> {
        let (sub, client_id) = (sub.to_owned(), client_id.to_owned());
        self.write("remember_consent", move |connection| {
            remember(connection, &sub, &client_id, &consent)
        })
        .await
    }
}

/// The consent that a user gave a client.
fn find(
    connection: &Connection,
    sub: &Sub,
    client_id: &ClientId,
) -> Result<Option<Consent>, Failure> {
    sql::first(
        connection,
        "SELECT scope, expires_at FROM consents WHERE sub = ?1 AND client_id = ?2",
        [sub.as_str(), client_id.as_str()],
        |row| read::consent(row),
    )
}

/// Remembers a consent in place of an earlier one, if the user is still there.
fn remember(
    connection: &Connection,
    sub: &Sub,
    client_id: &ClientId,
    consent: &Consent,
) -> Result<(), Failure> {
    execute(
        connection,
        "INSERT INTO consents (sub, client_id, scope, expires_at)
         SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM users WHERE sub = ?1)
         ON CONFLICT (sub, client_id) DO UPDATE SET scope = excluded.scope, expires_at =
             excluded.expires_at",
        params![
            sub.as_str(),
            client_id.as_str(),
            consent.scope.to_string(),
            consent.expires_at.map(Timestamp::seconds)
        ],
    )?;
    Ok(())
}
