//! Values that the application keeps in the session.

use axum::http::{Request, StatusCode};
use futures::future::join_all;

use crate::support::{Browser, Kept, ORIGIN, World};

async fn keep(browser: &Browser, name: &str, value: &str) -> String {
    browser.post(&format!("/values?name={name}&value={value}"), "").await.body
}

#[tokio::test]
async fn a_value_is_there_until_it_is_removed() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.signed_in().await;
        let cookie = browser.cookie("session").unwrap();
        assert_eq!(browser.open("/values").await.body, "");
        assert_eq!(keep(&browser, "one", "1").await, "one: 1", "{kept:?}");
        assert_eq!(keep(&browser, "two", "2").await, "one: 1, two: 2", "{kept:?}");
        assert_eq!(keep(&browser, "one", "3").await, "one: 3, two: 2", "{kept:?}");
        // The cookie changes where it is the session, and nowhere else.
        assert_eq!(browser.cookie("session").unwrap() != cookie, kept == Kept::InCookies);
        let request = Request::delete("/values?name=one").header("origin", ORIGIN);
        assert_eq!(browser.send(request, "").await.body, "two: 2");
        assert_eq!(browser.open("/values").await.body, "two: 2", "{kept:?}");
        assert_eq!(browser.open("/").await.body, "alice");
    }
}

#[tokio::test]
async fn requests_that_overlap_do_not_undo_each_other() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.signed_in().await;
        let tabs: Vec<_> = (0..40).map(|_| browser.copy()).collect();
        let name = |n: usize| ["here", "one", "there", "two"][n % 4];
        let requests = tabs.iter().enumerate().map(async |(n, tab)| keep(tab, name(n), "x").await);
        join_all(requests).await;
        // The browser has the cookie of the first answer, of the last, or of another one.
        for tab in [&tabs[0], &tabs[17], &tabs[39], &browser] {
            let all = "here: x, one: x, there: x, two: x";
            assert_eq!(tab.open("/values").await.body, all, "{kept:?}");
        }
    }
}

/// A session in cookies grows to two cookies in one tab and fits into one again in another.
#[tokio::test]
async fn a_session_that_grows_and_shrinks_at_once_stays_readable() {
    let world = World::kept(Kept::InCookies).await;
    let browser = world.signed_in().await;
    keep(&browser, "one", "1").await;
    let (growing, shrinking) = (browser.copy(), browser.copy());
    let long = Request::post("/values?name=long").header("origin", ORIGIN);
    assert_eq!(growing.send(long, &"x".repeat(3000)).await.status, StatusCode::OK);
    assert!(growing.cookie("session.1").is_some() && browser.cookie("session.1").is_none());
    let remove = Request::delete("/values?name=long").header("origin", ORIGIN);
    assert_eq!(shrinking.send(remove, "").await.body, "one: 1");
    assert_eq!(shrinking.cookie("session.1"), None, "it knows nothing of the other tab");
    browser.take_cookies_of(&growing);
    browser.take_cookies_of(&shrinking);
    assert!(browser.cookie("session.1").is_some());
    assert_eq!(browser.open("/").await.body, "alice");
    assert_eq!(browser.open("/values").await.body, "one: 1");
    // What is left over goes with the next change.
    keep(&browser, "one", "2").await;
    assert_eq!(browser.cookie("session.1"), None);
}

/// A renewal must not lose a value, and a value must not lose a renewal: the refresh token would be
/// sent twice, and the provider would end the grant.
#[tokio::test]
async fn a_renewal_and_a_value_do_not_undo_each_other() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.signed_in().await;
        let before = browser.open("/token").await.body;
        world.advance(3600 + 30);
        let permits = world.provider.renewals.available_permits();
        world.provider.renewals.forget_permits(permits);
        let (renewing, waiting) = (browser.copy(), browser.copy());
        let renewing = tokio::spawn(async move { renewing.open("/token").await.body });
        while world.provider.renewals() == 0 {
            tokio::task::yield_now().await;
        }
        // It waits for the same renewal, and changes the session afterwards.
        let waiting = tokio::spawn(async move { keep(&waiting, "one", "1").await });
        tokio::task::yield_now().await;
        world.provider.renewals.add_permits(100);
        let renewed = renewing.await.unwrap();
        assert_eq!(waiting.await.unwrap(), "one: 1");
        assert_ne!(renewed, before);
        assert_eq!(browser.open("/token").await.body, renewed, "{kept:?}");
        assert_eq!(browser.open("/values").await.body, "one: 1", "{kept:?}");
        assert_eq!(world.provider.renewals(), 1, "{kept:?}");
    }
}

#[tokio::test]
async fn values_are_small() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.signed_in().await;
        keep(&browser, "one", "1").await;
        let post = async |name: &str, length: usize| {
            let request = Request::post(format!("/values?name={name}")).header("origin", ORIGIN);
            browser.send(request, &"x".repeat(length)).await
        };
        assert_eq!(post("long", 3000).await.status, StatusCode::OK);
        let answer = post("two", 2000).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "together they are too much");
        assert!(!answer.body.contains("two"), "{}", answer.body);
        assert_eq!(post(&"n".repeat(65), 1).await.status, StatusCode::INTERNAL_SERVER_ERROR);
        let all = browser.open("/values").await.body;
        assert!(all.starts_with("long: x") && all.contains("one: 1") && !all.contains("two: xx"));
    }
}

#[tokio::test]
async fn values_belong_to_the_user_and_to_the_session() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        world.provider.change(|rules| rules.user_info = serde_json::json!({}));
        let browser = world.signed_in().await;
        keep(&browser, "one", "1").await;
        // The same user signs in again.
        world.sign_in(&browser, "/signin").await;
        assert_eq!(browser.open("/values").await.body, "one: 1", "{kept:?}");
        // Another one does, in the same browser.
        world.provider.change(|rules| rules.sub = "bob".to_owned());
        world.sign_in(&browser, "/signin").await;
        assert_eq!(browser.open("/").await.body, "bob");
        assert_eq!(browser.open("/values").await.body, "", "{kept:?}");
        keep(&browser, "one", "2").await;
        browser.post("/signout", "").await;
        world.sign_in(&browser, "/values").await;
        assert_eq!(browser.open("/values").await.body, "", "{kept:?}");
    }
}

#[tokio::test]
async fn a_handler_ends_the_session() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.signed_in().await;
        keep(&browser, "one", "1").await;
        let old = browser.copy();
        let to = browser.post("/leave", "").await.body;
        assert!(to.starts_with(&format!("{}/endsession?", world.provider.issuer)), "{to}");
        assert_eq!(browser.cookie("session"), None, "{kept:?}");
        assert_eq!(old.open("/").await.body, "nobody", "{kept:?}");
    }
}

#[tokio::test]
async fn nobody_has_no_values() {
    let world = World::new().await;
    let browser = world.browser();
    assert!(browser.open("/values").await.location().starts_with(&world.provider.issuer));
    let script = Request::get("/values").header("accept", "application/json");
    assert_eq!(browser.send(script, "").await.status, StatusCode::UNAUTHORIZED);
}
