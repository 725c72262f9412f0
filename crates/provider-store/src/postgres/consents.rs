//! Rows of remembered consents.

use async_trait::async_trait;
use doorward_protocol::ids::{ClientId, Sub};
use doorward_provider::{
    model::{consent::Consent, time::Timestamp},
    store::{Consents, StoreError},
};

use super::{PostgresStore, connection::Connection, failure::Failure, run, users};
use crate::record::read;

#[async_trait]
impl Consents for PostgresStore {
    async fn consent(
        &self,
        sub: &Sub,
        client_id: &ClientId,
    ) -> Result<Option<Consent>, StoreError> {
        run!(self, "consent", find, sub, client_id)
    }

    async fn remember_consent(
        &self,
        sub: &Sub,
        client_id: &ClientId,
        consent: Consent,
    ) -> Result<(), StoreError> {
        run!(self, "remember_consent", remember, sub, client_id, &consent)
    }
}

/// The consent that a user gave a client.
async fn find(
    connection: &Connection,
    sub: &Sub,
    client_id: &ClientId,
) -> Result<Option<Consent>, Failure> {
    connection
        .first(
            "SELECT scope, expires_at FROM consents WHERE sub = $1 AND client_id = $2",
            &[&sub.as_str(), &client_id.as_str()],
            read::consent,
        )
        .await
}

/// Remembers a consent in place of an earlier one, if the user is still there. The lock keeps the
/// removal of the user away until then.
async fn remember(
    connection: &Connection,
    sub: &Sub,
    client_id: &ClientId,
    consent: &Consent,
) -> Result<(), Failure> {
    let remembered = connection
        .execute(
            "INSERT INTO consents (sub, client_id, scope, expires_at)
             SELECT sub, $2, $3, $4 FROM users WHERE sub = $1 FOR KEY SHARE
             ON CONFLICT (sub, client_id) DO UPDATE SET scope = excluded.scope, expires_at =
                 excluded.expires_at",
            &[
                &sub.as_str(),
                &client_id.as_str(),
                &consent.scope.to_string(),
                &consent.expires_at.map(Timestamp::seconds),
            ],
        )
        .await?;
    if remembered == 0 { users::refuse_overtaken(connection, sub).await } else { Ok(()) }
}
