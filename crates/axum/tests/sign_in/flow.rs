//! The ordinary story: sign in, be known, sign out.

use crate::support::{Kept, ORIGIN, World};
use doorward_axum::MemorySessions;
use doorward_protocol::params;
use serde_json::json;

#[tokio::test]
async fn a_user_signs_in_and_comes_back_to_the_page() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.browser();
        assert_eq!(browser.open("/").await.body, "nobody");
        assert_eq!(world.sign_in(&browser, "/me?x=1").await, "/me?x=1", "{kept:?}");
        let page = browser.open("/me").await;
        assert_eq!(page.body, "alice Alice Archer", "{kept:?}");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(browser.open("/").await.body, "alice");
        let form = &world.provider.forms("token")[0];
        assert!(!form.contains_key("client_id") && form["code_verifier"].len() >= 43);
        // RFC 6749 section 2.3.1: both parts are encoded before Base64.
        assert_eq!(world.provider.authorization("token"), "Basic c2hvcDpzJTI2Y3JldA==");
    }
}

#[tokio::test]
async fn the_route_for_links_goes_to_the_page_that_is_asked_for() {
    let world = World::new().await;
    let browser = world.browser();
    let link = "/signin?return_to=%2Fme%3Fx%3D1&login_hint=alice&prompt=login&max_age=60";
    let to_provider = browser.open(link).await.location().to_owned();
    for part in ["login_hint=alice", "prompt=login", "max_age=60", "code_challenge_method=S256"] {
        assert!(to_provider.contains(part), "{to_provider}");
    }
    let callback = world.provider.authorize(&to_provider);
    assert_eq!(browser.open(&callback).await.location(), "/me?x=1");
    let long = format!("/signin?login_hint={}", "x".repeat(4000));
    assert!(!browser.open(&long).await.location().contains("login_hint"));
}

/// OIDC Core section 4: the provider's page of applications opens this one.
#[tokio::test]
async fn the_provider_may_begin_a_sign_in() {
    let world = World::new().await;
    let link = |iss: &str, target: &str| {
        let pairs = [("iss", iss), ("target_link_uri", target), ("login_hint", "alice")];
        format!("/signin?{}", params::encode(pairs))
    };
    let browser = world.browser();
    let issuer = &world.provider.issuer;
    let answer = browser.open(&link(issuer, &format!("{ORIGIN}/me?x=1"))).await;
    assert!(answer.location().contains("login_hint=alice"), "{}", answer.location());
    let callback = world.provider.authorize(answer.location());
    assert_eq!(browser.open(&callback).await.location(), "/me?x=1");
    for (iss, target) in [
        ("https://evil.example", ORIGIN),
        (issuer, "https://evil.example/"),
        (issuer, "http://localhost:5001.evil.example/"),
        (issuer, "http://localhost:5001@evil.example/"),
        (issuer, "//evil.example"),
    ] {
        let answer = world.browser().open(&link(iss, target)).await;
        assert!(answer.status.is_client_error() || answer.status.is_server_error(), "{target}");
        assert!(!answer.headers.contains_key("location"), "{iss} {target}");
    }
}

#[tokio::test]
async fn the_session_cookie_is_new_at_each_sign_in_and_the_old_one_is_over() {
    let world = World::new().await;
    let browser = world.signed_in().await;
    let (before, old) = (browser.cookie("session").unwrap(), browser.copy());
    assert_eq!(before.len(), 43);
    let to_provider = browser.open("/signin").await.location().to_owned();
    browser.open(&world.provider.authorize(&to_provider)).await;
    assert_ne!(browser.cookie("session").unwrap(), before);
    assert_eq!(browser.open("/").await.body, "alice");
    assert_eq!(old.open("/").await.body, "nobody");
}

#[tokio::test]
async fn sign_out_ends_the_session_here_and_at_the_provider() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        let browser = world.signed_in().await;
        let old = browser.copy();
        let to_provider = browser.post("/signout", "").await.location().to_owned();
        assert!(to_provider.starts_with(&format!("{}/endsession?", world.provider.issuer)));
        assert!(to_provider.contains("id_token_hint="), "{to_provider}");
        let back = "post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A5001%2Fsignout-callback-oidc";
        assert!(to_provider.contains(back), "{to_provider}");
        assert_eq!(browser.cookie("session"), None);
        assert_eq!(browser.open("/signout-callback-oidc?state=x").await.location(), "/");
        assert_eq!(browser.open("/").await.body, "nobody");
        // Back, or whoever kept the cookie.
        assert!(old.open("/me").await.location().starts_with(&world.provider.issuer), "{kept:?}");
    }
}

#[tokio::test]
async fn an_id_token_that_is_too_long_for_a_url_is_left_out_and_the_client_named() {
    for returns in [true, false] {
        let world = World::with(MemorySessions::default(), |settings| {
            settings.protocol(|mut own| {
                own.post_logout_redirect_uri.take_if(|_| !returns);
                own
            })
        })
        .await;
        world.provider.change(|rules| rules.claims = json!({ "long": "x".repeat(6000) }));
        let browser = world.signed_in().await;
        let to_provider = browser.post("/signout", "").await.location().to_owned();
        let named = to_provider.matches("client_id=shop").count();
        assert!(named == 1 && !to_provider.contains("id_token_hint"), "{to_provider}");
        assert_eq!(to_provider.contains("post_logout_redirect_uri="), returns);
    }
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    for kept in Kept::ALL {
        let world = World::kept(kept).await;
        world.provider.change(|rules| rules.lifetime = 1_000_000);
        let browser = world.signed_in().await;
        world.advance(36_000 - 5);
        assert_eq!(browser.open("/").await.body, "alice");
        world.advance(10);
        assert_eq!(browser.open("/").await.body, "nobody", "{kept:?}");
        assert_eq!(browser.cookie("session"), None, "a cookie that leads nowhere is removed");
    }
}

#[tokio::test]
async fn claims_of_userinfo_join_those_of_the_id_token() {
    let world = World::new().await;
    world.provider.change(|rules| rules.user_info = json!({ "name": "A. Archer", "x": 1 }));
    assert_eq!(world.signed_in().await.open("/me").await.body, "alice A. Archer");
}

#[tokio::test]
async fn by_https_cookies_are_bound_to_the_host() {
    use doorward_axum::{Auth, SignInSettings};
    let provider = crate::support::Provider::start().await;
    let settings = SignInSettings::new(&*provider.issuer, "shop", "https://shop.example/cb");
    let auth = Auth::new(settings, MemorySessions::default()).unwrap();
    let browser = crate::support::Browser::new(&auth.attach(axum::Router::new()));
    let answer = browser.open("/signin").await;
    assert!(answer.header("set-cookie").starts_with("__Host-session-signin-"));
    assert!(answer.header("set-cookie").contains("; Secure"));
    assert!(!answer.location().contains(ORIGIN));
}
