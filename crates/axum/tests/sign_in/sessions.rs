//! What every store of sessions must do.

use std::sync::Arc;

use axum::http::Request;
use deadpool_postgres::{Manager, Pool};
use doorward_axum::{
    Key, MemorySessions, PostgresSessions, SessionRow, SessionStore, SqliteSessions, Whose,
};
use futures::future::join_all;
use test_postgres::TestPostgres;

use crate::support::{Kept, World};

const NOW: u64 = 1_800_000_000;

fn key(name: &str) -> Key {
    Key::of(&[name])
}

fn row(name: &str) -> SessionRow {
    SessionRow {
        key: key(name),
        user: key("alice"),
        provider_session: Some(key("sid")),
        expires_at: NOW + 100,
        sealed: vec![0, 1, 255],
    }
}

async fn passes(store: impl SessionStore) {
    let store: Arc<dyn SessionStore> = Arc::new(store);
    requests_are_taken_once(&store).await;
    sessions_are_found_until_they_end(&store).await;
    one_of_many_renews(&store).await;
    replacing_needs_the_present_version(&store).await;
    an_update_leaves_the_claim(&store).await;
    sessions_of_a_user_and_of_a_sign_in_end(&store).await;
    what_counts_once_is_known_again(&store).await;
    what_has_expired_is_removed(&store).await;
    the_oldest_requests_are_removed_when_there_are_too_many(&store).await;
}

async fn requests_are_taken_once(store: &Arc<dyn SessionStore>) {
    store.put_request(key("request"), vec![7], NOW + 10).await.unwrap();
    let callers = (0..20).map(|_| store.take_request(key("request"), NOW));
    let taken: Vec<_> = join_all(callers).await.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(taken, [vec![7]]);
    store.put_request(key("late"), vec![7], NOW + 10).await.unwrap();
    assert_eq!(store.take_request(key("late"), NOW + 10).await.unwrap(), None);
    assert_eq!(store.take_request(key("unknown"), NOW).await.unwrap(), None);
}

async fn sessions_are_found_until_they_end(store: &Arc<dyn SessionStore>) {
    store.insert(row("found")).await.unwrap();
    let found = store.find(key("found"), NOW + 99).await.unwrap().unwrap();
    assert_eq!((found.sealed, found.version), (vec![0, 1, 255], 0));
    assert_eq!(store.find(key("found"), NOW + 100).await.unwrap(), None);
    store.remove(key("found")).await.unwrap();
    store.remove(key("found")).await.unwrap();
    assert_eq!(store.find(key("found"), NOW).await.unwrap(), None);
}

async fn one_of_many_renews(store: &Arc<dyn SessionStore>) {
    store.insert(row("renewed")).await.unwrap();
    let claim = async |version, now| {
        store.claim_renewal(key("renewed"), version, now, now + 30).await.unwrap()
    };
    let claims = join_all((0..20).map(|_| claim(0, NOW))).await;
    assert_eq!(claims.iter().filter(|claimed| **claimed).count(), 1);
    assert!(!claim(0, NOW + 29).await && claim(0, NOW + 30).await, "a claim ends by itself");
    assert!(store.replace(key("renewed"), 0, vec![2]).await.unwrap());
    assert!(!claim(0, NOW + 31).await, "the version is an old one");
    assert!(claim(1, NOW + 31).await, "the claim ended with the renewal");
    assert!(!store.claim_renewal(key("unknown"), 0, NOW, NOW + 30).await.unwrap());
}

async fn replacing_needs_the_present_version(store: &Arc<dyn SessionStore>) {
    store.insert(row("replaced")).await.unwrap();
    let replaces = (0..20).map(|n| store.replace(key("replaced"), 0, vec![n]));
    let done: Vec<_> = join_all(replaces).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(done.iter().filter(|done| **done).count(), 1);
    assert_eq!(store.find(key("replaced"), NOW).await.unwrap().unwrap().version, 1);
    store.remove(key("replaced")).await.unwrap();
    assert!(!store.replace(key("replaced"), 1, vec![1]).await.unwrap());
    assert_eq!(store.find(key("replaced"), NOW).await.unwrap(), None, "it does not come back");
}

async fn an_update_leaves_the_claim(store: &Arc<dyn SessionStore>) {
    store.insert(row("updated")).await.unwrap();
    assert!(store.claim_renewal(key("updated"), 0, NOW, NOW + 30).await.unwrap());
    let updates = (0..20).map(|n| store.update(key("updated"), 0, vec![n]));
    let done: Vec<_> = join_all(updates).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(done.iter().filter(|done| **done).count(), 1);
    let found = store.find(key("updated"), NOW).await.unwrap().unwrap();
    assert_eq!((found.version, found.sealed.len()), (1, 1));
    let claim = async |now| store.claim_renewal(key("updated"), 1, now, now + 30).await.unwrap();
    assert!(!claim(NOW + 29).await && claim(NOW + 30).await, "somebody else still renews");
    store.remove(key("updated")).await.unwrap();
    assert!(!store.update(key("updated"), 1, vec![1]).await.unwrap(), "it does not come back");
}

async fn sessions_of_a_user_and_of_a_sign_in_end(store: &Arc<dyn SessionStore>) {
    let other = |name, user: &str, sid: Option<&str>| SessionRow {
        user: key(user),
        provider_session: sid.map(key),
        ..row(name)
    };
    for row in [
        other("a", "bob", Some("one")),
        other("b", "bob", Some("two")),
        other("c", "bob", None),
        other("d", "carol", Some("three")),
        other("e", "carol", None),
    ] {
        store.insert(row).await.unwrap();
    }
    let there = async |name| store.find(key(name), NOW).await.unwrap().is_some();
    let end = async |whose| store.remove_all(whose).await.unwrap();
    assert_eq!(end(Whose::ProviderSession(key("one"))).await, 1);
    assert!(!there("a").await && there("b").await && there("c").await);
    assert_eq!(end(Whose::User(key("bob"))).await, 2);
    assert!(!there("b").await && !there("c").await && there("d").await);
    assert_eq!(end(Whose::User(key("nobody"))).await, 0);
    assert_eq!(end(Whose::UserWithoutProviderSession(key("carol"))).await, 1);
    assert!(there("d").await && !there("e").await);
}

async fn what_counts_once_is_known_again(store: &Arc<dyn SessionStore>) {
    let uses = (0..20).map(|_| store.use_once(key("jti"), NOW, NOW + 10));
    let first: Vec<_> = join_all(uses).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(first.iter().filter(|first| **first).count(), 1);
    assert!(store.was_used(key("jti"), NOW + 9).await.unwrap());
    assert!(!store.was_used(key("jti"), NOW + 10).await.unwrap());
    assert!(!store.was_used(key("unused"), NOW).await.unwrap());
    assert!(!store.use_once(key("jti"), NOW + 9, NOW + 20).await.unwrap());
    assert!(store.use_once(key("jti"), NOW + 10, NOW + 20).await.unwrap());
    assert!(store.use_once(key("other"), NOW, NOW + 10).await.unwrap());
}

async fn what_has_expired_is_removed(store: &Arc<dyn SessionStore>) {
    store.put_request(key("swept"), vec![7], NOW + 10).await.unwrap();
    store.insert(row("swept")).await.unwrap();
    store.sweep(NOW + 9, 100).await.unwrap();
    assert!(store.find(key("swept"), NOW).await.unwrap().is_some());
    store.sweep(NOW + 100, 100).await.unwrap();
    // Asked as if no time had passed: they are gone.
    assert_eq!(store.find(key("swept"), NOW).await.unwrap(), None);
    assert_eq!(store.take_request(key("swept"), NOW).await.unwrap(), None);
    assert!(store.use_once(key("other"), NOW, NOW + 10).await.unwrap());
}

async fn the_oldest_requests_are_removed_when_there_are_too_many(store: &Arc<dyn SessionStore>) {
    for (name, until) in [("second", 2), ("first", 1), ("third", 3), ("fourth", 4)] {
        store.put_request(key(name), vec![7], NOW + 1000 + until).await.unwrap();
    }
    store.sweep(NOW, 4).await.unwrap();
    store.sweep(NOW, 3).await.unwrap();
    let kept = async |name| store.take_request(key(name), NOW).await.unwrap().is_some();
    assert!(!kept("first").await);
    assert!(kept("second").await && kept("third").await && kept("fourth").await);
}

#[tokio::test]
async fn memory() {
    passes(MemorySessions::default()).await;
}

#[tokio::test]
async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.sqlite3");
    passes(SqliteSessions::open(&file).unwrap()).await;
    // Another process, or the next one.
    SqliteSessions::open(&file).unwrap();
}

fn pool(url: &str) -> Pool {
    let manager = Manager::new(url.parse().unwrap(), tokio_postgres::NoTls);
    Pool::builder(manager).max_size(4).build().unwrap()
}

#[tokio::test]
async fn postgres() {
    let postgres = TestPostgres::start();
    let url = postgres.new_database();
    let (one, two) =
        tokio::join!(PostgresSessions::new(pool(&url)), PostgresSessions::new(pool(&url)));
    passes(one.unwrap()).await;
    two_processes_share_sessions(two.unwrap(), PostgresSessions::new(pool(&url)).await.unwrap())
        .await;
}

/// Sign-in at one, renewal by both, and logout at the other.
async fn two_processes_share_sessions(here: impl SessionStore, there: impl SessionStore) {
    let one = World::with(here, |settings| settings).await;
    let two = World::at(one.provider.clone(), there, |settings| settings);
    let browser = one.signed_in().await;
    let elsewhere = two.browser();
    elsewhere.set_cookie("session", &browser.cookie("session").unwrap());
    assert_eq!(elsewhere.open("/").await.body, "alice");
    one.advance(3700);
    two.advance(3700);
    let tabs: Vec<_> = (0..50).map(|n| [&browser, &elsewhere][n % 2].copy()).collect();
    let answers = join_all(tabs.iter().map(|tab| tab.open("/token"))).await;
    assert_eq!(one.provider.renewals(), 1);
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    browser.post("/values?name=here&value=1", "").await;
    elsewhere.post("/values?name=there&value=2", "").await;
    assert_eq!(browser.open("/values").await.body, "here: 1, there: 2");
    elsewhere.post("/signout", "").await;
    assert_eq!(browser.open("/").await.body, "nobody");
}

/// A script of another tab asked before the sign-in, and is answered after it.
#[tokio::test]
async fn a_late_answer_to_an_old_cookie_leaves_the_new_one() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.signed_in().await;
        let old = browser.copy();
        world.sign_in(&browser, "/signin").await;
        for mode in ["cors", "no-cors", "same-origin"] {
            let request = Request::get("/").header("sec-fetch-mode", mode);
            let late = old.send(request, "").await;
            assert_eq!(late.body, "nobody");
            assert!(!late.headers.contains_key("set-cookie"), "{kept:?} {mode}");
        }
    }
}

#[tokio::test]
async fn the_database_has_no_token_and_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.sqlite3");
    let world = World::with(SqliteSessions::open(&file).unwrap(), |settings| settings).await;
    let browser = world.signed_in().await;
    let token = browser.open("/token").await.body;
    let handle = browser.cookie("session").unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.extend(std::fs::read(folder.path().join("sessions.sqlite3-wal")).unwrap());
    for secret in [&*token, "refresh-", "alice", "Alice", &handle] {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{secret}");
    }
}
