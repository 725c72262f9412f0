//! `grant_type=client_credentials` (RFC 6749 section 4.4).

use axum::http::StatusCode;
use serde_json::json;

use crate::support::{Answer, World, basic, claims, client_settings};

async fn grant(world: &World, client_id: &str, scope: Option<&str>) -> Answer {
    let mut pairs = vec![("grant_type", "client_credentials")];
    pairs.extend(scope.map(|scope| ("scope", scope)));
    world.token_as(&basic(client_id, "secret"), &pairs).await
}

#[tokio::test]
async fn the_token_is_about_the_client_itself() {
    let world = World::new().await;
    for scope in [None, Some("MyBackendApi2")] {
        let answer = grant(&world, "Resources", scope).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(
            (answer.header("cache-control"), answer.header("pragma")),
            ("no-store", "no-cache")
        );
        let tokens = answer.json();
        assert_eq!(
            (&tokens["expires_in"], &tokens["scope"]),
            (&json!(36_000), &json!("MyBackendApi2"))
        );
        assert!(tokens.get("id_token").is_none() && tokens.get("refresh_token").is_none());
        let access = claims(&tokens["access_token"]);
        assert_eq!(
            (&access["sub"], &access["client_id"]),
            (&json!("Resources"), &json!("Resources"))
        );
        assert_eq!(access["aud"], "MyBackendApi2");
        assert!(access.get("auth_time").is_none() && access.get("sid").is_none());
    }
}

#[tokio::test]
async fn scopes_about_a_user_and_scopes_not_allowed_are_invalid() {
    let machine = json!({
        "allowed_grant_types": ["client_credentials", "authorization_code"],
        "require_client_secret": true, "client_secrets": [{"plain": "secret"}],
    });
    let only_identity = json!({
        "allowed_grant_types": ["client_credentials"], "require_client_secret": true,
        "client_secrets": [{"plain": "secret"}], "allowed_scopes": ["openid"],
    });
    let world = World::with_clients(vec![
        client_settings("Both", machine),
        client_settings("Person", only_identity),
    ])
    .await;
    for scope in
        ["openid", "profile MyBackendApi2", "offline_access", "MyBackendApi1", "unknown", "\"", " "]
    {
        grant(&world, "Both", Some(scope))
            .await
            .expect_json_error(StatusCode::BAD_REQUEST, "invalid_scope");
    }
    // What nobody knows, and offline access without a user, are left out.
    for scope in ["unknown MyBackendApi2", "MyBackendApi2 offline_access"] {
        let tokens = grant(&world, "Both", Some(scope)).await.json();
        assert_eq!(tokens["scope"], "MyBackendApi2", "{scope}");
    }
    let default = grant(&world, "Both", None).await.json();
    assert_eq!(default["scope"], "MyBackendApi2");
    grant(&world, "Person", None).await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_scope");
}

#[tokio::test]
async fn a_clients_own_claims_are_prefixed() {
    let changes = json!({
        "allowed_grant_types": ["client_credentials"], "require_client_secret": true,
        "allow_offline_access": false,
        "client_secrets": [{"plain": "secret"}], "claims": {"tier": "gold"},
    });
    let world = World::with_clients(vec![client_settings("Gold", changes)]).await;
    let tokens = grant(&world, "Gold", None).await.json();
    let access = claims(&tokens["access_token"]);
    assert_eq!((&access["client_tier"], access.get("tier")), (&json!("gold"), None));
}

#[tokio::test]
async fn the_token_opens_no_users_userinfo() {
    let world = World::new().await;
    let tokens = grant(&world, "Resources", None).await.json();
    let answer = world.userinfo(&tokens["access_token"]).await;
    assert_eq!(
        (answer.status, answer.error().as_str()),
        (StatusCode::FORBIDDEN, "insufficient_scope")
    );
}
