//! Client authentication (RFC 6749 section 2.3, OIDC Core section 9).

use axum::http::StatusCode;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::support::{Answer, START, World, basic, client_settings, form_request, with_header};

const GRANT: [(&str, &str); 1] = [("grant_type", "client_credentials")];

async fn by_header(world: &World, authorization: &str) -> Answer {
    world.token_as(authorization, &GRANT).await
}

async fn by_body(world: &World, client_id: &str, client_secret: &str) -> Answer {
    world
        .token(&[
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", client_secret),
        ])
        .await
}

#[track_caller]
fn assert_invalid_client(answer: &Answer) {
    answer.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
    assert!(answer.header("www-authenticate").starts_with("Basic realm="), "{answer:?}");
}

#[tokio::test]
async fn the_secret_is_taken_from_the_header_or_the_body() {
    let world = World::new().await;
    assert_eq!(by_header(&world, &basic("Resources", "secret")).await.status, StatusCode::OK);
    assert_eq!(
        by_header(&world, &basic("Resources", "secret").replace("Basic", "bAsIc")).await.status,
        StatusCode::OK
    );
    assert_eq!(by_body(&world, "Resources", "secret").await.status, StatusCode::OK);
}

#[tokio::test]
async fn wrong_missing_and_unknown_credentials_are_refused_alike() {
    let world = World::new().await;
    let long = "x".repeat(10_000);
    let mut bodies = Vec::new();
    for (client_id, secret) in [
        ("Resources", "Secret"),
        ("Resources", ""),
        ("Nobody", "secret"),
        ("Disabled", "secret"),
        ("resources", "secret"),
        ("Resources", &long),
        (&long, "secret"),
    ] {
        for answer in [
            by_header(&world, &basic(client_id, secret)).await,
            by_body(&world, client_id, secret).await,
        ] {
            assert_invalid_client(&answer);
            bodies.push(answer.body);
        }
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    assert_invalid_client(&world.token(&GRANT).await);
}

#[tokio::test]
async fn a_public_client_can_not_authenticate_with_a_secret() {
    let world = World::new().await;
    assert_invalid_client(&by_body(&world, "PkceJS", "secret").await);
    assert_invalid_client(&by_header(&world, &basic("PkceJS", "secret")).await);
}

/// A `client_id` may be a URL, and many clients don't encode its colons.
#[tokio::test]
async fn a_client_id_with_colons_is_found_in_the_header_encoded_or_not() {
    let id = "http://localhost:4000/mcp";
    let changes = json!({
        "allowed_grant_types": ["client_credentials"], "allowed_scopes": ["MyBackendApi1"],
        "require_client_secret": true, "redirect_uris": [], "client_secrets": [{"plain": "secret"}],
    });
    let world = World::with_clients(vec![client_settings(id, changes)]).await;
    let as_it_is = format!("Basic {}", STANDARD.encode(format!("{id}:secret")));
    let encoded = "http%3A%2F%2Flocalhost%3A4000%2Fmcp:secret";
    for header in [as_it_is, format!("Basic {}", STANDARD.encode(encoded))] {
        let answer = by_header(&world, &header).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    for wrong in ["http://localhost:4000/mcp:Secret", "http://localhost:4000:secret", ":::::secret"]
    {
        let header = format!("Basic {}", STANDARD.encode(wrong));
        assert_invalid_client(&by_header(&world, &header).await);
    }
}

#[tokio::test]
async fn malformed_headers_are_refused() {
    let world = World::new().await;
    let without_colon = format!("Basic {}", STANDARD.encode("Resources"));
    let not_text = format!("Basic {}", STANDARD.encode([0xFF, b':', 0xFE]));
    for header in
        ["Basic", "Basic ", "Basic !!!", "Bearer abc", "Digest x=y", "", &without_colon, &not_text]
    {
        assert_invalid_client(&by_header(&world, header).await);
    }
}

#[tokio::test]
async fn two_methods_at_once_are_an_invalid_request() {
    let world = World::new().await;
    let right = basic("Resources", "secret");
    let assertion = ("client_assertion", "eyJhbGciOiJub25lIn0.e30.");
    for more in [("client_secret", "secret"), ("client_id", "PkceJS"), assertion] {
        let answer = world.token_as(&right, &[GRANT[0], more]).await;
        answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
    }
    let pairs = [GRANT[0], ("client_id", "Resources"), ("client_secret", "secret"), assertion];
    world.token(&pairs).await.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
    let twice = with_header(form_request("/connect/token", &GRANT), "authorization", &right);
    let answer = world.send(with_header(twice, "authorization", &right)).await;
    answer.expect_json_error(StatusCode::BAD_REQUEST, "invalid_request");
}

#[tokio::test]
async fn the_client_id_may_stand_in_the_body_beside_the_header() {
    let world = World::new().await;
    let answer = world
        .token_as(&basic("Resources", "secret"), &[GRANT[0], ("client_id", "Resources")])
        .await;
    assert_eq!(answer.status, StatusCode::OK);
}

/// RFC 6749 section 2.3.1: both parts are form-encoded before they are joined.
#[tokio::test]
async fn basic_credentials_are_form_decoded() {
    let odd = json!({
        "allowed_grant_types": ["client_credentials"], "require_client_secret": true,
        "client_secrets": [{"plain": "p%:+ ä&="}], "allow_offline_access": false,
    });
    let world = World::with_clients(vec![client_settings("https://app.example/a b", odd)]).await;
    let encoded = basic("https%3A%2F%2Fapp.example%2Fa+b", "p%25%3A%2B+%C3%A4%26%3D");
    assert_eq!(by_header(&world, &encoded).await.status, StatusCode::OK);
}

/// Many clients do not encode: the secret counts as it was sent, too.
#[tokio::test]
async fn basic_credentials_count_as_they_stand_too() {
    let odd = json!({
        "allowed_grant_types": ["client_credentials"], "require_client_secret": true,
        "client_secrets": [{"plain": "p%25:+&="}], "allow_offline_access": false,
    });
    let world = World::with_clients(vec![client_settings("Machine", odd)]).await;
    assert_eq!(by_header(&world, &basic("Machine", "p%25:+&=")).await.status, StatusCode::OK);
    assert_invalid_client(&by_header(&world, &basic("Machine", "p%:+&=")).await);
}

#[tokio::test]
async fn client_assertions_are_refused_and_never_ignored() {
    let world = World::new().await;
    for client_id in ["PkceJS", "Resources"] {
        let assertion = ("client_assertion", "eyJhbGciOiJub25lIn0.e30.");
        assert_invalid_client(&world.token(&[GRANT[0], ("client_id", client_id), assertion]).await);
    }
}

#[tokio::test]
async fn each_secret_counts_until_it_expires() {
    let changes = json!({
        "allowed_grant_types": ["client_credentials"], "require_client_secret": true,
        "allow_offline_access": false,
        "client_secrets": [{"plain": "old", "expires_at": START + 60}, {"plain": "new"}],
    });
    let world = World::with_clients(vec![client_settings("Rotating", changes)]).await;
    for secret in ["old", "new"] {
        assert_eq!(by_body(&world, "Rotating", secret).await.status, StatusCode::OK);
    }
    world.clock.advance(60);
    assert_invalid_client(&by_body(&world, "Rotating", "old").await);
    assert_eq!(by_body(&world, "Rotating", "new").await.status, StatusCode::OK);
}
