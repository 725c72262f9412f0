//! What a restart must not lose: sessions, grants, keys, users.

use std::{fs, process::Command};

use reqwest::Client;
use serde_json::Value;

use crate::support::{Doorward, Place, browser, hidden_fields, location, refresh, refusal, sign_in_by_password, text};

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The answer to an authorization request of the page.
async fn authorize(http: &Client, place: &Place) -> reqwest::Response {
    let redirect_uri = format!("{}/OpenId/Login/JS", place.app);
    let query = [
        ("client_id", "PkceJS"),
        ("response_type", "code"),
        ("scope", "openid profile"),
        ("redirect_uri", redirect_uri.as_str()),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "s"),
        ("nonce", "n"),
    ];
    let url = url::Url::parse_with_params(&format!("{}/connect/authorize", place.provider), query).unwrap();
    http.get(url).send().await.unwrap()
}

/// Follows a redirect within the provider.
async fn follow(http: &Client, place: &Place, location: &str) -> reqwest::Response {
    let base = url::Url::parse(&place.provider).unwrap();
    http.get(base.join(location).unwrap()).send().await.unwrap()
}

async fn sign_in_at_the_page(http: &Client, place: &Place) {
    let to_login = location(&authorize(http, place).await);
    let page = follow(http, place, &to_login).await.text().await.unwrap();
    let mut form = hidden_fields(&page);
    for (name, value) in [("username", "alice"), ("password", "alice"), ("action", "login")] {
        form.insert(name.to_owned(), value.to_owned());
    }
    let login = format!("{}/account/login", place.provider);
    let signed_in = http.post(login).header("origin", &place.provider).form(&form).send().await.unwrap();
    let back = follow(http, place, &location(&signed_in)).await;
    assert!(location(&back).contains("code="), "{}", location(&back));
}

async fn key_ids(http: &Client, place: &Place) -> Vec<String> {
    let url = format!("{}/.well-known/openid-configuration/jwks", place.provider);
    let jwks: Value = http.get(url).send().await.unwrap().json().await.unwrap();
    jwks["keys"].as_array().unwrap().iter().map(|key| text(key, "kid").to_owned()).collect()
}

#[tokio::test]
async fn sessions_grants_and_keys_survive() {
    let place = Place::new();
    let server = place.serve(&[]);
    let http = browser();
    sign_in_at_the_page(&http, &place).await;
    let tokens = sign_in_by_password(&http, &place, "bob").await;
    let keys = key_ids(&http, &place).await;
    server.stop();

    let server = place.serve(&[]);
    let answer = authorize(&http, &place).await;
    let back = location(&answer);
    assert!(back.starts_with(&place.app) && back.contains("code="), "the session is still there: {back}");
    assert_eq!(key_ids(&http, &place).await, keys);
    let refreshed = refresh(&http, &place, text(&tokens, "refresh_token")).await;
    assert_eq!(refreshed.status(), 200);
    server.stop();
}

#[cfg(unix)]
#[tokio::test]
async fn the_data_is_for_this_user_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    place.serve(&[]).stop();
    let data = place.folder().join("data");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for file in fs::read_dir(&data).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
}

#[test]
fn a_lost_master_key_is_noticed() {
    let place = Place::new();
    place.serve(&[]).stop();
    fs::remove_file(place.folder().join("data/doorward.key")).unwrap();
    let line = refusal(&place.command(&["serve"]).output().unwrap());
    assert!(line.contains("data/doorward.key") && line.contains("put the file back"), "{line}");
}

#[test]
fn a_demo_database_is_not_taken_for_real_users() {
    let place = Place::new();
    place.serve(&[]).stop();
    let serious = |arguments: &[&str]| -> Command {
        let mut command = place.command(arguments);
        command.env("DOORWARD_DEMO", "false");
        command
    };
    let line = refusal(&serious(&["serve"]).output().unwrap());
    assert!(line.contains("store.path = \"data/doorward.sqlite3\"") && line.contains("alice"), "{line}");
    let mut elsewhere = serious(&["serve"]);
    elsewhere.env("DOORWARD_STORE__PATH", "other.sqlite3");
    Doorward::start(elsewhere).stop();
}
