//! Renewal of tokens: before they expire, and once for all.

use axum::http::StatusCode;
use doorward_axum::MemorySessions;
use futures::future::join_all;

use crate::support::{Kept, World};

#[tokio::test]
async fn fifty_requests_at_once_cause_one_token_request() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.signed_in().await;
        let before = browser.open("/token").await.body;
        assert_eq!(world.provider.renewals(), 0);
        world.advance(3600 - 30);
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
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.signed_in().await;
        let old = browser.copy();
        world.provider.change(|rules| rules.grant_is_over = true);
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
    let world = World::new().await;
    let browser = world.signed_in().await;
    world.advance(3600 - 30);
    let permits = world.provider.renewals.available_permits();
    world.provider.renewals.forget_permits(permits);
    let hung_up = browser.copy();
    let task = tokio::spawn(async move { hung_up.open("/token").await.body });
    while world.provider.renewals() == 0 {
        tokio::task::yield_now().await;
    }
    task.abort();
    world.provider.renewals.add_permits(1);
    assert!(browser.open("/token").await.body.starts_with("access-"));
    assert_eq!(world.provider.renewals(), 1);
}

#[tokio::test]
async fn without_a_refresh_token_the_session_goes_on_and_says_so() {
    let world = World::with(MemorySessions::default(), |settings| settings).await;
    let browser = world.signed_in().await;
    world.advance(1);
    assert!(browser.open("/token").await.body.starts_with("access-"));
    assert_eq!(world.provider.renewals(), 0, "nothing is renewed before it is due");
}
