//! What a client may do with its registration (RFC 7592).

use std::net::SocketAddr;

use axum::{extract::ConnectInfo, http::StatusCode};
use serde_json::{Value, json};

use super::{PAGE, asking, json_request, open, redeeming, registered, tokens, world_with};
use crate::support::{Answer, Browser, World, basic, changed, form_request, with_header};

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

/// The same from another address.
async fn manage_from(
    world: &World,
    address: &str,
    method: &str,
    client: &Value,
    body: &Value,
) -> Answer {
    let path = format!("/connect/register/{}", client["client_id"].as_str().unwrap());
    let token = client["registration_access_token"].as_str();
    let mut request = json_request(method, &path, body, token);
    let from = SocketAddr::new(address.parse().unwrap(), 50_000);
    request.extensions_mut().insert(ConnectInfo(from));
    world.send(request).await
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

/// Subjects of a sector are for the clients to whose host users are sent back. What users allowed
/// the client at its own host gives none of them.
#[tokio::test]
async fn a_client_that_moves_to_another_sector_learns_no_subject_of_it() {
    let world = world_with(open()).await;
    let changes =
        json!({"subject_type": "pairwise", "token_endpoint_auth_method": "client_secret_basic"});
    let client = registered(&world, changes).await;
    let id = client["client_id"].as_str().unwrap();
    let own = basic(id, client["client_secret"].as_str().unwrap());
    let mut browser = Browser::signed_in(&world, "alice").await;
    let mut allowed = async || {
        let page = browser.get(&asking(id, &[])).await.page();
        let answer = browser.submit(&page, &[("action", "allow")]).await;
        changed(redeeming(id, &answer, PAGE), &[("client_id", "")])
    };
    let tokens = world.token_as(&own, &allowed().await).await.json();
    let code = allowed().await;
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];
    let told = async || {
        let form = form_request("/connect/introspect", &[("token", refresh[1].1)]);
        world.send(with_header(form, "authorization", &own)).await.json()
    };
    assert_eq!(told().await["active"], true);

    let mut members = own_members(&client);
    members.as_object_mut().unwrap().remove("client_secret");
    members["redirect_uris"] = json!(["https://bank.example/cb"]);
    let moved = manage(&world, "PUT", &client, &members).await;
    assert_eq!(moved.status, StatusCode::OK, "{moved:?}");
    let refused = world.token_as(&own, &code).await;
    refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    let refused = world.token_as(&own, &refresh).await;
    refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");
    assert_eq!(told().await, json!({"active": false}));
    let userinfo = world.userinfo(&tokens["access_token"]).await;
    assert_eq!(userinfo.status, StatusCode::UNAUTHORIZED);
    // Without pairwise subjects it would learn the one that all know who have none.
    members["subject_type"] = json!("public");
    let moved = manage(&world, "PUT", &client, &members).await;
    assert_eq!(moved.status, StatusCode::OK, "{moved:?}");
    let refused = world.token_as(&own, &refresh).await;
    refused.expect_json_error(StatusCode::BAD_REQUEST, "invalid_grant");

    // Back at its own host it knows its users as before.
    members["subject_type"] = json!("pairwise");
    members["redirect_uris"] = json!([PAGE]);
    let moved = manage(&world, "PUT", &client, &members).await;
    assert_eq!(moved.status, StatusCode::OK, "{moved:?}");
    assert_eq!(told().await["active"], true);
    for request in [&code[..], &refresh.map(|(name, value)| (name, value.to_owned()))] {
        assert_eq!(world.token_as(&own, request).await.status, StatusCode::OK);
    }
}

/// The user has consented to another host or another name.
#[tokio::test]
async fn a_client_that_moves_is_consented_to_anew() {
    let world = world_with(open()).await;
    let client = registered(&world, json!({})).await;
    let id = client["client_id"].as_str().unwrap();
    let mut members = own_members(&client);
    let mut browser = Browser::signed_in(&world, "alice").await;
    let other = "https://other.example/cb";
    for (changes, uri) in [
        (json!({}), PAGE),
        (json!({"redirect_uris": [PAGE, other]}), other),
        (json!({"client_name": "Bank"}), other),
    ] {
        members.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let changed = manage(&world, "PUT", &client, &members).await;
        assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
        let url = asking(id, &[("redirect_uri", uri), ("scope", "openid profile")]);
        let page = browser.get(&url).await.page();
        assert_eq!(page.form_action(), "/consent", "{changes}");
        browser.submit(&page, &[("action", "allow")]).await.expect_code(uri);
        browser.get(&url).await.expect_code(uri);
        // What is told again as it was changes nothing.
        assert_eq!(manage(&world, "PUT", &client, &members).await.status, StatusCode::OK);
        browser.get(&url).await.expect_code(uri);
    }
}

/// A required scope can't be unticked, so it must have been shown.
#[tokio::test]
async fn a_scope_that_joins_while_the_page_is_open_is_shown_first() {
    let mut registration = open();
    registration.scopes.push("audit".to_owned());
    let world = world_with(registration).await;
    let client = registered(&world, json!({"scope": "openid profile MyBackendApi2"})).await;
    let id = client["client_id"].as_str().unwrap();
    let mut browser = Browser::signed_in(&world, "alice").await;
    let url = asking(id, &[("scope", "openid profile MyBackendApi2 audit")]);
    let shown = browser.get(&url).await.page();
    assert!(!shown.text.contains("The API audit"), "{}", shown.text);

    let mut members = own_members(&client);
    members["scope"] = json!("openid profile MyBackendApi2 audit");
    let answer = manage(&world, "PUT", &client, &members).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");

    let answer = browser.submit(&shown, &[("action", "allow")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let again = answer.page();
    assert_eq!(again.form_action(), "/consent");
    assert!(again.text.contains("The API audit"), "{}", again.text);
    // Nothing was remembered either.
    assert_eq!(browser.get(&url).await.page().form_action(), "/consent");
    let answer = browser.submit(&again, &[("action", "allow")]).await;
    let granted = world.token(&redeeming(id, &answer, PAGE)).await.json();
    assert_eq!(granted["scope"], "openid profile MyBackendApi2 audit");
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

#[tokio::test]
async fn who_changes_a_registration_again_and_again_waits() {
    let world = world_with(open()).await;
    let (client, other) =
        (registered(&world, json!({})).await, registered(&world, json!({})).await);
    for _ in 0..98 {
        let answer = manage(&world, "PUT", &client, &own_members(&client)).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    for (method, body) in [("PUT", own_members(&client)), ("DELETE", json!({}))] {
        let refused = manage(&world, method, &client, &body).await;
        refused.expect_json_error(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable");
        assert_eq!(refused.header("retry-after"), "1");
    }
    let metadata = json!({"redirect_uris": [PAGE], "token_endpoint_auth_method": "none"});
    let refused = super::register(&world, &metadata).await;
    refused.expect_json_error(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable");
    assert_eq!(manage(&world, "GET", &client, &json!({})).await.status, StatusCode::OK);
    let elsewhere = manage_from(&world, "192.0.2.9", "DELETE", &other, &json!({})).await;
    assert_eq!(elsewhere.status, StatusCode::NO_CONTENT);
    world.clock.advance(1);
    let later = manage(&world, "DELETE", &client, &json!({})).await;
    assert_eq!(later.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_site_waits_after_ten_times_as_many_changes() {
    let world = world_with(open()).await;
    let client = registered(&world, json!({})).await;
    let members = own_members(&client);
    let mut refused = 0;
    for number in 0..1010 {
        let address = format!("2001:db8:0:{number:x}::1");
        let answer = manage_from(&world, &address, "PUT", &client, &members).await;
        refused += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(refused, 10);
}

#[tokio::test]
async fn refusals_hide_no_registration_from_the_audit_history() {
    let world = world_with(open()).await;
    let pairs = [("grant_type", "refresh_token"), ("client_id", "PkceJS"), ("refresh_token", "x")];
    for _ in 0..605 {
        world.post("/connect/token", &pairs).await;
    }
    let client = registered(&world, json!({})).await;
    let answer = manage(&world, "DELETE", &client, &json!({})).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    world.clock.advance(60);
    let records = crate::audit::records(&world).await;
    let record = |name: &str| records.iter().find(|kept| kept.stamped.record.event == name);
    for event in ["client_registered", "registered_client_removed"] {
        assert!(record(event).is_some(), "{event}");
    }
    let left_out = record("refusals_left_out").unwrap();
    assert_eq!(left_out.stamped.record.data.parts()["details"], json!({"count": 5}));
    assert_eq!(records.len(), 603);
}

#[tokio::test]
async fn changes_in_a_loop_fill_no_audit_history() {
    let world = world_with(open()).await;
    let client = registered(&world, json!({})).await;
    let members = own_members(&client);
    for number in 0..630 {
        let address = format!("198.51.100.{}", number / 100);
        let answer = manage_from(&world, &address, "PUT", &client, &members).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    world.clock.advance(60);
    let records = crate::audit::records(&world).await;
    let count =
        |name: &str| records.iter().filter(|kept| kept.stamped.record.event == name).count();
    assert_eq!(count("client_registered") + count("registered_client_changed"), 600);
    assert_eq!(count("refusals_left_out"), 1);
    assert_eq!(records.len(), 601);
}
