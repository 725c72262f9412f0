//! Renewal of tokens: before they expire, and once for all.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use axum::http::StatusCode;
use doorward_axum::MemorySessions;
use futures::{FutureExt as _, future::join_all};
use serde_json::json;

use crate::{
    back_channel::Broken,
    support::{Browser, Kept, ORDERS_API, World},
};

#[tokio::test]
async fn fifty_requests_at_once_cause_one_token_request() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.signed_in().await;
        let before = browser.open("/token").await.body;
        assert_eq!(world.provider.renewals(), 0);
        world.advance(3600 + 30);
        let tabs: Vec<_> = (0..50).map(|_| browser.copy()).collect();
        let answers = join_all(tabs.iter().map(|tab| tab.open("/token"))).await;
        assert_eq!(world.provider.renewals(), 1, "{kept:?}");
        for answer in &answers {
            assert_eq!((answer.status, &answer.body), (StatusCode::OK, &answers[0].body));
        }
        assert_ne!(answers[0].body, before);
        // The browser has the last cookie of those that it got, whichever that is.
        let later = tabs[49].copy();
        assert_eq!(later.open("/token").await.body, answers[0].body);
        assert_eq!(world.provider.renewals(), 1, "{kept:?}");
    }
}

#[tokio::test]
async fn processes_that_share_a_store_renew_once() {
    let sessions = MemorySessions::default();
    let one = World::with(sessions.clone(), |settings| settings).await;
    let two = World::at(one.provider.clone(), sessions, |settings| settings);
    let browser = one.signed_in().await;
    one.advance(3700);
    two.advance(3700);
    let elsewhere = two.browser();
    elsewhere.set_cookie("session", &browser.cookie("session").unwrap());
    let tabs: Vec<_> = (0..50).map(|n| [&browser, &elsewhere][n % 2].copy()).collect();
    let answers = join_all(tabs.iter().map(|tab| tab.open("/token"))).await;
    assert_eq!(one.provider.renewals(), 1);
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
}

#[tokio::test]
async fn a_session_that_the_provider_ended_is_over() {
    let kinds = Kept::ALL.map(|kept| ["invalid_grant", "access_denied"].map(|error| (kept, error)));
    for (kept, error) in kinds.into_iter().flatten() {
        let world = World::kept(kept).await;
        let browser = world.signed_in().await;
        let old = browser.copy();
        world.provider.change(|rules| rules.refuses_renewals = Some(error));
        world.advance(3600);
        assert!(browser.open("/me").await.location().starts_with(&world.provider.issuer));
        assert_eq!(old.open("/").await.body, "nobody", "{kept:?}");
        assert_eq!(world.provider.renewals(), 1, "{kept:?}");
    }
}

#[tokio::test]
async fn while_the_provider_is_away_pages_go_on_and_calls_do_not() {
    let world = World::new().await;
    let browser = world.signed_in().await;
    world.provider.change(|rules| rules.is_up = false);
    world.advance(3700);
    assert_eq!(browser.open("/me").await.body, "alice Alice Archer");
    let call = browser.open("/token").await.body;
    assert!(call.contains("can't be asked"), "{call}");
    world.provider.change(|rules| rules.is_up = true);
    assert!(browser.open("/token").await.body.contains("can't be asked"), "a pause");
    world.advance(5);
    assert!(browser.open("/token").await.body.starts_with("access-"));
}

#[tokio::test]
async fn a_request_that_hangs_up_does_not_lose_the_renewal() {
    let [(one, here), (two, there)] = two_processes().await;
    let before = there.open("/token").await.body;
    hang_up_while_renewing(&one, here).await;
    two.advance(3600 - 30);
    one.provider.renewals.add_permits(1);
    // Nobody asks this process again. The other one finds what it stored.
    let stored = async {
        loop {
            let body = there.open("/token").await.body;
            if body.starts_with("access-") && body != before {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let stored = tokio::time::timeout(Duration::from_mins(1), stored).await;
    assert!(stored.is_ok(), "the renewal ended with its request");
    assert_eq!(one.provider.renewals(), 1);
}

#[tokio::test]
async fn who_stops_waits_for_the_renewals_under_way() {
    let [(one, here), (two, there)] = two_processes().await;
    let before = there.open("/token").await.body;
    one.auth.finish().await;
    hang_up_while_renewing(&one, here).await;
    two.advance(3600 - 30);
    let mut finishing = Box::pin(one.auth.finish());
    assert!(finishing.as_mut().now_or_never().is_none(), "the provider has not answered");
    one.provider.renewals.add_permits(1);
    finishing.await;
    let stored = there.open("/token").await.body;
    assert!(stored.starts_with("access-") && stored != before, "{stored}");
    assert_eq!(one.provider.renewals(), 1);
}

/// A token is to be renewed, and whoever caused that is gone before the provider answers.
async fn hang_up_while_renewing(world: &World, browser: Browser) {
    world.advance(3600 - 30);
    hold_renewals(world);
    let hung_up = tokio::spawn(async move { browser.open("/token").await.body });
    renewals(world, 1).await;
    hung_up.abort();
    assert!(hung_up.await.unwrap_err().is_cancelled());
}

/// Until a renewal was asked for this often.
async fn renewals(world: &World, asked: usize) {
    while world.provider.renewals() < asked {
        tokio::task::yield_now().await;
    }
}

/// The provider answers no renewal before `add_permits`.
fn hold_renewals(world: &World) {
    let permits = world.provider.renewals.available_permits();
    world.provider.renewals.forget_permits(permits);
}

#[tokio::test]
async fn a_new_refresh_token_is_kept_although_the_tokens_can_not_be_verified() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.signed_in().await;
        let before = browser.open("/token").await.body;
        world.provider.change(|rules| {
            rules.renews_id_tokens = true;
            rules.claims = json!({ "iss": "https://evil.example" });
        });
        world.advance(3600 - 30);
        assert_eq!(browser.open("/token").await.body, before, "{kept:?}");
        world.provider.change(|rules| rules.claims = json!({}));
        world.advance(100);
        assert_ne!(browser.open("/token").await.body, before, "{kept:?}");
        let sent = world.provider.forms("token");
        let sent: Vec<_> = sent.iter().filter_map(|form| form.get("refresh_token")).collect();
        assert_eq!(sent.len(), 2);
        assert_ne!(sent[0], sent[1], "the first one is spent");
    }
}

#[tokio::test]
async fn a_store_that_fails_for_a_moment_loses_no_refresh_token() {
    let store = Broken(MemorySessions::default(), Arc::new(AtomicBool::new(true)));
    let world = World::with(store, |settings| settings).await;
    let browser = world.signed_in().await;
    for _ in 0..2 {
        world.advance(3700);
        assert!(browser.open("/token").await.body.starts_with("access-"));
    }
    let sent = world.provider.forms("token");
    let sent: Vec<_> = sent.iter().filter_map(|form| form.get("refresh_token")).collect();
    assert!(sent.len() == 2 && sent[0] != sent[1], "{sent:?}");
}

/// Two processes that share a store, and a browser at each, with the same session.
async fn two_processes() -> [(World, Browser); 2] {
    let sessions = MemorySessions::default();
    let one = World::with(sessions.clone(), |settings| settings).await;
    let two = World::at(one.provider.clone(), sessions, |settings| settings);
    let (here, there) = (one.signed_in().await, two.browser());
    there.set_cookie("session", &here.cookie("session").unwrap());
    [(one, here), (two, there)]
}

#[tokio::test]
async fn no_other_process_takes_over_while_one_waits_for_the_provider() {
    let [(one, here), (two, there)] = two_processes().await;
    let before = there.open("/token").await.body;
    one.advance(3600 - 50);
    hold_renewals(&one);
    let renewing = tokio::spawn(async move { here.open("/token").await.body });
    renewals(&one, 1).await;
    // The provider takes its time.
    two.advance(3600 - 10);
    assert_eq!(there.open("/token").await.body, before);
    assert_eq!(one.provider.renewals(), 1);
    one.provider.renewals.add_permits(1);
    renewing.await.unwrap();
}

#[tokio::test]
async fn whoever_sends_a_spent_token_too_late_does_not_end_the_session() {
    let [(one, here), (two, there)] = two_processes().await;
    one.advance(3700);
    hold_renewals(&one);
    let first = tokio::spawn(async move { here.open("/token").await.body });
    renewals(&one, 1).await;
    one.provider.change(|rules| rules.refuses_renewals = Some("invalid_grant"));
    // The first process seems to be dead.
    two.advance(3700 + 1000);
    let second = tokio::spawn(async move { (there.open("/token").await.body, there) });
    renewals(&one, 2).await;
    one.provider.renewals.add_permits(1);
    let renewed = first.await.unwrap();
    one.provider.renewals.add_permits(1);
    let (body, there) = second.await.unwrap();
    assert!(renewed.starts_with("access-"), "{renewed}");
    assert_eq!(body, renewed);
    assert_eq!(there.open("/").await.body, "alice");
}

/// A provider refuses `invalid_target` if a renewal asks for another API than the sign-in did.
#[tokio::test]
async fn a_renewal_asks_for_the_apis_of_its_sign_in() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let (plain, browser) = (world.signed_in().await, world.browser());
        world.sign_in(&browser, "/connect").await;
        let renewed = async |browser: &Browser| {
            world.advance(3700);
            assert!(browser.open("/token").await.body.starts_with("access-"), "{kept:?}");
            let form = world.provider.forms("token").pop().unwrap();
            assert_eq!(form["grant_type"], "refresh_token");
            form.get("resource").cloned()
        };
        for _ in 0..2 {
            assert_eq!(renewed(&browser).await.as_deref(), Some(ORDERS_API), "{kept:?}");
        }
        // Who signs in once more, because a page needs more, has the same afterwards.
        world.provider.change(|rules| rules.claims = json!({ "acr": "2" }));
        world.sign_in(&browser, "/strong").await;
        assert_eq!(renewed(&browser).await.as_deref(), Some(ORDERS_API), "{kept:?}");
        assert_eq!(renewed(&plain).await, None, "{kept:?}");
    }
}

/// What an application or an API behind it lets caches keep must not hand out a session.
#[tokio::test]
async fn no_cache_keeps_an_answer_that_sets_a_session_cookie() {
    let world = World::kept(Kept::InCookies).await;
    let browser = world.signed_in().await;
    let open = async || {
        let answer = browser.open("/public").await;
        let cache = answer.header("cache-control").to_owned();
        (cache, answer.headers.contains_key("set-cookie"))
    };
    assert_eq!(open().await, ("public, max-age=60".to_owned(), false));
    world.advance(3700);
    assert_eq!(open().await, ("no-store".to_owned(), true), "it was renewed");
    assert_eq!(open().await, ("public, max-age=60".to_owned(), false));
    // Nor one that takes the cookie away.
    browser.set_cookie("session", "of-nobody");
    assert_eq!(open().await, ("no-store".to_owned(), true));
}

#[tokio::test]
async fn a_slow_provider_holds_nobody_up_while_the_token_can_be_used() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.signed_in().await;
        let before = browser.open("/token").await.body;
        world.advance(3600 - 30);
        hold_renewals(&world);
        assert_eq!(browser.open("/token").await.body, before, "{kept:?}");
        world.provider.renewals.add_permits(1);
        // What it brings in the end is kept.
        while browser.open("/token").await.body == before {}
        assert_eq!(world.provider.renewals(), 1, "{kept:?}");
    }
}

#[tokio::test]
async fn what_the_provider_refuses_one_user_is_no_pause_for_others() {
    let world = World::new().await;
    let [refused, other] = [world.signed_in().await, world.signed_in().await];
    world.advance(3700);
    world.provider.change(|rules| rules.refuses_renewals = Some("invalid_target"));
    assert!(refused.open("/token").await.body.contains("can't be asked"));
    world.provider.change(|rules| rules.refuses_renewals = None);
    assert!(other.open("/token").await.body.starts_with("access-"));
    assert!(refused.open("/token").await.body.contains("can't be asked"), "a pause");
    world.advance(5);
    assert!(refused.open("/token").await.body.starts_with("access-"));
}

#[tokio::test]
async fn an_old_cookie_leads_to_the_renewed_tokens_until_the_session_ends() {
    let world = World::kept(Kept::InCookies).await;
    let browser = world.signed_in().await;
    let old = browser.copy();
    world.advance(3700);
    let renewed = browser.open("/token").await.body;
    world.advance(1000);
    assert_eq!(old.open("/token").await.body, renewed);
    assert_eq!(world.provider.renewals(), 1, "the refresh token of the old cookie is spent");
}

/// Processes with sessions in cookies know nothing of each other.
#[tokio::test]
async fn where_cookies_keep_sessions_a_spent_token_ends_only_its_own_cookie() {
    let one = World::kept(Kept::InCookies).await;
    let two = World::at(one.provider.clone(), Kept::InCookies.sessions(), |settings| settings);
    let (here, there) = (one.signed_in().await, two.browser());
    there.set_cookie("session", &here.cookie("session").unwrap());
    let before = there.open("/token").await.body;
    one.advance(3700);
    assert_ne!(here.open("/token").await.body, before);
    one.provider.change(|rules| rules.refuses_renewals = Some("invalid_grant"));
    two.advance(3600 - 30);
    for _ in 0..2 {
        assert_eq!(there.open("/token").await.body, before, "the access token lives");
        assert_eq!(one.provider.renewals(), 2, "the spent token is sent once");
    }
    two.advance(130);
    assert_eq!(there.open("/").await.body, "nobody");
    there.set_cookie("session", &here.cookie("session").unwrap());
    assert_eq!(there.open("/token").await.body, here.open("/token").await.body);
}

#[tokio::test]
async fn without_a_refresh_token_the_session_goes_on_and_says_so() {
    let world = World::with(MemorySessions::default(), |settings| settings).await;
    let browser = world.signed_in().await;
    world.advance(1);
    assert!(browser.open("/token").await.body.starts_with("access-"));
    assert_eq!(world.provider.renewals(), 0, "nothing is renewed before it is due");
}
