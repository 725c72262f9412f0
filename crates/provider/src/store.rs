//! The store port: what the provider asks of a database.
//!
//! Every command is atomic, and durable when it returns. Commands are semantic (`redeem_code`,
//! `rotate_refresh_token`): what must not be done twice is decided inside the store in one
//! transaction, never by reading first and writing later. Secrets arrive hashed or encrypted.

use std::sync::Arc;

use async_trait::async_trait;
use doorward_protocol::{claims::AccessTokenClaims, error::ErrorCode};

use crate::model::{
    client_access::ClientAccess,
    consent::Consent,
    device_code::{DeviceAnswer, DeviceCode, DevicePoll, DeviceRequest},
    grant::{AuthorizationCode, Grant, ReferenceToken, RefreshToken, RefreshTokenState},
    logout_notice::LogoutNotice,
    message_identity::MessageIdentity,
    password::PasswordHash,
    pushed_request::{Held, PushedRequest},
    session::{EndedSession, Session, SessionSelector},
    signing_key::StoredKey,
    stored_client::{StoredClient, StoredClients},
    throttle::{ThrottleKey, ThrottlePolicy},
    time::Timestamp,
    token_handle::{SuccessorSeed, TokenHash},
    user::User,
    user_code::UserCodeHash,
};

/// The store did not do what was asked; nothing was changed. The message is for the log and names
/// no secret.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Full disk, lost connection, time-out: may work later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A row that can't be read: damaged, or written by a newer version.
    #[error("the store holds data that this version can't read: {0}")]
    Corrupt(String),
    /// What was to be added contradicts what is there, as a username that belongs to another `sub`.
    #[error("the store refuses a contradiction: {0}")]
    Conflict(String),
}

impl StoreError {
    /// The error code on the wire (RFC 6749 section 4.1.2.1).
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unavailable(_) => ErrorCode::TemporarilyUnavailable,
            Self::Corrupt(_) | Self::Conflict(_) => ErrorCode::ServerError,
        }
    }
}

/// What became of an attempt to redeem a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redemption {
    /// This call redeemed it: the grant is stored, and the refresh token if one was given.
    Redeemed,
    /// It was redeemed before, so the grant made from it is now revoked (RFC 6749 section 4.1.2).
    Replayed,
    /// The session that it was issued in has ended. Nothing was changed.
    SessionEnded,
    /// No such code, or it is gone.
    Unknown,
}

/// What became of an attempt to replace a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// This call consumed it: the successor is stored.
    Rotated,
    /// It was consumed within the grace time and its successor is still unused: answer with that
    /// successor again.
    Repeated {
        /// The stored seed of the successor.
        seed: SuccessorSeed,
        /// When the successor ends.
        expires_at: Timestamp,
    },
    /// It was consumed before, beyond grace: the whole grant is now revoked (RFC 9700 section
    /// 4.14.2).
    Replayed,
    /// No such token, it expired or was forgotten, or its grant is revoked.
    Unknown,
}

/// The replacement of a refresh token by its successor.
#[derive(Debug, Clone)]
pub struct RotateRefreshToken {
    /// The token that was presented.
    pub presented: TokenHash,
    /// The seed of the successor, kept with the presented token.
    pub seed: SuccessorSeed,
    /// The successor.
    pub successor: RefreshToken,
    /// The grant lives until then at least: its last access token may end after the successor.
    pub grant_expires_at: Timestamp,
    /// Whether the presented token names its family: then nothing is lost when it is forgotten once
    /// the successor is used.
    pub forgettable: bool,
    /// The present moment.
    pub now: Timestamp,
    /// How long after consumption the presented token may still be repeated, in seconds.
    pub grace: u32,
}

/// A refresh token with all that is needed to judge it.
#[derive(Debug, Clone)]
pub struct RefreshTokenRecord {
    /// The token.
    pub token: RefreshToken,
    /// Its part in the family.
    pub state: RefreshTokenState,
    /// The grant, unless it is revoked.
    pub grant: Option<Arc<Grant>>,
    /// The user of the grant, if there still is one.
    pub user: Option<User>,
}

/// The provider's database. Implementations share one conformance suite.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Makes of these users what [`User::imported`] says, and remembers them as those of the last
    /// import. Each is written as by [`Store::put_user`].
    async fn import_users(&self, users: Vec<User>, now: Timestamp) -> Result<(), StoreError>;
    /// The users of past imports as they were imported last.
    async fn imported_users(&self) -> Result<Vec<User>, StoreError>;
    /// Adds a user or replaces the one with the same `sub`. A username that belongs to another
    /// `sub` is an error. The sessions of a user who has another password now or is disabled end as
    /// by [`Store::end_sessions`]; with another password, all grants go, too, and what devices were
    /// allowed.
    async fn put_user(&self, user: User, now: Timestamp) -> Result<(), StoreError>;
    /// All users, by their names.
    async fn users(&self) -> Result<Vec<User>, StoreError>;
    /// Removes a user: sessions end as by [`Store::end_sessions`]; grants, what devices were
    /// allowed, and consents go. `false` if there is no such user.
    async fn remove_user(&self, sub: &str, now: Timestamp) -> Result<bool, StoreError>;
    /// The user with this normalized username.
    async fn user_by_username(&self, normalized: &str) -> Result<Option<User>, StoreError>;
    /// The user with this subject identifier.
    async fn user(&self, sub: &str) -> Result<Option<User>, StoreError>;

    /// All clients, by their identifiers.
    async fn clients(&self) -> Result<StoredClients, StoreError>;
    /// [`StoredClients::version`]: asked for every second.
    async fn clients_version(&self) -> Result<i64, StoreError>;
    /// Makes these the configured clients, in place of whatever client has one of their
    /// identifiers. Other configured ones are taken out; what they were granted stays, but for
    /// nobody's use. The version changes if a client does.
    async fn import_clients(&self, clients: Vec<StoredClient>) -> Result<(), StoreError>;
    /// Adds a client; `false`, and nothing is added, if its identifier is taken.
    async fn add_client(&self, client: StoredClient) -> Result<bool, StoreError>;
    /// Replaces a client's settings; `false`, and nothing changes, if it is gone or the version is
    /// another one by now.
    async fn replace_client(&self, client: StoredClient, version: i64) -> Result<bool, StoreError>;
    /// Removes a client with everything that it was granted or is on its way to be: grants, tokens,
    /// codes, pushed requests, device codes, consents and logout notices. `false` if there was no
    /// such client and nothing of it.
    async fn remove_client(&self, client_id: &str) -> Result<bool, StoreError>;

    /// Adds a session in place of the browser's earlier one, if any. One with another `sid` ends as
    /// by [`Store::end_sessions`]; one with the same `sid` goes on in the new one. `false`, and
    /// nothing changes, if by now the user is gone, disabled, or has another password than
    /// `verified`.
    async fn start_session(
        &self,
        session: Session,
        verified: &PasswordHash,
        replaces: Option<TokenHash>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// The session with this cookie, unless it has expired.
    async fn session(
        &self,
        cookie: TokenHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError>;
    /// Ends sessions in one transaction: with each, its grants without offline access are revoked,
    /// and a [`LogoutNotice`] is queued for each client that took part and wants one. Unknown
    /// sessions are no error.
    async fn end_sessions(
        &self,
        selector: SessionSelector,
        now: Timestamp,
    ) -> Result<Vec<EndedSession>, StoreError>;

    /// The live sessions of a user, the latest sign-in first.
    async fn sessions_of(&self, sub: &str, now: Timestamp) -> Result<Vec<Session>, StoreError>;

    /// The access that clients have by live grants or remembered consents of this user, one entry
    /// for each client and scope.
    async fn access_of(&self, sub: &str, now: Timestamp) -> Result<Vec<ClientAccess>, StoreError>;
    /// Revokes a client's grants for this user and forgets the consent. What is on its way to be a
    /// grant goes: codes, and what devices were allowed.
    async fn revoke_access(
        &self,
        sub: &str,
        client_id: &str,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Takes up to `limit` logout notices for this client that are due, those that wait longest
    /// first. Each counts an attempt and is due again at `due_again`, unless until then the caller
    /// drops or postpones it; so none is lost with a process that dies, and no two callers have one
    /// at once.
    async fn claim_logout_notices(
        &self,
        client_id: &str,
        limit: u32,
        now: Timestamp,
        due_again: Timestamp,
    ) -> Result<Vec<LogoutNotice>, StoreError>;
    /// Makes a logout notice due at that moment.
    async fn postpone_logout_notice(&self, id: i64, due: Timestamp) -> Result<(), StoreError>;
    /// Removes a logout notice: delivered, or given up.
    async fn drop_logout_notice(&self, id: i64) -> Result<(), StoreError>;

    /// Adds a pushed authorization request.
    async fn add_pushed_request(&self, request: PushedRequest) -> Result<(), StoreError>;
    /// The pushed request with this hash, unless it has expired or was consumed.
    async fn pushed_request(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Option<PushedRequest>, StoreError>;
    /// Lets a pushed request live until that moment, and remembers what the user came with. Only
    /// the first call does anything, so that the request ends in any case.
    async fn hold_pushed_request(
        &self,
        hash: TokenHash,
        held: Held,
        until: Timestamp,
    ) -> Result<(), StoreError>;
    /// Takes a pushed request away: `true` for the one call that it was still there for, unexpired.
    async fn consume_pushed_request(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Adds a code, and in the same transaction its client to those that take part in the session
    /// of its grant; `notify` says whether the client wants a logout notice. `false`, and nothing
    /// is added, if that session has ended.
    async fn add_code(
        &self,
        hash: TokenHash,
        code: AuthorizationCode,
        notify: bool,
    ) -> Result<bool, StoreError>;
    /// The code with this hash, redeemed or not, expired or not, as long as it is kept.
    async fn code(&self, hash: TokenHash) -> Result<Option<AuthorizationCode>, StoreError>;
    /// Redeems a code at most once. On success the grant lives until `grant_expires_at` at least,
    /// and the refresh token is added to it. A second attempt revokes the grant. Expiry was judged
    /// by the caller.
    async fn redeem_code(
        &self,
        hash: TokenHash,
        grant: Grant,
        grant_expires_at: Timestamp,
        refresh_token: Option<RefreshToken>,
        now: Timestamp,
    ) -> Result<Redemption, StoreError>;

    /// Adds a grant that no code leads to (resource owner password credentials), and its refresh
    /// token. `false`, and nothing is added, if by now the user is gone, disabled, or has another
    /// password than `verified`.
    async fn add_grant(
        &self,
        grant: Grant,
        verified: &PasswordHash,
        expires_at: Timestamp,
        refresh_token: Option<RefreshToken>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// The refresh token with this hash, whatever its state.
    async fn refresh_token(
        &self,
        hash: TokenHash,
    ) -> Result<Option<RefreshTokenRecord>, StoreError>;
    /// Consumes a refresh token and adds its successor, at most once; see [`Rotation`]. The grant
    /// lives until `grant_expires_at` at least. What the presented token was the successor of is
    /// forgotten if it was forgettable: so of one grant two tokens are kept, however often it is
    /// renewed.
    async fn rotate_refresh_token(
        &self,
        rotation: RotateRefreshToken,
    ) -> Result<Rotation, StoreError>;
    /// Moves the end of a reusable refresh token, and that of its grant to `grant_expires_at` at
    /// least. `false` if there is no such live token.
    async fn extend_refresh_token(
        &self,
        hash: TokenHash,
        expires_at: Timestamp,
        grant_expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Revokes a grant if it lives and has a refresh token that could renew it: `true` if it was
    /// so.
    async fn revoke_renewable_grant(
        &self,
        grant_id: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Revokes a grant with everything issued from it; unknown ones are no error.
    async fn revoke_grant(&self, grant_id: &str, now: Timestamp) -> Result<(), StoreError>;
    /// The grant and its user, unless revoked or expired.
    async fn live_grant(
        &self,
        grant_id: &str,
        now: Timestamp,
    ) -> Result<Option<(Arc<Grant>, User)>, StoreError>;

    /// Adds a device's request; `false`, and nothing is added, if its user code is taken.
    async fn add_device_code(&self, code: DeviceCode) -> Result<bool, StoreError>;
    /// Makes the request with this user code this user's to answer, in place of whoever called it
    /// up before; `None` if there is no such request, it has expired or was answered.
    async fn claim_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &str,
        now: Timestamp,
    ) -> Result<Option<DeviceRequest>, StoreError>;
    /// The request with this user code, if it is this user's to answer and still waits for it.
    async fn claimed_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &str,
        now: Timestamp,
    ) -> Result<Option<DeviceRequest>, StoreError>;
    /// Answers the request with this user code: `true` once, if it is this user's to answer and has
    /// not expired, and the session that the user answers in has not ended.
    async fn answer_device_code(
        &self,
        user_code: UserCodeHash,
        sub: &str,
        sid: &str,
        answer: DeviceAnswer,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Tells the device where its request stands, and while it waits counts the poll: one that
    /// comes more than a second before the interval is over makes the interval five seconds longer.
    /// A code expired less than an hour ago is told from an unknown one.
    async fn poll_device_code(
        &self,
        hash: TokenHash,
        client_id: &str,
        now: Timestamp,
    ) -> Result<DevicePoll, StoreError>;
    /// Redeems the code of an allowed request: `true` once. Then it is gone, and the grant and its
    /// refresh token are stored.
    async fn redeem_device_code(
        &self,
        hash: TokenHash,
        grant: Grant,
        grant_expires_at: Timestamp,
        refresh_token: Option<RefreshToken>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Adds a reference access token, which lives until the `exp` of its claims.
    async fn add_reference_token(&self, token: ReferenceToken) -> Result<(), StoreError>;
    /// What the reference access token with this hash says, unless it has expired or was revoked
    /// itself. Whether its grant still lives is told by [`Store::live_grant`].
    async fn reference_token(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Option<AccessTokenClaims>, StoreError>;
    /// Ends a reference access token; unknown ones are no error.
    async fn revoke_reference_token(&self, hash: TokenHash) -> Result<(), StoreError>;

    /// The consent that a user gave a client to remember.
    async fn consent(&self, sub: &str, client_id: &str) -> Result<Option<Consent>, StoreError>;
    /// Remembers a consent in place of an earlier one.
    async fn remember_consent(
        &self,
        sub: &str,
        client_id: &str,
        consent: Consent,
    ) -> Result<(), StoreError>;

    /// All signing keys, private parts encrypted.
    async fn signing_keys(&self) -> Result<Vec<StoredKey>, StoreError>;
    /// Adds a signing key unless there is a key of the same algorithm with
    /// `activates_at >= unless_since`; returns all keys. So of several processes that start
    /// together one makes the key, and all see it.
    async fn add_signing_key(
        &self,
        key: StoredKey,
        unless_since: Timestamp,
    ) -> Result<Vec<StoredKey>, StoreError>;
    /// Puts other encryptions of the same keys in place of those that are there, all at once;
    /// `false`, and nothing changes, if these are not exactly the store's keys.
    async fn reseal_signing_keys(&self, keys: Vec<StoredKey>) -> Result<bool, StoreError>;
    /// Removes the keys with these `kid`s.
    async fn remove_signing_keys(&self, kids: &[String]) -> Result<(), StoreError>;

    /// Admits one attempt to sign in, in one transaction: if a key's policy asks for a wait (see
    /// [`ThrottlePolicy::wait`](crate::model::throttle::ThrottlePolicy::wait)), nothing changes and the
    /// longest wait is returned in seconds; otherwise the attempt is counted as a failure for every
    /// key beforehand (so that parallel guesses can't slip through together) and 0 is returned.
    /// Failures whose last is older than [`MEMORY`](crate::model::throttle::MEMORY) count no more.
    async fn admit_sign_in(
        &self,
        keys: &[(ThrottleKey, ThrottlePolicy)],
        now: Timestamp,
    ) -> Result<u32, StoreError>;
    /// Takes back what [`Store::admit_sign_in`] counted for a sign-in that succeeded: the account's
    /// failures are forgotten, the address has
    /// [`TAKEN_BACK_BY_SUCCESS`](crate::model::throttle::TAKEN_BACK_BY_SUCCESS) less.
    async fn sign_in_succeeded(
        &self,
        account: &[ThrottleKey],
        address: &ThrottleKey,
    ) -> Result<(), StoreError>;

    /// Notes that a message which counts once was presented: `true` for the first call with this
    /// identity, `false` for every other one. The note is kept until `forgettable_at` at least;
    /// before that the message must be refused for its age.
    async fn first_use(
        &self,
        message: MessageIdentity,
        forgettable_at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Removes at most `limit` rows of each kind that are of no more use; returns how many went.
    async fn remove_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
    /// Answers if the database does.
    async fn ping(&self) -> Result<(), StoreError>;
}
