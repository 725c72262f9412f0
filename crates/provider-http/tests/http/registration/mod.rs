//! Clients that no operator wrote down.

mod documents;
mod initial_tokens;
mod managed;
mod metadata;
mod registered;
mod signed;
mod strangers_pages;

use axum::{body::Body, http::Request};
use doorward_provider::model::registration::{RegistrationMode, RegistrationSettings};
use serde_json::{Value, json};

use crate::support::{Answer, Browser, Setup, World, authorize_url, changed, code_request};

/// Where the clients of these tests return to.
const PAGE: &str = "https://app.example/callback";

pub fn open() -> RegistrationSettings {
    RegistrationSettings {
        mode: RegistrationMode::Open,
        scopes: ["openid", "profile", "MyBackendApi2"].map(str::to_owned).into(),
        ..RegistrationSettings::default()
    }
}

async fn world_with(registration: RegistrationSettings) -> World {
    World::with(Setup { registration, ..Setup::default() }).await
}

/// A request with a JSON body, and with a bearer token.
fn json_request(method: &str, path: &str, body: &Value, token: Option<&str>) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/json");
    let request = match token {
        Some(token) => request.header("authorization", format!("Bearer {token}")),
        None => request,
    };
    request.body(Body::from(body.to_string())).unwrap()
}

async fn register(world: &World, metadata: &Value) -> Answer {
    world.send(json_request("POST", "/connect/register", metadata, None)).await
}

/// What a registration of a public client answers, with these members in place of or beside its
/// own.
pub async fn registered(world: &World, changes: Value) -> Value {
    let mut metadata = json!({
        "redirect_uris": [PAGE], "client_name": "Agent", "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    });
    metadata.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let answer = register(world, &metadata).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

/// An error for the client's page, to which the user goes by a link only.
#[track_caller]
fn expect_link_to_error(answer: &Answer, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""), "{answer:?}");
    let page = answer.page();
    let error = format!("error={code}&");
    let leads_there = |href: &str| href.starts_with(PAGE) && href.contains(&error);
    let mut links = page.all("a").filter_map(|link| link.attribute("href"));
    assert!(links.any(leads_there), "{answer:?}");
    assert!(page.text.contains("Go on to app.example"), "{answer:?}");
}

/// The address of an authorization request of this client.
fn asking(client_id: &str, changes: &[(&str, &str)]) -> String {
    let mut all = vec![
        ("client_id", client_id),
        ("redirect_uri", PAGE),
        ("scope", "openid profile offline_access MyBackendApi2"),
    ];
    all.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    all.extend(changes);
    authorize_url(&all)
}

/// The token request of this client for the code of an answer.
fn redeeming(client_id: &str, answer: &Answer, uri: &str) -> Vec<(&'static str, String)> {
    let code = answer.expect_code(uri);
    changed(code_request(&code), &[("client_id", client_id), ("redirect_uri", uri)])
}

/// Signs a user in for this client and consents; the answer to the token request.
async fn tokens(world: &World, client_id: &str, uri: &str) -> Answer {
    let mut browser = Browser::signed_in(world, "alice").await;
    let page = browser.get(&asking(client_id, &[("redirect_uri", uri)])).await.page();
    let answer = browser.submit(&page, &[("action", "allow")]).await;
    world.token(&redeeming(client_id, &answer, uri)).await
}
