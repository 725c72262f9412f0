//! What a registration says, and what is made of it (RFC 7591 section 2, OIDC Registration section
//! 2).

use axum::http::StatusCode;
use doorward_provider::model::registration::RegistrationSettings;
use serde_json::{Value, json};

use super::{
    PAGE, asking, expect_link_to_error, open, redeeming, register, registered, tokens, world_with,
};
use crate::support::{Browser, World, claims};

async fn refused(world: &World, changes: Value) -> (String, String) {
    let mut metadata = json!({"redirect_uris": [PAGE]});
    metadata.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let answer = register(world, &metadata).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    let error = answer.error();
    answer.expect_json_error(StatusCode::BAD_REQUEST, &error);
    (error, answer.json()["error_description"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn each_refusal_names_its_member() {
    let world = world_with(open()).await;
    for (code, member, changes) in [
        ("invalid_redirect_uri", "redirect_uris", json!({"redirect_uris": []})),
        ("invalid_redirect_uri", "redirect_uris", json!({"redirect_uris": ["http://a.example/"]})),
        ("invalid_redirect_uri", "redirect_uris", json!({"redirect_uris": ["/callback"]})),
        ("invalid_client_metadata", "grant_types", json!({"grant_types": ["implicit"]})),
        ("invalid_client_metadata", "response_types", json!({"response_types": ["id_token"]})),
        (
            "invalid_client_metadata",
            "id_token_signed_response_alg",
            json!({"id_token_signed_response_alg": "none"}),
        ),
        (
            "invalid_client_metadata",
            "token_endpoint_auth_method",
            json!({"token_endpoint_auth_method": "client_secret_jwt"}),
        ),
        ("invalid_client_metadata", "jwks_uri", json!({"jwks_uri": "data:application/json,{}"})),
        (
            "invalid_client_metadata",
            "jwks",
            json!({"jwks": {"keys": [{"kty": "oct", "k": "AQAB"}]}}),
        ),
        (
            "invalid_client_metadata",
            "userinfo_signed_response_alg",
            json!({"userinfo_signed_response_alg": "PS256"}),
        ),
        (
            "invalid_client_metadata",
            "request_object_signing_alg",
            json!({"request_object_signing_alg": "HS256"}),
        ),
        (
            "invalid_client_metadata",
            "request_uris",
            json!({"request_uris": ["http://169.254.169.254/latest"]}),
        ),
        (
            "invalid_client_metadata",
            "initiate_login_uri",
            json!({"initiate_login_uri": "http://app.example/login"}),
        ),
        (
            "unapproved_software_statement",
            "software_statement",
            json!({"software_statement": "e30.e30.e30"}),
        ),
    ] {
        let (error, description) = refused(&world, changes.clone()).await;
        assert_eq!(error, code, "{changes}");
        assert!(description.starts_with(member), "{description}");
    }
}

#[tokio::test]
async fn pages_that_can_not_be_shown_are_left_out_of_the_answer() {
    let world = world_with(open()).await;
    let client = registered(
        &world,
        json!({
            "client_uri": "http://localhost:3001", "logo_uri": "data:image/png,x",
            "policy_uri": "", "tos_uri": "https://app.example/terms",
        }),
    )
    .await;
    for member in ["client_uri", "logo_uri", "policy_uri"] {
        assert!(client.get(member).is_none(), "{member} in {client}");
    }
    assert_eq!(client["tos_uri"], "https://app.example/terms");
}

/// The request of RFC 7591 section 3.1, of which this provider gives less.
#[tokio::test]
async fn the_request_of_the_rfc_is_answered_with_what_is_given() {
    let world = world_with(open()).await;
    let request = json!({
        "redirect_uris": [
            "https://client.example.org/callback", "https://client.example.org/callback2"
        ],
        "client_name": "My Example Client",
        "client_name#ja-Jpan-JP": "\u{30AF}\u{30E9}\u{30A4}\u{30A2}\u{30F3}\u{30C8}\u{540D}",
        "token_endpoint_auth_method": "client_secret_basic",
        "logo_uri": "https://client.example.org/logo.png",
        "jwks_uri": "https://client.example.org/my_public_keys.jwks",
        "example_extension_parameter": "example_value",
    });
    let answer = register(&world, &request).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
    let client = answer.json();
    assert_eq!(client["client_name"], "My Example Client");
    assert_eq!(client["redirect_uris"], request["redirect_uris"]);
    assert_eq!(client["grant_types"], json!(["authorization_code"]));
    assert!(client.get("example_extension_parameter").is_none(), "unknown members are ignored");
    assert!(world.published.asked().is_empty(), "nothing is fetched before it is needed");
}

#[tokio::test]
async fn the_sign_in_is_as_old_as_the_client_says() {
    let world = world_with(open()).await;
    let changes = json!({"default_max_age": 60, "require_auth_time": true});
    let client = registered(&world, changes).await;
    assert_eq!(client["default_max_age"], 60);
    let id = client["client_id"].as_str().unwrap();
    let mut browser = Browser::signed_in(&world, "alice").await;
    let page = browser.get(&asking(id, &[])).await.page();
    let answer = browser.submit(&page, &[("action", "allow")]).await;
    let tokens = world.token(&redeeming(id, &answer, PAGE)).await.json();
    assert!(claims(&tokens["id_token"])["auth_time"].is_i64());
    world.clock.advance(61);
    browser.get(&asking(id, &[])).await.expect_login();
    let answer = browser.get(&asking(id, &[("max_age", "100")])).await;
    assert_ne!(
        answer.status,
        StatusCode::SEE_OTHER,
        "the request's own max_age counts: {answer:?}"
    );
}

#[tokio::test]
async fn the_sign_in_is_as_strong_as_the_client_says() {
    let world = world_with(open()).await;
    let changes = json!({"default_acr_values": ["urn:doorward:acr:2"]});
    let id = registered(&world, changes).await["client_id"].as_str().unwrap().to_owned();
    let mut browser = Browser::signed_in(&world, "alice").await;
    browser.get(&asking(&id, &[])).await.expect_login();
    let answer = browser.get(&asking(&id, &[("acr_values", "urn:doorward:acr:1")])).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

#[tokio::test]
async fn a_sector_lists_every_redirect_uri() {
    let world = world_with(open()).await;
    let uris = ["https://one.example/cb", "https://two.example/cb"];
    let changes = json!({
        "redirect_uris": uris, "subject_type": "pairwise",
        "sector_identifier_uri": "https://sector.example/uris.json",
    });
    let (error, description) = refused(&world, changes.clone()).await;
    assert_eq!(error, "invalid_client_metadata");
    assert!(description.contains("can't be fetched"), "{description}");
    world.published.publish(Some(json!({"redirect_uris": uris})));
    assert!(refused(&world, changes.clone()).await.1.contains("list of redirect URIs"));
    world.published.publish(Some(json!([uris[0]])));
    assert!(refused(&world, changes.clone()).await.1.contains("lacks https://two.example/cb"));
    world.published.publish(Some(json!(uris)));
    let one = registered(&world, changes.clone()).await;
    let other = registered(&world, changes).await;
    let alone =
        registered(&world, json!({"redirect_uris": [uris[0]], "subject_type": "pairwise"})).await;
    let mut subjects = Vec::new();
    for client in [one, other, alone] {
        let id = client["client_id"].as_str().unwrap();
        let tokens = tokens(&world, id, uris[0]).await.json();
        subjects.push(claims(&tokens["id_token"])["sub"].as_str().unwrap().to_owned());
    }
    assert_eq!(subjects[0], subjects[1], "one sector");
    assert_ne!(subjects[0], subjects[2], "another sector");
    assert_ne!(subjects[0], "alice");
}

#[tokio::test]
async fn without_pkce_only_where_the_settings_say_so() {
    let bare = [("code_challenge", ""), ("code_challenge_method", "")];
    for (require_pkce, method, is_refused) in [
        (true, "client_secret_basic", true),
        (false, "client_secret_basic", false),
        (false, "none", true),
    ] {
        let world = world_with(RegistrationSettings { require_pkce, ..open() }).await;
        let client = registered(&world, json!({"token_endpoint_auth_method": method})).await;
        let url = asking(client["client_id"].as_str().unwrap(), &bare);
        let answer = Browser::new(&world).get(&url).await;
        if is_refused {
            expect_link_to_error(&answer, "invalid_request");
        } else {
            answer.expect_login();
        }
    }
}
