//! Rows of pushed authorization requests (RFC 9126 section 7.3: a reference is used once).

use async_trait::async_trait;
use doorward_provider::{
    model::{
        pushed_request::{FirstVisit, PushedRequest},
        throttle::{OriginBound, ThrottleKey},
        time::Timestamp,
        token_handle::TokenHash,
    },
    store::{PushedRequests, StoreError},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore,
    failure::Failure,
    sql::{self, execute},
};
use crate::record::read;

#[async_trait]
impl PushedRequests for SqliteStore {
    async fn add_pushed_request(
        &self,
        request: PushedRequest,
        bound: Option<&OriginBound>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let bound = bound.cloned();
        self.write("add_pushed_request", move |connection| {
            let sql = "SELECT 1 FROM pushed_requests
                       WHERE client_id = ?1 AND expires_at > ?2 LIMIT 1 OFFSET ?3";
            sql::refuse_beyond(connection, sql, &request.client_id, now)?;
            add(connection, &request, bound.as_ref(), now)
        })
        .await
    }

    async fn pushed_request(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Option<PushedRequest>, StoreError> {
        self.read("pushed_request", move |connection| find(connection, hash, now)).await
    }

    async fn hold_pushed_request(
        &self,
        hash: TokenHash,
        held: FirstVisit,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.write("hold_pushed_request", move |connection| hold(connection, hash, held, until))
            .await
    }

    async fn consume_pushed_request(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write("consume_pushed_request", move |connection| consume(connection, hash, now)).await
    }
}

/// Adds a request, unless too many wait for its origin.
fn add(
    connection: &Connection,
    request: &PushedRequest,
    bound: Option<&OriginBound>,
    now: Timestamp,
) -> Result<bool, Failure> {
    let added = execute(
        connection,
        "INSERT INTO pushed_requests (hash, client_id, params, expires_at, held, origin, site)
         SELECT ?1, ?2, ?3, ?4, 0, ?5, ?8
         WHERE (?5 IS NULL OR ?7 >
               (SELECT count(*) FROM pushed_requests WHERE origin = ?5 AND expires_at > ?6))
           AND (?8 IS NULL OR ?9 >
               (SELECT count(*) FROM pushed_requests WHERE site = ?8 AND expires_at > ?6))",
        params![
            request.hash.as_bytes(),
            request.client_id.as_str(),
            request.params,
            request.expires_at.seconds(),
            bound.map(|bound| bound.origin.as_bytes()),
            now.seconds(),
            bound.map(|bound| bound.most),
            bound.and_then(|bound| bound.site.as_ref()).map(ThrottleKey::as_bytes),
            bound.map(OriginBound::most_of_site),
        ],
    )?;
    Ok(added > 0)
}

/// The request with this hash, unless it has expired.
fn find(
    connection: &Connection,
    hash: TokenHash,
    now: Timestamp,
) -> Result<Option<PushedRequest>, Failure> {
    sql::first(
        connection,
        "SELECT client_id, params, expires_at, held, held_session FROM pushed_requests
            WHERE hash = ?1 AND expires_at > ?2",
        params![hash.as_bytes(), now.seconds()],
        |row| read::pushed_request(row, hash),
    )
}

/// Sets when a request expires, unless it is held already.
fn hold(
    connection: &Connection,
    hash: TokenHash,
    held: FirstVisit,
    until: Timestamp,
) -> Result<(), Failure> {
    execute(
        connection,
        "UPDATE pushed_requests SET held = 1, held_session = ?2, expires_at = ?3 WHERE hash = ?1
            AND held = 0",
        params![hash.as_bytes(), held.session.as_ref().map(TokenHash::as_bytes), until.seconds()],
    )?;
    Ok(())
}

/// Removes a request. Returns whether it was there and had not expired.
fn consume(connection: &Connection, hash: TokenHash, now: Timestamp) -> Result<bool, Failure> {
    let taken = execute(
        connection,
        "DELETE FROM pushed_requests WHERE hash = ?1 AND expires_at > ?2",
        params![hash.as_bytes(), now.seconds()],
    )?;
    Ok(taken > 0)
}
