//! Sessions, the clients that take part in them, and their end.

use doorward_provider::{
    model::session::{EndedSession, Session, SessionSelector},
    store::Redemption,
};
use doorward_provider_store::Limits;

use super::fixtures::{
    NOW, Tested, add_grant, at, code, grant, grant_for, hash, session, start_session, to_id, token,
    user,
};

pub async fn found_until_expiry(store: Tested) {
    let alice = session(1, "alice", 60);
    start_session(&*store, alice.clone(), None).await;
    assert_eq!(store.session(hash(1), at(59)).await.unwrap(), Some(alice));
    assert_eq!(store.session(hash(1), at(60)).await.unwrap(), None);
    assert_eq!(store.session(hash(2), NOW).await.unwrap(), None);
}

fn cookie(number: u64) -> SessionSelector {
    SessionSelector::Cookie(hash(number))
}

fn ended(sub: &str, clients: &[&str]) -> EndedSession {
    let clients = clients.iter().map(|client| to_id(client)).collect();
    EndedSession { sub: to_id(sub), sid: to_id(&format!("sid-{sub}")), clients }
}

pub async fn replaced_and_ended(store: Tested) {
    start_session(&*store, session(1, "alice", 60), None).await;
    start_session(&*store, session(2, "alice", 60), Some(hash(1))).await;
    assert_eq!(store.session(hash(1), NOW).await.unwrap(), None);
    assert!(store.session(hash(2), NOW).await.unwrap().is_some());
    assert_eq!(store.end_sessions(cookie(2), NOW).await.unwrap(), [ended("alice", &[])]);
    assert_eq!(store.session(hash(2), NOW).await.unwrap(), None);
    assert_eq!(store.end_sessions(cookie(2), NOW).await.unwrap(), []);
}

/// Adds a code for this client in the session of `alice`.
async fn code_for(store: &Tested, number: u64, client_id: &str, notify: bool) -> bool {
    let code = code(grant_for(client_id, &format!("grant-{number}"), "alice", "openid"), 600);
    store.add_code(hash(number), code, notify).await.unwrap()
}

pub async fn each_client_takes_part_once(store: Tested) {
    start_session(&*store, session(1, "alice", 60), None).await;
    for (number, client) in [(10, "b"), (11, "a"), (12, "b")] {
        assert!(code_for(&store, number, client, false).await);
    }
    assert_eq!(store.end_sessions(cookie(1), NOW).await.unwrap(), [ended("alice", &["a", "b"])]);
    start_session(&*store, session(2, "alice", 60), None).await;
    assert_eq!(
        store.end_sessions(cookie(2), NOW).await.unwrap(),
        [ended("alice", &[])],
        "nothing is left of the first"
    );
}

pub async fn one_that_goes_on_keeps_its_clients(store: Tested) {
    start_session(&*store, session(1, "alice", 60), None).await;
    code_for(&store, 10, "a", true).await;
    start_session(&*store, session(2, "alice", 60), Some(hash(1))).await;
    assert_eq!(store.claim_logout_notices(&to_id("a"), 9, NOW, at(1)).await.unwrap(), []);
    assert_eq!(store.end_sessions(cookie(2), NOW).await.unwrap(), [ended("alice", &["a"])]);
}

pub async fn another_users_sign_in_ends_the_first(store: Tested) {
    start_session(&*store, session(1, "alice", 60), None).await;
    code_for(&store, 10, "a", true).await;
    start_session(&*store, session(2, "bob", 60), Some(hash(1))).await;
    let notices = store.claim_logout_notices(&to_id("a"), 9, NOW, at(1)).await.unwrap();
    assert_eq!(notices.iter().map(|notice| notice.sub.as_str()).collect::<Vec<_>>(), ["alice"]);
    assert_eq!(store.end_sessions(cookie(2), NOW).await.unwrap(), [ended("bob", &[])]);
}

pub async fn an_ended_one_gives_no_code_and_redeems_none(store: Tested) {
    store.import_users(vec![user("alice", "alice")], NOW).await.unwrap();
    assert!(!code_for(&store, 10, "a", true).await, "there was none");
    start_session(&*store, session(1, "alice", 60), None).await;
    assert!(code_for(&store, 11, "a", true).await);
    store.end_sessions(cookie(1), NOW).await.unwrap();
    assert!(!code_for(&store, 12, "a", true).await);
    assert!(store.code(hash(12)).await.unwrap().is_none());
    let redeemed =
        store.redeem_code(hash(11), grant("g", "alice"), at(600), Some(token(2, 900)), NOW).await;
    assert_eq!(redeemed.unwrap(), Redemption::SessionEnded);
    assert!(store.live_grant(&to_id("g"), NOW).await.unwrap().is_none());
    assert!(store.refresh_token(hash(2)).await.unwrap().is_none());
}

pub async fn its_end_revokes_grants_without_offline_access(store: Tested) {
    store.import_users(vec![user("alice", "alice"), user("bob", "bob")], NOW).await.unwrap();
    start_session(&*store, session(1, "alice", 60), None).await;
    for (id, sub, scope) in [
        ("bound", "alice", "openid"),
        ("offline", "alice", "openid offline_access"),
        ("other", "bob", "openid"),
    ] {
        add_grant(&*store, grant_for("a", id, sub, scope), at(600), None, NOW).await;
    }
    store.end_sessions(cookie(1), NOW).await.unwrap();
    assert!(store.live_grant(&to_id("bound"), NOW).await.unwrap().is_none());
    assert!(store.live_grant(&to_id("offline"), NOW).await.unwrap().is_some());
    assert!(store.live_grant(&to_id("other"), NOW).await.unwrap().is_some());
}

pub async fn ended_by_user_and_sid(store: Tested) {
    start_session(&*store, session(1, "alice", 60), None).await;
    start_session(&*store, session(2, "bob", 60), None).await;
    let of = |sub: &str| SessionSelector::OfUser { sub: to_id(sub), sid: to_id("sid-alice") };
    assert_eq!(store.end_sessions(of("bob"), NOW).await.unwrap(), [], "not bob's");
    assert_eq!(store.end_sessions(of("alice"), NOW).await.unwrap(), [ended("alice", &[])]);
    assert_eq!(store.end_sessions_of(&to_id("bob"), NOW).await.unwrap(), 1);
    assert_eq!(store.end_sessions_of(&to_id("bob"), NOW).await.unwrap(), 0);
    assert!(store.session(hash(2), NOW).await.unwrap().is_none());
}

pub async fn listed_for_their_user_the_latest_first(store: Tested) {
    let (early, mut late, other) =
        (session(1, "alice", 60), session(2, "alice", 600), session(3, "bob", 60));
    late.authentication.sid = to_id("sid-late");
    late.authentication.auth_time = at(5);
    for session in [&early, &late, &other] {
        start_session(&*store, session.clone(), None).await;
    }
    assert_eq!(
        store.sessions_of(&to_id("alice"), None, 100, at(59)).await.unwrap(),
        [late.clone(), early]
    );
    assert_eq!(
        store.sessions_of(&to_id("alice"), None, 100, at(60)).await.unwrap(),
        [late],
        "the other has expired"
    );
    assert_eq!(store.sessions_of(&to_id("carol"), None, 100, NOW).await.unwrap(), []);
}

/// The session with this number, of a sign-in in that second.
fn numbered(number: u64) -> Session {
    let mut session = session(number, "alice", 600);
    session.authentication.sid = to_id(&format!("sid-{number:03}"));
    session.authentication.auth_time = at(i64::try_from(number).unwrap());
    session
}

async fn start_many(store: &Tested, count: u64) {
    for number in 1..=count {
        start_session(&**store, numbered(number), None).await;
    }
}

pub async fn the_oldest_ends_beyond_the_limit(store: Tested) {
    start_session(&*store, numbered(1), None).await;
    let mut code = code(grant("g", "alice"), 600);
    code.grant.authentication.sid = numbered(1).authentication.sid;
    assert!(store.add_code(hash(1), code, true).await.unwrap());
    let limit = u64::from(Limits::default().sessions_per_user);
    for number in 2..=limit {
        start_session(&*store, numbered(number), None).await;
    }
    assert!(store.session(hash(1), NOW).await.unwrap().is_some());

    start_session(&*store, numbered(limit + 1), None).await;
    assert!(store.session(hash(1), NOW).await.unwrap().is_none(), "the first sign-in");
    assert!(store.session(hash(2), NOW).await.unwrap().is_some());
    let notices = store.claim_logout_notices(&to_id("PkceJS"), 9, NOW, at(1)).await.unwrap();
    assert_eq!(notices.iter().map(|notice| notice.sid.as_str()).collect::<Vec<_>>(), ["sid-001"]);

    // A sign-in whose clock is behind ends others, not itself.
    let mut behind = numbered(999);
    behind.authentication.auth_time = at(-9);
    start_session(&*store, behind, None).await;
    assert!(store.session(hash(999), NOW).await.unwrap().is_some());
    assert!(store.session(hash(2), NOW).await.unwrap().is_none());
}

pub async fn listed_in_pages(store: Tested) {
    start_many(&store, 5).await;
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let page = store.sessions_of(&to_id("alice"), after.as_ref(), 2, NOW).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.cursor());
        listed.extend(page.into_iter().map(|session| session.authentication.sid));
    }
    assert_eq!(listed, ["sid-005", "sid-004", "sid-003", "sid-002", "sid-001"]);
}

pub async fn many_end_in_pages(store: Tested) {
    start_many(&store, 100).await;
    assert_eq!(store.end_sessions_of(&to_id("alice"), NOW).await.unwrap(), 100);
    assert!(store.sessions_of(&to_id("alice"), None, 10, NOW).await.unwrap().is_empty());
    assert_eq!(store.end_sessions_of(&to_id("alice"), NOW).await.unwrap(), 0);
}
