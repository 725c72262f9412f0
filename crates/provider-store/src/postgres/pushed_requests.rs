//! Rows of pushed authorization requests (RFC 9126 section 7.3: a reference is used once).

use async_trait::async_trait;
use doorward_provider::{
    model::{
        pushed_request::{FirstVisit, PushedRequest},
        throttle::OriginBound,
        time::Timestamp,
        token_handle::TokenHash,
    },
    store::{PushedRequests, StoreError},
};

use super::{PostgresStore, connection::Connection, failure::Failure, run};
use crate::record::read;

#[async_trait]
impl PushedRequests for PostgresStore {
    async fn add_pushed_request(
        &self,
        request: PushedRequest,
        bound: Option<&OriginBound>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        run!(self, "add_pushed_request", add, &request, bound, now)
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

/// Adds a request, unless too many wait for its origin.
async fn add(
    connection: &Connection,
    request: &PushedRequest,
    bound: Option<&OriginBound>,
    now: Timestamp,
) -> Result<bool, Failure> {
    let waiting = "SELECT 1 FROM pushed_requests
                   WHERE client_id = $1 AND expires_at > $2 LIMIT 1 OFFSET $3";
    connection.refuse_beyond(waiting, &request.client_id, now).await?;
    let origin = bound.map(|bound| bound.origin.as_bytes().as_slice());
    let site = bound.and_then(|bound| bound.site.as_ref()).map(|site| site.as_bytes().as_slice());
    let added = connection
        .execute(
            "INSERT INTO pushed_requests (hash, client_id, params, expires_at, held, origin, site)
             SELECT $1, $2, $3, $4, false, $5::BYTEA, $8::BYTEA
             WHERE ($5::BYTEA IS NULL OR $7::BIGINT >
                   (SELECT count(*) FROM pushed_requests WHERE origin = $5 AND expires_at > $6))
               AND ($8::BYTEA IS NULL OR $9::BIGINT >
                   (SELECT count(*) FROM pushed_requests WHERE site = $8 AND expires_at > $6))",
            &[
                &request.hash.as_bytes().as_slice(),
                &request.client_id.as_str(),
                &request.params,
                &request.expires_at.seconds(),
                &origin,
                &now.seconds(),
                &bound.map(|bound| i64::from(bound.most)),
                &site,
                &bound.map(|bound| i64::from(bound.most_of_site())),
            ],
        )
        .await?;
    Ok(added > 0)
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
