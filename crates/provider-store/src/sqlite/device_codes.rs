//! Rows of device codes (RFC 8628): the device polls by the device code, the user answers by the user code.

use doorward_provider::{
    device::{DeviceAnswer, DeviceCode, DevicePoll, DeviceRequest, UserCodeHash},
    grant::RefreshToken,
    opaque::TokenHash,
    time::Timestamp,
};
use rusqlite::{Connection, params, types::ValueRef};

use super::{
    failure::Failure,
    grants::{self, GrantRow},
    sql::{self, execute},
};

/// So many seconds longer must a device wait after each poll that came too early (section 3.5).
const SLOWER_BY: u32 = 5;
/// Moments are whole seconds, so that a device which waits to the instant may seem a second early.
const TOLERANCE: i64 = 1;

/// Adds a request unless its user code is taken. `request` is what the device asks for as JSON.
pub(super) fn add(connection: &Connection, code: &DeviceCode, request: &str) -> Result<bool, Failure> {
    let added = execute(
        connection,
        "INSERT INTO device_codes (hash, user_code, client_id, request, expires_at, interval) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (user_code) DO NOTHING",
        params![
            code.hash.as_bytes(),
            code.user_code.as_bytes(),
            code.request.client_id,
            request,
            code.expires_at.seconds(),
            code.interval
        ],
    )?;
    Ok(added > 0)
}

/// Makes a request that waits this user's to answer.
pub(super) fn claim(
    connection: &Connection,
    user_code: UserCodeHash,
    sub: &str,
    now: Timestamp,
) -> Result<Option<DeviceRequest>, Failure> {
    execute(
        connection,
        "UPDATE device_codes SET claimed_by = ?2 WHERE user_code = ?1 AND answer IS NULL AND expires_at > ?3",
        params![user_code.as_bytes(), sub, now.seconds()],
    )?;
    claimed(connection, user_code, sub, now)
}

/// The request, if it is this user's to answer and still waits.
pub(super) fn claimed(
    connection: &Connection,
    user_code: UserCodeHash,
    sub: &str,
    now: Timestamp,
) -> Result<Option<DeviceRequest>, Failure> {
    sql::first(
        connection,
        "SELECT request FROM device_codes
         WHERE user_code = ?1 AND claimed_by = ?2 AND answer IS NULL AND expires_at > ?3",
        params![user_code.as_bytes(), sub, now.seconds()],
        |row| sql::from_json(row, 0, "device_codes.request"),
    )
}

/// The answer as the column keeps it: the grant as JSON, or nothing for a denial.
pub(super) fn encode(answer: &DeviceAnswer) -> Result<String, Failure> {
    match answer {
        DeviceAnswer::Allowed(grant) => sql::to_json(grant, "device_codes.answer"),
        DeviceAnswer::Denied => Ok(String::new()),
    }
}

/// Answers a request once; `answer` is encoded.
pub(super) fn answer(
    connection: &Connection,
    user_code: UserCodeHash,
    sub: &str,
    answer: &str,
    now: Timestamp,
) -> Result<bool, Failure> {
    let answered = execute(
        connection,
        "UPDATE device_codes SET answer = ?3
         WHERE user_code = ?1 AND claimed_by = ?2 AND answer IS NULL AND expires_at > ?4",
        params![user_code.as_bytes(), sub, answer, now.seconds()],
    )?;
    Ok(answered > 0)
}

/// Where a request stands. While it waits, the poll is counted.
pub(super) fn poll(
    connection: &Connection,
    hash: TokenHash,
    client_id: &str,
    now: Timestamp,
) -> Result<DevicePoll, Failure> {
    let found = sql::first(
        connection,
        "SELECT expires_at, interval, polled_at, answer FROM device_codes WHERE hash = ?1 AND client_id = ?2",
        params![hash.as_bytes(), client_id],
        |row| {
            let answer = match row.get_ref(3)? {
                ValueRef::Null => None,
                ValueRef::Text(b"") => Some(DeviceAnswer::Denied),
                _ => Some(DeviceAnswer::Allowed(Box::new(sql::from_json(row, 3, "device_codes.answer")?))),
            };
            Ok((sql::moment(row, 0)?, row.get::<_, u32>(1)?, sql::optional_moment(row, 2)?, answer))
        },
    )?;
    match found {
        None => Ok(DevicePoll::Unknown),
        Some((expires_at, ..)) if now >= expires_at => Ok(DevicePoll::Expired),
        Some((.., Some(DeviceAnswer::Denied))) => Ok(DevicePoll::Denied),
        Some((.., Some(DeviceAnswer::Allowed(grant)))) => Ok(DevicePoll::Allowed(grant)),
        Some((_, interval, polled_at, None)) => {
            let early =
                polled_at.is_some_and(|before| (0..i64::from(interval) - TOLERANCE).contains(&now.since(before)));
            execute(
                connection,
                "UPDATE device_codes SET polled_at = ?2, interval = ?3 WHERE hash = ?1",
                params![
                    hash.as_bytes(),
                    now.seconds(),
                    if early { interval.saturating_add(SLOWER_BY) } else { interval }
                ],
            )?;
            Ok(if early { DevicePoll::SlowDown } else { DevicePoll::Pending })
        }
    }
}

/// Redeems the code of an allowed request once.
pub(super) fn redeem(
    connection: &Connection,
    hash: TokenHash,
    grant: &GrantRow,
    refresh_token: Option<&RefreshToken>,
    now: Timestamp,
) -> Result<bool, Failure> {
    let taken = execute(
        connection,
        "DELETE FROM device_codes WHERE hash = ?1 AND answer <> '' AND expires_at > ?2",
        params![hash.as_bytes(), now.seconds()],
    )?;
    if taken > 0 {
        grants::add(connection, grant, refresh_token)?;
    }
    Ok(taken > 0)
}
