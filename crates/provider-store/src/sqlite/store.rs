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
    SqliteStore, access, clients, codes, consents, device_codes, expiry, failed_sign_ins, grants,
    logout_notices, pushed_requests, reference_tokens, refresh_tokens, sessions, signing_keys,
    single_uses, users,
};
use crate::columns::{ClientRow, GrantRow, UserRow, encode_answer, to_json};

#[async_trait]
impl Store for SqliteStore {
    async fn import_users(&self, users: Vec<User>, now: Timestamp) -> Result<(), StoreError> {
        self.write("import_users", move |connection| users::import(connection, users, now)).await
    }

    async fn imported_users(&self) -> Result<Vec<User>, StoreError> {
        self.read("imported_users", users::imported).await
    }

    async fn put_user(&self, user: User, now: Timestamp) -> Result<(), StoreError> {
        let row = UserRow::encode(user)?;
        self.write("put_user", move |connection| users::put(connection, &[row], now)).await
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        self.read("users", users::all).await
    }

    async fn remove_user(&self, sub: &str, now: Timestamp) -> Result<bool, StoreError> {
        let sub = sub.to_owned();
        self.write("remove_user", move |connection| users::remove(connection, &sub, now)).await
    }

    async fn user_by_username(&self, normalized: &str) -> Result<Option<User>, StoreError> {
        let normalized = normalized.to_owned();
        self.read("user_by_username", move |connection| users::by_username(connection, &normalized))
            .await
    }

    async fn user(&self, sub: &str) -> Result<Option<User>, StoreError> {
        let sub = sub.to_owned();
        self.read("user", move |connection| users::by_sub(connection, &sub)).await
    }

    async fn clients(&self) -> Result<StoredClients, StoreError> {
        self.read("clients", clients::all).await
    }

    async fn clients_version(&self) -> Result<i64, StoreError> {
        self.read("clients_version", clients::version).await
    }

    async fn import_clients(&self, clients: Vec<StoredClient>) -> Result<(), StoreError> {
        let rows: Vec<_> = clients.into_iter().map(ClientRow::encode).collect::<Result<_, _>>()?;
        self.write("import_clients", move |connection| clients::import(connection, &rows)).await
    }

    async fn add_client(&self, client: StoredClient) -> Result<bool, StoreError> {
        let row = ClientRow::encode(client)?;
        self.write("add_client", move |connection| clients::add(connection, &row)).await
    }

    async fn replace_client(&self, client: StoredClient, version: i64) -> Result<bool, StoreError> {
        let row = ClientRow::encode(client)?;
        self.write("replace_client", move |connection| clients::replace(connection, &row, version))
            .await
    }

    async fn remove_client(&self, client_id: &str) -> Result<bool, StoreError> {
        let client_id = client_id.to_owned();
        self.write("remove_client", move |connection| clients::remove(connection, &client_id)).await
    }

    async fn start_session(
        &self,
        session: Session,
        verified: &PasswordHash,
        replaces: Option<TokenHash>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (amr, verified) =
            (to_json(&session.authentication.amr, "sessions.amr")?, verified.clone());
        self.write("start_session", move |connection| {
            sessions::start(connection, &session, &amr, &verified, replaces, now)
        })
        .await
    }

    async fn session(
        &self,
        cookie: TokenHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        self.read("session", move |connection| sessions::find(connection, cookie, now)).await
    }

    async fn end_sessions(
        &self,
        selector: SessionSelector,
        now: Timestamp,
    ) -> Result<Vec<EndedSession>, StoreError> {
        self.write("end_sessions", move |connection| sessions::end(connection, &selector, now))
            .await
    }

    async fn sessions_of(&self, sub: &str, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let sub = sub.to_owned();
        self.read("sessions_of", move |connection| sessions::of_user(connection, &sub, now)).await
    }

    async fn access_of(&self, sub: &str, now: Timestamp) -> Result<Vec<ClientAccess>, StoreError> {
        let sub = sub.to_owned();
        self.read("access_of", move |connection| access::of_user(connection, &sub, now)).await
    }

    async fn revoke_access(
        &self,
        sub: &str,
        client_id: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (sub, client_id) = (sub.to_owned(), client_id.to_owned());
        self.write("revoke_access", move |connection| {
            access::revoke(connection, &sub, &client_id, now)
        })
        .await
    }

    async fn claim_logout_notices(
        &self,
        client_id: &str,
        limit: u32,
        now: Timestamp,
        due_again: Timestamp,
    ) -> Result<Vec<LogoutNotice>, StoreError> {
        let id = client_id.to_owned();
        // Seldom is one due, and a look costs no commit.
        if !self
            .read("claim_logout_notices", move |connection| {
                logout_notices::is_due(connection, &id, now)
            })
            .await?
        {
            return Ok(Vec::new());
        }
        let id = client_id.to_owned();
        self.write("claim_logout_notices", move |connection| {
            logout_notices::claim(connection, &id, limit, now, due_again)
        })
        .await
    }

    async fn postpone_logout_notice(&self, id: i64, due: Timestamp) -> Result<(), StoreError> {
        self.write("postpone_logout_notice", move |connection| {
            logout_notices::postpone(connection, id, due)
        })
        .await
    }

    async fn drop_logout_notice(&self, id: i64) -> Result<(), StoreError> {
        self.write("drop_logout_notice", move |connection| logout_notices::remove(connection, id))
            .await
    }

    async fn add_pushed_request(&self, request: PushedRequest) -> Result<(), StoreError> {
        self.write("add_pushed_request", move |connection| {
            pushed_requests::add(connection, &request)
        })
        .await
    }

    async fn pushed_request(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Option<PushedRequest>, StoreError> {
        self.read("pushed_request", move |connection| pushed_requests::find(connection, hash, now))
            .await
    }

    async fn hold_pushed_request(
        &self,
        hash: TokenHash,
        held: Held,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.write("hold_pushed_request", move |connection| {
            pushed_requests::hold(connection, hash, held, until)
        })
        .await
    }

    async fn consume_pushed_request(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write("consume_pushed_request", move |connection| {
            pushed_requests::consume(connection, hash, now)
        })
        .await
    }

    async fn add_code(
        &self,
        hash: TokenHash,
        code: AuthorizationCode,
        notify: bool,
    ) -> Result<bool, StoreError> {
        let content = to_json(&code, "codes.content")?;
        self.write("add_code", move |connection| {
            codes::add(connection, hash, &code, &content, notify)
        })
        .await
    }

    async fn code(&self, hash: TokenHash) -> Result<Option<AuthorizationCode>, StoreError> {
        self.read("code", move |connection| codes::find(connection, hash)).await
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
        self.write("redeem_code", move |connection| {
            codes::redeem(connection, hash, &grant, refresh_token.as_ref(), now)
        })
        .await
    }

    async fn add_grant(
        &self,
        grant: Grant,
        verified: &PasswordHash,
        expires_at: Timestamp,
        refresh_token: Option<RefreshToken>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (grant, verified) = (GrantRow::encode(grant, expires_at, now)?, verified.clone());
        self.write("add_grant", move |connection| {
            grants::add_verified(connection, &grant, &verified, refresh_token.as_ref())
        })
        .await
    }

    async fn refresh_token(
        &self,
        hash: TokenHash,
    ) -> Result<Option<RefreshTokenRecord>, StoreError> {
        self.read("refresh_token", move |connection| refresh_tokens::find(connection, hash)).await
    }

    async fn rotate_refresh_token(
        &self,
        rotation: RotateRefreshToken,
    ) -> Result<Rotation, StoreError> {
        self.write("rotate_refresh_token", move |connection| {
            refresh_tokens::rotate(connection, &rotation)
        })
        .await
    }

    async fn extend_refresh_token(
        &self,
        hash: TokenHash,
        expires_at: Timestamp,
        grant_expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write("extend_refresh_token", move |connection| {
            refresh_tokens::extend(connection, hash, expires_at, grant_expires_at, now)
        })
        .await
    }

    async fn revoke_renewable_grant(
        &self,
        grant_id: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let grant_id = grant_id.to_owned();
        self.write("revoke_renewable_grant", move |connection| {
            grants::revoke_renewable(connection, &grant_id, now)
        })
        .await
    }

    async fn revoke_grant(&self, grant_id: &str, now: Timestamp) -> Result<(), StoreError> {
        let grant_id = grant_id.to_owned();
        self.write("revoke_grant", move |connection| grants::revoke(connection, &grant_id, now))
            .await
    }

    async fn live_grant(
        &self,
        grant_id: &str,
        now: Timestamp,
    ) -> Result<Option<(Arc<Grant>, User)>, StoreError> {
        let grant_id = grant_id.to_owned();
        self.read("live_grant", move |connection| grants::live(connection, &grant_id, now)).await
    }

    async fn add_device_code(&self, code: DeviceCode) -> Result<bool, StoreError> {
        let request = to_json(&code.request, "device_codes.request")?;
        self.write("add_device_code", move |connection| {
            device_codes::add(connection, &code, &request)
        })
        .await
    }

    async fn claim_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &str,
        now: Timestamp,
    ) -> Result<Option<DeviceRequest>, StoreError> {
        let sub = sub.to_owned();
        self.write("claim_device_code", move |connection| {
            device_codes::claim(connection, user_code, &sub, now)
        })
        .await
    }

    async fn claimed_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &str,
        now: Timestamp,
    ) -> Result<Option<DeviceRequest>, StoreError> {
        let sub = sub.to_owned();
        self.read("claimed_device_code", move |connection| {
            device_codes::claimed(connection, user_code, &sub, now)
        })
        .await
    }

    async fn answer_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &str,
        sid: &str,
        answer: DeviceAnswer,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (sub, sid, answer) = (sub.to_owned(), sid.to_owned(), encode_answer(&answer)?);
        self.write("answer_device_code", move |connection| {
            device_codes::answer(connection, user_code, &sub, &sid, &answer, now)
        })
        .await
    }

    async fn poll_device_code(
        &self,
        hash: TokenHash,
        client_id: &str,
        now: Timestamp,
    ) -> Result<DevicePoll, StoreError> {
        let client_id = client_id.to_owned();
        self.write("poll_device_code", move |connection| {
            device_codes::poll(connection, hash, &client_id, now)
        })
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
        self.write("redeem_device_code", move |connection| {
            device_codes::redeem(connection, hash, &grant, refresh_token.as_ref(), now)
        })
        .await
    }

    async fn add_reference_token(&self, token: ReferenceToken) -> Result<(), StoreError> {
        let content = to_json(&token.claims, "reference_tokens.content")?;
        let expires_at = Timestamp::from_seconds(token.claims.exp);
        self.write("add_reference_token", move |connection| {
            reference_tokens::add(connection, token.hash, &content, expires_at)
        })
        .await
    }

    async fn reference_token(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Option<AccessTokenClaims>, StoreError> {
        self.read("reference_token", move |connection| {
            reference_tokens::find(connection, hash, now)
        })
        .await
    }

    async fn revoke_reference_token(&self, hash: TokenHash) -> Result<(), StoreError> {
        self.write("revoke_reference_token", move |connection| {
            reference_tokens::revoke(connection, hash)
        })
        .await
    }

    async fn consent(&self, sub: &str, client_id: &str) -> Result<Option<Consent>, StoreError> {
        let (sub, client_id) = (sub.to_owned(), client_id.to_owned());
        self.read("consent", move |connection| consents::find(connection, &sub, &client_id)).await
    }

    async fn remember_consent(
        &self,
        sub: &str,
        client_id: &str,
        consent: Consent,
    ) -> Result<(), StoreError> {
        let (sub, client_id) = (sub.to_owned(), client_id.to_owned());
        self.write("remember_consent", move |connection| {
            consents::remember(connection, &sub, &client_id, &consent)
        })
        .await
    }

    async fn signing_keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        self.read("signing_keys", signing_keys::all).await
    }

    async fn add_signing_key(
        &self,
        key: StoredKey,
        unless_since: Timestamp,
    ) -> Result<Vec<StoredKey>, StoreError> {
        self.write("add_signing_key", move |connection| {
            signing_keys::add(connection, &key, unless_since)
        })
        .await
    }

    async fn reseal_signing_keys(&self, keys: Vec<StoredKey>) -> Result<bool, StoreError> {
        self.write("reseal_signing_keys", move |connection| signing_keys::reseal(connection, &keys))
            .await
    }

    async fn remove_signing_keys(&self, kids: &[String]) -> Result<(), StoreError> {
        let kids = kids.to_vec();
        self.write("remove_signing_keys", move |connection| signing_keys::remove(connection, &kids))
            .await
    }

    async fn admit_sign_in(
        &self,
        keys: &[(ThrottleKey, ThrottlePolicy)],
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        let keys = keys.to_vec();
        self.write("admit_sign_in", move |connection| {
            failed_sign_ins::admit(connection, &keys, now)
        })
        .await
    }

    async fn sign_in_succeeded(
        &self,
        account: &[ThrottleKey],
        address: &ThrottleKey,
    ) -> Result<(), StoreError> {
        let (account, address) = (account.to_vec(), address.clone());
        self.write("sign_in_succeeded", move |connection| {
            failed_sign_ins::succeeded(connection, &account, &address)
        })
        .await
    }

    async fn first_use(
        &self,
        message: MessageIdentity,
        forgettable_at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write("first_use", move |connection| {
            single_uses::note(connection, message, forgettable_at)
        })
        .await
    }

    async fn remove_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut removed = 0;
        // A command a kind, so that others need not wait for all of them.
        for &kind in expiry::KINDS {
            removed += self
                .write("remove_expired", move |connection| {
                    expiry::remove(connection, kind, now, limit)
                })
                .await?;
        }
        Ok(removed)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // Through the writer: it must be alive and get the file's write lock.
        self.write("ping", |connection| {
            Ok(connection.query_row("SELECT 1 FROM sqlite_schema LIMIT 1", [], |_| Ok(()))?)
        })
        .await
    }
}
