//! Policies, and sign-ins that are strong or recent enough for them.

use axum::http::{Request, StatusCode};
use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn a_policy_decides_by_the_claims() {
    let world = World::new().await;
    assert_eq!(world.signed_in().await.open("/admin").await.body, "alice");
    world.provider.change(|rules| rules.claims = json!({ "role": ["user"] }));
    let user = world.signed_in().await;
    let page = user.open("/admin").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("needs role admin"), "{}", page.body);
    let answer = user.send(Request::get("/admin").header("accept", "application/json"), "").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.json()["unmet"][0], json!({ "kind": "role", "role": "admin" }));
}

#[tokio::test]
async fn nobody_is_sent_to_the_provider_first() {
    let world = World::new().await;
    assert_eq!(world.sign_in(&world.browser(), "/admin").await, "/admin");
}

#[tokio::test]
async fn a_recent_sign_in_is_asked_for_when_the_last_one_is_old() {
    let world = World::new().await;
    let browser = world.signed_in().await;
    assert_eq!(browser.open("/recent").await.body, "alice");
    world.advance(120);
    let to_provider = browser.open("/recent?x=1").await.location().to_owned();
    assert!(to_provider.contains("max_age=60"), "{to_provider}");
    let now = crate::support::now() + 120;
    world.provider.change(|rules| rules.claims = json!({ "auth_time": now }));
    let callback = world.provider.authorize(&to_provider);
    assert_eq!(browser.open(&callback).await.location(), "/recent?x=1");
    assert_eq!(browser.open("/recent?x=1").await.body, "alice");
}

#[tokio::test]
async fn a_provider_that_does_not_ask_again_is_not_asked_for_ever() {
    let world = World::new().await;
    let long_ago = crate::support::now() - 200;
    // Within the tolerance for clocks, so the ID token is accepted.
    world.provider.change(|rules| rules.claims = json!({ "auth_time": long_ago }));
    let browser = world.signed_in().await;
    let to_provider = browser.open("/recent").await.location().to_owned();
    assert!(to_provider.contains("max_age=60"), "{to_provider}");
    assert_eq!(browser.open(&world.provider.authorize(&to_provider)).await.location(), "/recent");
    assert_eq!(browser.open("/recent").await.status, StatusCode::FORBIDDEN);
    // Some time later the user may try again.
    world.advance(20);
    assert!(browser.open("/recent").await.location().contains("max_age=60"));
}

#[tokio::test]
async fn a_strong_sign_in_is_asked_for_once() {
    let world = World::new().await;
    let browser = world.signed_in().await;
    let to_provider = browser.open("/strong").await.location().to_owned();
    assert!(to_provider.contains("acr_values=2"), "{to_provider}");
    // The provider can't give it: asking again would go on for ever.
    browser.open(&world.provider.authorize(&to_provider)).await;
    let page = browser.open("/strong").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
    // Now it can.
    world.provider.change(|rules| rules.claims = json!({ "acr": "2" }));
    let other = world.signed_in().await;
    assert_eq!(other.open("/strong").await.body, "alice");
}

#[tokio::test]
async fn a_script_learns_which_sign_in_is_needed() {
    let world = World::new().await;
    let browser = world.signed_in().await;
    let request = Request::get("/strong").header("accept", "application/json");
    let answer = browser.send(request, "").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.json()["error"], "insufficient_user_authentication");
    assert_eq!(answer.json()["sign_in"], "/signin?return_to=%2Fstrong&acr_values=2");
}
