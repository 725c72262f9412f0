//! Rows of pushed authorization requests (RFC 9126 section 7.3: a reference is used once).

use async_trait::async_trait;
use doorward_protocol::ids::ClientId;
use doorward_provider::{
    model::{
        pushed_request::{FirstVisit, PushedRequest},
        throttle::{ThrottleKey, WaitingBound},
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
    waiting,
};
use crate::{
    record::read,
    waiting::{Found, Waiting},
};

#[async_trait]
impl PushedRequests for SqliteStore {
    async fn add_pushed_request(
        &self,
        request: PushedRequest,
        bound: &WaitingBound,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let bound = bound.clone();
        self.write("add_pushed_request", move |connection| add(connection, &request, &bound, now))
            .await
    }

    async fn has_place_for_pushed_request(
        &self,
        client_id: &ClientId,
        bound: &WaitingBound,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (client_id, bound) = (client_id.clone(), bound.clone());
        self.read("has_place", move |connection| {
            let rows = Waiting::PushedRequests;
            let found = waiting::find_place(connection, rows, &client_id, &bound, now)?;
            Ok(!matches!(found, Found::Nowhere))
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

/// Adds a request, unless it has no place.
fn add(
    connection: &Connection,
    request: &PushedRequest,
    bound: &WaitingBound,
    now: Timestamp,
) -> Result<bool, Failure> {
    let rows = Waiting::PushedRequests;
    let place = waiting::find_place(connection, rows, &request.client_id, bound, now)?;
    if matches!(place, Found::Nowhere) {
        return Ok(false);
    }
    let origin = bound.origin.as_ref();
    execute(
        connection,
        "INSERT INTO pushed_requests (hash, client_id, params, expires_at, held, origin, site)
         VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6)",
        params![
            request.hash.as_bytes(),
            request.client_id.as_str(),
            request.params,
            request.expires_at.seconds(),
            origin.map(|own| own.origin.as_bytes()),
            origin.and_then(|own| own.site.as_ref()).map(ThrottleKey::as_bytes),
        ],
    )?;
    if let Found::InPlaceOf(zone) = place {
        waiting::make_room(connection, rows, &request.client_id, &zone, now)?;
    }
    Ok(true)
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
