//! Places for what waits for its users: pushed requests, and device codes, of one client.

use doorward_protocol::ids::ClientId;
use doorward_provider::model::{
    throttle::{ThrottleKey, WaitingBound},
    time::Timestamp,
};

use super::{connection::Connection, failure::Failure};
use crate::{
    row::Row as _,
    waiting::{Counted, Found, Place, Waiting},
};

/// Where a further request of this client goes. Nothing is changed.
pub(super) async fn find_place(
    connection: &Connection,
    waiting: Waiting,
    client_id: &ClientId,
    bound: &WaitingBound,
    now: Timestamp,
) -> Result<Found, Failure> {
    let counted = count(connection, waiting, client_id, bound, now).await?;
    Ok(match counted.place(bound) {
        Place::Free => Found::Free,
        Place::Refused => Found::Nowhere,
        Place::Taken => {
            let (zone, held) =
                largest(connection, waiting, client_id, now).await?.unwrap_or_default();
            if counted.is_less_than(held, bound) { Found::InPlaceOf(zone) } else { Found::Nowhere }
        }
    })
}

/// Removes one of this address or site, whose place another request has taken.
pub(super) async fn make_room(
    connection: &Connection,
    waiting: Waiting,
    client_id: &ClientId,
    zone: &[u8],
    now: Timestamp,
) -> Result<(), Failure> {
    let (table, order) = (waiting.table(), waiting.order());
    let sql = format!(
        "DELETE FROM {table} WHERE hash = (
             SELECT hash FROM {table}
             WHERE client_id = $1 AND expires_at > $2 AND coalesce(site, origin) = $3
             ORDER BY {order} LIMIT 1 FOR UPDATE SKIP LOCKED)"
    );
    connection.execute(&sql, &[&client_id.as_str(), &now.seconds(), &zone]).await?;
    Ok(())
}

async fn count(
    connection: &Connection,
    waiting: Waiting,
    client_id: &ClientId,
    bound: &WaitingBound,
    now: Timestamp,
) -> Result<Counted, Failure> {
    let table = waiting.table();
    let sql = format!(
        "SELECT (SELECT count(*) FROM {table} WHERE origin = $3 AND expires_at > $2),
                (SELECT count(*) FROM {table} WHERE site = $4 AND expires_at > $2),
                EXISTS (SELECT 1 FROM {table} WHERE client_id = $1 AND expires_at > $2
                        LIMIT 1 OFFSET $5)"
    );
    let own = bound.origin.as_ref();
    let origin = own.map(|own| own.origin.as_bytes().as_slice());
    let site = own.and_then(|own| own.site.as_ref()).map(ThrottleKey::as_bytes);
    let site = site.map(<[u8; 32]>::as_slice);
    let others = i64::from(bound.most.saturating_sub(1));
    let counted = connection
        .first(&sql, &[&client_id.as_str(), &now.seconds(), &origin, &site, &others], |row| {
            Ok(Counted {
                of_origin: row.integer(0, "waiting.origin")?,
                of_site: row.integer(1, "waiting.site")?,
                is_full: row.boolean(2, "waiting.client_id")?,
            })
        })
        .await?;
    Ok(counted.unwrap_or(Counted { of_origin: 0, of_site: 0, is_full: true }))
}

/// The address or site that holds most of the client's, and how many.
async fn largest(
    connection: &Connection,
    waiting: Waiting,
    client_id: &ClientId,
    now: Timestamp,
) -> Result<Option<(Vec<u8>, i64)>, Failure> {
    let table = waiting.table();
    let sql = format!(
        "SELECT coalesce(site, origin), count(*) FROM {table}
         WHERE client_id = $1 AND expires_at > $2 AND origin IS NOT NULL
         GROUP BY 1 ORDER BY 2 DESC LIMIT 1"
    );
    connection
        .first(&sql, &[&client_id.as_str(), &now.seconds()], |row| {
            Ok((row.bytes(0, "waiting.site")?.to_vec(), row.integer(1, "waiting.count")?))
        })
        .await
}
