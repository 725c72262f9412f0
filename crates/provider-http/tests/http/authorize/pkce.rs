//! Proof Key for Code Exchange at the authorization endpoint (RFC 7636 section 4.3, RFC 9700
//! section 2.1.1).

use serde_json::json;

use crate::support::{BACKEND_REDIRECT, Browser, REDIRECT, World, authorize_url, client_settings};

#[tokio::test]
async fn a_missing_or_malformed_challenge_is_an_invalid_request() {
    let world = World::new().await;
    let (short, long, foreign) = ("x".repeat(42), "x".repeat(129), format!("{}+", "x".repeat(42)));
    for challenge in ["", &short, &long, &foreign, "plain text"] {
        let answer = world.get(&authorize_url(&[("code_challenge", challenge)])).await;
        answer.expect_redirect_error(REDIRECT, "invalid_request");
    }
    let neither = authorize_url(&[("code_challenge", ""), ("code_challenge_method", "")]);
    world.get(&neither).await.expect_redirect_error(REDIRECT, "invalid_request");
}

/// A request without a method means `plain` (RFC 7636 section 4.3).
#[tokio::test]
async fn any_method_but_s256_is_an_invalid_request() {
    let world = World::new().await;
    for method in ["", "plain", "s256", "S512"] {
        let answer = world.get(&authorize_url(&[("code_challenge_method", method)])).await;
        answer.expect_redirect_error(REDIRECT, "invalid_request");
    }
}

#[tokio::test]
async fn a_client_with_a_secret_needs_pkce_too_unless_its_settings_say_otherwise() {
    let lax = json!({
        "require_pkce": false, "require_client_secret": true,
        "client_secrets": [{"plain": "secret"}],
    });
    let world = World::with_clients(vec![client_settings("Lax", lax)]).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    let backend =
        [&[("client_id", "PkceCodeBackend"), ("redirect_uri", BACKEND_REDIRECT)], &without[..]]
            .concat();
    browser
        .get(&authorize_url(&backend))
        .await
        .expect_redirect_error(BACKEND_REDIRECT, "invalid_request");

    let lax = [&[("client_id", "Lax")], &without[..]].concat();
    browser.get(&authorize_url(&lax)).await.expect_code(REDIRECT);
    // Half of PKCE is refused there, too: else an attacker could take the other half out.
    let method_only = [("client_id", "Lax"), ("code_challenge", "")];
    browser
        .get(&authorize_url(&method_only))
        .await
        .expect_redirect_error(REDIRECT, "invalid_request");
    let plain = [("client_id", "Lax"), ("code_challenge_method", "plain")];
    browser.get(&authorize_url(&plain)).await.expect_redirect_error(REDIRECT, "invalid_request");
}
