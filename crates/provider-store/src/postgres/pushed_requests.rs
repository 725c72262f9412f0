//! Rows of pushed authorization requests (RFC 9126 section 7.3: a reference is used once).

use doorward_provider::model::{
    pushed_request::{Held, PushedRequest},
    time::Timestamp,
    token_handle::TokenHash,
};

use super::{
    connection::Connection,
    failure::Failure,
    sql::{self, get},
};

/// Adds a request.
pub(super) async fn add(connection: &Connection, request: &PushedRequest) -> Result<(), Failure> {
    connection
        .execute(
            "INSERT INTO pushed_requests (hash, client_id, params, expires_at, held) VALUES ($1, $2, $3, $4, false)",
            &[&request.hash.as_bytes().as_slice(), &request.client_id, &request.params, &request.expires_at.seconds()],
        )
        .await?;
    Ok(())
}

/// The request with this hash, unless it has expired.
pub(super) async fn find(
    connection: &Connection,
    hash: TokenHash,
    now: Timestamp,
) -> Result<Option<PushedRequest>, Failure> {
    connection
        .first(
            "SELECT client_id, params, expires_at, held, held_session FROM pushed_requests
             WHERE hash = $1 AND expires_at > $2",
            &[&hash.as_bytes().as_slice(), &now.seconds()],
            |row| {
                let has_session =
                    get::<Option<&[u8]>>(row, 4, "pushed_requests.held_session")?.is_some();
                let session = has_session
                    .then(|| sql::hash(row, 4, "pushed_requests.held_session"))
                    .transpose()?;
                Ok(PushedRequest {
                    hash,
                    client_id: get(row, 0, "pushed_requests.client_id")?,
                    params: get(row, 1, "pushed_requests.params")?,
                    expires_at: sql::moment(row, 2, "pushed_requests.expires_at")?,
                    held: get::<bool>(row, 3, "pushed_requests.held")?.then_some(Held { session }),
                })
            },
        )
        .await
}

/// Lets a request live until that moment, unless it is held already.
pub(super) async fn hold(
    connection: &Connection,
    hash: TokenHash,
    held: &Held,
    until: Timestamp,
) -> Result<(), Failure> {
    let session = held.session.as_ref().map(|session| session.as_bytes().as_slice());
    connection
        .execute(
            "UPDATE pushed_requests SET held = true, held_session = $2, expires_at = $3
             WHERE hash = $1 AND NOT held",
            &[&hash.as_bytes().as_slice(), &session, &until.seconds()],
        )
        .await?;
    Ok(())
}

/// Takes a request away; tells whether it was there and had not expired.
pub(super) async fn consume(
    connection: &Connection,
    hash: TokenHash,
    now: Timestamp,
) -> Result<bool, Failure> {
    let taken = connection
        .execute(
            "DELETE FROM pushed_requests WHERE hash = $1 AND expires_at > $2",
            &[&hash.as_bytes().as_slice(), &now.seconds()],
        )
        .await?;
    Ok(taken > 0)
}
