//! Who may be answered, and where: until client and redirect URI hold, nothing is ever redirected
//! (RFC 6749 section 4.1.2.1, RFC 9700 section 4.1).

use axum::http::StatusCode;
use serde_json::json;

use crate::support::{Browser, REDIRECT, World, authorize_url, client_settings};

/// The request is answered by the provider's own page, also for a user who is signed in.
async fn assert_error_page(world: &World, url: &str) {
    let mut browser = Browser::signed_in(world, "alice").await;
    browser.get(url).await.expect_error_page(StatusCode::BAD_REQUEST);
    world.get(url).await.expect_error_page(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_unknown_missing_or_disabled_client_gets_the_error_page() {
    let world = World::new().await;
    let over_long = "x".repeat(256);
    for client_id in ["", "Nobody", "pkcejs", "PkceJS ", "Disabled", &over_long] {
        assert_error_page(&world, &authorize_url(&[("client_id", client_id)])).await;
    }
}

#[tokio::test]
async fn a_redirect_uri_that_is_not_registered_by_the_letter_gets_the_error_page() {
    let world = World::new().await;
    let over_long = format!("{REDIRECT}?{}", "x".repeat(400));
    for redirect_uri in [
        "http://localhost:5001/OpenId/Login/JS/",
        "http://localhost:5001/OpenId/Login/JS?x=1",
        "http://localhost:5001/OpenId/Login/JS#",
        "http://localhost:5001/OpenId/Login/JS#fragment",
        "http://localhost:5001/openid/login/js",
        "http://localhost:5001/OpenId/Login",
        "http://localhost:5001/OpenId/Login/x/../JS",
        "http://localhost:5001/OpenId/Login/%4aS",
        "http://localhost:5001//OpenId/Login/JS",
        "http://LOCALHOST:5001/OpenId/Login/JS",
        "http://localhost:5002/OpenId/Login/JS",
        "http://localhost/OpenId/Login/JS",
        "https://localhost:5001/OpenId/Login/JS",
        "http://localhost:5001@evil.example/OpenId/Login/JS",
        "http://evil.example/http://localhost:5001/OpenId/Login/JS",
        " http://localhost:5001/OpenId/Login/JS",
        "http://localhost:5001/OpenId/Login/JS ",
        "http://localhost:5001/OpenId/Login/JS\r\nSet-Cookie: a=b",
        "http://localhost:5001\\@evil.example/OpenId/Login/JS",
        "//localhost:5001/OpenId/Login/JS",
        "/OpenId/Login/JS",
        "javascript:alert(1)",
        "data:text/html,x",
        // Another client's.
        "http://localhost:5001/signin-oidc",
        &over_long,
    ] {
        assert_error_page(&world, &authorize_url(&[("redirect_uri", redirect_uri)])).await;
    }
}

#[tokio::test]
async fn a_repeated_client_id_or_redirect_uri_gets_the_error_page() {
    let world = World::new().await;
    for more in [
        "&client_id=PkceJS",
        "&redirect_uri=http%3A%2F%2Flocalhost%3A5001%2FOpenId%2FLogin%2FJS",
        "&client_id=",
    ] {
        assert_error_page(&world, &format!("{}{more}", authorize_url(&[]))).await;
    }
}

#[tokio::test]
async fn parameters_that_are_no_text_or_too_many_get_the_error_page() {
    let world = World::new().await;
    let many = "&x=1".repeat(60);
    for more in ["&nonce=%00", "&state=%FF%FE", &many] {
        assert_error_page(&world, &format!("{}{more}", authorize_url(&[]))).await;
    }
}

#[tokio::test]
async fn a_loopback_address_is_answered_at_any_port_and_localhost_is_not() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for redirect_uri in [
        "http://127.0.0.1:5001/callback",
        "http://127.0.0.1:49152/callback",
        "http://127.0.0.1/callback",
    ] {
        browser
            .get(&authorize_url(&[("redirect_uri", redirect_uri)]))
            .await
            .expect_code(redirect_uri);
    }
    for redirect_uri in [
        "http://127.0.0.1:49152/callback/",
        "http://127.0.0.1:49152/callback?x=1",
        "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:5001@evil.example/callback",
        "http://127.0.0.2:5001/callback",
        "http://[::1]:5001/callback",
        "http://localhost:5001/callback",
    ] {
        browser
            .get(&authorize_url(&[("redirect_uri", redirect_uri)]))
            .await
            .expect_error_page(StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn an_omitted_redirect_uri_is_the_only_registered_one_but_never_with_openid() {
    let world = World::with_clients(vec![client_settings("OneUri", json!({}))]).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let without = |client_id, scope| {
        authorize_url(&[("client_id", client_id), ("redirect_uri", ""), ("scope", scope)])
    };
    browser.get(&without("OneUri", "MyBackendApi2")).await.expect_code(REDIRECT);
    assert_error_page(&world, &without("OneUri", "openid MyBackendApi2")).await;
    assert_error_page(&world, &without("PkceJS", "MyBackendApi2")).await;
}

#[tokio::test]
async fn the_redirect_uris_own_query_is_kept() {
    let redirect_uri = "https://app.example/cb?tenant=a%20b&x";
    let world = World::with_clients(vec![client_settings(
        "Tenant",
        json!({"redirect_uris": [redirect_uri]}),
    )])
    .await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let changes = [("client_id", "Tenant"), ("redirect_uri", redirect_uri)];
    browser.get(&authorize_url(&changes)).await.expect_code(&format!("{redirect_uri}&code="));
    let refused =
        browser.get(&authorize_url(&[changes[0], changes[1], ("scope", "unknown")])).await;
    refused.expect_redirect_error(&format!("{redirect_uri}&error="), "invalid_scope");
}
