//! Rows of pushed authorization requests (RFC 9126 section 7.3: a reference is used once).

use doorward_provider::model::{
    pushed_request::{Held, PushedRequest},
    time::Timestamp,
    token_handle::TokenHash,
};
use rusqlite::{Connection, params};

use super::{
    failure::Failure,
    sql::{self, execute},
};

/// Adds a request.
pub(super) fn add(connection: &Connection, request: &PushedRequest) -> Result<(), Failure> {
    execute(
        connection,
        "INSERT INTO pushed_requests (hash, client_id, params, expires_at, held) VALUES (?1, ?2, ?3, ?4, 0)",
        params![
            request.hash.as_bytes(),
            request.client_id,
            request.params,
            request.expires_at.seconds()
        ],
    )?;
    Ok(())
}

/// The request with this hash, unless it has expired.
pub(super) fn find(
    connection: &Connection,
    hash: TokenHash,
    now: Timestamp,
) -> Result<Option<PushedRequest>, Failure> {
    sql::first(
        connection,
        "SELECT client_id, params, expires_at, held, held_session FROM pushed_requests WHERE hash = ?1 AND expires_at > ?2",
        params![hash.as_bytes(), now.seconds()],
        |row| {
            let session: Option<[u8; 32]> = row.get(4)?;
            let held = Held { session: session.map(TokenHash::from_bytes) };
            Ok(PushedRequest {
                hash,
                client_id: row.get(0)?,
                params: row.get(1)?,
                expires_at: sql::moment(row, 2)?,
                held: row.get::<_, bool>(3)?.then_some(held),
            })
        },
    )
}

/// Lets a request live until that moment, unless it is held already.
pub(super) fn hold(
    connection: &Connection,
    hash: TokenHash,
    held: Held,
    until: Timestamp,
) -> Result<(), Failure> {
    execute(
        connection,
        "UPDATE pushed_requests SET held = 1, held_session = ?2, expires_at = ?3 WHERE hash = ?1 AND held = 0",
        params![hash.as_bytes(), held.session.as_ref().map(TokenHash::as_bytes), until.seconds()],
    )?;
    Ok(())
}

/// Takes a request away; tells whether it was there and had not expired.
pub(super) fn consume(
    connection: &Connection,
    hash: TokenHash,
    now: Timestamp,
) -> Result<bool, Failure> {
    let taken = execute(
        connection,
        "DELETE FROM pushed_requests WHERE hash = ?1 AND expires_at > ?2",
        params![hash.as_bytes(), now.seconds()],
    )?;
    Ok(taken > 0)
}
