//! Rows of messages that count once: DPoP proofs and client assertions (RFC 9449 section 11.1, RFC
//! 7523 section 3).

use async_trait::async_trait;
use doorward_provider::{
    model::{message_identity::MessageIdentity, time::Timestamp},
    store::{LONGEST_CLOCK_SKEW, SingleUses, StoreError},
};

use super::{PostgresStore, clock::ClockGuard, connection::Connection, failure::Failure, run};

#[async_trait]
impl SingleUses for PostgresStore {
    async fn first_use(
        &self,
        message: MessageIdentity,
        forgettable_at: Timestamp,
    ) -> Result<bool, StoreError> {
        run!(self, "first_use", note, &message, forgettable_at, &self.clock)
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

/// Whether the message is noted for the first time. A process whose clock is late would take one
/// that others have used and forgotten. So by the database's clock nobody may have forgotten it
/// yet: every clock that removes rows is within the bound.
async fn note(
    connection: &Connection,
    message: &MessageIdentity,
    forgettable_at: Timestamp,
    clock: &ClockGuard,
) -> Result<bool, Failure> {
    let too_late = forgettable_at.seconds().saturating_sub(LONGEST_CLOCK_SKEW.into());
    let added = connection
        .execute(
            "INSERT INTO single_uses (identity, forgettable_at) SELECT $1::BYTEA, $2::BIGINT
                 WHERE $3::BIGINT IS NULL OR extract(epoch FROM clock_timestamp()) < $3::BIGINT
                 ON CONFLICT (identity) DO NOTHING",
            &[
                &message.as_bytes().as_slice(),
                &forgettable_at.seconds(),
                &clock.is_on().then_some(too_late),
            ],
        )
        .await?;
    Ok(added == 1)
}
