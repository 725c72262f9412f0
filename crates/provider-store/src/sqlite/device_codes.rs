//! Rows of device codes (RFC 8628): the device polls by the device code, the user answers by the
//! user code.

use async_trait::async_trait;
use doorward_protocol::ids::{ClientId, SessionId, Sub};
use doorward_provider::{
    model::{
        device_code::{DeviceAnswer, DeviceCode, DevicePoll, DeviceRequest},
        grant::{Grant, RefreshToken},
        throttle::{ThrottleKey, WaitingBound},
        time::Timestamp,
        token_handle::TokenHash,
        user_code::UserCodeHash,
    },
    store::{AddedDeviceCode, DeviceCodes, StoreError},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore,
    failure::Failure,
    grants, sessions,
    sql::{self, execute},
    waiting,
};
use crate::{
    record::{GrantRow, encode_answer, read, read::PolledRequest},
    row::{Row as _, to_json},
    rules::{self},
    waiting::{Found, Waiting},
};

#[async_trait]
impl DeviceCodes for SqliteStore {
    async fn add_device_code(
        &self,
        code: DeviceCode,
        bound: &WaitingBound,
        now: Timestamp,
    ) -> Result<AddedDeviceCode, StoreError> {
        let request = to_json(&code.request, "device_codes.request")?;
        let bound = bound.clone();
        self.write("add_device_code", move |connection| {
            add(connection, &code, &request, &bound, now)
        })
        .await
    }

    async fn claim_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &Sub,
        now: Timestamp,
    ) -> Result<Option<DeviceRequest>, StoreError> {
        let sub = sub.to_owned();
        self.write("claim_device_code", move |connection| claim(connection, user_code, &sub, now))
            .await
    }

    async fn claimed_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &Sub,
        now: Timestamp,
    ) -> Result<Option<DeviceRequest>, StoreError> {
        let sub = sub.to_owned();
        self.read("claimed_device_code", move |connection| {
            claimed(connection, user_code, &sub, now)
        })
        .await
    }

    async fn answer_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &Sub,
        sid: &SessionId,
        answer: DeviceAnswer,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (sub, sid, encoded) = (sub.to_owned(), sid.to_owned(), encode_answer(&answer)?);
        self.write("answer_device_code", move |connection| {
            record_answer(connection, user_code, &sub, &sid, &encoded, now)
        })
        .await
    }

    async fn poll_device_code(
        &self,
        hash: TokenHash,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<DevicePoll, StoreError> {
        let client_id = client_id.to_owned();
        self.write("poll_device_code", move |connection| poll(connection, hash, &client_id, now))
            .await
    }

    async fn redeem_device_code(
        &self,
        hash: TokenHash,
        grant: Grant,
        grant_expires_at: Timestamp,
        refresh_token: Option<RefreshToken>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let grant = GrantRow::encode(grant, grant_expires_at, now)?;
        let limit = self.limits.grants_per_user_and_client;
        self.write("redeem_device_code", move |connection| {
            redeem(connection, hash, &grant, refresh_token.as_ref(), limit, now)
        })
        .await
    }
}

/// Adds a request, unless its user code is taken or it has no place. `request` is what the device
/// asks for as JSON.
fn add(
    connection: &Connection,
    code: &DeviceCode,
    request: &str,
    bound: &WaitingBound,
    now: Timestamp,
) -> Result<AddedDeviceCode, Failure> {
    let rows = Waiting::DeviceCodes;
    let client_id = &code.request.client_id;
    let place = waiting::find_place(connection, rows, client_id, bound, now)?;
    if matches!(place, Found::Nowhere) {
        return Ok(AddedDeviceCode::TooMany);
    }
    let origin = bound.origin.as_ref();
    let added = execute(
        connection,
        "INSERT INTO device_codes (hash, user_code, client_id, request, expires_at,
             poll_interval, origin, site)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (user_code) DO NOTHING",
        params![
            code.hash.as_bytes(),
            code.user_code.as_bytes(),
            client_id.as_str(),
            request,
            code.expires_at.seconds(),
            code.interval.get(),
            origin.map(|own| own.origin.as_bytes()),
            origin.and_then(|own| own.site.as_ref()).map(ThrottleKey::as_bytes),
        ],
    )?;
    if added == 0 {
        return Ok(AddedDeviceCode::UserCodeTaken);
    }
    if let Found::InPlaceOf(zone) = place {
        waiting::make_room(connection, rows, client_id, &zone, now)?;
    }
    Ok(AddedDeviceCode::Added)
}

/// Makes a request that waits this user's to answer.
fn claim(
    connection: &Connection,
    user_code: UserCodeHash,
    sub: &Sub,
    now: Timestamp,
) -> Result<Option<DeviceRequest>, Failure> {
    execute(
        connection,
        "UPDATE device_codes SET claimed_by = ?2 WHERE user_code = ?1 AND answer IS NULL
            AND expires_at > ?3",
        params![user_code.as_bytes(), sub.as_str(), now.seconds()],
    )?;
    claimed(connection, user_code, sub, now)
}

/// The request, if it is this user's to answer and still waits.
fn claimed(
    connection: &Connection,
    user_code: UserCodeHash,
    sub: &Sub,
    now: Timestamp,
) -> Result<Option<DeviceRequest>, Failure> {
    sql::first(
        connection,
        "SELECT request FROM device_codes
         WHERE user_code = ?1 AND claimed_by = ?2 AND answer IS NULL AND expires_at > ?3",
        params![user_code.as_bytes(), sub.as_str(), now.seconds()],
        |row| row.json(0, "device_codes.request"),
    )
}

/// Answers a request once, in a session that lives; `answer` is encoded.
fn record_answer(
    connection: &Connection,
    user_code: UserCodeHash,
    sub: &Sub,
    sid: &SessionId,
    answer: &str,
    now: Timestamp,
) -> Result<bool, Failure> {
    if !sessions::lives(connection, sid)? {
        return Ok(false);
    }
    let answered = execute(
        connection,
        "UPDATE device_codes SET answer = ?3
         WHERE user_code = ?1 AND claimed_by = ?2 AND answer IS NULL AND expires_at > ?4",
        params![user_code.as_bytes(), sub.as_str(), answer, now.seconds()],
    )?;
    Ok(answered > 0)
}

/// The state of a request. A poll of a waiting request is counted.
fn poll(
    connection: &Connection,
    hash: TokenHash,
    client_id: &ClientId,
    now: Timestamp,
) -> Result<DevicePoll, Failure> {
    let found = sql::first(
        connection,
        "SELECT expires_at, poll_interval, polled_at, answer FROM device_codes WHERE hash = ?1
            AND client_id = ?2",
        params![hash.as_bytes(), client_id.as_str()],
        |row| read::polled_request(row),
    )?;
    match found {
        None => Ok(DevicePoll::Unknown),
        Some(request) if now >= request.expires_at => Ok(DevicePoll::Expired),
        Some(PolledRequest { answer: Some(DeviceAnswer::Denied), .. }) => Ok(DevicePoll::Denied),
        Some(PolledRequest { answer: Some(DeviceAnswer::Allowed(grant)), .. }) => {
            Ok(DevicePoll::Allowed(grant))
        }
        Some(PolledRequest { interval, polled_at, answer: None, .. }) => {
            let slowed_down = rules::slowed_down(interval, polled_at, now);
            execute(
                connection,
                "UPDATE device_codes SET polled_at = ?2, poll_interval = ?3 WHERE hash = ?1",
                params![hash.as_bytes(), now.seconds(), slowed_down.unwrap_or(interval)],
            )?;
            Ok(if slowed_down.is_some() { DevicePoll::SlowDown } else { DevicePoll::Pending })
        }
    }
}

/// Redeems the code of an allowed request once.
fn redeem(
    connection: &Connection,
    hash: TokenHash,
    grant: &GrantRow,
    refresh_token: Option<&RefreshToken>,
    limit: u32,
    now: Timestamp,
) -> Result<bool, Failure> {
    let taken = execute(
        connection,
        "DELETE FROM device_codes WHERE hash = ?1 AND answer <> '' AND expires_at > ?2",
        params![hash.as_bytes(), now.seconds()],
    )?;
    if taken > 0 {
        grants::add(connection, grant, refresh_token, limit)?;
    }
    Ok(taken > 0)
}

/// Reads what this user called up: any user may ask for this at any time.
pub(super) const FORGET_ALLOWED: &str = "DELETE FROM device_codes WHERE claimed_by = ?1
    AND answer <> '' AND client_id = ifnull(?2, client_id)";

/// Forgets what a user allowed devices that have not fetched their tokens yet: those of one client,
/// or of all.
pub(super) fn forget_allowed(
    connection: &Connection,
    sub: &Sub,
    client_id: Option<&ClientId>,
) -> Result<(), Failure> {
    execute(connection, FORGET_ALLOWED, params![sub.as_str(), client_id.map(ClientId::as_str)])?;
    Ok(())
}
