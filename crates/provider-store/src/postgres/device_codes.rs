//! Rows of device codes (RFC 8628): the device polls by the device code, the user answers by the
//! user code.

use async_trait::async_trait;
use doorward_protocol::ids::{ClientId, SessionId, Sub};
use doorward_provider::{
    model::{
        device_code::{DeviceAnswer, DeviceCode, DevicePoll, DeviceRequest},
        grant::{Grant, RefreshToken},
        throttle::WaitingBound,
        time::Timestamp,
        token_handle::TokenHash,
        user_code::UserCodeHash,
    },
    store::{AddedDeviceCode, DeviceCodes, StoreError},
};

use super::{
    PostgresStore,
    connection::Connection,
    failure::Failure,
    grants::{self, adding_a_grant},
    run,
    sessions::{self, alive},
    waiting,
};
use crate::{
    record::{GrantRow, encode_answer, read, read::PolledRequest},
    row::{Row as _, to_json},
    rules::{self},
    waiting::{Found, Waiting},
};

#[async_trait]
impl DeviceCodes for PostgresStore {
    async fn add_device_code(
        &self,
        code: DeviceCode,
        bound: &WaitingBound,
        now: Timestamp,
    ) -> Result<AddedDeviceCode, StoreError> {
        let request = to_json(&code.request, "device_codes.request")?;
        run!(self, "add_device_code", add, &code, &request, bound, now)
    }

    async fn claim_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &Sub,
        now: Timestamp,
    ) -> Result<Option<DeviceRequest>, StoreError> {
        run!(self, "claim_device_code", claim, user_code, sub, now)
    }

    async fn claimed_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &Sub,
        now: Timestamp,
    ) -> Result<Option<DeviceRequest>, StoreError> {
        run!(self, "claimed_device_code", claimed, user_code, sub, now)
    }

    async fn answer_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &Sub,
        sid: &SessionId,
        answer: DeviceAnswer,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let encoded = encode_answer(&answer)?;
        run!(self, "answer_device_code", record_answer, user_code, sub, sid, &encoded, now)
    }

    async fn poll_device_code(
        &self,
        hash: TokenHash,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<DevicePoll, StoreError> {
        run!(self, "poll_device_code", poll, hash, client_id, now)
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
        run!(self, "redeem_device_code", redeem, hash, &grant, refresh_token.as_ref(), limit, now)
    }
}

/// Adds a request, unless its user code is taken or it has no place. `request` is what the device
/// asks for as JSON.
async fn add(
    connection: &Connection,
    code: &DeviceCode,
    request: &str,
    bound: &WaitingBound,
    now: Timestamp,
) -> Result<AddedDeviceCode, Failure> {
    let rows = Waiting::DeviceCodes;
    let client_id = &code.request.client_id;
    let place = waiting::find_place(connection, rows, client_id, bound, now).await?;
    if matches!(place, Found::Nowhere) {
        return Ok(AddedDeviceCode::TooMany);
    }
    let own = bound.origin.as_ref();
    let origin = own.map(|own| own.origin.as_bytes().as_slice());
    let site = own.and_then(|own| own.site.as_ref()).map(|site| site.as_bytes().as_slice());
    let added = connection
        .execute(
            "INSERT INTO device_codes (hash, user_code, client_id, request, expires_at,
                 poll_interval, origin, site)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (user_code) DO NOTHING",
            &[
                &code.hash.as_bytes().as_slice(),
                &code.user_code.as_bytes().as_slice(),
                &client_id.as_str(),
                &request,
                &code.expires_at.seconds(),
                &i64::from(code.interval),
                &origin,
                &site,
            ],
        )
        .await?;
    if added == 0 {
        return Ok(AddedDeviceCode::UserCodeTaken);
    }
    if let Found::InPlaceOf(zone) = place {
        waiting::make_room(connection, rows, client_id, &zone, now).await?;
    }
    Ok(AddedDeviceCode::Added)
}

/// Makes a request that waits this user's to answer.
async fn claim(
    connection: &Connection,
    user_code: UserCodeHash,
    sub: &Sub,
    now: Timestamp,
) -> Result<Option<DeviceRequest>, Failure> {
    connection
        .first(
            "UPDATE device_codes SET claimed_by = $2 WHERE user_code = $1 AND answer IS NULL
                AND expires_at > $3
             RETURNING request",
            &[&user_code.as_bytes().as_slice(), &sub.as_str(), &now.seconds()],
            |row| row.json(0, "device_codes.request"),
        )
        .await
}

/// The request, if it is this user's to answer and still waits.
async fn claimed(
    connection: &Connection,
    user_code: UserCodeHash,
    sub: &Sub,
    now: Timestamp,
) -> Result<Option<DeviceRequest>, Failure> {
    connection
        .first(
            "SELECT request FROM device_codes
             WHERE user_code = $1 AND claimed_by = $2 AND answer IS NULL AND expires_at > $3",
            &[&user_code.as_bytes().as_slice(), &sub.as_str(), &now.seconds()],
            |row| row.json(0, "device_codes.request"),
        )
        .await
}

/// Answers a request once, in a session that lives; `answer` is encoded.
async fn record_answer(
    connection: &Connection,
    user_code: UserCodeHash,
    sub: &Sub,
    sid: &SessionId,
    answer: &str,
    now: Timestamp,
) -> Result<bool, Failure> {
    let answered = connection
        .execute(
            concat!(
                "UPDATE device_codes SET answer = $3
                 WHERE user_code = $1 AND claimed_by = $2 AND answer IS NULL AND expires_at > $4
                   AND EXISTS (",
                alive!("$5"),
                ")"
            ),
            &[
                &user_code.as_bytes().as_slice(),
                &sub.as_str(),
                &answer,
                &now.seconds(),
                &sid.as_str(),
            ],
        )
        .await?;
    let in_vain = answered == 0 && claimed(connection, user_code, sub, now).await?.is_some();
    if in_vain && sessions::lives(connection, sid).await? {
        // The session went on under another cookie just now.
        return Err(Failure::Overtaken);
    }
    Ok(answered > 0)
}

/// The state of a request. A poll of a waiting request is counted; parallel polls wait for each
/// other.
async fn poll(
    connection: &Connection,
    hash: TokenHash,
    client_id: &ClientId,
    now: Timestamp,
) -> Result<DevicePoll, Failure> {
    let hash = hash.as_bytes().as_slice();
    connection.begin().await?;
    let found = connection
        .first(
            "SELECT expires_at, poll_interval, polled_at, answer FROM device_codes
         WHERE hash = $1 AND client_id = $2 FOR UPDATE",
            &[&hash, &client_id.as_str()],
            read::polled_request,
        )
        .await?;
    let outcome = match found {
        None => DevicePoll::Unknown,
        Some(request) if now >= request.expires_at => DevicePoll::Expired,
        Some(PolledRequest { answer: Some(DeviceAnswer::Denied), .. }) => DevicePoll::Denied,
        Some(PolledRequest { answer: Some(DeviceAnswer::Allowed(grant)), .. }) => {
            DevicePoll::Allowed(grant)
        }
        Some(PolledRequest { interval, polled_at, answer: None, .. }) => {
            let slowed_down = rules::slowed_down(interval, polled_at, now);
            connection
                .execute(
                    "UPDATE device_codes SET polled_at = $2, poll_interval = $3 WHERE hash = $1",
                    &[&hash, &now.seconds(), &i64::from(slowed_down.unwrap_or(interval))],
                )
                .await?;
            if slowed_down.is_some() { DevicePoll::SlowDown } else { DevicePoll::Pending }
        }
    };
    connection.commit().await?;
    Ok(outcome)
}

/// Redeems the code of an allowed request once.
async fn redeem(
    connection: &Connection,
    hash: TokenHash,
    grant: &GrantRow,
    refresh_token: Option<&RefreshToken>,
    limit: u32,
    now: Timestamp,
) -> Result<bool, Failure> {
    let take = adding_a_grant!(
        "DELETE FROM device_codes WHERE hash = $13 AND answer <> '' AND expires_at > $14
            RETURNING 1"
    );
    let hash = hash.as_bytes().as_slice();
    grants::add_because(connection, take, grant, refresh_token, limit, &[&hash, &now.seconds()])
        .await
}

/// Reads what this user called up: any user may ask for this at any time.
pub(super) const FORGET_ALLOWED: &str = "DELETE FROM device_codes WHERE claimed_by = $1
    AND answer <> '' AND client_id = coalesce($2, client_id)";

/// Forgets what a user allowed devices that have not fetched their tokens yet: those of one client,
/// or of all. A device that is about to fetch them is waited for: what it gets, a later statement
/// finds among the grants.
pub(super) async fn forget_allowed(
    connection: &Connection,
    sub: &Sub,
    client_id: Option<&ClientId>,
) -> Result<(), Failure> {
    connection.execute(FORGET_ALLOWED, &[&sub.as_str(), &client_id.map(ClientId::as_str)]).await?;
    Ok(())
}
