//! Registered clients (RFC 7591): what is answered, and how they are used, kept and bounded.

use axum::http::StatusCode;
use doorward_provider::model::{
    client::GrantType,
    registration::{RegistrationMode, RegistrationSettings},
};
use serde_json::json;

use super::{
    PAGE, asking, expect_link_to_error, json_request, open, redeeming, register, registered,
    tokens, world_with,
};
use crate::{
    device,
    par::opened_by,
    support::{
        Browser, ISSUER, World, basic, changed, claims, refresh_request, verifier, with_header,
    },
};

#[tokio::test]
async fn a_client_registers_and_signs_a_user_in() {
    let world = world_with(open()).await;
    let client = registered(&world, json!({})).await;
    let id = client["client_id"].as_str().unwrap();
    assert_eq!(client["client_id_issued_at"], world.clock.seconds());
    assert_eq!(client["registration_client_uri"], format!("{ISSUER}/connect/register/{id}"));
    assert_eq!(client["scope"], "openid profile MyBackendApi2");
    assert_eq!(client["response_types"], json!(["code"]));
    assert!(client.get("client_secret").is_none(), "{client}");
    let tokens = tokens(&world, id, PAGE).await.json();
    assert_eq!(tokens["scope"], "openid profile offline_access MyBackendApi2");
    assert!(world.userinfo(&tokens["access_token"]).await.json()["name"].is_string());
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", id),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];
    assert_eq!(world.token(&refresh).await.status, StatusCode::OK);
}

/// What a registration answers as `scope` is what the client can use (RFC 7591 section 2).
#[tokio::test]
async fn a_client_that_asks_for_the_scope_of_the_answer_gets_a_refresh_token() {
    let world = world_with(open()).await;
    let client = registered(&world, json!({"scope": "offline_access openid admin"})).await;
    assert_eq!(client["scope"], "openid offline_access");
    let (id, scope) = (client["client_id"].as_str().unwrap(), client["scope"].as_str().unwrap());
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = browser.get(&asking(id, &[("scope", scope)])).await.page();
    let answer = browser.submit(&page, &[("action", "allow")]).await;
    let tokens = world.token(&redeeming(id, &answer, PAGE)).await.json();
    assert_eq!(tokens["scope"], scope);
    assert!(tokens["refresh_token"].is_string(), "{tokens}");
}

#[tokio::test]
async fn a_client_with_a_secret_gets_it_once_and_authenticates_by_it() {
    let world = world_with(open()).await;
    let client = registered(&world, json!({"token_endpoint_auth_method": null})).await;
    assert_eq!(client["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(client["client_secret_expires_at"], 0);
    let (id, secret) =
        (client["client_id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = browser.get(&asking(id, &[])).await.page();
    let answer = browser.submit(&page, &[("action", "allow")]).await;
    let request = redeeming(id, &answer, PAGE);
    world.token(&request).await.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
    let request = changed(request, &[("client_id", "")]);
    assert_eq!(world.token_as(&basic(id, secret), &request).await.status, StatusCode::OK);
}

#[tokio::test]
async fn users_are_always_asked_and_told_where_it_goes() {
    let world = world_with(open()).await;
    let changes = json!({
        "client_uri": "https://app.example/", "policy_uri": "https://app.example/privacy",
        "tos_uri": "https://app.example/terms", "logo_uri": "https://logo.example/a.png",
    });
    let client = registered(&world, changes).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let answer = browser.get(&asking(client["client_id"].as_str().unwrap(), &[])).await;
    let policy = answer.header("content-security-policy").to_owned();
    assert!(policy.contains("img-src 'self' https://logo.example;"), "{policy}");
    let page = answer.page();
    for text in ["Allow Agent?", "registered itself", "goes to app.example", "Privacy policy"] {
        assert!(page.text.contains(text), "{text} in {}", page.text);
    }
    for link in ["https://app.example/privacy", "https://app.example/terms"] {
        assert!(page.all("a").any(|a| a.attribute("href") == Some(link)), "{link}");
    }
    let local = registered(&world, json!({"redirect_uris": ["http://127.0.0.1:7/cb"]})).await;
    let url = asking(
        local["client_id"].as_str().unwrap(),
        &[("redirect_uri", "http://127.0.0.1:61234/cb")],
    );
    let page = browser.get(&url).await.page();
    assert!(page.text.contains("a program on this computer"));
    // Another program can listen there, so a remembered answer would be one for that, too.
    assert!(!page.text.contains("Remember my decision"), "{}", page.text);
    let page = browser.get(&asking(client["client_id"].as_str().unwrap(), &[])).await.page();
    assert!(page.text.contains("Remember my decision"), "{}", page.text);
}

#[tokio::test]
async fn programs_on_the_users_machine_listen_on_any_port() {
    let world = world_with(open()).await;
    let uris = ["http://localhost/cb", "http://127.0.0.1/cb", "http://[::1]/cb"];
    let client = registered(&world, json!({"redirect_uris": uris})).await;
    let id = client["client_id"].as_str().unwrap();
    let mut browser = Browser::new(&world);
    for uri in ["http://localhost:5/cb", "http://127.0.0.1:61234/cb", "http://[::1]:1/cb"] {
        browser.get(&asking(id, &[("redirect_uri", uri)])).await.expect_login();
    }
    for uri in ["http://localhost:5/other", "http://localhost.evil.example/cb", PAGE] {
        let answer = browser.get(&asking(id, &[("redirect_uri", uri)])).await;
        answer.expect_error_page(StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn an_unused_client_expires_and_a_used_one_lives_on() {
    let settings = RegistrationSettings {
        unused_lifetime: 100.into(),
        idle_lifetime: 1_000_000.into(),
        ..open()
    };
    let world = world_with(settings).await;
    let (unused, used) = (registered(&world, json!({})).await, registered(&world, json!({})).await);
    let id = |client: &serde_json::Value| client["client_id"].as_str().unwrap().to_owned();
    assert_eq!(tokens(&world, &id(&used), PAGE).await.status, StatusCode::OK);
    world.clock.advance(100);
    let mut browser = Browser::new(&world);
    let answer = browser.get(&asking(&id(&unused), &[])).await;
    answer.expect_error_page(StatusCode::BAD_REQUEST);
    browser.get(&asking(&id(&used), &[])).await.expect_login();
    assert!(world.provider.upkeep().maintain().await.unwrap() > 0);
    world.clock.advance(1_000_000);
    let answer = browser.get(&asking(&id(&used), &[])).await;
    answer.expect_error_page(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn too_many_from_one_address_must_wait() {
    let world = world_with(RegistrationSettings { most_per_address: 2, ..open() }).await;
    let metadata = json!({"redirect_uris": [PAGE]});
    for _ in 0..2 {
        assert_eq!(register(&world, &metadata).await.status, StatusCode::CREATED);
    }
    let refused = register(&world, &metadata).await;
    refused.expect_json_error(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), "60");
}

#[tokio::test]
async fn nobody_registers_where_it_is_off_and_registered_clients_stay() {
    let world = world_with(open()).await;
    let client = registered(&world, json!({})).await;
    let off = world.with_registration(RegistrationSettings::default()).await;
    let refused = register(&off, &json!({"redirect_uris": [PAGE]})).await;
    refused.expect_json_error(StatusCode::FORBIDDEN, "access_denied");
    let metadata = |world: &World| world.provider.discovery().metadata();
    assert_eq!(metadata(&off).registration_endpoint, None);
    let endpoint = format!("{ISSUER}/connect/register");
    assert_eq!(metadata(&world).registration_endpoint, Some(endpoint));
    // The policy of today counts: its scopes are openid, profile and email.
    let id = client["client_id"].as_str().unwrap();
    Browser::new(&off).get(&asking(id, &[])).await.expect_login();
    let answer = Browser::new(&off).get(&asking(id, &[("scope", "MyBackendApi2")])).await;
    expect_link_to_error(&answer, "invalid_scope");
}

/// A client that reads `scopes_supported` asks for all of them, as the official SDK of MCP for
/// Python and `rmcp` do. RFC 6749 section 3.3: what it may not have is left out, and it is told.
#[tokio::test]
async fn of_the_scope_it_gets_what_it_may_have() {
    let world = world_with(open()).await;
    let client = registered(&world, json!({"scope": "openid MyBackendApi2 email"})).await;
    assert_eq!(client["scope"], "openid MyBackendApi2");
    let id = client["client_id"].as_str().unwrap();
    let all = world.provider.discovery().metadata().scopes_supported.join(" ");
    assert!(all.contains("MyBackendApi1") && all.contains("email"), "{all}");
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = browser.get(&asking(id, &[("scope", &all)])).await.page();
    assert!(page.text.contains("The API MyBackendApi2"), "{}", page.text);
    assert!(!page.text.contains("The API MyBackendApi1"), "{}", page.text);
    let more = [("scope", "MyBackendApi1"), ("scope", "email"), ("scope", "MyBackendApi2")];
    let shown = [("scope", "openid"), ("scope", "offline_access"), ("action", "allow")];
    let ticked = [&more[..], &shown].concat();
    let answer = browser.submit(&page, &ticked).await;
    let tokens = world.token(&redeeming(id, &answer, PAGE)).await.json();
    assert_eq!(tokens["scope"], "openid MyBackendApi2 offline_access");
    assert_eq!(claims(&tokens["access_token"])["aud"], "MyBackendApi2");
    // A token request asks for what was granted, or for less (RFC 6749 section 6).
    let refresh = refresh_request(tokens["refresh_token"].as_str().unwrap());
    let refused = world.token(&changed(refresh, &[("client_id", id), ("scope", &all)])).await;
    refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_scope");
    let none = browser.get(&asking(id, &[("scope", "email MyBackendApi1")])).await;
    expect_link_to_error(&none, "invalid_scope");
}

/// As the official SDK of MCP for TypeScript asks, where the API names no scopes.
#[tokio::test]
async fn without_a_scope_it_asks_for_what_it_registered() {
    let world = world_with(open()).await;
    let client = registered(&world, json!({})).await;
    let id = client["client_id"].as_str().unwrap();
    let mut browser = Browser::signed_in(&world, "alice").await;
    for (resource, scope, audience) in [
        ("", "openid profile MyBackendApi2", "MyBackendApi2"),
        ("MyBackendApi2", "MyBackendApi2", "MyBackendApi2"),
    ] {
        let url = asking(id, &[("scope", ""), ("resource", resource)]);
        let page = browser.get(&url).await.page();
        assert!(page.text.contains("The API MyBackendApi2"), "{}", page.text);
        let answer = browser.submit(&page, &[("remember_consent", ""), ("action", "allow")]).await;
        let tokens = world.token(&redeeming(id, &answer, PAGE)).await.json();
        assert_eq!(tokens["scope"], scope, "{resource}");
        assert_eq!(claims(&tokens["access_token"])["aud"], audience);
        assert_eq!(tokens.get("refresh_token"), None, "it is asked for by name only");
    }
    for resource in ["MyBackendApi1", "https://elsewhere.example"] {
        let url = asking(id, &[("scope", ""), ("resource", resource)]);
        expect_link_to_error(&browser.get(&url).await, "invalid_target");
    }
    // With openid the address would have to be there.
    let url = asking(id, &[("scope", ""), ("redirect_uri", "")]);
    let page = browser.get(&url).await.page();
    let answer = browser.submit(&page, &[("remember_consent", ""), ("action", "allow")]).await;
    let tokens = world.token(&redeeming(id, &answer, PAGE)).await.json();
    assert_eq!(tokens["scope"], "profile MyBackendApi2");
    let challenge = verifier().challenge();
    let pushed = [
        ("client_id", id),
        ("redirect_uri", PAGE),
        ("response_type", "code"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let url = opened_by(id, &world.post("/connect/par", &pushed).await);
    let page = browser.get(&url).await.page();
    let answer = browser.submit(&page, &[("action", "allow")]).await;
    let tokens = world.token(&redeeming(id, &answer, PAGE)).await.json();
    assert_eq!(tokens["scope"], "openid profile MyBackendApi2");
}

#[tokio::test]
async fn a_device_without_a_scope_asks_for_what_it_registered() {
    let grant_types = [GrantType::AuthorizationCode, GrantType::DeviceCode].into();
    let world = world_with(RegistrationSettings { grant_types, ..open() }).await;
    let grants = ["authorization_code", "refresh_token", device::GRANT];
    let client = registered(&world, json!({"grant_types": grants})).await;
    let id = client["client_id"].as_str().unwrap();
    let ask = async |more: &[(&str, &str)]| {
        let pairs = [&[("client_id", id)], more].concat();
        world.post("/connect/deviceauthorization", &pairs).await
    };
    for (more, scope) in [
        (&[][..], "openid profile MyBackendApi2"),
        (&[("resource", "MyBackendApi2")], "MyBackendApi2"),
        (&[("scope", "openid offline_access")], "openid offline_access"),
    ] {
        let begun = ask(more).await;
        assert_eq!(begun.status, StatusCode::OK, "{begun:?}");
        let begun = begun.json();
        let mut browser = Browser::signed_in(&world, "alice").await;
        let page = device::question(&mut browser, begun["user_code"].as_str().unwrap()).await;
        browser.submit(&page, &[("action", "allow")]).await;
        let code = begun["device_code"].as_str().unwrap();
        let poll = [("grant_type", device::GRANT), ("client_id", id), ("device_code", code)];
        let tokens = world.token(&poll).await.json();
        assert_eq!(tokens["scope"], scope, "{more:?}");
        let asks_for_it = scope.contains("offline_access");
        assert_eq!(tokens.get("refresh_token").is_some(), asks_for_it, "{more:?}");
    }
    let answer = ask(&[("resource", "MyBackendApi1")]).await;
    answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_target");
}

/// Some programs send a header of theirs with every request.
#[tokio::test]
async fn where_no_token_is_asked_for_the_header_does_not_count() {
    let world = world_with(open()).await;
    for header in ["Bearer made-up", "Bearer", &basic("PkceJS", "x"), "Token abc"] {
        let request =
            json_request("POST", "/connect/register", &json!({"redirect_uris": [PAGE]}), None);
        let answer = world.send(with_header(request, "authorization", header)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{header}: {answer:?}");
    }
    let token = world_with(RegistrationSettings { mode: RegistrationMode::Token, ..open() }).await;
    let request =
        json_request("POST", "/connect/register", &json!({"redirect_uris": [PAGE]}), None);
    let request = with_header(request, "authorization", &basic("PkceJS", "x"));
    token.send(request).await.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let world = world_with(open()).await;
    for (content_type, body, status) in [
        ("application/json", "[]", StatusCode::BAD_REQUEST),
        ("application/json", "{", StatusCode::BAD_REQUEST),
        ("application/json", "", StatusCode::BAD_REQUEST),
        ("text/plain", "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let request = axum::http::Request::post("/connect/register")
            .header("content-type", content_type)
            .body(axum::body::Body::from(body))
            .unwrap();
        world.send(request).await.expect_json_error(status, "invalid_client_metadata");
    }
    let long = json!({"redirect_uris": [PAGE], "unknown": "x".repeat(70_000)});
    let answer = register(&world, &long).await;
    answer.expect_json_error(StatusCode::PAYLOAD_TOO_LARGE, "invalid_client_metadata");
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let request = axum::http::Request::post("/connect/register")
        .header("content-type", "application/json")
        .body(axum::body::Body::from(format!("{{\"x\": {deep}}}")))
        .unwrap();
    let answer = world.send(request).await;
    answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_client_metadata");
}

#[tokio::test]
async fn pages_of_any_origin_may_register_and_get_tokens() {
    let settings = open();
    let world = world_with(settings.clone()).await;
    let origin = "https://anywhere.example";
    let preflight = |path: &str, method: &str| {
        let request = axum::http::Request::options(path).header("origin", origin);
        let request = request.header("access-control-request-method", method);
        request.body(axum::body::Body::empty()).unwrap()
    };
    for (path, method) in
        [("/connect/register", "POST"), ("/connect/register/x", "PUT"), ("/connect/token", "POST")]
    {
        let answer = world.send(preflight(path, method)).await;
        assert_eq!(answer.header("access-control-allow-origin"), origin, "{path}");
        assert!(answer.header("access-control-allow-methods").contains(method), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
    }
    let mode = RegistrationMode::Off;
    let off = world_with(RegistrationSettings { mode, ..settings }).await;
    let answer = off.send(preflight("/connect/token", "POST")).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let request = json_request("POST", "/connect/register", &json!({}), None);
    let answer = off.send(with_header(request, "origin", origin)).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}
