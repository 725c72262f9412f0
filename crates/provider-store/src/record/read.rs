//! Readers of entities, for the rows of either database. Each names the columns that it expects, in
//! their order.

use std::sync::{Arc, LazyLock};

use doorward_provider::{
    model::{
        client_access::{ClientAccess, Use},
        consent::Consent,
        device_code::DeviceAnswer,
        grant::{Grant, RefreshToken, RefreshTokenState},
        logout_notice::LogoutNotice,
        password::PasswordHash,
        pushed_request::{Held, PushedRequest},
        session::{Authentication, Device, Session},
        signing_key::{SealedKey, StoredKey},
        stored_client::StoredClient,
        throttle::FailedSignIns,
        time::Timestamp,
        token_handle::{SuccessorSeed, TokenHash},
        user::{User, UserClaims},
    },
    store::RefreshTokenRecord,
};

use super::json_cache::JsonCache;
use crate::{
    row::{ColumnError, Row, from_json},
    rules::Consumed,
};

/// Reads `sub, username, password_hash, enabled, claims`, starting at the column `from`.
pub(crate) fn user(row: &impl Row, from: usize) -> Result<User, ColumnError> {
    static CLAIMS: LazyLock<JsonCache<UserClaims>> = LazyLock::new(JsonCache::default);
    let password_hash = PasswordHash::stored(row.string(from + 2, "users.password_hash")?)
        .map_err(|_| ColumnError::Unreadable("users.password_hash"))?;
    Ok(User {
        sub: row.string(from, "users.sub")?,
        username: row.string(from + 1, "users.username")?,
        password_hash,
        enabled: row.boolean(from + 3, "users.enabled")?,
        claims: CLAIMS.parse(row.text(from + 4, "users.claims")?, "users.claims")?,
    })
}

/// Parses the content of a grant.
pub(crate) fn grant(content: &str) -> Result<Arc<Grant>, ColumnError> {
    static GRANTS: LazyLock<JsonCache<Grant>> = LazyLock::new(JsonCache::default);
    GRANTS.parse(content, "grants.content")
}

/// Parses the answer to a device: a grant as JSON, or an empty text for a denial.
pub(crate) fn decode_answer(text: &str) -> Result<DeviceAnswer, ColumnError> {
    Ok(if text.is_empty() {
        DeviceAnswer::Denied
    } else {
        DeviceAnswer::Allowed(Box::new(from_json(text, "device_codes.answer")?))
    })
}

/// Reads `client_id, settings, configured`.
pub(crate) fn client(row: &impl Row) -> Result<StoredClient, ColumnError> {
    Ok(StoredClient {
        client_id: row.string(0, "clients.client_id")?,
        settings: row.json(1, "clients.settings")?,
        configured: row.boolean(2, "clients.configured")?,
    })
}

/// Reads `cookie_hash, sub, auth_time, amr, sid, expires_at, address, browser`.
pub(crate) fn session(row: &impl Row) -> Result<Session, ColumnError> {
    Ok(Session {
        cookie_hash: row.hash(0, "sessions.cookie_hash")?,
        authentication: Authentication {
            sub: row.string(1, "sessions.sub")?,
            auth_time: row.timestamp(2, "sessions.auth_time")?,
            amr: row.json(3, "sessions.amr")?,
            sid: row.string(4, "sessions.sid")?,
        },
        expires_at: row.timestamp(5, "sessions.expires_at")?,
        device: Device {
            address: row.optional_string(6, "sessions.address")?,
            browser: row.optional_string(7, "sessions.browser")?,
        },
    })
}

/// Reads `client_id, scope, created_at, used_at`; the last two are NULL for a consent.
pub(crate) fn access(row: &impl Row) -> Result<ClientAccess, ColumnError> {
    let created_at = row.optional_timestamp(2, "grants.created_at")?;
    let times = created_at.zip(row.optional_timestamp(3, "grants.used_at")?);
    let scope = row.text(1, "grants.scope")?;
    Ok(ClientAccess {
        client_id: row.string(0, "grants.client_id")?,
        scope: scope.parse().map_err(|_| ColumnError::Unreadable("grants.scope"))?,
        used: times.map(|(since, last)| Use { since, last }),
    })
}

/// Reads `id, client_id, sub, sid, attempts`.
pub(crate) fn logout_notice(row: &impl Row) -> Result<LogoutNotice, ColumnError> {
    Ok(LogoutNotice {
        id: row.integer(0, "logout_notices.id")?,
        client_id: row.string(1, "logout_notices.client_id")?,
        sub: row.string(2, "logout_notices.sub")?,
        sid: row.string(3, "logout_notices.sid")?,
        attempts: row.count(4, "logout_notices.attempts")?,
    })
}

/// Reads `client_id, params, expires_at, held, held_session`.
pub(crate) fn pushed_request(
    row: &impl Row,
    hash: TokenHash,
) -> Result<PushedRequest, ColumnError> {
    let session = row.optional_bytes32(4, "pushed_requests.held_session")?;
    let held = Held { session: session.map(TokenHash::from_bytes) };
    Ok(PushedRequest {
        hash,
        client_id: row.string(0, "pushed_requests.client_id")?,
        params: row.string(1, "pushed_requests.params")?,
        expires_at: row.timestamp(2, "pushed_requests.expires_at")?,
        held: row.boolean(3, "pushed_requests.held")?.then_some(held),
    })
}

/// Reads `scope, expires_at`.
pub(crate) fn consent(row: &impl Row) -> Result<Consent, ColumnError> {
    let scope = row.text(0, "consents.scope")?;
    Ok(Consent {
        scope: scope.parse().map_err(|_| ColumnError::Unreadable("consents.scope"))?,
        expires_at: row.optional_timestamp(1, "consents.expires_at")?,
    })
}

/// Reads `kid, algorithm, activates_at, sealed`.
pub(crate) fn signing_key(row: &impl Row) -> Result<StoredKey, ColumnError> {
    let algorithm = row.text(1, "signing_keys.algorithm")?;
    Ok(StoredKey {
        kid: row.string(0, "signing_keys.kid")?,
        algorithm: algorithm
            .parse()
            .map_err(|_| ColumnError::Unreadable("signing_keys.algorithm"))?,
        activates_at: row.timestamp(2, "signing_keys.activates_at")?,
        sealed: SealedKey::from_bytes(row.bytes(3, "signing_keys.sealed")?.to_vec()),
    })
}

/// Reads a refresh token's `first_issued_at, expires_at, consumed_at, seed`, the content of its
/// grant (NULL if that is revoked), and the columns of [`user`].
pub(crate) fn refresh_token(
    row: &impl Row,
    hash: TokenHash,
) -> Result<RefreshTokenRecord, ColumnError> {
    let state = match row.optional_timestamp(2, "refresh_tokens.consumed_at")? {
        None => RefreshTokenState::Unused,
        Some(at) => RefreshTokenState::Consumed { at, seed: seed(row, 3)? },
    };
    let has_grant = row.optional_text(4, "grants.content")?.is_some();
    let has_user = row.optional_text(5, "users.sub")?.is_some();
    Ok(RefreshTokenRecord {
        token: RefreshToken {
            hash,
            first_issued_at: row.timestamp(0, "refresh_tokens.first_issued_at")?,
            expires_at: row.timestamp(1, "refresh_tokens.expires_at")?,
        },
        state,
        grant: has_grant.then(|| row.grant(4)).transpose()?,
        user: has_user.then(|| user(row, 5)).transpose()?,
    })
}

/// Reads `consumed_at, seed` and the expiry of the unused successor, starting at the column `from`;
/// `None` if the token was not consumed.
pub(crate) fn consumed(row: &impl Row, from: usize) -> Result<Option<Consumed>, ColumnError> {
    let Some(at) = row.optional_timestamp(from, "refresh_tokens.consumed_at")? else {
        return Ok(None);
    };
    let unused_successor = row.optional_timestamp(from + 2, "refresh_tokens.expires_at")?;
    Ok(Some(Consumed { at, seed: seed(row, from + 1)?, unused_successor }))
}

fn seed(row: &impl Row, index: usize) -> Result<SuccessorSeed, ColumnError> {
    Ok(SuccessorSeed::from_bytes(row.bytes32(index, "refresh_tokens.seed")?))
}

/// A device's request as a poll finds it.
pub(crate) struct PolledRequest {
    pub(crate) expires_at: Timestamp,
    pub(crate) interval: u32,
    pub(crate) polled_at: Option<Timestamp>,
    pub(crate) answer: Option<DeviceAnswer>,
}

/// Reads `expires_at, poll_interval, polled_at, answer`.
pub(crate) fn polled_request(row: &impl Row) -> Result<PolledRequest, ColumnError> {
    Ok(PolledRequest {
        expires_at: row.timestamp(0, "device_codes.expires_at")?,
        interval: row.count(1, "device_codes.poll_interval")?,
        polled_at: row.optional_timestamp(2, "device_codes.polled_at")?,
        answer: row.optional_text(3, "device_codes.answer")?.map(decode_answer).transpose()?,
    })
}

/// Reads a count of failed sign-ins and the timestamp of the last one, starting at the column
/// `from`.
pub(crate) fn failed_sign_ins(row: &impl Row, from: usize) -> Result<FailedSignIns, ColumnError> {
    Ok(FailedSignIns {
        count: row.count(from, "failed_sign_ins.failed")?,
        last: Some(row.timestamp(from + 1, "failed_sign_ins.last")?),
    })
}
