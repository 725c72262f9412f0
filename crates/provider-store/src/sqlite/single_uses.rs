//! Rows of messages that count once: DPoP proofs and client assertions (RFC 9449 section 11.1, RFC
//! 7523 section 3).

use doorward_provider::model::{message_identity::MessageIdentity, time::Timestamp};
use rusqlite::{Connection, params};

use super::{failure::Failure, sql::execute};

/// Whether the message is noted for the first time.
pub(super) fn note(
    connection: &Connection,
    message: MessageIdentity,
    forgettable_at: Timestamp,
) -> Result<bool, Failure> {
    let added = execute(
        connection,
        "INSERT INTO single_uses (identity, forgettable_at) VALUES (?1, ?2) ON CONFLICT (identity) DO NOTHING",
        params![message.as_bytes(), forgettable_at.seconds()],
    )?;
    Ok(added == 1)
}
