//! Rows of messages that count once: DPoP proofs and client assertions (RFC 9449 section 11.1, RFC
//! 7523 section 3).

use doorward_provider::model::{message_identity::MessageIdentity, time::Timestamp};

use super::{connection::Connection, failure::Failure};

/// Whether the message is noted for the first time.
pub(super) async fn note(
    connection: &Connection,
    message: &MessageIdentity,
    forgettable_at: Timestamp,
) -> Result<bool, Failure> {
    let added = connection
        .execute(
            "INSERT INTO single_uses (identity, forgettable_at) VALUES ($1, $2) ON CONFLICT (identity) DO NOTHING",
            &[&message.as_bytes().as_slice(), &forgettable_at.seconds()],
        )
        .await?;
    Ok(added == 1)
}
