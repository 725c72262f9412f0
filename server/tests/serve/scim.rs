//! SCIM of a running server: with a token that it has issued itself, and off by default.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Doorward, Sandbox, browser, text, token};

const ON: &str = r#"
[scim]
enabled = true
[[clients]]
client_id = "entra"
allowed_grant_types = ["client_credentials"]
allowed_scopes = ["scim"]
client_secrets = [{ sha256 = "K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols" }]
"#;

#[tokio::test]
async fn a_client_provisions_with_a_token_of_the_same_server() {
    let place = Sandbox::new();
    fs::write(place.folder().join("doorward.toml"), ON).unwrap();
    let _server = Doorward::start(place.command(&["serve"]));
    let http = browser();
    let base = format!("{}/scim/v2", place.provider);
    let form = [("grant_type", "client_credentials")];
    let answer: Value = token(&http, &place, "entra", &form).await.json().await.unwrap();
    let bearer = text(&answer, "access_token").to_owned();
    let send = |request: reqwest::RequestBuilder| request.bearer_auth(&bearer).send();

    assert_eq!(http.get(format!("{base}/Users")).send().await.unwrap().status(), 401);
    let new = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "ada", "externalId": "e-1"});
    let added = send(http.post(format!("{base}/Users")).json(&new)).await.unwrap();
    assert_eq!(added.status(), 201);
    let location = added.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.starts_with(&base), "{location}");
    let read: Value = send(http.get(&location)).await.unwrap().json().await.unwrap();
    assert_eq!(read["externalId"], json!("e-1"));
    // It is not a token for the other API, which is off besides.
    let url = format!("{}/api/admin/v1/users", place.provider);
    assert_eq!(send(http.get(url)).await.unwrap().status(), 404);
    let audit = place.command(&["audit", "list", "--client", "entra", "--json"]).output().unwrap();
    let recorded: Value = serde_json::from_slice(&audit.stdout).unwrap();
    let added = recorded.as_array().unwrap().iter().find(|one| one["event"] == "user_added");
    assert_eq!(added.unwrap()["sub"], read["id"], "{recorded}");
}

/// A fixed token for systems that can't get one themselves: it needs no key, and so it may live for
/// a year.
#[tokio::test]
async fn an_opaque_token_is_taken_until_it_is_revoked() {
    let place = Sandbox::new();
    let fixed =
        format!("{ON}access_token_type = \"reference\"\naccess_token_lifetime = 31536000\n");
    fs::write(place.folder().join("doorward.toml"), fixed).unwrap();
    let _server = Doorward::start(place.command(&["serve"]));
    let http = browser();
    let users = format!("{}/scim/v2/Users", place.provider);
    let form = [("grant_type", "client_credentials")];
    let answer: Value = token(&http, &place, "entra", &form).await.json().await.unwrap();
    let bearer = text(&answer, "access_token");
    assert_eq!((bearer.contains('.'), &answer["expires_in"]), (false, &json!(31_536_000)));
    let ask =
        async |token: &str| http.get(&users).bearer_auth(token).send().await.unwrap().status();
    assert_eq!(ask(bearer).await, 200);
    assert_eq!(ask(&bearer[1..]).await, 401);
    let revoked = http
        .post(format!("{}/connect/revocation", place.provider))
        .basic_auth("entra", Some("secret"))
        .form(&[("token", bearer)])
        .send();
    assert_eq!(revoked.await.unwrap().status(), 200);
    assert_eq!(ask(bearer).await, 401);
}

#[tokio::test]
async fn it_is_off_by_default() {
    let place = Sandbox::new();
    let _server = place.serve(&[]);
    let url = format!("{}/scim/v2/Users", place.provider);
    assert_eq!(browser().get(url).send().await.unwrap().status(), 404);
}
