//! What a client may do with its registration (RFC 7592).

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{PAGE, asking, json_request, open, registered, tokens, world_with};
use crate::support::{Answer, Browser, World};

/// A request to the client's own address, with its own token.
async fn manage(world: &World, method: &str, client: &Value, body: &Value) -> Answer {
    let token = client["registration_access_token"].as_str();
    send(world, method, client, body, token).await
}

async fn send(
    world: &World,
    method: &str,
    client: &Value,
    body: &Value,
    token: Option<&str>,
) -> Answer {
    let path = format!("/connect/register/{}", client["client_id"].as_str().unwrap());
    world.send(json_request(method, &path, body, token)).await
}

/// The metadata of a registration without what only the provider says.
fn own_members(client: &Value) -> Value {
    let mut members = client.as_object().unwrap().clone();
    for name in [
        "registration_access_token",
        "registration_client_uri",
        "client_secret_expires_at",
        "client_id_issued_at",
    ] {
        members.remove(name);
    }
    Value::Object(members)
}

#[tokio::test]
async fn a_client_reads_what_is_registered_but_no_secret() {
    let world = world_with(open()).await;
    let client = registered(&world, json!({"token_endpoint_auth_method": null})).await;
    let answer = manage(&world, "GET", &client, &json!({})).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("cache-control"), "no-store");
    let mut expected = client.clone();
    expected.as_object_mut().unwrap().remove("client_secret");
    expected.as_object_mut().unwrap().remove("client_secret_expires_at");
    assert_eq!(answer.json(), expected, "only the hash of the secret is kept");
}

#[tokio::test]
async fn a_client_replaces_what_is_registered() {
    let world = world_with(open()).await;
    let client = registered(&world, json!({})).await;
    let id = client["client_id"].as_str().unwrap();
    let mut members = own_members(&client);
    members["redirect_uris"] = json!(["https://other.example/cb"]);
    members.as_object_mut().unwrap().remove("client_name");
    let answer = manage(&world, "PUT", &client, &members).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.json()["redirect_uris"], members["redirect_uris"]);
    assert!(answer.json().get("client_name").is_none(), "what is left out is gone");
    let mut browser = Browser::new(&world);
    let answer = browser.get(&asking(id, &[])).await;
    answer.expect_error_page(StatusCode::BAD_REQUEST);
    let moved = asking(id, &[("redirect_uri", "https://other.example/cb")]);
    browser.get(&moved).await.expect_login();
}

#[tokio::test]
async fn an_update_that_does_not_hold_changes_nothing() {
    let world = world_with(open()).await;
    let client = registered(&world, json!({"token_endpoint_auth_method": null})).await;
    let good = own_members(&client);
    for (code, changes) in [
        ("invalid_request", json!({"client_id": "registered-other"})),
        ("invalid_request", json!({"client_id": null})),
        ("invalid_request", json!({"client_secret": "guessed"})),
        ("invalid_request", json!({"registration_access_token": "chosen"})),
        ("invalid_redirect_uri", json!({"redirect_uris": ["javascript:x"]})),
    ] {
        let mut members = good.clone();
        members.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let answer = manage(&world, "PUT", &client, &members).await;
        answer.expect_json_error(StatusCode::BAD_REQUEST, code);
    }
    let now = manage(&world, "GET", &client, &json!({})).await.json();
    assert_eq!(now["redirect_uris"], json!([PAGE]));
}

#[tokio::test]
async fn a_secret_comes_and_goes_with_the_method() {
    let world = world_with(open()).await;
    let client = registered(&world, json!({})).await;
    let mut members = own_members(&client);
    members["token_endpoint_auth_method"] = json!("client_secret_post");
    let with_secret = manage(&world, "PUT", &client, &members).await.json();
    assert!(with_secret["client_secret"].is_string(), "{with_secret}");
    let again = manage(&world, "PUT", &client, &members).await.json();
    assert!(again.get("client_secret").is_none(), "it stays as it is: {again}");
    members["token_endpoint_auth_method"] = json!("none");
    assert_eq!(manage(&world, "PUT", &client, &members).await.status, StatusCode::OK);
    let id = client["client_id"].as_str().unwrap();
    assert_eq!(tokens(&world, id, PAGE).await.status, StatusCode::OK, "without a secret");
}

#[tokio::test]
async fn a_client_removes_itself_with_what_it_was_granted() {
    let world = world_with(open()).await;
    let client = registered(&world, json!({})).await;
    let id = client["client_id"].as_str().unwrap();
    let tokens = tokens(&world, id, PAGE).await.json();
    assert_eq!(world.userinfo(&tokens["access_token"]).await.status, StatusCode::OK);
    let answer = manage(&world, "DELETE", &client, &json!({})).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NO_CONTENT, ""));
    let answer = manage(&world, "GET", &client, &json!({})).await;
    answer.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
    assert_eq!(world.userinfo(&tokens["access_token"]).await.status, StatusCode::UNAUTHORIZED);
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", id),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];
    world.token(&refresh).await.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_client");
}

#[tokio::test]
async fn only_the_token_of_the_client_manages_it() {
    let world = world_with(open()).await;
    let (client, other) =
        (registered(&world, json!({})).await, registered(&world, json!({})).await);
    for method in ["GET", "PUT", "DELETE"] {
        for token in [None, Some("made-up"), other["registration_access_token"].as_str()] {
            let answer = send(&world, method, &client, &own_members(&client), token).await;
            answer.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
        }
    }
    let configured = json!({"client_id": "PkceJS"});
    let token = client["registration_access_token"].as_str();
    let answer = send(&world, "DELETE", &configured, &json!({}), token).await;
    answer.expect_json_error(StatusCode::UNAUTHORIZED, "invalid_token");
}
