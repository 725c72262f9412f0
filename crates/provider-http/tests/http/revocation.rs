//! `/connect/revocation` (RFC 7009).

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use doorward_provider::model::{
    throttle::{MOST_REVOKED_JWTS, ThrottleKey, ThrottlePolicy},
    time::Seconds,
};
use serde_json::{Value, json};

use crate::support::{
    Answer, Browser, REDIRECT, World, authorize_url, basic, changed, claims, client_settings,
    code_request, form_request, refresh_request, with_header,
};

async fn tokens(world: &World, scope: &str) -> Value {
    Browser::signed_in(world, "alice").await.tokens(&[("scope", scope)]).await
}

/// `PkceJS` revokes a token.
async fn revoke(world: &World, token: &Value) -> Answer {
    revoke_as(world, "PkceJS", token).await
}

async fn revoke_as(world: &World, client_id: &str, token: &Value) -> Answer {
    let answer = world
        .post(
            "/connect/revocation",
            &[("client_id", client_id), ("token", token.as_str().unwrap())],
        )
        .await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""), "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    answer
}

#[tokio::test]
async fn a_revoked_refresh_token_ends_with_all_its_family() {
    let world = World::new().await;
    let (first, other) = (
        tokens(&world, "openid offline_access").await,
        tokens(&world, "openid offline_access").await,
    );
    let second = world.refresh(&first["refresh_token"]).await.json();
    revoke(&world, &first["refresh_token"]).await;
    for dead in [&first, &second] {
        world
            .refresh(&dead["refresh_token"])
            .await
            .expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
        assert_eq!(world.userinfo(&dead["access_token"]).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(world.refresh(&other["refresh_token"]).await.status, StatusCode::OK);
}

/// A client that signs out may hold a token that another of its tabs replaced long ago.
#[tokio::test]
async fn an_old_refresh_token_ends_its_family_too() {
    let world = World::with_clients(vec![client_settings("Other", json!({}))]).await;
    let first = tokens(&world, "openid offline_access").await;
    let mut last = first.clone();
    for _ in 0..4 {
        last = world.refresh(&last["refresh_token"]).await.json();
    }
    revoke_as(&world, "Other", &first["refresh_token"]).await;
    assert_eq!(
        world.userinfo(&last["access_token"]).await.status,
        StatusCode::OK,
        "another client's"
    );
    revoke(&world, &first["refresh_token"]).await;
    world
        .refresh(&last["refresh_token"])
        .await
        .expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    assert_eq!(world.userinfo(&last["access_token"]).await.status, StatusCode::UNAUTHORIZED);
}

/// A client that revokes its old access token after a refresh goes on with the new tokens.
#[tokio::test]
async fn a_revoked_access_token_ends_alone() {
    let reference = client_settings("Reference", json!({"access_token_type": "reference"}));
    let world = World::with_clients(vec![reference]).await;
    let mut browser = Browser::signed_in(&world, "alice").await;
    for client_id in ["PkceJS", "Reference"] {
        let url = authorize_url(&[("client_id", client_id), ("scope", "openid offline_access")]);
        let code = browser.get(&url).await.expect_code(REDIRECT);
        let request = changed(code_request(&code), &[("client_id", client_id)]);
        let first = world.token(&request).await.json();
        let refresh = |token: &Value| {
            let request = refresh_request(token.as_str().unwrap());
            changed(request, &[("client_id", client_id)])
        };
        let second = world.token(&refresh(&first["refresh_token"])).await.json();
        revoke_as(&world, client_id, &first["access_token"]).await;
        let refused = world.userinfo(&first["access_token"]).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{client_id}");
        assert_eq!(world.userinfo(&second["access_token"]).await.status, StatusCode::OK);
        let third = world.token(&refresh(&second["refresh_token"])).await;
        assert_eq!(third.status, StatusCode::OK, "{client_id}: {third:?}");
    }
}

/// Each revoked JWT leaves a row until it would have ended.
#[tokio::test]
async fn a_client_that_refreshes_and_revokes_in_a_loop_loses_its_grant() {
    let world = World::new().await;
    let first = tokens(&world, "openid offline_access").await;
    let told = claims(&first["access_token"]);
    let (exp, grant_id) = (told["exp"].as_i64().unwrap(), told["grant_id"].as_str().unwrap());
    let life = Seconds::new(u32::try_from(exp - told["iat"].as_i64().unwrap()).unwrap());
    let key = ThrottleKey::revoked_jwts_of(&grant_id.parse().unwrap(), exp, life);
    let counted = [(key, ThrottlePolicy::counting(life))];
    for _ in 0..MOST_REVOKED_JWTS - 1 {
        world.store().count_attempt(&counted, world.provider.now()).await.unwrap();
    }
    revoke(&world, &first["access_token"]).await;
    // The same one again leaves no other row.
    revoke(&world, &first["access_token"]).await;
    let second = world.refresh(&first["refresh_token"]).await.json();
    assert_eq!(world.userinfo(&second["access_token"]).await.status, StatusCode::OK);
    revoke(&world, &second["access_token"]).await;
    world
        .refresh(&second["refresh_token"])
        .await
        .expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
}

#[tokio::test]
async fn the_hint_about_the_tokens_type_never_matters() {
    let world = World::new().await;
    for hint in ["access_token", "refresh_token", "unheard-of", ""] {
        let tokens = tokens(&world, "openid offline_access").await;
        let token = tokens["refresh_token"].as_str().unwrap();
        let pairs = [("client_id", "PkceJS"), ("token", token), ("token_type_hint", hint)];
        assert_eq!(world.post("/connect/revocation", &pairs).await.status, StatusCode::OK);
        assert_eq!(world.refresh(&tokens["refresh_token"]).await.status, StatusCode::BAD_REQUEST);
    }
}

/// Section 2.2: the purpose of the request, making the token useless, is already achieved.
#[tokio::test]
async fn unknown_tokens_are_no_error() {
    let world = World::new().await;
    let tokens = tokens(&world, "openid offline_access").await;
    for token in ["x", "a.b.c", &"y".repeat(10_000), tokens["id_token"].as_str().unwrap()] {
        revoke(&world, &json!(token)).await;
    }
    for _ in 0..2 {
        revoke(&world, &tokens["refresh_token"]).await;
    }
}

#[tokio::test]
async fn another_clients_tokens_are_left_alone() {
    let world = World::with_clients(vec![client_settings("Other", json!({}))]).await;
    let offline = tokens(&world, "openid offline_access").await;
    let online = tokens(&world, "openid").await;
    for token in [&offline["refresh_token"], &offline["access_token"], &online["access_token"]] {
        revoke_as(&world, "Other", token).await;
    }
    assert_eq!(world.userinfo(&online["access_token"]).await.status, StatusCode::OK);
    assert_eq!(world.refresh(&offline["refresh_token"]).await.status, StatusCode::OK);
}

/// Section 2.2.1: nobody may take a token for dead that lives.
#[tokio::test]
async fn a_jwt_that_a_client_got_for_itself_is_refused_and_a_reference_ends() {
    let machine = |id: &str, kind: &str| {
        let changes = json!({
            "allowed_grant_types": ["client_credentials"], "redirect_uris": [],
            "require_client_secret": true,
            "client_secrets": [{"plain": "secret"}], "access_token_type": kind,
        });
        client_settings(id, changes)
    };
    let world =
        World::with_clients(vec![machine("Jwt", "jwt"), machine("Reference", "reference")]).await;
    let send = |id: &str, path: &str, pairs: &[(&str, &str)]| {
        world.send(with_header(form_request(path, pairs), "authorization", &basic(id, "secret")))
    };
    for (id, revocable) in [("Jwt", false), ("Reference", true)] {
        let answer = send(
            id,
            "/connect/token",
            &[("grant_type", "client_credentials"), ("scope", "MyBackendApi2")],
        )
        .await;
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        let foreign = if revocable { "Jwt" } else { "Reference" };
        assert_eq!(
            send(foreign, "/connect/revocation", &[("token", &token)]).await.status,
            StatusCode::OK
        );
        let revoked = send(id, "/connect/revocation", &[("token", &token)]).await;
        if revocable {
            assert_eq!(revoked.status, StatusCode::OK, "{revoked:?}");
        } else {
            revoked.expect_json_error(StatusCode::BAD_REQUEST, "unsupported_token_type");
        }
        let told = send(id, "/connect/introspect", &[("token", &token)]).await;
        assert_eq!(told.json()["active"], !revocable, "{id}");
    }
}

#[tokio::test]
async fn the_client_must_authenticate_as_at_the_token_endpoint() {
    let world = World::new().await;
    let with = |header: &str| {
        let request = form_request("/connect/revocation", &[("token", "x")]);
        world.send(with_header(request, "authorization", header))
    };
    assert_eq!(with(&basic("Resources", "secret")).await.status, StatusCode::OK);
    with(&basic("Resources", "wrong"))
        .await
        .expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
    for pairs in [
        &[("token", "x")][..],
        &[("token", "x"), ("client_id", "Resources")],
        &[("token", "x"), ("client_id", "Nobody")],
    ] {
        let answer = world.post("/connect/revocation", pairs).await;
        answer.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let both = form_request("/connect/revocation", &[("token", "x"), ("client_secret", "secret")]);
    let answer =
        world.send(with_header(both, "authorization", &basic("Resources", "secret"))).await;
    answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
}

#[tokio::test]
async fn malformed_requests_are_refused() {
    let world = World::new().await;
    for pairs in [
        &[("client_id", "PkceJS")][..],
        &[("client_id", "PkceJS"), ("token", "")],
        &[("client_id", "PkceJS"), ("token", "x"), ("token", "y")],
    ] {
        let answer = world.post("/connect/revocation", pairs).await;
        answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
    }
    let json = Request::post("/connect/revocation")
        .header("content-type", "application/json")
        .body(Body::from("{}"))
        .unwrap();
    world.send(json).await.expect_json_error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request");
    assert_eq!(
        world.get("/connect/revocation?token=x").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}
