//! Entities to store, each with a number, and the timestamp that the tests start from.
// Each test file uses a part of them.
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::{fmt::Debug, future::Future, str::FromStr, sync::Arc};

use doorward_protocol::jose::SigningAlgorithm;
use doorward_provider::{
    model::{
        account_notice::{AccountNotices, FactorAddition},
        device_code::{DeviceAnswer, DeviceCode, DeviceRequest},
        grant::{AuthorizationCode, Grant, ReferenceToken, RefreshToken, RequestedClaims},
        message_identity::MessageIdentity,
        outbox::{MailKind, OutboxMail},
        password::PasswordHash,
        pushed_request::PushedRequest,
        session::{Authentication, Device, Session, SignInProof},
        signing_key::{SealedKey, StoredKey},
        target::Targets,
        throttle::{OriginBound, WaitingBound},
        ticket::{Ticket, TicketPurpose},
        time::{Seconds, Timestamp},
        token_handle::{SuccessorSeed, TokenHash},
        user::{User, UserClaims},
        user_code::UserCodeHash,
    },
    store::{AddedDeviceCode, Store, Users},
};
use futures::future::join_all;
use serde_json::{Value, json};

/// For what waits where nothing is bounded.
pub const UNBOUNDED: WaitingBound = WaitingBound { most: u32::MAX, origin: None };
/// The store under test.
pub type Tested = Arc<dyn Store>;

/// When each test begins.
pub const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// The timestamp this number of seconds after the start; before it if negative.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(NOW.seconds() + seconds)
}

/// An identifier of the type that is asked for.
pub fn to_id<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// A hash for each number.
pub fn hash(number: u64) -> TokenHash {
    TokenHash::from_bytes(bytes(number))
}

/// A seed for each number.
pub fn seed(number: u64) -> SuccessorSeed {
    SuccessorSeed::from_bytes(bytes(number))
}

/// An identity for each number.
pub fn message(number: u64) -> MessageIdentity {
    MessageIdentity::from_bytes(bytes(number))
}

fn bytes(number: u64) -> [u8; 32] {
    let mut bytes = [0xa5; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes
}

pub fn user(sub: &str, username: &str) -> User {
    let hash = format!("$argon2id$v=19$m=19456,t=2,p=1${}${}", "A".repeat(22), "A".repeat(43));
    let Value::Object(claims) = json!({"email": "a@b.c", "role": ["admin", "user"]}) else {
        unreachable!()
    };
    User {
        sub: to_id(sub),
        username: username.to_owned(),
        password_hash: Some(PasswordHash::parse(&hash).unwrap()),
        enabled: true,
        claims: UserClaims(claims).into(),
        groups: Arc::default(),
        mapped: Arc::default(),
    }
}

/// The user with another password than the fixtures'.
pub fn with_other_password(user: User) -> User {
    let other = user.password_hash.unwrap().as_str().replace("$AAAA", "$BBBB");
    User { password_hash: Some(PasswordHash::parse(&other).unwrap()), ..user }
}

/// A user whose e-mail address is known to be theirs.
pub fn verified_user(sub: &str, username: &str, email: &str) -> User {
    let Value::Object(claims) = json!({"email": email, "email_verified": true}) else {
        unreachable!()
    };
    User { claims: UserClaims(claims).into(), ..user(sub, username) }
}

/// A ticket that expires at that second.
pub fn ticket(
    number: u64,
    purpose: TicketPurpose,
    sub: Option<&str>,
    about: Option<&str>,
    end: i64,
) -> Ticket {
    let Value::Object(data) = json!({"email": "ada@example.com", "number": number}) else {
        unreachable!()
    };
    Ticket {
        hash: hash(number),
        purpose,
        sub: sub.map(to_id),
        about: about.map(str::to_owned),
        data,
        expires_at: at(end),
    }
}

/// The addition of a factor in no session, of which nobody is told.
pub fn unseen(at: Timestamp) -> FactorAddition {
    FactorAddition { session: None, notices: AccountNotices::default(), at }
}

/// A mail about alice that expires at that second.
pub fn mail(number: u64, end: i64) -> OutboxMail {
    let Value::Object(data) = json!({"link": "https://op.example/x", "name": "Ada"}) else {
        unreachable!()
    };
    OutboxMail {
        id: format!("mail-{number:03}"),
        to: "ada@example.com".to_owned(),
        kind: MailKind::ResetPassword,
        language: "en".to_owned(),
        data,
        sub: Some(to_id("alice")),
        client_id: None,
        created_at: NOW,
        expires_at: at(end),
    }
}

pub fn authentication(sub: &str) -> Authentication {
    Authentication {
        sub: to_id(sub),
        auth_time: NOW,
        amr: vec!["pwd".to_owned()],
        sid: to_id(&format!("sid-{sub}")),
    }
}

/// Where a user signed in: known for every other session.
fn device(number: u64) -> Device {
    let known = number.is_multiple_of(2);
    Device {
        address: known.then(|| "192.0.2.1".to_owned()),
        browser: known.then(|| "Firefox, Linux".to_owned()),
    }
}

/// A session that ends at that second.
pub fn session(cookie: u64, sub: &str, end: i64) -> Session {
    Session {
        cookie_hash: hash(cookie),
        authentication: authentication(sub),
        device: device(cookie),
        upstream: None,
        expires_at: at(end),
    }
}

/// A grant for this client and scope.
pub fn grant_for(client_id: &str, id: &str, sub: &str, scope: &str) -> Grant {
    Grant { client_id: to_id(client_id), scope: scope.parse().unwrap(), ..grant(id, sub) }
}

/// Puts a user whose name is the identifier.
pub async fn signed_up(store: &Tested, sub: &str) {
    store.put_user(user(sub, sub), NOW).await.unwrap();
}

/// Signs a user in, for an hour: codes exist in sessions only.
pub async fn signed_in(store: &dyn Store, sub: &str) {
    start_session(store, session(9_000, sub, 3600), None).await;
}

/// The password that a user has, who is added if there is none.
pub async fn password_of(store: &dyn Store, sub: &str) -> PasswordHash {
    if store.user(&to_id(sub)).await.unwrap().is_none() {
        store.put_user(user(sub, sub), NOW).await.unwrap();
    }
    store.user(&to_id(sub)).await.unwrap().unwrap().password_hash.unwrap()
}

/// Starts a session of a user, who is added if there is none.
pub async fn start_session(store: &dyn Store, session: Session, replaces: Option<TokenHash>) {
    let password = password_of(store, &session.authentication.sub).await;
    let proof = SignInProof::Password(password);
    assert!(
        store
            .start_session(session, &proof, replaces, AccountNotices::default(), NOW)
            .await
            .unwrap()
    );
}

/// Adds a grant of a user, who is added if there is none.
pub async fn add_grant(
    store: &dyn Store,
    grant: Grant,
    expires_at: Timestamp,
    refresh_token: Option<RefreshToken>,
    now: Timestamp,
) {
    let password = password_of(store, &grant.authentication.sub).await;
    assert!(store.add_grant(grant, &password, expires_at, refresh_token, now).await.unwrap());
}

pub fn grant(id: &str, sub: &str) -> Grant {
    let Value::Object(claims) = json!({"role": "admin"}) else { unreachable!() };
    Grant {
        id: to_id(id),
        client_id: to_id("PkceJS"),
        subject: Some(sub.to_owned()),
        authentication: authentication(sub),
        scope: "openid offline_access".parse().unwrap(),
        targets: Targets::default(),
        requested_claims: RequestedClaims {
            userinfo: ["email".to_owned()].into(),
            ..RequestedClaims::default()
        },
        dpop_jkt: None,
        access_token_claims: UserClaims(claims),
    }
}

/// A code for that grant, which expires at that second.
pub fn code(grant: Grant, end: i64) -> AuthorizationCode {
    AuthorizationCode {
        grant,
        redirect_uri: "http://localhost:5001/OpenId/Login/JS".to_owned(),
        redirect_uri_was_sent: true,
        code_challenge: None,
        dpop_jkt: None,
        nonce: Some("n-0S6_WzA2Mj".to_owned()),
        expires_at: at(end),
    }
}

/// A refresh token that expires at that second.
pub fn token(number: u64, end: i64) -> RefreshToken {
    RefreshToken { hash: hash(number), first_issued_at: NOW, expires_at: at(end) }
}

/// The hash of a user code for each number.
pub fn user_code(number: u64) -> UserCodeHash {
    UserCodeHash::from_bytes(bytes(number))
}

/// A device's request that expires at that second.
pub fn device_code(number: u64, end: i64) -> DeviceCode {
    let request = DeviceRequest {
        client_id: to_id("Television"),
        scope: "openid".parse().unwrap(),
        targets: Targets::default(),
    };
    DeviceCode {
        hash: hash(number),
        user_code: user_code(number),
        request,
        expires_at: at(end),
        interval: Seconds::new(5),
    }
}

/// A device's request that its user has allowed, in a session for it.
pub async fn allow_device(store: &Tested, number: u64, grant: Grant) {
    let Authentication { sub, sid, .. } = grant.authentication.clone();
    start_session(&**store, session(8_000 + number, &sub, 3600), None).await;
    assert_eq!(
        store.add_device_code(device_code(number, 300), &UNBOUNDED, NOW).await.unwrap(),
        AddedDeviceCode::Added
    );
    store.claim_device_code(user_code(number), &sub, NOW).await.unwrap().unwrap();
    let answer = DeviceAnswer::Allowed(Box::new(grant));
    assert!(store.answer_device_code(user_code(number), &sub, &sid, answer, NOW).await.unwrap());
}

/// A bound for what a public client asks for from this address.
pub fn bound_at(client_id: &str, address: &str, of_address: u32, of_client: u32) -> WaitingBound {
    let origin = Some(OriginBound::new(&to_id(client_id), address, of_address));
    WaitingBound { most: of_client, origin }
}

/// A pushed authorization request that expires at that second.
pub fn pushed_request(number: u64, end: i64) -> PushedRequest {
    let params = "client_id=PkceJS&response_type=code".to_owned();
    PushedRequest {
        hash: hash(number),
        client_id: to_id("PkceJS"),
        params,
        expires_at: at(end),
        held: None,
    }
}

/// A reference access token that expires at that second.
pub fn reference_token(number: u64, end: i64) -> ReferenceToken {
    let claims = json!({
        "iss": "http://localhost:6001", "sub": "alice", "aud": "MyBackendApi2",
        "exp": at(end).seconds(), "role": "admin",
        "iat": NOW.seconds(), "jti": format!("jti-{number}"), "client_id": "PkceJS",
        "scope": "openid", "grant_id": "g",
    });
    ReferenceToken { hash: hash(number), claims: serde_json::from_value(claims).unwrap() }
}

pub fn key(kid: &str, algorithm: SigningAlgorithm, activates: i64) -> StoredKey {
    StoredKey {
        kid: kid.to_owned(),
        algorithm,
        activates_at: at(activates),
        sealed: SealedKey::from_bytes(kid.as_bytes().to_vec()),
    }
}

/// Runs a command that many times at once, on several threads.
pub async fn parallel<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    store: &Tested,
    times: u64,
    command: impl Fn(Tested, u64) -> F,
) -> Vec<T> {
    let tasks: Vec<_> =
        (0..times).map(|index| tokio::spawn(command(Arc::clone(store), index))).collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

/// Adds many grants for one client, with a refresh token each, several at once.
pub async fn add_many_grants(store: &Tested, client_id: &'static str, count: u64) {
    let password = password_of(&**store, "alice").await;
    let add = |number: u64| {
        let (store, password) = (store.clone(), password.clone());
        async move {
            let grant = grant_for(client_id, &format!("grant-{number:04}"), "alice", "openid");
            let created = at(i64::try_from(number).unwrap());
            let token = Some(token(10_000 + number, 9_000));
            assert!(store.add_grant(grant, &password, at(9_000), token, created).await.unwrap());
        }
    };
    for first in (0..count).step_by(50) {
        join_all((first..count.min(first + 50)).map(add)).await;
    }
}

/// What a database of before further addresses had, for both kinds of database.
pub const WITHOUT_FURTHER_ADDRESSES: &str = r#"
DROP TABLE left_behind;
DROP INDEX group_members_by_username;
DROP INDEX outbox_by_address;
DROP INDEX tickets_in_order_of_about;
ALTER TABLE group_members DROP COLUMN username;
ALTER TABLE outbox DROP COLUMN address;
ALTER TABLE outbox DROP COLUMN client_id;
DROP TABLE upstream_id_tokens;
DROP TABLE identity_providers;
DROP TABLE identity_providers_version;
DROP TABLE further_addresses;
INSERT INTO users (sub, username, normalized_username, enabled, claims, email) VALUES
    ('a', 'a', 'a', TRUE, '{"email": "main@example.com", "scim": {"emails": [
        {"value": "MAIN@example.com"}, {"value": " Home@Example.com "},
        {"value": "home@example.com"}, {"value": ""}, {"value": 7}, {"type": "work"}, "text",
        null]}}', 'main@example.com'),
    ('b', 'b', 'b', TRUE, '{"scim": {"emails": [{"value": "home@example.com"}]}}', NULL),
    ('c', 'c', 'c', TRUE, '{"scim": {"emails": "home@example.com"}}', NULL),
    ('d', 'd', 'd', TRUE, '{"scim": {"emails": {"value": "home@example.com"}}}', NULL),
    ('e', 'e', 'e', TRUE, '{"scim": 7}', NULL),
    ('f', 'f', 'f', TRUE, '{}', NULL),
    ('g', 'g', 'g', TRUE, '{"name": "\u0000"}', NULL);
"#;

/// Who is found then.
pub async fn assert_further_addresses(store: &impl Users) {
    for (key, subs) in [("home@example.com", vec!["a", "b"]), ("main@example.com", vec![])] {
        let found = store.with_further_address(key, false, 10).await.unwrap();
        let found: Vec<&str> = found.iter().map(|user| user.sub.as_str()).collect();
        assert_eq!(found, subs, "{key}");
    }
    assert_eq!(store.with_further_address("", true, 10).await.unwrap().len(), 2);
}
