//! Places for what waits for its users: pushed requests, and device codes, of one client.

use doorward_protocol::ids::ClientId;
use doorward_provider::model::{
    throttle::{ThrottleKey, WaitingBound},
    time::Timestamp,
};

use super::{connection::Connection, failure::Failure};
use crate::{
    row::Row as _,
    waiting::{Counted, Place, Waiting},
};

/// Whether a further request would find a place. Nothing is changed.
pub(super) async fn has_place(
    connection: &Connection,
    waiting: Waiting,
    client_id: &ClientId,
    bound: &WaitingBound,
    now: Timestamp,
) -> Result<bool, Failure> {
    let counted = count(connection, waiting, client_id, bound, now).await?;
    Ok(match counted.place(bound) {
        Place::Free => true,
        Place::Refused => false,
        Place::Taken => {
            let zone = makes_room(connection, waiting, client_id, (counted, bound), now);
            zone.await?.is_some()
        }
    })
}

/// Whether there is a place now for a further request. If the client has as many as it may, one of
/// the address or site that holds most is removed.
pub(super) async fn take_place(
    connection: &Connection,
    waiting: Waiting,
    client_id: &ClientId,
    bound: &WaitingBound,
    now: Timestamp,
) -> Result<bool, Failure> {
    let counted = count(connection, waiting, client_id, bound, now).await?;
    match counted.place(bound) {
        Place::Free => return Ok(true),
        Place::Refused => return Ok(false),
        Place::Taken => {}
    }
    let zone = makes_room(connection, waiting, client_id, (counted, bound), now).await?;
    let Some(zone) = zone else { return Ok(false) };
    let table = waiting.table();
    let sql = format!(
        "DELETE FROM {table} WHERE hash = (
             SELECT hash FROM {table}
             WHERE client_id = $1 AND expires_at > $2 AND coalesce(site, origin) = $3
             ORDER BY expires_at LIMIT 1)"
    );
    connection.execute(&sql, &[&client_id.as_str(), &now.seconds(), &zone]).await?;
    Ok(true)
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

/// The address or site that holds most of the client's, if it makes room.
async fn makes_room(
    connection: &Connection,
    waiting: Waiting,
    client_id: &ClientId,
    (counted, bound): (Counted, &WaitingBound),
    now: Timestamp,
) -> Result<Option<Vec<u8>>, Failure> {
    let table = waiting.table();
    let sql = format!(
        "SELECT coalesce(site, origin), count(*) FROM {table}
         WHERE client_id = $1 AND expires_at > $2 AND origin IS NOT NULL
         GROUP BY 1 ORDER BY 2 DESC LIMIT 1"
    );
    let largest = connection
        .first(&sql, &[&client_id.as_str(), &now.seconds()], |row| {
            Ok((row.bytes(0, "waiting.site")?.to_vec(), row.integer(1, "waiting.count")?))
        })
        .await?;
    Ok(largest.filter(|(_, held)| counted.is_less_than(*held, bound)).map(|(zone, _)| zone))
}
