//! `/connect/userinfo` (OIDC Core section 5.3, RFC 6750 section 2 and 3).

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::{Value, json};

use crate::support::{
    Answer, Browser, REDIRECT, Setup, World, authorize_url, basic, changed, client_settings,
    code_request, form_request, jose_header, user, with_header,
};

async fn access_token(world: &World, scope: &str) -> String {
    let tokens = Browser::signed_in(world, "alice").await.tokens(&[("scope", scope)]).await;
    tokens["access_token"].as_str().unwrap().to_owned()
}

async fn with_authorization(world: &World, authorization: &str) -> Answer {
    world
        .send(with_header(
            Request::get("/connect/userinfo").body(Body::empty()).unwrap(),
            "authorization",
            authorization,
        ))
        .await
}

/// A 401 whose challenge says what is wrong (RFC 6750 section 3).
#[track_caller]
fn assert_invalid_token(answer: &Answer) {
    answer.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
    let challenge = answer.header("www-authenticate");
    assert!(
        challenge.starts_with("Bearer ") && challenge.contains(r#"error="invalid_token""#),
        "{challenge}"
    );
}

#[tokio::test]
async fn the_scope_decides_which_claims_are_given() {
    let world = World::new().await;
    let (name, email) = (json!("ALICE"), json!("alice@example.com"));
    for (scope, expected) in [
        ("openid", json!({"sub": "alice"})),
        ("openid profile", json!({"sub": "alice", "name": name})),
        ("openid email", json!({"sub": "alice", "email": email, "email_verified": true})),
        ("openid profile MyBackendApi2", json!({"sub": "alice", "name": name})),
    ] {
        let answer =
            with_authorization(&world, &format!("Bearer {}", access_token(&world, scope).await))
                .await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, expected));
        assert_eq!(
            (answer.header("content-type"), answer.header("cache-control")),
            ("application/json", "no-store")
        );
    }
}

/// The scopes that have no claim of an ordinary user, and all of them at once (OIDC Core section
/// 5.4).
#[tokio::test]
async fn every_standard_scope_gives_its_claims_and_no_others() {
    let mut dana = user("dana", "dana", &["user"]);
    let own = json!({
        "address": {"street_address": "1 Main St", "country": "US"}, "phone_number_verified": false,
        "birthdate": "2000-01-01", "given_name": "Dana",
    });
    dana.claims_mut().extend(own.as_object().unwrap().clone());
    let all = json!(["openid", "profile", "email", "phone", "address"]);
    let clients = vec![client_settings("All", json!({"allowed_scopes": all}))];
    let world = World::with(Setup { clients, users: vec![dana], ..Setup::default() }).await;
    let mut browser = Browser::signed_in(&world, "dana").await;
    let address = json!({"sub": "dana", "address": own["address"]});
    let phone =
        json!({"sub": "dana", "phone_number": "+1 202 555 0101", "phone_number_verified": false});
    let profile =
        json!({"sub": "dana", "name": "DANA", "given_name": "Dana", "birthdate": "2000-01-01"});
    let email = json!({"sub": "dana", "email": "dana@example.com", "email_verified": true});
    let mut whole = serde_json::Map::new();
    for part in [&address, &phone, &profile, &email] {
        whole.extend(part.as_object().unwrap().clone());
    }
    for (scope, expected) in [
        ("openid address", address),
        ("openid phone", phone),
        ("openid profile", profile),
        ("openid email", email),
        ("openid profile email address phone", whole.clone().into()),
        ("phone email openid address profile", whole.into()),
    ] {
        let code = browser
            .get(&authorize_url(&[("client_id", "All"), ("scope", scope)]))
            .await
            .expect_code(REDIRECT);
        let tokens =
            world.token(&changed(code_request(&code), &[("client_id", "All")])).await.json();
        assert_eq!(world.userinfo(&tokens["access_token"]).await.json(), expected, "{scope}");
    }
}

#[tokio::test]
async fn the_token_is_taken_from_the_header_or_a_posted_form() {
    let world = World::new().await;
    let token = access_token(&world, "openid").await;
    let bearer = format!("Bearer {token}");
    let sub = json!({"sub": "alice"});
    let no_body = Request::post("/connect/userinfo").body(Body::empty()).unwrap();
    for request in [
        form_request("/connect/userinfo", &[("access_token", &token)]),
        with_header(no_body, "authorization", &bearer),
        with_header(
            form_request("/connect/userinfo", &[("x", "y")]),
            "authorization",
            &bearer.replace("Bearer", "bEARER"),
        ),
    ] {
        let answer = world.send(request).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, sub.clone()));
    }
}

#[tokio::test]
async fn a_token_in_the_query_does_not_count() {
    let world = World::new().await;
    let token = access_token(&world, "openid").await;
    let answer = world.get(&format!("/connect/userinfo?access_token={token}")).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

/// RFC 6750 section 3.1: a request without a token is told no error code in the challenge.
#[tokio::test]
async fn without_a_token_the_challenge_names_no_error() {
    let world = World::new().await;
    let no_token = form_request("/connect/userinfo", &[("access_token", "")]);
    for answer in [world.get("/connect/userinfo").await, world.send(no_token).await] {
        answer.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
        assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="doorward""#);
    }
}

#[tokio::test]
async fn what_is_no_valid_access_token_is_refused() {
    let world = World::new().await;
    let tokens = Browser::signed_in(&world, "alice").await.tokens(&[]).await;
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    let (access, id, refresh) = (text("access_token"), text("id_token"), text("refresh_token"));
    let (signed, _) = access.rsplit_once('.').unwrap();
    let payload = access.split('.').nth(1).unwrap();
    let unsigned = doorward_protocol::base64url::encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    for token in [
        &id,
        &refresh,
        "x",
        "a.b.c",
        &format!("{signed}."),
        &format!("{signed}.AAAA"),
        &format!("{unsigned}.{payload}."),
    ] {
        assert_invalid_token(&with_authorization(&world, &format!("Bearer {token}")).await);
    }
    for header in [
        &basic("PkceJS", &access),
        "Bearer",
        "Bearer ",
        &format!("Bearer {access} {access}"),
        &access,
    ] {
        assert_invalid_token(&with_authorization(&world, header).await);
    }
}

#[tokio::test]
async fn two_tokens_or_a_malformed_form_are_an_invalid_request() {
    let world = World::new().await;
    let token = access_token(&world, "openid").await;
    let bearer = format!("Bearer {token}");
    let in_both = with_header(
        form_request("/connect/userinfo", &[("access_token", &token)]),
        "authorization",
        &bearer,
    );
    let twice =
        form_request("/connect/userinfo", &[("access_token", &token), ("access_token", &token)]);
    let both_twice = with_header(
        form_request("/connect/userinfo", &[("access_token", &token), ("access_token", &token)]),
        "authorization",
        &bearer,
    );
    let two_headers = with_header(
        Request::get("/connect/userinfo").body(Body::empty()).unwrap(),
        "authorization",
        &bearer,
    );
    for request in [in_both, twice, both_twice, with_header(two_headers, "authorization", &bearer)]
    {
        let answer = world.send(request).await;
        assert_eq!(
            (answer.status, answer.error().as_str()),
            (StatusCode::BAD_REQUEST, "invalid_request")
        );
    }
}

/// RFC 6750 section 3: a client that sends no token is told how to, whatever else it sends.
#[tokio::test]
async fn a_body_that_is_no_form_holds_no_token() {
    let world = World::new().await;
    let empty = Request::post("/connect/userinfo").body(Body::empty()).unwrap();
    let json = Request::post("/connect/userinfo")
        .header("content-type", "application/json")
        .body(Body::from(r#"{"access_token": "x"}"#))
        .unwrap();
    for request in [empty, json] {
        let answer = world.send(request).await;
        answer.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
        assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="doorward""#);
    }
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let world = World::new().await;
    let token = access_token(&world, "openid").await;
    world.clock.advance(3599);
    assert_eq!(with_authorization(&world, &format!("Bearer {token}")).await.status, StatusCode::OK);
    world.clock.advance(1);
    assert_invalid_token(&with_authorization(&world, &format!("Bearer {token}")).await);
}

#[tokio::test]
async fn a_token_without_openid_has_insufficient_scope() {
    let world = World::new().await;
    let token = access_token(&world, "MyBackendApi2").await;
    let answer = with_authorization(&world, &format!("Bearer {token}")).await;
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (StatusCode::FORBIDDEN, "insufficient_scope")
    );
    let challenge = answer.header("www-authenticate");
    assert!(
        challenge.starts_with("Bearer ") && challenge.contains(r#"error="insufficient_scope""#),
        "{challenge}"
    );
}

#[tokio::test]
async fn a_disabled_users_or_clients_token_is_refused() {
    let world = World::new().await;
    let token = Value::from(access_token(&world, "openid").await);
    let without_client = world.restarted("PkceJS", json!({"enabled": false})).await;
    assert_invalid_token(&without_client.userinfo(&token).await);
    assert_eq!(world.userinfo(&token).await.status, StatusCode::OK);
    world.disable("alice").await;
    assert_invalid_token(&world.userinfo(&token).await);
}

#[tokio::test]
async fn claims_are_those_of_now_and_not_of_the_sign_in() {
    let world = World::new().await;
    let token = Value::from(access_token(&world, "openid profile").await);
    let mut alice = crate::support::alice();
    alice.claims_mut().insert("name".to_owned(), json!("Alice Liddell"));
    world.import(alice).await;
    assert_eq!(world.userinfo(&token).await.json()["name"], "Alice Liddell");
}

#[tokio::test]
async fn a_withdrawn_key_takes_the_tokens_along_that_were_verified_before() {
    let world = World::new().await;
    let token = json!(access_token(&world, "openid").await);
    assert_eq!(world.userinfo(&token).await.status, StatusCode::OK);
    world.retire_key(jose_header(&token)["kid"].as_str().unwrap()).await;
    world.provider.upkeep().maintain_keys().await.unwrap();
    assert_invalid_token(&world.userinfo(&token).await);
}

/// OIDC Core section 5.3.2: a token with `iss` and `aud`, of the type `application/jwt`.
#[tokio::test]
async fn a_client_may_have_it_signed() {
    let own = json!({"userinfo_signed_response_alg": "ES256"});
    let world = World::with_clients(vec![client_settings("Signed", own)]).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let url = authorize_url(&[("client_id", "Signed"), ("scope", "openid email")]);
    let code = browser.get(&url).await.expect_code(REDIRECT);
    let tokens = world.token(&changed(code_request(&code), &[("client_id", "Signed")])).await;
    let answer = world.userinfo(&tokens.json()["access_token"]).await;
    assert_eq!(
        (answer.header("content-type"), answer.header("cache-control")),
        ("application/jwt", "no-store")
    );
    let token = json!(answer.body);
    assert_eq!(jose_header(&token)["alg"], "ES256");
    let expected = json!({
        "iss": crate::support::ISSUER, "aud": "Signed", "sub": "alice",
        "email": "alice@example.com", "email_verified": true,
    });
    assert_eq!(crate::support::claims(&token), expected);
    // It can't be taken for a token of another kind.
    assert_invalid_token(&world.userinfo(&token).await);
    let url = authorize_url(&[("client_id", "Signed"), ("id_token_hint", &answer.body)]);
    browser.get(&url).await.expect_redirect_error(REDIRECT, "invalid_request");
}
