//! Policies, and sign-ins that are strong or recent enough for them.

use axum::http::{Request, StatusCode};
use serde_json::json;

use crate::support::{Kept, World};

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
async fn a_strong_sign_in_is_not_asked_for_again_at_once() {
    let world = World::new().await;
    let browser = world.signed_in().await;
    let to_provider = browser.open("/strong").await.location().to_owned();
    assert!(to_provider.contains("acr_values=2"), "{to_provider}");
    // The provider can't give it: asking again would go on for ever.
    browser.open(&world.provider.authorize(&to_provider)).await;
    let page = browser.open("/strong").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
    // A script that follows the way to the provider would go round for ever, too.
    world.advance(20);
    assert_eq!(browser.open("/strong").await.status, StatusCode::FORBIDDEN);
    // Some time later the user may try again, and now it can.
    world.advance(60);
    let to_provider = browser.open("/strong").await.location().to_owned();
    assert!(to_provider.contains("acr_values=2"), "{to_provider}");
    world.provider.change(|rules| rules.claims = json!({ "acr": "2" }));
    browser.open(&world.provider.authorize(&to_provider)).await;
    assert_eq!(browser.open("/strong").await.body, "alice");
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

/// Keycloak, Entra ID and Okta.
#[tokio::test]
async fn roles_are_where_the_provider_has_them() {
    for (path, claims) in [
        ("/realm_access/roles", json!({ "role": null, "realm_access": { "roles": ["admin"] } })),
        ("roles", json!({ "role": null, "roles": ["admin"] })),
        ("groups", json!({ "role": null, "groups": "admin" })),
    ] {
        let at = |paths: Vec<&'static str>| {
            World::with(Kept::InMemory.sessions(), move |settings| settings.roles_at(paths))
        };
        let (world, without) = (at(vec![path]).await, at(Vec::new()).await);
        for world in [&world, &without] {
            world.provider.change(|rules| rules.claims = claims.clone());
        }
        assert_eq!(world.signed_in().await.open("/admin").await.body, "alice", "{path}");
        let refused = without.signed_in().await.open("/admin").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn roles_may_be_in_access_tokens_only() {
    let access = json!({ "sub": "x", "realm_access": { "roles": ["admin"] } });
    for (reads, status) in [(true, StatusCode::OK), (false, StatusCode::FORBIDDEN)] {
        let world = World::with(Kept::InMemory.sessions(), |settings| {
            settings.roles_at(["/realm_access/roles"]).reads_access_token(reads)
        })
        .await;
        world.provider.change(|rules| {
            rules.claims = json!({ "role": null });
            rules.access_claims = Some(access.clone());
        });
        let answer = world.signed_in().await.open("/admin").await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}

#[tokio::test]
async fn a_stronger_sign_in_keeps_the_scope() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.signed_in().await;
        assert_eq!(browser.open("/orders").await.status, StatusCode::FORBIDDEN);
        assert_eq!(world.sign_in(&browser, "/connect").await, "/orders");
        assert_eq!(browser.open("/orders").await.body, "alice", "{kept:?}");
        world.provider.change(|rules| rules.claims = json!({ "acr": "2" }));
        world.sign_in(&browser, "/strong").await;
        assert_eq!(browser.open("/strong").await.body, "alice");
        assert_eq!(browser.open("/orders").await.body, "alice", "{kept:?}");
        // A link for no such thing asks for what the settings say.
        world.sign_in(&browser, "/signin").await;
        assert_eq!(browser.open("/orders").await.status, StatusCode::FORBIDDEN);
    }
}
