//! Rows of messages that count once: DPoP proofs and client assertions (RFC 9449 section 11.1, RFC
//! 7523 section 3).

use async_trait::async_trait;
use doorward_provider::{
    model::{message_identity::MessageIdentity, time::Timestamp},
    store::{SingleUses, StoreError},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore,
    failure::Failure,
    sql::{self, execute},
};

#[async_trait]
impl SingleUses for SqliteStore {
    async fn first_use(
        &self,
        message: MessageIdentity,
        forgettable_at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write("first_use", move |connection| note(connection, message, forgettable_at)).await
    }

    async fn is_used(&self, message: MessageIdentity) -> Result<bool, StoreError> {
        self.read("is_used", move |connection| {
            let sql = "SELECT 1 FROM single_uses WHERE identity = ?1";
            Ok(sql::first(connection, sql, [message.as_bytes()], |_| Ok(()))?.is_some())
        })
        .await
    }
}

/// Whether the message is noted for the first time.
fn note(
    connection: &Connection,
    message: MessageIdentity,
    forgettable_at: Timestamp,
) -> Result<bool, Failure> {
    let added = execute(
        connection,
        "INSERT INTO single_uses (identity, forgettable_at) VALUES (?1, ?2)
            ON CONFLICT (identity) DO NOTHING",
        params![message.as_bytes(), forgettable_at.seconds()],
    )?;
    Ok(added == 1)
}
