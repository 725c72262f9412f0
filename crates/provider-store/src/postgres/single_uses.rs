//! Rows of messages that count once: DPoP proofs and client assertions (RFC 9449 section 11.1, RFC
//! 7523 section 3).

use async_trait::async_trait;
use doorward_provider::{
    model::{message_identity::MessageIdentity, time::Timestamp},
    store::{SingleUses, StoreError},
};

use super::{PostgresStore, connection::Connection, failure::Failure, run};

#[async_trait]
impl SingleUses for PostgresStore {
    async fn first_use(
        &self,
        message: MessageIdentity,
        forgettable_at: Timestamp,
    ) -> Result<bool, StoreError> {
        run!(self, "first_use", note, &message, forgettable_at)
    }

    async fn is_used(&self, message: MessageIdentity) -> Result<bool, StoreError> {
        run!(self, "is_used", is_noted, &message)
    }
}

/// Whether the message is noted.
async fn is_noted(connection: &Connection, message: &MessageIdentity) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM single_uses WHERE identity = $1";
    let noted = connection.first(sql, &[&message.as_bytes().as_slice()], |_| Ok(())).await?;
    Ok(noted.is_some())
}

/// Whether the message is noted for the first time.
async fn note(
    connection: &Connection,
    message: &MessageIdentity,
    forgettable_at: Timestamp,
) -> Result<bool, Failure> {
    let added = connection
        .execute(
            "INSERT INTO single_uses (identity, forgettable_at) VALUES ($1, $2)
                ON CONFLICT (identity) DO NOTHING",
            &[&message.as_bytes().as_slice(), &forgettable_at.seconds()],
        )
        .await?;
    Ok(added == 1)
}
