//! A stranger does not learn whether a name or an address is known: neither from the answer nor
//! from the work that the store does.

use std::{collections::BTreeMap, time::Duration};

use axum::http::StatusCode;
use doorward_provider::model::{outbox::MailKind, time::Clock as _, user::User};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::time::timeout;

use super::{open, world};
use crate::support::{Answer, Browser, Setup, World, user};

async fn ask(world: &World, page: &str, field: &str, value: &str) -> Answer {
    let mut browser = Browser::new(world);
    let shown = browser.get(page).await.page();
    browser.submit(&shown, &[(field, value)]).await
}

/// What a stranger sees of an answer: all of it but the random values.
fn seen(answer: &Answer) -> (StatusCode, Vec<(String, String)>, String) {
    let headers = answer
        .headers
        .iter()
        .filter(|(name, _)| name.as_str() != "set-cookie")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    (answer.status, headers.collect(), answer.body.clone())
}

#[tokio::test]
async fn known_and_unknown_get_the_same_answer() {
    let world = world(open()).await;
    for (page, field, known, unknown) in [
        ("/account/forgot-password", "account", "alice", "nobody"),
        ("/account/forgot-password", "account", "alice@example.com", "nobody@example.com"),
        ("/account/forgot-password", "account", "ALICE@example.com", "no\u{f6}ne"),
        ("/account/register", "email", "alice@example.com", "nobody@example.com"),
    ] {
        let known = ask(&world, page, field, known).await;
        let unknown = ask(&world, page, field, unknown).await;
        assert_eq!(known.status, StatusCode::OK, "{known:?}");
        assert_eq!(seen(&known), seen(&unknown), "{page}");
    }
}

#[tokio::test]
async fn the_store_writes_as_many_rows_for_nobody() {
    let world = world(open()).await;
    // Expired at once, so that it is never sent, and swept.
    let swept = async |world: &World| {
        world.clock.advance(4000);
        world.store().remove_expired(world.clock.now(), 1000).await.unwrap()
    };
    swept(&world).await;
    let mut counts = Vec::new();
    for (page, field, value) in [
        ("/account/forgot-password", "account", "alice"),
        ("/account/forgot-password", "account", "nobody"),
        ("/account/register", "email", "alice@example.com"),
        ("/account/register", "email", "nobody@example.com"),
    ] {
        ask(&world, page, field, value).await;
        counts.push(swept(&world).await);
    }
    assert!(counts[0] >= 2 && counts.iter().all(|count| *count == counts[0]), "{counts:?}");
}

#[tokio::test]
async fn nobody_gets_no_mail_and_the_owner_is_told() {
    let world = world(open()).await;
    ask(&world, "/account/forgot-password", "account", "nobody@example.com").await;
    assert!(world.mails().await.is_empty());
    ask(&world, "/account/register", "email", "Alice@Example.com").await;
    let told = world.mail_to("Alice@Example.com").await;
    assert_eq!(told.kind, MailKind::AccountExists);
    let link = told.data["link"].as_str().unwrap();
    assert!(link.ends_with("/account/login"), "no handle: {link}");
}

#[tokio::test]
async fn limits_are_reached_alike() {
    let world = world(open()).await;
    for name in ["alice", "nobody"] {
        let mut last = None;
        for _ in 0..5 {
            let answer = seen(&ask(&world, "/account/forgot-password", "account", name).await);
            assert!(last.is_none_or(|last| last == answer), "{name}");
            last = Some(answer);
        }
    }
}

/// How often each command of the store ran while this was done.
pub(crate) async fn commands(work: impl Future<Output = ()>) -> BTreeMap<String, u64> {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let recording = metrics::set_default_local_recorder(&recorder);
    work.await;
    drop(recording);
    let rendered = handle.render();
    let counts = rendered.lines().filter_map(|line| {
        let (command, count) =
            line.strip_prefix("doorward_store_seconds_count{")?.rsplit_once(' ')?;
        Some((command.to_owned(), count.parse().ok()?))
    });
    counts.collect()
}

async fn ask_often(world: &World, page: &str, field: &str, value: &str) {
    // The fourth goes beyond the limits of an account.
    for _ in 0..4 {
        ask(world, page, field, value).await;
    }
}

/// The same in a browser that carol has signed in with.
async fn ask_often_in_a_known_browser(world: &World, page: &str, field: &str, value: &str) {
    let known = Browser::signed_in(world, "carol").await;
    let cookie = known.cookie("doorward.device").unwrap();
    for _ in 0..4 {
        let mut browser = Browser::new(world);
        browser.set_cookie("doorward.device", cookie);
        let shown = browser.get(page).await.page();
        browser.submit(&shown, &[(field, value)]).await;
    }
}

async fn guess_often(world: &World, username: &str, password: &str) {
    for _ in 0..4 {
        let refused = Browser::new(world).sign_in(username, password, None).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
    }
}

/// Times on a shared machine say little, so the work is counted instead, of which they are made.
#[tokio::test]
async fn many_requests_cost_the_store_the_same_for_nobody() {
    for (page, field, known, unknown) in [
        ("/account/forgot-password", "account", "alice", "nobody"),
        ("/account/forgot-password", "account", "alice@example.com", "nobody@example.com"),
        ("/account/register", "email", "alice@example.com", "nobody@example.com"),
    ] {
        let of = async |value| {
            let world = world(open()).await;
            commands(ask_often(&world, page, field, value)).await
        };
        let of_known = of(known).await;
        assert!(of_known.values().sum::<u64>() >= 8, "{page}: {of_known:?}");
        assert_eq!(of_known, of(unknown).await, "{page} for {known} and {unknown}");
        let of = async |value| {
            let world = world(open()).await;
            commands(ask_often_in_a_known_browser(&world, page, field, value)).await
        };
        assert_eq!(of(known).await, of(unknown).await, "{page} in a browser of another user");
    }
}

#[tokio::test]
async fn many_guesses_cost_the_store_the_same_for_nobody() {
    // The second is a recovery code by its form, which signs in who has no password.
    for password in ["wrong", "ABCD-EFGH-JKLM-NPQR-STUV-WXYZ"] {
        let of = async |username| {
            let world = world(open()).await;
            for (sub, enabled) in [("carol", true), ("dave", false)] {
                let user = user(sub, sub, &[]);
                world.import(User { password_hash: None, enabled, ..user }).await;
            }
            commands(guess_often(&world, username, password)).await
        };
        let of_nobody = of("nobody").await;
        assert!(of_nobody.values().sum::<u64>() >= 8, "{of_nobody:?}");
        // With a password, without one, and disabled.
        for username in ["alice", "carol", "dave"] {
            assert_eq!(of(username).await, of_nobody, "{username} and {password}");
        }
    }
}

#[tokio::test]
async fn whoever_asks_for_a_link_waits_whether_somebody_is_known_or_not() {
    let answer_step = Duration::from_hours(1);
    let world = World::with(Setup { accounts: open(), answer_step, ..Setup::default() }).await;
    for (page, field, value) in [
        ("/account/forgot-password", "account", "alice"),
        ("/account/forgot-password", "account", "nobody"),
        ("/account/register", "email", "alice@example.com"),
        ("/account/register", "email", "nobody@example.com"),
        ("/account/email", "email", "bob@example.com"),
        ("/account/email", "email", "nobody@example.com"),
    ] {
        let mut browser = Browser::signed_in(&world, "alice").await;
        let shown = browser.get(page).await.page();
        let fields = [(field, value)];
        let answer = browser.submit(&shown, &fields);
        // All the work is done by then.
        let answer = timeout(Duration::from_millis(300), answer).await;
        assert!(answer.is_err(), "{page} {value}: {answer:?}");
    }
}
