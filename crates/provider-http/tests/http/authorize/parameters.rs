//! The parameters of an authorization request: what is refused by a redirect, what is ignored, what
//! is echoed (OIDC Core section 3.1.2.1).

use axum::http::StatusCode;
use serde_json::json;

use crate::support::{
    BACKEND_REDIRECT, Browser, REDIRECT, World, authorize_url, changed, claims, client_settings,
    code_request,
};

#[tokio::test]
async fn a_repeated_parameter_is_an_invalid_request() {
    let world = World::new().await;
    for more in ["nonce=2", "scope=openid", "response_type=code", "prompt=login&prompt="] {
        let answer = world.get(&format!("{}&{more}", authorize_url(&[]))).await;
        answer.expect_redirect_error(REDIRECT, "invalid_request");
        assert_eq!(answer.redirect_param("state").as_deref(), Some("state-1"));
    }
}

/// RFC 6749 section 3.1: unknown parameters are ignored, and empty ones count as left out.
#[tokio::test]
async fn repeated_unknown_and_empty_parameters_are_ignored() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for more in ["utm=1&utm=2", "request=", "request_uri=", "registration=", "claims=&max_age="] {
        let answer = browser.get(&format!("{}&{more}", authorize_url(&[]))).await;
        answer.expect_code(REDIRECT);
    }
}

#[tokio::test]
async fn of_a_repeated_state_none_is_echoed() {
    let world = World::new().await;
    let answer = world.get(&format!("{}&state=other", authorize_url(&[]))).await;
    answer.expect_redirect_error(REDIRECT, "invalid_request");
    assert_eq!(answer.redirect_param("state"), None);
}

#[tokio::test]
async fn over_long_values_are_an_invalid_request() {
    let world = World::new().await;
    let long = "x".repeat(301);
    let long_scope = "x".repeat(4001);
    for (name, value) in [
        ("scope", &long_scope),
        ("nonce", &long),
        ("acr_values", &long),
        ("login_hint", &long),
        ("ui_locales", &long),
        ("idp", &long),
        ("prompt", &"login ".repeat(51)),
        ("max_age", &format!("{}60", "0".repeat(299))),
    ] {
        world
            .get(&authorize_url(&[(name, value)]))
            .await
            .expect_redirect_error(REDIRECT, "invalid_request");
    }
    // RFC 6749 section 4.1.2.1: the state is REQUIRED in the error, too.
    let state = "s".repeat(8193);
    let answer = world.get(&authorize_url(&[("state", &state)])).await;
    answer.expect_redirect_error(REDIRECT, "invalid_request");
    assert_eq!(answer.redirect_param("state"), Some(state));
    let claims = format!("{{\"userinfo\":{{\"{}\":null}}}}", "x".repeat(4000));
    world
        .get(&authorize_url(&[("claims", &claims)]))
        .await
        .expect_redirect_error(REDIRECT, "invalid_request");
}

#[tokio::test]
async fn the_longest_values_are_served() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let (nonce, state) = ("n".repeat(300), "s".repeat(8192));
    let answer = browser.get(&authorize_url(&[("nonce", &nonce), ("state", &state)])).await;
    answer.expect_code(REDIRECT);
    assert_eq!(answer.redirect_param("state"), Some(state));
}

#[tokio::test]
async fn only_the_code_flow_is_served() {
    let world = World::new().await;
    for response_type in [
        "token",
        "id_token",
        "code id_token",
        "code token",
        "id_token token",
        "none",
        "CODE",
        "code code",
    ] {
        let answer = world.get(&authorize_url(&[("response_type", response_type)])).await;
        answer.expect_redirect_error(REDIRECT, "unsupported_response_type");
    }
    world
        .get(&authorize_url(&[("response_type", "")]))
        .await
        .expect_redirect_error(REDIRECT, "invalid_request");
}

#[tokio::test]
async fn a_client_without_the_code_flow_is_unauthorized() {
    let changes = json!({
        "allowed_grant_types": ["client_credentials"], "require_client_secret": true,
        "client_secrets": [{"plain": "secret"}],
    });
    let world = World::with_clients(vec![client_settings("Machine", changes)]).await;
    let answer = world.get(&authorize_url(&[("client_id", "Machine")])).await;
    answer.expect_redirect_error(REDIRECT, "unauthorized_client");
}

#[tokio::test]
async fn a_forbidden_malformed_missing_or_wholly_unknown_scope_is_invalid() {
    let world = World::new().await;
    for scope in [
        "",
        " ",
        "unknown",
        "unknown unheard-of",
        "openid MyBackendApi1",
        "openid unknown MyBackendApi1",
        "openid \"quoted\"",
        "openid back\\slash",
        "öpenid",
    ] {
        let answer = world.get(&authorize_url(&[("scope", scope)])).await;
        answer.expect_redirect_error(REDIRECT, "invalid_scope");
    }
}

/// OIDC Core section 3.1.2.1. Argo CD asks for `groups`, whether there is such a scope or not.
#[tokio::test]
async fn scopes_that_nobody_knows_are_left_out() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let asked = "groups openid profile unknown";
    let code = browser.get(&authorize_url(&[("scope", asked)])).await.expect_code(REDIRECT);
    let tokens = world.token(&code_request(&code)).await.json();
    assert_eq!(tokens["scope"], "openid profile");
    assert_eq!(claims(&tokens["access_token"])["scope"], "openid profile");
    assert!(tokens["id_token"].is_string());
}

/// What is left out widens nothing: neither what the user sees and gives, nor what is remembered.
#[tokio::test]
async fn consent_is_about_what_is_left() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let url = |scope: &str, more: &[(&'static str, &'static str)]| {
        let own = [
            ("client_id", "PkceCodeBackend"),
            ("redirect_uri", BACKEND_REDIRECT),
            ("scope", scope),
        ];
        authorize_url(&[&own[..], more].concat())
    };
    let page = browser.get(&url("openid unknown", &[])).await.page();
    assert!(!page.text.contains("unknown"), "{}", page.text);
    let fields = [("scope", "openid"), ("scope", "unknown"), ("action", "allow")];
    let answer = browser.submit(&page, &fields).await;
    answer.expect_code(BACKEND_REDIRECT);
    let silent = [("prompt", "none")];
    browser.get(&url("openid unknown", &silent)).await.expect_code(BACKEND_REDIRECT);
    let wider = browser.get(&url("openid unknown profile", &silent)).await;
    wider.expect_redirect_error(BACKEND_REDIRECT, "consent_required");
}

/// OIDC Core section 11.
#[tokio::test]
async fn offline_access_that_a_client_may_not_have_is_left_out() {
    let world = World::with_clients(vec![client_settings(
        "Online",
        json!({"allow_offline_access": false}),
    )])
    .await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let url = |scope| authorize_url(&[("client_id", "Online"), ("scope", scope)]);
    let code = browser.get(&url("openid offline_access")).await.expect_code(REDIRECT);
    let tokens =
        world.token(&changed(code_request(&code), &[("client_id", "Online")])).await.json();
    assert_eq!((&tokens["scope"], tokens.get("refresh_token")), (&json!("openid"), None));
    browser.get(&url("offline_access")).await.expect_redirect_error(REDIRECT, "invalid_scope");
}

#[tokio::test]
async fn malformed_parameters_are_an_invalid_request() {
    let world = World::new().await;
    for (name, value) in [
        ("max_age", "-1"),
        ("max_age", "soon"),
        ("max_age", "1.5"),
        ("prompt", "create"),
        ("prompt", "none login"),
        ("prompt", "consent none"),
        ("prompt", "none select_account"),
        ("response_mode", "web_message"),
        ("claims", "no json"),
        ("claims", "[]"),
        ("claims", r#"{"userinfo":"email"}"#),
        ("claims", r#"{"id_token":["email"]}"#),
    ] {
        let answer = world.get(&authorize_url(&[(name, value)])).await;
        answer.expect_redirect_error(REDIRECT, "invalid_request");
    }
}

/// OIDC Core section 6: a client that sends a request object relies on it. This one has no keys.
#[tokio::test]
async fn request_objects_are_refused_and_never_ignored() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let unsigned = "eyJhbGciOiJub25lIn0.eyJjbGllbnRfaWQiOiJQa2NlSlMifQ.";
    let answer = browser.get(&authorize_url(&[("request", unsigned)])).await;
    answer.expect_redirect_error(REDIRECT, "request_not_supported");
    let answer =
        browser.get(&authorize_url(&[("request_uri", "https://app.example/request.jwt")])).await;
    answer.expect_redirect_error(REDIRECT, "request_uri_not_supported");
    let answer = browser
        .get(&authorize_url(&[("request_uri", "urn:ietf:params:oauth:request_uri:x")]))
        .await;
    answer.expect_error_page(StatusCode::BAD_REQUEST);
    let answer = browser.get(&authorize_url(&[("registration", "{}")])).await;
    answer.expect_redirect_error(REDIRECT, "registration_not_supported");
}

#[tokio::test]
async fn what_the_provider_does_not_know_or_need_never_breaks_a_request() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for (name, value) in [
        ("extra", "foobar"),
        ("ui_locales", "se de-CH"),
        ("claims_locales", "se"),
        ("display", "popup"),
        ("display", "unheard-of"),
        ("acr_values", "1 2"),
        ("login_hint", "buffy@example.com"),
        ("max_age", "10000"),
    ] {
        browser.get(&authorize_url(&[(name, value)])).await.expect_code(REDIRECT);
    }
    // A parameter without a value counts as omitted (RFC 6749 section 3.1).
    browser
        .get(&format!("{}&max_age=&prompt=&claims=", authorize_url(&[])))
        .await
        .expect_code(REDIRECT);
}

#[tokio::test]
async fn state_comes_back_letter_by_letter() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for state in [
        "a b+c",
        "a&b=c#d?e",
        "100%25",
        "\"<script>alert(1)</script>'",
        "ä€😀",
        "line\r\nbreak",
        "{\"a\":[1]}",
        "../..//x",
        "~-._",
    ] {
        let answer = browser.get(&authorize_url(&[("state", state)])).await;
        answer.expect_code(REDIRECT);
        assert_eq!(answer.redirect_param("state").as_deref(), Some(state));
        let refused = browser
            .get(&authorize_url(&[("state", state), ("response_mode", "fragment"), ("scope", "x")]))
            .await;
        refused.expect_redirect_error(REDIRECT, "invalid_scope");
        assert_eq!(refused.redirect_param("state").as_deref(), Some(state));
    }
    let without = browser.get(&authorize_url(&[("state", "")])).await;
    assert_eq!(without.redirect_param("state"), None);
}

#[tokio::test]
async fn a_request_without_openid_signs_nobody_in_at_the_client() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let tokens = browser.tokens(&[("scope", "MyBackendApi2")]).await;
    assert_eq!(tokens["scope"], "MyBackendApi2");
    assert!(tokens.get("id_token").is_none() && tokens.get("refresh_token").is_none(), "{tokens}");
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let world = World::new().await;
    // HEAD neither: whoever only looks gets no code.
    for method in ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let request = axum::http::Request::builder().method(method).uri(authorize_url(&[]));
        let answer = world.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
}
