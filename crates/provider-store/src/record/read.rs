//! Readers of entities, for the rows of either database. Each names the columns that it expects, in
//! their order.

use std::sync::{Arc, LazyLock};

use doorward_provider::{
    model::{
        account_event::{AccountEvent, AccountEventKind, KeptEvent},
        client_access::{ClientAccess, Use},
        consent::Consent,
        device_code::DeviceAnswer,
        external_identity::{ExternalId, StoredIdentity},
        factor::{FactorSummary, StoredPasskey, StoredTotp},
        grant::{Grant, RefreshToken, RefreshTokenState},
        group::{Group, StoredGroup},
        idempotency::KeptAnswer,
        logout_notice::LogoutNotice,
        outbox::{MailKind, OutboxMail, QueuedMail},
        password::PasswordHash,
        pushed_request::{FirstVisit, PushedRequest},
        registration::{RegisteredClient, RegistrationToken},
        session::{Authentication, Device, Session, UpstreamSession},
        signing_key::{SealedKey, StoredKey},
        stored_client::StoredClient,
        stored_identity_provider::{CredentialKind, SealedCredential, StoredIdentityProvider},
        throttle::FailedSignIns,
        ticket::{Ticket, TicketPurpose},
        time::Timestamp,
        token_handle::{SuccessorSeed, TokenHash},
        user::{User, UserClaims},
        user_query::{UserCounts, UserCursor},
    },
    store::{FoundMember, RefreshTokenRecord},
};

use super::json_cache::JsonCache;
use crate::{
    row::{ColumnError, Row, from_json},
    rules::Consumed,
};

/// Reads a password hash; `None` for a user without a password.
pub(crate) fn password_hash(
    row: &impl Row,
    index: usize,
) -> Result<Option<PasswordHash>, ColumnError> {
    let hash = row.optional_string(index, "users.password_hash")?;
    hash.map(PasswordHash::stored)
        .transpose()
        .map_err(|_| ColumnError::Unreadable("users.password_hash"))
}

/// Reads `sub, username, password_hash, enabled, claims`, the contents of the groups, and the
/// mapped claims, each of which is NULL without any, starting at the column `from`.
pub(crate) fn user(row: &impl Row, from: usize) -> Result<User, ColumnError> {
    static CLAIMS: LazyLock<JsonCache<UserClaims>> = LazyLock::new(JsonCache::default);
    static GROUPS: LazyLock<JsonCache<Vec<Group>>> = LazyLock::new(JsonCache::default);
    static MAPPED: LazyLock<JsonCache<Vec<UserClaims>>> = LazyLock::new(JsonCache::default);
    let groups = row.optional_text(from + 5, "user_groups.content")?;
    let mapped = row.optional_text(from + 6, "external_identities.mapped")?;
    Ok(User {
        sub: row.id(from, "users.sub")?,
        username: row.string(from + 1, "users.username")?,
        password_hash: password_hash(row, from + 2)?,
        enabled: row.boolean(from + 3, "users.enabled")?,
        claims: CLAIMS.parse(row.text(from + 4, "users.claims")?, "users.claims")?,
        groups: match groups {
            Some(groups) => GROUPS.parse(groups, "user_groups.content")?,
            None => Arc::default(),
        },
        mapped: match mapped {
            Some(mapped) => MAPPED.parse(mapped, "external_identities.mapped")?,
            None => Arc::default(),
        },
    })
}

/// Reads `request, answer` of a key: whether the request is this one, and its answer.
pub(crate) fn kept_answer(
    row: &impl Row,
    request: [u8; 32],
) -> Result<(bool, KeptAnswer), ColumnError> {
    let is_same = row.bytes(0, "idempotency_keys.request")? == request;
    let answer = row.optional_bytes(1, "idempotency_keys.answer")?;
    let kept = |bytes: &[u8]| KeptAnswer::Sealed(SealedKey::from_bytes(bytes.to_vec()));
    Ok((is_same, answer.map_or(KeptAnswer::None, kept)))
}

/// Reads how many users there are, and how many of them are disabled.
pub(crate) fn user_counts(row: &impl Row) -> Result<UserCounts, ColumnError> {
    let number = |index| {
        u64::try_from(row.integer(index, "users.count")?)
            .map_err(|_| ColumnError::Unreadable("users.count"))
    };
    Ok(UserCounts { users: number(0)?, disabled: number(1)? })
}

/// Reads `hash, purpose, sub, about, data, expires_at`.
pub(crate) fn ticket(row: &impl Row) -> Result<Ticket, ColumnError> {
    let purpose = TicketPurpose::parse(row.text(1, "tickets.purpose")?);
    Ok(Ticket {
        hash: row.hash(0, "tickets.hash")?,
        purpose: purpose.ok_or(ColumnError::Unreadable("tickets.purpose"))?,
        sub: row.optional_id(2, "tickets.sub")?,
        about: row.optional_string(3, "tickets.about")?,
        data: row.json(4, "tickets.data")?,
        expires_at: row.timestamp(5, "tickets.expires_at")?,
    })
}

/// Reads `id, recipient, kind, language, data, sub, created_at, expires_at, attempts, due_at,
/// error, client_id`.
pub(crate) fn mail(row: &impl Row) -> Result<QueuedMail, ColumnError> {
    let kind = MailKind::parse(row.text(2, "outbox.kind")?);
    Ok(QueuedMail {
        mail: OutboxMail {
            id: row.string(0, "outbox.id")?,
            to: row.string(1, "outbox.recipient")?,
            kind: kind.ok_or(ColumnError::Unreadable("outbox.kind"))?,
            language: row.string(3, "outbox.language")?,
            data: row.json(4, "outbox.data")?,
            sub: row.optional_id(5, "outbox.sub")?,
            client_id: row.optional_id(11, "outbox.client_id")?,
            created_at: row.timestamp(6, "outbox.created_at")?,
            expires_at: row.timestamp(7, "outbox.expires_at")?,
        },
        attempts: row.count(8, "outbox.attempts")?,
        due_at: row.timestamp(9, "outbox.due_at")?,
        error: row.optional_string(10, "outbox.error")?,
    })
}

/// Reads `number, sub, at, kind, address, browser, detail`.
pub(crate) fn account_event(row: &impl Row) -> Result<KeptEvent, ColumnError> {
    let kind = AccountEventKind::parse(row.text(3, "account_events.kind")?);
    Ok(KeptEvent {
        number: row.integer(0, "account_events.number")?,
        event: AccountEvent {
            sub: row.id(1, "account_events.sub")?,
            at: row.timestamp(2, "account_events.at")?,
            kind: kind.ok_or(ColumnError::Unreadable("account_events.kind"))?,
            device: Device {
                address: row.optional_string(4, "account_events.address")?,
                browser: row.optional_string(5, "account_events.browser")?,
            },
            detail: row.optional_string(6, "account_events.detail")?,
        },
    })
}

/// Reads `content, version`.
pub(crate) fn group(row: &impl Row) -> Result<StoredGroup, ColumnError> {
    Ok(StoredGroup {
        group: row.json(0, "user_groups.content")?,
        version: row.integer(1, "user_groups.version")?,
    })
}

/// Reads `sub` and `username` of a membership, and `username` of the user.
pub(crate) fn member(row: &impl Row) -> Result<FoundMember, ColumnError> {
    let (sub, key) = (row.id(0, "group_members.sub")?, row.string(1, "group_members.username")?);
    let username = row.string(2, "users.username")?;
    Ok(FoundMember { username, cursor: UserCursor { key, sub } })
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
        client_id: row.id(0, "clients.client_id")?,
        settings: row.json(1, "clients.settings")?,
        configured: row.boolean(2, "clients.configured")?,
    })
}

/// Reads `client_id, metadata, secret, management, issued_at, used, expires_at`.
pub(crate) fn registered_client(row: &impl Row) -> Result<RegisteredClient, ColumnError> {
    let secret = row.optional_bytes32(2, "registered_clients.secret")?;
    Ok(RegisteredClient {
        client_id: row.id(0, "registered_clients.client_id")?,
        metadata: row.json(1, "registered_clients.metadata")?,
        secret: secret.map(TokenHash::from_bytes),
        management: row.hash(3, "registered_clients.management")?,
        issued_at: row.timestamp(4, "registered_clients.issued_at")?,
        used: row.boolean(5, "registered_clients.used")?,
        expires_at: row.timestamp(6, "registered_clients.expires_at")?,
    })
}

/// Reads `id, hash, note, uses_left, expires_at`.
pub(crate) fn registration_token(row: &impl Row) -> Result<RegistrationToken, ColumnError> {
    Ok(RegistrationToken {
        id: row.string(0, "registration_tokens.id")?,
        hash: row.hash(1, "registration_tokens.hash")?,
        note: row.optional_string(2, "registration_tokens.note")?,
        uses_left: row.count(3, "registration_tokens.uses_left")?,
        expires_at: row.timestamp(4, "registration_tokens.expires_at")?,
    })
}

/// Reads `issuer, subject, sub, provider, shown, mapped, created_at, used_at`.
pub(crate) fn identity(row: &impl Row) -> Result<StoredIdentity, ColumnError> {
    Ok(StoredIdentity {
        id: ExternalId {
            issuer: row.id(0, "external_identities.issuer")?,
            subject: row.id(1, "external_identities.subject")?,
        },
        sub: row.id(2, "external_identities.sub")?,
        provider: row.id(3, "external_identities.provider")?,
        shown: row.optional_string(4, "external_identities.shown")?,
        mapped: row.json(5, "external_identities.mapped")?,
        created_at: row.timestamp(6, "external_identities.created_at")?,
        used_at: row.optional_timestamp(7, "external_identities.used_at")?,
    })
}

/// Reads `cookie_hash, sub, auth_time, amr, sid, expires_at, address, browser, upstream_issuer,
/// upstream_subject, upstream_sid`.
pub(crate) fn session(row: &impl Row) -> Result<Session, ColumnError> {
    let issuer = row.optional_id(8, "sessions.upstream_issuer")?;
    let id = issuer.zip(row.optional_id(9, "sessions.upstream_subject")?);
    let upstream_sid = row.optional_string(10, "sessions.upstream_sid")?;
    Ok(Session {
        upstream: id.map(|(issuer, subject)| UpstreamSession {
            id: ExternalId { issuer, subject },
            sid: upstream_sid,
        }),
        cookie_hash: row.hash(0, "sessions.cookie_hash")?,
        authentication: Authentication {
            sub: row.id(1, "sessions.sub")?,
            auth_time: row.timestamp(2, "sessions.auth_time")?,
            amr: row.json(3, "sessions.amr")?,
            sid: row.id(4, "sessions.sid")?,
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
        client_id: row.id(0, "grants.client_id")?,
        scope: scope.parse().map_err(|_| ColumnError::Unreadable("grants.scope"))?,
        used: times.map(|(since, last)| Use { since, last }),
    })
}

/// Reads `id, client_id, sub, sid, attempts`.
pub(crate) fn logout_notice(row: &impl Row) -> Result<LogoutNotice, ColumnError> {
    Ok(LogoutNotice {
        id: row.integer(0, "logout_notices.id")?,
        client_id: row.id(1, "logout_notices.client_id")?,
        sub: row.id(2, "logout_notices.sub")?,
        sid: row.id(3, "logout_notices.sid")?,
        attempts: row.count(4, "logout_notices.attempts")?,
    })
}

/// Reads `client_id, params, expires_at, held, held_session`.
pub(crate) fn pushed_request(
    row: &impl Row,
    hash: TokenHash,
) -> Result<PushedRequest, ColumnError> {
    let session = row.optional_bytes32(4, "pushed_requests.held_session")?;
    let held = FirstVisit { session: session.map(TokenHash::from_bytes) };
    Ok(PushedRequest {
        hash,
        client_id: row.id(0, "pushed_requests.client_id")?,
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

/// Reads `name, settings, credential, sealed` of an identity provider.
pub(crate) fn identity_provider(row: &impl Row) -> Result<StoredIdentityProvider, ColumnError> {
    const KIND: &str = "identity_providers.credential";
    let kind = CredentialKind::parse(row.text(2, KIND)?).ok_or(ColumnError::Unreadable(KIND))?;
    let sealed = SealedKey::from_bytes(row.bytes(3, "identity_providers.sealed")?.to_vec());
    Ok(StoredIdentityProvider {
        name: row.id(0, "identity_providers.name")?,
        settings: row.json(1, "identity_providers.settings")?,
        credential: SealedCredential { kind, sealed },
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

/// Reads since when there is an authenticator app, how many recovery codes are left, how many
/// passkeys there are, and how many identities.
pub(crate) fn factor_summary(row: &impl Row) -> Result<FactorSummary, ColumnError> {
    Ok(FactorSummary {
        totp_since: row.optional_timestamp(0, "totp.created_at")?,
        recovery_codes: row.count(1, "recovery_codes.count")?,
        passkeys: row.count(2, "passkeys.count")?,
        identities: row.count(3, "external_identities.count")?,
    })
}

/// Reads `sub, confirmed, secret, last_step, failures, created_at`.
pub(crate) fn totp(row: &impl Row) -> Result<StoredTotp, ColumnError> {
    Ok(StoredTotp {
        sub: row.id(0, "totp.sub")?,
        confirmed: row.boolean(1, "totp.confirmed")?,
        secret: SealedKey::from_bytes(row.bytes(2, "totp.secret")?.to_vec()),
        last_step: row.integer(3, "totp.last_step")?,
        failures: row.count(4, "totp.failures")?,
        created_at: row.timestamp(5, "totp.created_at")?,
    })
}

/// Reads `credential_id, sub, user_handle, name, credential, counter, backup_eligible, backed_up,
/// created_at, used_at`.
pub(crate) fn passkey(row: &impl Row) -> Result<StoredPasskey, ColumnError> {
    Ok(StoredPasskey {
        credential_id: row.bytes(0, "passkeys.credential_id")?.to_vec(),
        sub: row.id(1, "passkeys.sub")?,
        user_handle: row.bytes(2, "passkeys.user_handle")?.to_vec(),
        name: row.string(3, "passkeys.name")?,
        credential: row.string(4, "passkeys.credential")?,
        counter: row.count(5, "passkeys.counter")?,
        backup_eligible: row.boolean(6, "passkeys.backup_eligible")?,
        backed_up: row.boolean(7, "passkeys.backed_up")?,
        created_at: row.timestamp(8, "passkeys.created_at")?,
        used_at: row.optional_timestamp(9, "passkeys.used_at")?,
    })
}
