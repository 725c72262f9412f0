//! The store port, each command by the file of its table.

use std::sync::Arc;

use async_trait::async_trait;
use doorward_protocol::claims::AccessTokenClaims;
use doorward_provider::{
    model::{
        client_access::ClientAccess,
        consent::Consent,
        device_code::{DeviceAnswer, DeviceCode, DevicePoll, DeviceRequest},
        grant::{AuthorizationCode, Grant, ReferenceToken, RefreshToken},
        logout_notice::LogoutNotice,
        message_identity::MessageIdentity,
        password::PasswordHash,
        pushed_request::{Held, PushedRequest},
        session::{EndedSession, Session, SessionSelector},
        signing_key::StoredKey,
        stored_client::{StoredClient, StoredClients},
        throttle::{ThrottleKey, ThrottlePolicy},
        time::Timestamp,
        token_handle::TokenHash,
        user::User,
        user_code::UserCodeHash,
    },
    store::{Redemption, RefreshTokenRecord, RotateRefreshToken, Rotation, Store, StoreError},
};

use super::{
    PostgresStore, access, clients, codes, consents, device_codes, expiry, failed_sign_ins, grants,
    logout_notices, pushed_requests, reference_tokens, refresh_tokens, schema, sessions,
    signing_keys, single_uses, users,
};
use crate::columns::{ClientRow, GrantRow, UserRow, encode_answer, to_json};

/// Runs a function of a table's file, as the command of this name, on a connection of the pool, and
/// again if the database asks for that.
macro_rules! run {
    ($store:ident, $name:literal, $command:path $(, $argument:expr)*) => {
        $store.run($name, || async { $command(&$store.connection().await? $(, $argument)*).await }).await
    };
}

#[async_trait]
impl Store for PostgresStore {
    async fn import_users(&self, users: Vec<User>, now: Timestamp) -> Result<(), StoreError> {
        run!(self, "import_users", users::import, &users, now)
    }

    async fn imported_users(&self) -> Result<Vec<User>, StoreError> {
        run!(self, "imported_users", users::imported)
    }

    async fn put_user(&self, user: User, now: Timestamp) -> Result<(), StoreError> {
        let row = UserRow::encode(user)?;
        run!(self, "put_user", users::put, &row, now)
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        run!(self, "users", users::all)
    }

    async fn remove_user(&self, sub: &str, now: Timestamp) -> Result<bool, StoreError> {
        run!(self, "remove_user", users::remove, sub, now)
    }

    async fn user_by_username(&self, normalized: &str) -> Result<Option<User>, StoreError> {
        run!(self, "user_by_username", users::by_username, normalized)
    }

    async fn user(&self, sub: &str) -> Result<Option<User>, StoreError> {
        run!(self, "user", users::by_sub, sub)
    }

    async fn clients(&self) -> Result<StoredClients, StoreError> {
        run!(self, "clients", clients::all)
    }

    async fn clients_version(&self) -> Result<i64, StoreError> {
        run!(self, "clients_version", clients::version)
    }

    async fn import_clients(&self, clients: Vec<StoredClient>) -> Result<(), StoreError> {
        let rows: Vec<_> = clients.into_iter().map(ClientRow::encode).collect::<Result<_, _>>()?;
        run!(self, "import_clients", clients::import, &rows)
    }

    async fn add_client(&self, client: StoredClient) -> Result<bool, StoreError> {
        let row = ClientRow::encode(client)?;
        run!(self, "add_client", clients::add, &row)
    }

    async fn replace_client(&self, client: StoredClient, version: i64) -> Result<bool, StoreError> {
        let row = ClientRow::encode(client)?;
        run!(self, "replace_client", clients::replace, &row, version)
    }

    async fn remove_client(&self, client_id: &str) -> Result<bool, StoreError> {
        run!(self, "remove_client", clients::remove, client_id)
    }

    async fn start_session(
        &self,
        session: Session,
        verified: &PasswordHash,
        replaces: Option<TokenHash>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let amr = to_json(&session.authentication.amr, "sessions.amr")?;
        run!(self, "start_session", sessions::start, &session, &amr, verified, replaces, now)
    }

    async fn session(
        &self,
        cookie: TokenHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        run!(self, "session", sessions::find, cookie, now)
    }

    async fn end_sessions(
        &self,
        selector: SessionSelector,
        now: Timestamp,
    ) -> Result<Vec<EndedSession>, StoreError> {
        run!(self, "end_sessions", sessions::end, &selector, now)
    }

    async fn sessions_of(&self, sub: &str, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        run!(self, "sessions_of", sessions::of_user, sub, now)
    }

    async fn access_of(&self, sub: &str, now: Timestamp) -> Result<Vec<ClientAccess>, StoreError> {
        run!(self, "access_of", access::of_user, sub, now)
    }

    async fn revoke_access(
        &self,
        sub: &str,
        client_id: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        run!(self, "revoke_access", access::revoke, sub, client_id, now)
    }

    async fn claim_logout_notices(
        &self,
        client_id: &str,
        limit: u32,
        now: Timestamp,
        due_again: Timestamp,
    ) -> Result<Vec<LogoutNotice>, StoreError> {
        run!(self, "claim_logout_notices", logout_notices::claim, client_id, limit, now, due_again)
    }

    async fn postpone_logout_notice(&self, id: i64, due: Timestamp) -> Result<(), StoreError> {
        run!(self, "postpone_logout_notice", logout_notices::postpone, id, due)
    }

    async fn drop_logout_notice(&self, id: i64) -> Result<(), StoreError> {
        run!(self, "drop_logout_notice", logout_notices::remove, id)
    }

    async fn add_pushed_request(&self, request: PushedRequest) -> Result<(), StoreError> {
        run!(self, "add_pushed_request", pushed_requests::add, &request)
    }

    async fn pushed_request(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Option<PushedRequest>, StoreError> {
        run!(self, "pushed_request", pushed_requests::find, hash, now)
    }

    async fn hold_pushed_request(
        &self,
        hash: TokenHash,
        held: Held,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        run!(self, "hold_pushed_request", pushed_requests::hold, hash, &held, until)
    }

    async fn consume_pushed_request(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        run!(self, "consume_pushed_request", pushed_requests::consume, hash, now)
    }

    async fn add_code(
        &self,
        hash: TokenHash,
        code: AuthorizationCode,
        notify: bool,
    ) -> Result<bool, StoreError> {
        let content = to_json(&code, "codes.content")?;
        run!(self, "add_code", codes::add, hash, &code, &content, notify)
    }

    async fn code(&self, hash: TokenHash) -> Result<Option<AuthorizationCode>, StoreError> {
        run!(self, "code", codes::find, hash)
    }

    async fn redeem_code(
        &self,
        hash: TokenHash,
        grant: Grant,
        grant_expires_at: Timestamp,
        refresh_token: Option<RefreshToken>,
        now: Timestamp,
    ) -> Result<Redemption, StoreError> {
        let grant = GrantRow::encode(grant, grant_expires_at, now)?;
        run!(self, "redeem_code", codes::redeem, hash, &grant, refresh_token.as_ref(), now)
    }

    async fn add_grant(
        &self,
        grant: Grant,
        verified: &PasswordHash,
        expires_at: Timestamp,
        refresh_token: Option<RefreshToken>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let grant = GrantRow::encode(grant, expires_at, now)?;
        run!(self, "add_grant", grants::add_verified, &grant, verified, refresh_token.as_ref())
    }

    async fn refresh_token(
        &self,
        hash: TokenHash,
    ) -> Result<Option<RefreshTokenRecord>, StoreError> {
        run!(self, "refresh_token", refresh_tokens::find, hash)
    }

    async fn rotate_refresh_token(
        &self,
        rotation: RotateRefreshToken,
    ) -> Result<Rotation, StoreError> {
        run!(self, "rotate_refresh_token", refresh_tokens::rotate, &rotation)
    }

    async fn extend_refresh_token(
        &self,
        hash: TokenHash,
        expires_at: Timestamp,
        grant_expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        run!(
            self,
            "extend_refresh_token",
            refresh_tokens::extend,
            hash,
            expires_at,
            grant_expires_at,
            now
        )
    }

    async fn revoke_renewable_grant(
        &self,
        grant_id: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        run!(self, "revoke_renewable_grant", grants::revoke_renewable, grant_id, now)
    }

    async fn revoke_grant(&self, grant_id: &str, now: Timestamp) -> Result<(), StoreError> {
        run!(self, "revoke_grant", grants::revoke, grant_id, now)
    }

    async fn live_grant(
        &self,
        grant_id: &str,
        now: Timestamp,
    ) -> Result<Option<(Arc<Grant>, User)>, StoreError> {
        run!(self, "live_grant", grants::live, grant_id, now)
    }

    async fn add_device_code(&self, code: DeviceCode) -> Result<bool, StoreError> {
        let request = to_json(&code.request, "device_codes.request")?;
        run!(self, "add_device_code", device_codes::add, &code, &request)
    }

    async fn claim_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &str,
        now: Timestamp,
    ) -> Result<Option<DeviceRequest>, StoreError> {
        run!(self, "claim_device_code", device_codes::claim, user_code, sub, now)
    }

    async fn claimed_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &str,
        now: Timestamp,
    ) -> Result<Option<DeviceRequest>, StoreError> {
        run!(self, "claimed_device_code", device_codes::claimed, user_code, sub, now)
    }

    async fn answer_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &str,
        sid: &str,
        answer: DeviceAnswer,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let answer = encode_answer(&answer)?;
        run!(self, "answer_device_code", device_codes::answer, user_code, sub, sid, &answer, now)
    }

    async fn poll_device_code(
        &self,
        hash: TokenHash,
        client_id: &str,
        now: Timestamp,
    ) -> Result<DevicePoll, StoreError> {
        run!(self, "poll_device_code", device_codes::poll, hash, client_id, now)
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
        run!(
            self,
            "redeem_device_code",
            device_codes::redeem,
            hash,
            &grant,
            refresh_token.as_ref(),
            now
        )
    }

    async fn add_reference_token(&self, token: ReferenceToken) -> Result<(), StoreError> {
        let content = to_json(&token.claims, "reference_tokens.content")?;
        let expires_at = Timestamp::from_seconds(token.claims.exp);
        run!(self, "add_reference_token", reference_tokens::add, token.hash, &content, expires_at)
    }

    async fn reference_token(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Option<AccessTokenClaims>, StoreError> {
        run!(self, "reference_token", reference_tokens::find, hash, now)
    }

    async fn revoke_reference_token(&self, hash: TokenHash) -> Result<(), StoreError> {
        run!(self, "revoke_reference_token", reference_tokens::revoke, hash)
    }

    async fn consent(&self, sub: &str, client_id: &str) -> Result<Option<Consent>, StoreError> {
        run!(self, "consent", consents::find, sub, client_id)
    }

    async fn remember_consent(
        &self,
        sub: &str,
        client_id: &str,
        consent: Consent,
    ) -> Result<(), StoreError> {
        run!(self, "remember_consent", consents::remember, sub, client_id, &consent)
    }

    async fn signing_keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        run!(self, "signing_keys", signing_keys::all)
    }

    async fn add_signing_key(
        &self,
        key: StoredKey,
        unless_since: Timestamp,
    ) -> Result<Vec<StoredKey>, StoreError> {
        run!(self, "add_signing_key", signing_keys::add, &key, unless_since)
    }

    async fn reseal_signing_keys(&self, keys: Vec<StoredKey>) -> Result<bool, StoreError> {
        run!(self, "reseal_signing_keys", signing_keys::reseal, &keys)
    }

    async fn remove_signing_keys(&self, kids: &[String]) -> Result<(), StoreError> {
        run!(self, "remove_signing_keys", signing_keys::remove, kids)
    }

    async fn admit_sign_in(
        &self,
        keys: &[(ThrottleKey, ThrottlePolicy)],
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        run!(self, "admit_sign_in", failed_sign_ins::admit, keys, now)
    }

    async fn sign_in_succeeded(
        &self,
        account: &[ThrottleKey],
        address: &ThrottleKey,
    ) -> Result<(), StoreError> {
        run!(self, "sign_in_succeeded", failed_sign_ins::succeeded, account, address)
    }

    async fn first_use(
        &self,
        message: MessageIdentity,
        forgettable_at: Timestamp,
    ) -> Result<bool, StoreError> {
        run!(self, "first_use", single_uses::note, &message, forgettable_at)
    }

    async fn remove_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut removed = 0;
        // A command a kind, so that others need not wait for all of them.
        for &kind in expiry::KINDS {
            removed += run!(self, "remove_expired", expiry::remove, kind, now, limit)?;
        }
        Ok(removed)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        run!(self, "ping", schema::ping)
    }
}
