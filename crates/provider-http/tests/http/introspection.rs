//! `/connect/introspect` (RFC 7662): what it tells, and to whom.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use doorward_provider::model::resource::{IdentityResource, Resources};
use serde_json::{Value, json};

use crate::support::{
    Answer, Browser, ISSUER, REDIRECT, START, Setup, World, authorize_url, basic, changed, claims,
    client_settings, code_request, form_request, with_header,
};

const API: &str = "MyBackendApi2";

async fn introspect_as(world: &World, authorization: &str, token: &Value) -> Answer {
    let request = form_request("/connect/introspect", &[("token", token.as_str().unwrap())]);
    world.send(with_header(request, "authorization", authorization)).await
}

/// What the API is told.
async fn told(world: &World, token: &Value) -> Value {
    let answer = introspect_as(world, &basic(API, "api-secret"), token).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(
        (answer.header("cache-control"), answer.header("content-type")),
        ("no-store", "application/json")
    );
    answer.json()
}

fn inactive() -> Value {
    json!({"active": false})
}

/// Tokens of a confidential client of this name.
async fn confidential(world: &World, client_id: &'static str) -> Value {
    let code = Browser::signed_in(world, "alice")
        .await
        .get(&authorize_url(&[("client_id", client_id)]))
        .await
        .expect_code(REDIRECT);
    let request = changed(code_request(&code), &[("client_id", "")]);
    world.token_as(&basic(client_id, "secret"), &request).await.json()
}

fn confidential_settings(client_id: &str) -> Value {
    let secrets = json!([{"plain": "secret"}]);
    client_settings(client_id, json!({"require_client_secret": true, "client_secrets": secrets}))
}

/// The name would undo what pairwise subjects are for: that two clients can't tell that they have
/// one user.
#[tokio::test]
async fn names_stay_out_where_a_client_knows_its_users_by_pairwise_subjects() {
    let mut settings = confidential_settings("Paired");
    settings["pair_wise_subject_salt"] = json!("a salt of sixteen characters");
    let world = World::with_clients(vec![settings, confidential_settings("Plain")]).await;
    for (client_id, named) in [("Paired", false), ("Plain", true)] {
        let tokens = confidential(&world, client_id).await;
        let own = basic(client_id, "secret");
        for (caller, token) in [
            (&basic(API, "api-secret"), "access_token"),
            (&own, "access_token"),
            (&own, "refresh_token"),
        ] {
            let told = introspect_as(&world, caller, &tokens[token]).await.json();
            assert_eq!(told["active"], true, "{client_id} {token}");
            assert_eq!(told.get("username").is_some(), named, "{client_id} {token}: {told}");
            assert_eq!(told["sub"] == "alice", named, "{client_id} {token}: {told}");
        }
    }
}

#[tokio::test]
async fn an_api_learns_of_a_token_that_is_for_it() {
    let world = World::new().await;
    let tokens = Browser::signed_in(&world, "carol").await.tokens(&[]).await;
    let expected = json!({
        "active": true, "iss": ISSUER, "sub": "carol", "username": "carol", "client_id": "PkceJS",
        "token_type": "Bearer",
        "aud": API, "scope": API, "iat": START, "exp": START + 3600,
        "acr": "urn:doorward:acr:1", "auth_time": START,
        "jti": claims(&tokens["access_token"])["jti"],
        "role": ["admin", "user"], "department": "Sales", "email": "carol@example.com",
    });
    assert_eq!(told(&world, &tokens["access_token"]).await, expected);
}

#[tokio::test]
async fn an_api_learns_of_its_own_scopes_and_audience_only() {
    let both = client_settings(
        "Both",
        json!({"allowed_scopes": ["openid", "MyBackendApi1", "MyBackendApi2", "audit"]}),
    );
    let world = World::with_clients(vec![both]).await;
    let url = authorize_url(&[
        ("client_id", "Both"),
        ("scope", "openid audit MyBackendApi1 MyBackendApi2"),
    ]);
    let code = Browser::signed_in(&world, "alice").await.get(&url).await.expect_code(REDIRECT);
    let tokens = world.token(&changed(code_request(&code), &[("client_id", "Both")])).await.json();
    assert_eq!(claims(&tokens["access_token"])["aud"], json!(["MyBackendApi1", "MyBackendApi2"]));
    let told = told(&world, &tokens["access_token"]).await;
    assert_eq!((&told["aud"], &told["scope"]), (&json!(API), &json!(API)));
}

#[tokio::test]
async fn what_is_not_for_the_api_is_inactive() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    let for_userinfo = browser.tokens(&[("scope", "openid offline_access")]).await;
    let for_api = browser.tokens(&[]).await;
    for token in [
        &for_userinfo["access_token"],
        &for_api["refresh_token"],
        &for_api["id_token"],
        &json!("x.y.z"),
        &json!("x"),
    ] {
        assert_eq!(told(&world, token).await, inactive(), "{token}");
    }
    let other =
        introspect_as(&world, &basic("MyBackendApi1", "api-secret"), &for_api["access_token"])
            .await;
    assert_eq!(other.json(), inactive());
}

#[tokio::test]
async fn a_token_is_inactive_from_its_expiry_on() {
    let world = World::new().await;
    let tokens = Browser::signed_in(&world, "alice").await.tokens(&[]).await;
    world.clock.advance(3599);
    assert_eq!(told(&world, &tokens["access_token"]).await["active"], true);
    world.clock.advance(1);
    assert_eq!(told(&world, &tokens["access_token"]).await, inactive());
}

#[tokio::test]
async fn a_jwt_whose_grant_was_revoked_or_whose_user_or_client_was_disabled_is_inactive() {
    let world = World::new().await;
    let revoked = Browser::signed_in(&world, "carol").await.tokens(&[]).await;
    let token = revoked["refresh_token"].as_str().unwrap();
    world.post("/connect/revocation", &[("client_id", "PkceJS"), ("token", token)]).await;
    assert_eq!(told(&world, &revoked["access_token"]).await, inactive());

    let tokens = Browser::signed_in(&world, "alice").await.tokens(&[]).await;
    assert_eq!(told(&world, &tokens["access_token"]).await["active"], true);
    let without_client = world.restarted("PkceJS", json!({"enabled": false})).await;
    assert_eq!(told(&without_client, &tokens["access_token"]).await, inactive());
    world.disable("alice").await;
    assert_eq!(told(&world, &tokens["access_token"]).await, inactive());
}

#[tokio::test]
async fn a_clients_own_token_is_about_the_client() {
    let world = World::new().await;
    let grant = [("grant_type", "client_credentials")];
    let tokens = world.token_as(&basic("Resources", "secret"), &grant).await.json();
    let told = told(&world, &tokens["access_token"]).await;
    assert_eq!(
        (&told["active"], &told["sub"], &told["username"]),
        (&json!(true), &json!("Resources"), &Value::Null)
    );
}

#[tokio::test]
async fn a_confidential_client_learns_of_its_own_tokens() {
    let world =
        World::with_clients(vec![confidential_settings("One"), confidential_settings("Other")])
            .await;
    let tokens = confidential(&world, "One").await;
    let (one, other) = (basic("One", "secret"), basic("Other", "secret"));
    let access = introspect_as(&world, &one, &tokens["access_token"]).await.json();
    assert_eq!(
        (&access["active"], &access["sub"], &access["aud"]),
        (&json!(true), &json!("alice"), &json!(API))
    );
    assert_eq!(access["scope"], tokens["scope"]);
    let refresh = introspect_as(&world, &one, &tokens["refresh_token"]).await.json();
    let expected = json!({
        "active": true, "iss": ISSUER, "sub": "alice", "username": "alice", "client_id": "One",
        "scope": tokens["scope"], "iat": START, "exp": START + 2_592_000,
    });
    assert_eq!(refresh, expected);
    for token in [&tokens["access_token"], &tokens["refresh_token"]] {
        assert_eq!(introspect_as(&world, &other, token).await.json(), inactive());
    }
}

#[tokio::test]
async fn a_refresh_token_that_was_used_revoked_or_has_expired_is_inactive() {
    let world = World::with_clients(vec![confidential_settings("One")]).await;
    let one = basic("One", "secret");
    let refresh = |token: &Value| {
        vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", token.as_str().unwrap().to_owned()),
        ]
    };
    let first = confidential(&world, "One").await;
    let second = world.token_as(&one, &refresh(&first["refresh_token"])).await.json();
    assert_eq!(introspect_as(&world, &one, &first["refresh_token"]).await.json(), inactive());
    assert_eq!(introspect_as(&world, &one, &second["refresh_token"]).await.json()["active"], true);
    world.clock.advance(2_592_000);
    assert_eq!(introspect_as(&world, &one, &second["refresh_token"]).await.json(), inactive());
}

#[tokio::test]
async fn a_refresh_token_that_the_token_endpoint_refuses_is_inactive() {
    let world = World::with_clients(vec![confidential_settings("One")]).await;
    let one = basic("One", "secret");
    let refresh_token = confidential(&world, "One").await["refresh_token"].clone();
    assert_eq!(introspect_as(&world, &one, &refresh_token).await.json()["active"], true);
    for less in [json!({"require_acr": 2}), json!({"allow_offline_access": false})] {
        let strict = world.restarted("One", less.clone()).await;
        assert_eq!(introspect_as(&strict, &one, &refresh_token).await.json(), inactive(), "{less}");
        let refresh =
            [("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str().unwrap())];
        let refused = strict.token_as(&one, &refresh).await;
        refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    }
}

#[tokio::test]
async fn whoever_does_not_prove_who_they_are_learns_nothing() {
    let world = World::new().await;
    let tokens = Browser::signed_in(&world, "alice").await.tokens(&[]).await;
    let token = tokens["access_token"].as_str().unwrap();
    for pairs in [
        &[("token", token)][..],
        // A public client.
        &[("token", token), ("client_id", "PkceJS")],
        &[("token", token), ("client_id", API)],
        &[("token", token), ("client_id", API), ("client_secret", "wrong")],
        &[("token", token), ("client_id", "Resources")],
        &[("token", token), ("client_id", "Resources"), ("client_secret", "wrong")],
        &[("token", token), ("client_id", "Nobody"), ("client_secret", "secret")],
    ] {
        let answer = world.post("/connect/introspect", pairs).await;
        answer.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    for wrong in [basic(API, "wrong"), basic("MyBackendApi1", "secret"), format!("Bearer {token}")]
    {
        introspect_as(&world, &wrong, &tokens["access_token"])
            .await
            .expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
    }
}

#[tokio::test]
async fn each_of_an_apis_secrets_counts_until_it_expires() {
    let part = json!({"name": API, "display_name": API});
    let mut other = part.clone();
    other["name"] = json!("MyBackendApi1");
    let scopes =
        [&part, &other].map(|scope| serde_json::from_value(scope.clone()).unwrap()).to_vec();
    let secrets = json!([{"plain": "old", "expires_at": START + 60}, {"plain": "new"}]);
    let api = json!({"name": API, "display_name": API, "scopes": [API], "secrets": secrets});
    let apis = vec![serde_json::from_value(api).unwrap()];
    let resources = Resources::new(IdentityResource::standard(), scopes, apis, true).unwrap();
    let world = World::with(Setup { resources: Some(resources), ..Setup::default() }).await;
    let tokens = Browser::signed_in(&world, "alice").await.tokens(&[]).await;
    for (seconds, secret, status) in
        [(59, "old", 200), (0, "new", 200), (1, "old", 401), (0, "new", 200)]
    {
        world.clock.advance(seconds);
        let answer = introspect_as(&world, &basic(API, secret), &tokens["access_token"]).await;
        assert_eq!(answer.status.as_u16(), status, "{secret}: {answer:?}");
    }
}

#[tokio::test]
async fn the_secret_may_stand_in_the_body() {
    let world = World::new().await;
    let tokens = Browser::signed_in(&world, "alice").await.tokens(&[]).await;
    let token = tokens["access_token"].as_str().unwrap();
    let pairs = [
        ("token", token),
        ("client_id", API),
        ("client_secret", "api-secret"),
        ("token_type_hint", "anything"),
    ];
    assert_eq!(world.post("/connect/introspect", &pairs).await.json()["active"], true);
}

#[tokio::test]
async fn malformed_requests_are_refused() {
    let world = World::new().await;
    let api = basic(API, "api-secret");
    for pairs in [&[("x", "y")][..], &[("token", "")], &[("token", "a"), ("token", "b")]] {
        let request =
            with_header(form_request("/connect/introspect", pairs), "authorization", &api);
        world.send(request).await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
    }
    let json = Request::post("/connect/introspect")
        .header("content-type", "application/json")
        .body(Body::from("{}"));
    let answer = world.send(with_header(json.unwrap(), "authorization", &api)).await;
    answer.expect_json_error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request");
    assert_eq!(
        world.get("/connect/introspect?token=x").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

const SIGNED: &str = "application/token-introspection+jwt";

/// The claims of a signed answer, after its header and type were checked (RFC 9701 section 5).
fn signed_answer(answer: &Answer, algorithm: &str) -> Value {
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, SIGNED));
    assert_eq!(answer.header("cache-control"), "no-store");
    let token = json!(answer.body);
    let header = crate::support::jose_header(&token);
    let expected = (&json!("token-introspection+jwt"), &json!(algorithm));
    assert_eq!((&header["typ"], &header["alg"]), expected);
    claims(&token)
}

#[tokio::test]
async fn who_accepts_a_token_gets_a_signed_answer() {
    let mut settings = confidential_settings("Signed");
    settings["introspection_signed_response_alg"] = json!("ES256");
    let world = World::with_clients(vec![settings]).await;
    let tokens = confidential(&world, "Signed").await;
    let ask = async |authorization: &str, token: &Value, accept: &str| {
        let request = form_request("/connect/introspect", &[("token", token.as_str().unwrap())]);
        let request = with_header(request, "authorization", authorization);
        world.send(with_header(request, "accept", accept)).await
    };
    let (api, own) = (basic(API, "api-secret"), basic("Signed", "secret"));
    for (caller, name, algorithm) in [(&api, API, "RS256"), (&own, "Signed", "ES256")] {
        for token in [tokens["access_token"].clone(), json!("made-up")] {
            let plain = ask(caller, &token, "application/json, */*").await.json();
            let claims = signed_answer(&ask(caller, &token, SIGNED).await, algorithm);
            let expected = json!({
                "iss": ISSUER, "aud": name, "iat": START, "token_introspection": plain,
            });
            assert_eq!(claims, expected);
        }
    }
    // A signed answer is not a token.
    let answer = ask(&own, &tokens["access_token"], SIGNED).await;
    assert_eq!(ask(&own, &json!(answer.body), "*/*").await.json(), inactive());
    let refused = ask(&basic(API, "wrong"), &tokens["access_token"], SIGNED).await;
    refused.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
}

#[tokio::test]
async fn a_client_may_get_signed_answers_alone() {
    let mut settings = confidential_settings("Signed");
    settings["require_signed_introspection"] = json!(true);
    let world = World::with_clients(vec![settings]).await;
    let tokens = confidential(&world, "Signed").await;
    let own = basic("Signed", "secret");
    let answer = introspect_as(&world, &own, &tokens["access_token"]).await;
    assert_eq!(signed_answer(&answer, "RS256")["token_introspection"]["active"], true);
}
