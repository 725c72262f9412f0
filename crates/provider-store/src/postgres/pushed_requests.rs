//! Rows of pushed authorization requests (RFC 9126 section 7.3: a reference is used once).

use async_trait::async_trait;
use doorward_protocol::ids::ClientId;
use doorward_provider::{
    model::{
        pushed_request::{FirstVisit, PushedRequest},
        throttle::WaitingBound,
        time::Timestamp,
        token_handle::TokenHash,
    },
    store::{PushedRequests, StoreError},
};

use super::{PostgresStore, connection::Connection, failure::Failure, run, waiting};
use crate::{
    record::read,
    waiting::{Found, Waiting},
};

#[async_trait]
impl PushedRequests for PostgresStore {
    async fn add_pushed_request(
        &self,
        request: PushedRequest,
        bound: &WaitingBound,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        run!(self, "add_pushed_request", add, &request, bound, now)
    }

    async fn has_place_for_pushed_request(
        &self,
        client_id: &ClientId,
        bound: &WaitingBound,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let rows = Waiting::PushedRequests;
        let found = run!(self, "has_place", waiting::find_place, rows, client_id, bound, now)?;
        Ok(!matches!(found, Found::Nowhere))
    }

    async fn pushed_request(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Option<PushedRequest>, StoreError> {
        run!(self, "pushed_request", find, hash, now)
    }

    async fn hold_pushed_request(
        &self,
        hash: TokenHash,
        held: FirstVisit,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        run!(self, "hold_pushed_request", hold, hash, &held, until)
    }

    async fn consume_pushed_request(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        run!(self, "consume_pushed_request", consume, hash, now)
    }
}

/// Adds a request, unless it has no place.
async fn add(
    connection: &Connection,
    request: &PushedRequest,
    bound: &WaitingBound,
    now: Timestamp,
) -> Result<bool, Failure> {
    let rows = Waiting::PushedRequests;
    let place = waiting::find_place(connection, rows, &request.client_id, bound, now).await?;
    if matches!(place, Found::Nowhere) {
        return Ok(false);
    }
    let own = bound.origin.as_ref();
    let origin = own.map(|own| own.origin.as_bytes().as_slice());
    let site = own.and_then(|own| own.site.as_ref()).map(|site| site.as_bytes().as_slice());
    connection
        .execute(
            "INSERT INTO pushed_requests (hash, client_id, params, expires_at, held, origin, site)
             VALUES ($1, $2, $3, $4, false, $5, $6)",
            &[
                &request.hash.as_bytes().as_slice(),
                &request.client_id.as_str(),
                &request.params,
                &request.expires_at.seconds(),
                &origin,
                &site,
            ],
        )
        .await?;
    if let Found::InPlaceOf(zone) = place {
        waiting::make_room(connection, rows, &request.client_id, &zone, now).await?;
    }
    Ok(true)
}

/// The request with this hash, unless it has expired.
async fn find(
    connection: &Connection,
    hash: TokenHash,
    now: Timestamp,
) -> Result<Option<PushedRequest>, Failure> {
    connection
        .first(
            "SELECT client_id, params, expires_at, held, held_session FROM pushed_requests
             WHERE hash = $1 AND expires_at > $2",
            &[&hash.as_bytes().as_slice(), &now.seconds()],
            |row| read::pushed_request(row, hash),
        )
        .await
}

/// Sets when a request expires, unless it is held already.
async fn hold(
    connection: &Connection,
    hash: TokenHash,
    held: &FirstVisit,
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

/// Removes a request. Returns whether it was there and had not expired.
async fn consume(
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
