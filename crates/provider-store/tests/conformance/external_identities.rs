//! Identities at other providers, and the sessions that begin with them.

use std::sync::Arc;

use doorward_protocol::ids::SessionId;
use doorward_provider::{
    model::{
        account_notice::AccountNotices,
        external_identity::{ExternalId, IdentityUse, StoredIdentity},
        identity_provider::IdentityProvider,
        provisioning::{Provisioned, ProvisionedAs, UserMarks},
        session::{SessionSelector, SignInProof, UpstreamSelector, UpstreamSession},
        signing_key::SealedKey,
        ticket::{TicketBound, TicketPurpose},
        user::{User, UserClaims},
    },
    store::{
        AddedIdentity, AddedIdentityUser, IdentityLink, IdentityRemoval, LinkedBy, RemovedIdentity,
        RemovedPasskey, RemovedPassword,
    },
};
use serde_json::{Value, json};

use super::{
    fixtures::{
        NOW, Tested, at, hash, parallel, session, start_session, ticket, to_id, unseen, user,
        verified_user,
    },
    passkeys::passkey,
};

const ISSUER: &str = "https://up.example";

fn id(issuer: &str, subject: &str) -> ExternalId {
    ExternalId::parse(issuer, subject).unwrap()
}

fn claims(value: Value) -> UserClaims {
    serde_json::from_value(value).unwrap()
}

fn identity(subject: &str, sub: &str) -> StoredIdentity {
    StoredIdentity {
        id: id(ISSUER, subject),
        sub: to_id(sub),
        provider: to_id("up"),
        shown: Some("ada@example.com".to_owned()),
        mapped: UserClaims::default(),
        created_at: NOW,
        used_at: None,
    }
}

fn link(identity: StoredIdentity) -> IdentityLink {
    IdentityLink { identity, by: LinkedBy::Request, most: 5 }
}

async fn add(store: &Tested, identity: StoredIdentity) -> AddedIdentity {
    store.add_external_identity(link(identity), AccountNotices::default()).await.unwrap()
}

/// Adds a user without a password who has the identity with this subject.
async fn add_user(store: &Tested, user: User, subject: &str) -> AddedIdentityUser {
    let identity = StoredIdentity { sub: user.sub.clone(), ..identity(subject, "nobody") };
    let user = User { password_hash: None, ..user };
    store.add_user_with_identity(user, identity, None, NOW).await.unwrap()
}

async fn remove(store: &Tested, sub: &str, subject: &str) -> RemovedIdentity {
    remove_by(store, sub, subject, providers(), true).await
}

async fn remove_by(
    store: &Tested,
    sub: &str,
    subject: &str,
    providers: Vec<IdentityProvider>,
    by_user: bool,
) -> RemovedIdentity {
    let (sub, id) = (to_id(sub), id(ISSUER, subject));
    let removal = IdentityRemoval { sub, id, providers, by_user };
    store.remove_external_identity(removal, AccountNotices::default(), NOW).await.unwrap()
}

/// The one by which users sign in.
fn providers() -> Vec<IdentityProvider> {
    vec![IdentityProvider::new(to_id("up"), ISSUER)]
}

async fn owner(store: &Tested, subject: &str) -> Option<String> {
    let found = store.external_identity(&id(ISSUER, subject)).await.unwrap();
    found.map(|identity| identity.sub.to_string())
}

pub async fn found_by_issuer_and_subject_and_listed_for_their_user(store: Tested) {
    for sub in ["alice", "bob"] {
        store.put_user(user(sub, sub), NOW).await.unwrap();
    }
    let second = StoredIdentity { created_at: at(9), ..identity("b", "alice") };
    assert_eq!(add(&store, second.clone()).await, AddedIdentity::Added);
    assert_eq!(add(&store, identity("a", "alice")).await, AddedIdentity::Added);
    assert_eq!(add(&store, identity("c", "bob")).await, AddedIdentity::Added);
    let listed = store.external_identities(&to_id("alice")).await.unwrap();
    assert_eq!(listed, [identity("a", "alice"), second]);
    assert_eq!(store.factors(&to_id("alice")).await.unwrap().identities, 2);
    for (issuer, subject) in [
        (ISSUER, "A"),
        (ISSUER, "a "),
        ("https://UP.example", "a"),
        ("https://up.example/", "a"),
        ("https://other.example", "a"),
    ] {
        let found = store.external_identity(&id(issuer, subject)).await.unwrap();
        assert_eq!(found, None, "{issuer} {subject}");
    }
}

pub async fn a_user_is_added_with_one_once_among_many(store: Tested) {
    let outcomes = parallel(&store, 64, |store, index| async move {
        let name = format!("user-{index}");
        add_user(&store, user(&name, &name), "1").await
    })
    .await;
    let added = outcomes.iter().filter(|added| **added == AddedIdentityUser::Added).count();
    assert_eq!(added, 1, "{outcomes:?}");
    let owner = to_id(&owner(&store, "1").await.unwrap());
    assert!(
        outcomes.iter().all(|added| *added == AddedIdentityUser::Added
            || *added == AddedIdentityUser::IdentityTaken(Clone::clone(&owner))),
        "{outcomes:?}"
    );
    assert_eq!(store.users(None, 100).await.unwrap().len(), 1);
}

pub async fn a_user_is_added_under_a_free_name_and_address_only(store: Tested) {
    store.put_user(verified_user("1", "ada", "ada@example.com"), NOW).await.unwrap();
    assert_eq!(add_user(&store, user("2", "ADA"), "1").await, AddedIdentityUser::NameTaken);
    let same_address = verified_user("2", "bob", "ADA@example.com");
    assert_eq!(add_user(&store, same_address, "1").await, AddedIdentityUser::EmailTaken);
    assert_eq!(add_user(&store, user("1", "bob"), "1").await, AddedIdentityUser::NameTaken);
    assert_eq!(owner(&store, "1").await, None, "nothing was added");
    assert_eq!(add_user(&store, user("2", "bob"), "1").await, AddedIdentityUser::Added);
    assert_eq!(owner(&store, "1").await.as_deref(), Some("2"));
}

pub async fn an_invitation_adds_one_user(store: Tested) {
    let purpose = TicketPurpose::Invitation;
    let (waiting, bound) = (ticket(1, purpose, None, None, 60), TicketBound::at_once(9));
    store.add_ticket(waiting, &bound, Vec::new(), NOW).await.unwrap();
    let add = async |sub: &str, subject: &str, number| {
        let user = User { password_hash: None, ..user(sub, sub) };
        let ticket = Some((hash(number), purpose));
        store.add_user_with_identity(user, identity(subject, sub), ticket, NOW).await.unwrap()
    };
    assert_eq!(add("1", "1", 2).await, AddedIdentityUser::NoTicket);
    store.put_user(user("9", "1"), NOW).await.unwrap();
    assert_eq!(add("1", "1", 1).await, AddedIdentityUser::NameTaken, "the ticket stays");
    let outcomes = parallel(&store, 8, |store, index| async move {
        let name = format!("user-{index}");
        let user = User { password_hash: None, ..user(&name, &name) };
        let (identity, ticket) = (identity(&name, &name), Some((hash(1), purpose)));
        store.add_user_with_identity(user, identity, ticket, NOW).await.unwrap()
    });
    let outcomes = outcomes.await;
    let added = outcomes.iter().filter(|added| **added == AddedIdentityUser::Added).count();
    assert_eq!(added, 1, "{outcomes:?}");
    assert_eq!(store.users(None, 100).await.unwrap().len(), 2);
}

pub async fn never_taken_from_another_user(store: Tested) {
    for sub in ["alice", "bob"] {
        store.put_user(user(sub, sub), NOW).await.unwrap();
    }
    let outcomes = parallel(&store, 16, |store, index| async move {
        let sub = if index % 2 == 0 { "alice" } else { "bob" };
        (sub, add(&store, identity("1", sub)).await)
    })
    .await;
    let winner = owner(&store, "1").await.unwrap();
    for (sub, outcome) in outcomes {
        match outcome {
            AddedIdentity::Added | AddedIdentity::WasLinked => assert_eq!(sub, winner),
            AddedIdentity::Taken => assert_ne!(sub, winner),
            other => panic!("{other:?}"),
        }
    }
    let used = use_of(json!({}), 5);
    let loser = if winner == "alice" { "bob" } else { "alice" };
    let id = id(ISSUER, "1");
    assert!(!store.external_identity_used(&id, &to_id(loser), used.clone()).await.unwrap());
    assert!(store.external_identity_used(&id, &to_id(&winner), used).await.unwrap());
    assert_eq!(remove(&store, loser, "1").await, RemovedIdentity::Unknown);
    assert_eq!(owner(&store, "1").await, Some(winner));
}

fn use_of(mapped: Value, seconds: i64) -> IdentityUse {
    IdentityUse {
        provider: to_id("renamed"),
        shown: Some("Ada".to_owned()),
        mapped: claims(mapped),
        at: at(seconds),
    }
}

pub async fn linked_in_a_session_that_has_not_ended_only(store: Tested) {
    let session = session(1, "alice", 3600);
    let sid = session.authentication.sid.clone();
    start_session(&*store, session, None).await;
    let add = async |subject: &str, sid: &SessionId| {
        let by = LinkedBy::Session(sid.clone());
        let link = IdentityLink { by, ..link(identity(subject, "alice")) };
        store.add_external_identity(link, AccountNotices::default()).await.unwrap()
    };
    assert_eq!(add("1", &to_id("another")).await, AddedIdentity::NoUser);
    assert_eq!(add("1", &sid).await, AddedIdentity::Added);
    store.end_sessions_of(&to_id("alice"), NOW).await.unwrap();
    assert_eq!(add("2", &sid).await, AddedIdentity::NoUser);
    assert_eq!((owner(&store, "1").await.is_some(), owner(&store, "2").await), (true, None));
}

pub async fn linked_with_the_address_that_was_looked_for_only(store: Tested) {
    let alice = verified_user("alice", "alice", "ada@example.com");
    store.put_user(alice.clone(), NOW).await.unwrap();
    let add_by = async |email: &str, identity: StoredIdentity| {
        let link = IdentityLink { by: LinkedBy::Email(email.to_owned()), ..link(identity) };
        store.add_external_identity(link, AccountNotices::default()).await.unwrap()
    };
    let add = async |email: &str| add_by(email, identity("1", "alice")).await;
    assert_eq!(add("eve@example.com").await, AddedIdentity::NoUser);
    store.put_user(User { enabled: false, ..alice.clone() }, NOW).await.unwrap();
    assert_eq!(add("ada@example.com").await, AddedIdentity::NoUser, "disabled");
    store.put_user(alice, NOW).await.unwrap();
    assert_eq!(add("ada@example.com").await, AddedIdentity::Added);
    let nobody = link(identity("2", "nobody"));
    let added = store.add_external_identity(nobody, AccountNotices::default()).await.unwrap();
    assert_eq!(added, AddedIdentity::NoUser);
    assert_eq!(owner(&store, "2").await, None);
    // The address leads to one identity of an issuer, the user to as many as may be.
    assert_eq!(add("ada@example.com").await, AddedIdentity::WasLinked);
    let second = || identity("2", "alice");
    assert_eq!(add_by("ada@example.com", second()).await, AddedIdentity::HasAnother);
    assert_eq!(owner(&store, "2").await, None);
    let elsewhere = StoredIdentity { id: id("https://other.example", "1"), ..second() };
    assert_eq!(add_by("ada@example.com", elsewhere).await, AddedIdentity::Added);
    assert_eq!(self::add(&store, second()).await, AddedIdentity::Added);
}

pub async fn of_many_at_once_with_one_address_one_is_linked_by_it(store: Tested) {
    store.put_user(verified_user("alice", "alice", "ada@example.com"), NOW).await.unwrap();
    let outcomes = parallel(&store, 4, |store, index| async move {
        let by = LinkedBy::Email("ada@example.com".to_owned());
        let link = IdentityLink { by, ..link(identity(&index.to_string(), "alice")) };
        store.add_external_identity(link, AccountNotices::default()).await.unwrap()
    })
    .await;
    let added = outcomes.iter().filter(|added| **added == AddedIdentity::Added).count();
    assert_eq!(added, 1, "{outcomes:?}");
    assert_eq!(store.external_identities(&to_id("alice")).await.unwrap().len(), 1);
}

pub async fn linked_by_a_user_name_with_an_account_that_nobody_can_sign_in_to(store: Tested) {
    let add_by = async |name: &str, sub: &str| {
        let email = Some("known@example.com".to_owned());
        let by = LinkedBy::Username { username: name.to_owned(), email };
        let link = IdentityLink { by, ..link(identity(&format!("of-{sub}"), sub)) };
        store.add_external_identity(link, AccountNotices::default()).await.unwrap()
    };
    let waiting = |sub: &str| User { password_hash: None, ..user(sub, sub) };
    store.put_user(user("with-password", "with-password"), NOW).await.unwrap();
    store.put_user(waiting("alice"), NOW).await.unwrap();
    store.put_user(User { enabled: false, ..waiting("disabled") }, NOW).await.unwrap();
    let mut admin = waiting("admin");
    admin.claims_mut().insert("admin_role".to_owned(), "support".into());
    store.put_user(admin, NOW).await.unwrap();
    store.put_user(waiting("with-passkey"), NOW).await.unwrap();
    store.add_passkey(passkey(1, "with-passkey"), 5, unseen(NOW)).await.unwrap();
    add_user(&store, waiting("linked"), "other").await;
    let with_address =
        |sub: &str, email| User { password_hash: None, ..verified_user(sub, sub, email) };
    store.put_user(with_address("of-a-mailbox", "other@example.com"), NOW).await.unwrap();
    store.put_user(with_address("of-the-entry", "known@example.com"), NOW).await.unwrap();
    for (number, sub, purpose) in
        [(8, "resetting", TicketPurpose::ResetPassword), (9, "invited", TicketPurpose::Invitation)]
    {
        store.put_user(waiting(sub), NOW).await.unwrap();
        let ticket = ticket(number, purpose, Some(sub), None, 60);
        let bound = TicketBound::at_once(9);
        assert!(store.add_ticket(ticket, &bound, Vec::new(), NOW).await.unwrap());
    }
    for sub in [
        "with-password",
        "disabled",
        "admin",
        "with-passkey",
        "linked",
        "of-a-mailbox",
        "resetting",
        "invited",
    ] {
        assert_eq!(add_by(sub, sub).await, AddedIdentity::NoUser, "{sub}");
        assert_eq!(owner(&store, &format!("of-{sub}")).await, None, "{sub}");
    }
    assert_eq!(add_by("somebody", "alice").await, AddedIdentity::NoUser, "another name");
    assert_eq!(add_by("of-the-entry", "of-the-entry").await, AddedIdentity::Added);
    assert_eq!(add_by("alice", "alice").await, AddedIdentity::Added);
    assert_eq!(add_by("alice", "alice").await, AddedIdentity::WasLinked);
}

pub async fn linked_by_what_the_client_calls_a_user_whom_it_added(store: Tested) {
    let add_by = async |client: &str, external_id: &str, sub: &str| {
        let external_id = external_id.to_owned();
        let by = LinkedBy::Provisioned(ProvisionedAs { client: to_id(client), external_id });
        let link = IdentityLink { by, ..link(identity(&format!("of-{sub}"), sub)) };
        store.add_external_identity(link, AccountNotices::default()).await.unwrap()
    };
    let added_by = |client: &str, sub: &str| {
        let mut user = User { password_hash: None, ..user(sub, sub) };
        let (client, added_at) = (Some(to_id(client)), Some(NOW));
        UserMarks { client, added_at, ..UserMarks::default() }.put(&mut user);
        user
    };
    let mut admin = added_by("entra", "admin");
    admin.claims_mut().insert("admin_role".to_owned(), "support".into());
    let mut taken_over = added_by("entra", "taken-over");
    let client = Some(to_id("entra"));
    UserMarks { client, ..UserMarks::default() }.put(&mut taken_over);
    let with_password = user("with-password", "with-password");
    for user in [
        added_by("entra", "alice"),
        added_by("entra", "twin"),
        added_by("entra", "with-passkey"),
        added_by("okta", "of-another"),
        User { enabled: false, ..added_by("entra", "disabled") },
        User { password_hash: with_password.password_hash, ..added_by("entra", "with-password") },
        admin,
        taken_over,
    ] {
        let of = Provisioned::User(user.sub.clone());
        let external_id = match user.sub.as_str() {
            "alice" | "twin" => "both".to_owned(),
            sub => format!("x-{sub}"),
        };
        store.put_user(user, NOW).await.unwrap();
        store.set_external_id(&to_id("entra"), &of, Some(&external_id)).await.unwrap();
    }
    add_user(&store, added_by("entra", "linked"), "other").await;
    store.add_passkey(passkey(1, "with-passkey"), 5, unseen(NOW)).await.unwrap();
    let linked = Provisioned::User(to_id("linked"));
    store.set_external_id(&to_id("entra"), &linked, Some("x-linked")).await.unwrap();
    for sub in
        ["with-passkey", "of-another", "disabled", "with-password", "admin", "taken-over", "linked"]
    {
        let added = add_by("entra", &format!("x-{sub}"), sub).await;
        assert_eq!(added, AddedIdentity::NoUser, "{sub}");
        assert_eq!(owner(&store, &format!("of-{sub}")).await, None, "{sub}");
    }
    assert_eq!(add_by("entra", "both", "alice").await, AddedIdentity::NoUser, "there are two");
    let alice = Provisioned::User(to_id("alice"));
    store.set_external_id(&to_id("entra"), &alice, Some("x-alice")).await.unwrap();
    assert_eq!(add_by("entra", "both", "alice").await, AddedIdentity::NoUser, "another one");
    assert_eq!(add_by("okta", "x-alice", "alice").await, AddedIdentity::NoUser);
    assert_eq!(add_by("entra", "x-alice", "alice").await, AddedIdentity::Added);
    assert_eq!(add_by("entra", "x-alice", "alice").await, AddedIdentity::WasLinked);
}

pub async fn no_user_has_more_than_are_allowed(store: Tested) {
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    let outcomes = parallel(&store, 12, |store, index| async move {
        add(&store, identity(&index.to_string(), "alice")).await
    })
    .await;
    let added = outcomes.iter().filter(|added| **added == AddedIdentity::Added).count();
    assert_eq!(added, 5, "{outcomes:?}");
    assert_eq!(store.external_identities(&to_id("alice")).await.unwrap().len(), 5);
}

pub async fn what_is_mapped_comes_with_the_user_and_goes_with_the_identity(store: Tested) {
    let alice = user("alice", "alice");
    store.put_user(alice.clone(), NOW).await.unwrap();
    let mapped = async || store.user(&to_id("alice")).await.unwrap().unwrap().mapped;
    let second = StoredIdentity {
        mapped: claims(json!({"role": ["b"]})),
        created_at: at(1),
        ..identity("2", "alice")
    };
    add(&store, second).await;
    add(&store, identity("1", "alice")).await;
    assert_eq!(*mapped().await, [claims(json!({"role": ["b"]}))]);
    let first = id(ISSUER, "1");
    let used = use_of(json!({"role": ["a"], "site": "x"}), 5);
    assert!(store.external_identity_used(&first, &alice.sub, used).await.unwrap());
    let both = [claims(json!({"role": ["a"], "site": "x"})), claims(json!({"role": ["b"]}))];
    assert_eq!(*mapped().await, both, "the oldest first");
    let stored = store.external_identity(&first).await.unwrap().unwrap();
    assert_eq!((stored.provider.as_str(), stored.used_at), ("renamed", Some(at(5))));
    assert_eq!(stored.shown.as_deref(), Some("Ada"));
    // A change of the user keeps it, whatever the user that is written says.
    store.put_user(User { mapped: Arc::default(), ..alice.clone() }, NOW).await.unwrap();
    assert_eq!(*mapped().await, both);
    let by_name = store.user_by_username("alice").await.unwrap().unwrap();
    assert_eq!(*by_name.mapped, both);
    assert_eq!(*store.users(None, 1).await.unwrap()[0].mapped, both);
    store.external_identity_used(&first, &alice.sub, use_of(json!({}), 6)).await.unwrap();
    assert_eq!(*mapped().await, [claims(json!({"role": ["b"]}))], "taken away");
    assert_eq!(remove(&store, "alice", "2").await, RemovedIdentity::Removed);
    assert!(mapped().await.is_empty());
    assert_eq!(store.user(&alice.sub).await.unwrap().unwrap().claims, alice.claims);
}

fn proof(subject: &str) -> (SignInProof, Option<UpstreamSession>) {
    let upstream =
        UpstreamSession { id: id(ISSUER, subject), sid: Some(format!("there-{subject}")) };
    (SignInProof::External(upstream.clone()), Some(upstream))
}

/// Starts a session by the identity with this subject; its `sid` is the number.
async fn start(store: &Tested, number: u64, sub: &str, subject: &str) -> bool {
    let (proof, upstream) = proof(subject);
    let mut session = session(number, sub, 60);
    session.authentication.sid = to_id(&format!("sid-{number}"));
    session.upstream = upstream;
    store.start_session(session, &proof, None, AccountNotices::default(), NOW).await.unwrap()
}

pub async fn a_session_begins_with_one_that_is_still_the_users(store: Tested) {
    let alice = user("alice", "alice");
    store.put_user(alice.clone(), NOW).await.unwrap();
    store.put_user(user("bob", "bob"), NOW).await.unwrap();
    add(&store, identity("1", "alice")).await;
    assert!(start(&store, 1, "alice", "1").await);
    let found = store.session(hash(1), NOW).await.unwrap().unwrap();
    assert_eq!(found.upstream, proof("1").1);
    assert!(!start(&store, 2, "bob", "1").await, "another's");
    assert!(!start(&store, 3, "alice", "2").await, "unknown");
    store.put_user(User { enabled: false, ..alice.clone() }, NOW).await.unwrap();
    assert!(!start(&store, 4, "alice", "1").await, "disabled");
    store.put_user(alice, NOW).await.unwrap();
    assert!(start(&store, 5, "alice", "1").await);
    remove(&store, "alice", "1").await;
    assert!(!start(&store, 6, "alice", "1").await, "unlinked");
}

pub async fn an_unlinked_one_ends_the_sessions_that_began_by_it(store: Tested) {
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    for subject in ["1", "2"] {
        add(&store, identity(subject, "alice")).await;
    }
    assert!(start(&store, 1, "alice", "1").await && start(&store, 2, "alice", "2").await);
    assert_eq!(remove(&store, "alice", "1").await, RemovedIdentity::Removed);
    assert_eq!(remove(&store, "alice", "1").await, RemovedIdentity::Unknown);
    assert!(store.session(hash(1), NOW).await.unwrap().is_none());
    assert!(store.session(hash(2), NOW).await.unwrap().is_some());
}

pub async fn sessions_end_with_those_at_the_other_provider(store: Tested) {
    for (sub, subject) in [("alice", "1"), ("bob", "2")] {
        store.put_user(user(sub, sub), NOW).await.unwrap();
        add(&store, identity(subject, sub)).await;
    }
    let there = id(ISSUER, "1");
    let end = async |issuer: &str, which: UpstreamSelector| {
        let selector = SessionSelector::Upstream { issuer: to_id(issuer), which };
        let ended = store.end_sessions(selector, NOW).await.unwrap();
        ended.into_iter().map(|ended| ended.sid.to_string()).collect::<Vec<_>>()
    };
    let begin = async || {
        assert!(start(&store, 1, "alice", "1").await && start(&store, 2, "bob", "2").await);
    };
    begin().await;
    let by_sid = || UpstreamSelector::Session("there-1".to_owned());
    assert!(end("https://other.example", by_sid()).await.is_empty());
    let foreign = UpstreamSelector::SubjectAndSession(there.subject.clone(), "there-2".to_owned());
    assert!(end(ISSUER, foreign).await.is_empty());
    assert_eq!(end(ISSUER, by_sid()).await, ["sid-1"]);
    assert!(start(&store, 3, "alice", "1").await);
    let both = UpstreamSelector::SubjectAndSession(there.subject.clone(), "there-1".to_owned());
    assert_eq!(end(ISSUER, both).await, ["sid-3"]);
    assert!(start(&store, 4, "alice", "1").await);
    assert_eq!(end(ISSUER, UpstreamSelector::Subject(there.subject)).await, ["sid-4"]);
    assert!(store.session(hash(2), NOW).await.unwrap().is_some(), "another user's");
}

/// The ID token that is kept of the session with this subject.
async fn id_token(store: &Tested, subject: &str, second: i64) -> Option<Vec<u8>> {
    let session = proof(subject).1.unwrap();
    let kept = store.upstream_id_token(&session, at(second)).await.unwrap();
    kept.map(|sealed| sealed.as_bytes().to_vec())
}

async fn keep_id_token(store: &Tested, subject: &str, token: &[u8], until: i64) {
    let (session, sealed) = (proof(subject).1.unwrap(), SealedKey::from_bytes(token.to_vec()));
    store.keep_upstream_id_token(&session, sealed, at(until)).await.unwrap();
}

pub async fn an_id_token_is_kept_as_long_as_a_session_that_began_by_it(store: Tested) {
    for (sub, subject) in [("alice", "1"), ("bob", "2")] {
        store.put_user(user(sub, sub), NOW).await.unwrap();
        add(&store, identity(subject, sub)).await;
        keep_id_token(&store, subject, subject.as_bytes(), 10).await;
    }
    // Two sessions here by one there.
    assert!(start(&store, 1, "alice", "1").await && start(&store, 2, "alice", "1").await);
    assert!(start(&store, 3, "bob", "2").await);
    assert_eq!(id_token(&store, "1", 59).await.unwrap(), b"1");
    assert_eq!(id_token(&store, "1", 60).await, None, "the sessions are over");
    let unnamed = UpstreamSession { sid: None, ..proof("1").1.unwrap() };
    assert!(store.upstream_id_token(&unnamed, NOW).await.unwrap().is_none());
    // A later one takes its place, and shortens nothing.
    keep_id_token(&store, "1", b"later", 10).await;
    assert_eq!(id_token(&store, "1", 59).await.unwrap(), b"later");
    let end = async |sub: &str, number: u64| {
        let sid = to_id(&format!("sid-{number}"));
        let selector = SessionSelector::OfUser { sub: to_id(sub), sid };
        assert_eq!(store.end_sessions(selector, NOW).await.unwrap().len(), 1);
    };
    end("alice", 1).await;
    assert_eq!(id_token(&store, "1", 0).await.unwrap(), b"later", "the other one goes on");
    end("alice", 2).await;
    assert_eq!(id_token(&store, "1", 0).await, None);
    assert_eq!(id_token(&store, "2", 0).await.unwrap(), b"2", "another's");
    assert_eq!(store.end_sessions_of(&to_id("bob"), NOW).await.unwrap(), 1);
    assert_eq!(id_token(&store, "2", 0).await, None);
}

pub async fn an_id_token_goes_with_a_session_that_is_replaced(store: Tested) {
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    add(&store, identity("1", "alice")).await;
    keep_id_token(&store, "1", b"1", 10).await;
    assert!(start(&store, 1, "alice", "1").await);
    let replace = async |earlier: u64, number: u64, sid: &str, by: Option<UpstreamSession>| {
        let mut session = session(number, "alice", 60);
        session.authentication.sid = to_id(sid);
        session.upstream = by;
        start_session(&*store, session, Some(hash(earlier))).await;
    };
    // By the same session there, here as the same session and as another one.
    let there = proof("1").1;
    replace(1, 2, "sid-1", there.clone()).await;
    assert_eq!(id_token(&store, "1", 0).await.unwrap(), b"1");
    replace(2, 3, "sid-3", there).await;
    assert_eq!(id_token(&store, "1", 0).await.unwrap(), b"1");
    // The session goes on, but by the password.
    replace(3, 4, "sid-3", None).await;
    assert_eq!(id_token(&store, "1", 0).await, None);
}

pub async fn an_id_token_waits_for_its_session_for_a_limited_time(store: Tested) {
    keep_id_token(&store, "1", b"1", 10).await;
    assert_eq!(id_token(&store, "1", 9).await.unwrap(), b"1");
    assert_eq!(id_token(&store, "1", 10).await, None);
    assert_eq!(store.remove_expired(at(9), 10).await.unwrap(), 0);
    assert_eq!(store.remove_expired(at(10), 10).await.unwrap(), 1);
    assert_eq!(id_token(&store, "1", 0).await, None, "it is removed");
}

pub async fn the_last_way_in_stays_whatever_goes_at_once(store: Tested) {
    // One of two identities.
    add_user(&store, user("alice", "alice"), "1").await;
    assert_eq!(remove(&store, "alice", "1").await, RemovedIdentity::LastWayIn);
    add(&store, identity("2", "alice")).await;
    let outcomes = parallel(&store, 8, |store, index| async move {
        remove(&store, "alice", if index % 2 == 0 { "1" } else { "2" }).await
    })
    .await;
    let removed = outcomes.iter().filter(|one| **one == RemovedIdentity::Removed).count();
    assert_eq!(removed, 1, "{outcomes:?}");
    // An identity or a passkey.
    add_user(&store, user("bob", "bob"), "3").await;
    store.add_passkey(passkey(1, "bob"), 5, unseen(NOW)).await.unwrap();
    let outcomes = parallel(&store, 8, |store, index| async move {
        if index % 2 == 0 {
            return remove(&store, "bob", "3").await == RemovedIdentity::Removed;
        }
        let notices = AccountNotices::default();
        let removed =
            store.remove_passkey(&to_id("bob"), &[1; 20], &providers(), notices).await.unwrap();
        removed == RemovedPasskey::Removed
    })
    .await;
    assert_eq!(outcomes.iter().filter(|removed| **removed).count(), 1, "{outcomes:?}");
    // An identity or the password.
    store.put_user(user("carol", "carol"), NOW).await.unwrap();
    add(&store, identity("4", "carol")).await;
    let outcomes = parallel(&store, 8, |store, index| async move {
        if index % 2 == 0 {
            return remove(&store, "carol", "4").await == RemovedIdentity::Removed;
        }
        let notices = AccountNotices::default();
        let (carol, providers) = (to_id("carol"), providers());
        let removed = store.remove_password(&carol, &providers, notices, NOW).await.unwrap();
        removed == RemovedPassword::Removed
    })
    .await;
    assert_eq!(outcomes.iter().filter(|removed| **removed).count(), 1, "{outcomes:?}");
}

pub async fn no_way_in_where_users_do_not_sign_in(store: Tested) {
    let other = IdentityProvider::new(to_id("other"), "https://other.example");
    // A password does not go because of an identity at a provider that is no longer there.
    store.put_user(user("alice", "alice"), NOW).await.unwrap();
    add(&store, identity("1", "alice")).await;
    let remove_password = async |providers: &[IdentityProvider]| {
        let notices = AccountNotices::default();
        store.remove_password(&to_id("alice"), providers, notices, NOW).await.unwrap()
    };
    for gone in [&[][..], std::slice::from_ref(&other)] {
        assert_eq!(remove_password(gone).await, RemovedPassword::NoOtherWay);
    }
    assert_eq!(remove_password(&providers()).await, RemovedPassword::Removed);
    // Neither does the last passkey. The identity itself goes, since nobody signs in by it.
    store.add_passkey(passkey(1, "alice"), 5, unseen(NOW)).await.unwrap();
    let alice = to_id("alice");
    let notices = AccountNotices::default();
    let removed =
        store.remove_passkey(&alice, &[1; 20], std::slice::from_ref(&other), notices).await;
    assert_eq!(removed.unwrap(), RemovedPasskey::LastWayIn);
    let removed = remove_by(&store, "alice", "1", vec![other], true).await;
    assert_eq!(removed, RemovedIdentity::Removed);
    // A provider with an issuer for each tenant counts for all of them.
    add(&store, identity("1", "alice")).await;
    let of_tenants = [IdentityProvider::new(to_id("up"), "https://{tenantid}.example")];
    let notices = AccountNotices::default();
    let removed = store.remove_passkey(&alice, &[1; 20], &of_tenants, notices).await.unwrap();
    assert_eq!(removed, RemovedPasskey::Removed);
}

pub async fn an_unlinked_one_is_linked_again_by_the_user_only(store: Tested) {
    store.put_user(verified_user("alice", "alice", "ada@example.com"), NOW).await.unwrap();
    let by_email = async |subject: &str| {
        let by = LinkedBy::Email("ada@example.com".to_owned());
        let link = IdentityLink { by, ..link(identity(subject, "alice")) };
        store.add_external_identity(link, AccountNotices::default()).await.unwrap()
    };
    assert_eq!(by_email("1").await, AddedIdentity::Added);
    // An operator may want the address to find the account again.
    let removed = remove_by(&store, "alice", "1", providers(), false).await;
    assert_eq!(removed, RemovedIdentity::Removed);
    assert_eq!(by_email("2").await, AddedIdentity::Added);
    assert_eq!(remove(&store, "alice", "2").await, RemovedIdentity::Removed);
    // By no other subject either: the address may be somebody else's by now.
    for subject in ["1", "2", "3"] {
        assert_eq!(by_email(subject).await, AddedIdentity::WasUnlinked);
    }
    assert_eq!(owner(&store, "2").await, None);
    assert_eq!(add(&store, identity("2", "alice")).await, AddedIdentity::Added);
    assert_eq!(remove_by(&store, "alice", "2", providers(), false).await, RemovedIdentity::Removed);
    assert_eq!(by_email("2").await, AddedIdentity::Added, "the user has linked it since");
}

pub async fn removed_with_their_user(store: Tested) {
    add_user(&store, user("alice", "alice"), "1").await;
    assert!(store.remove_user(&to_id("alice"), NOW).await.unwrap());
    assert_eq!(owner(&store, "1").await, None);
    assert!(store.external_identities(&to_id("alice")).await.unwrap().is_empty());
}
