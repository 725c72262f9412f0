//! Clients by the API.

use serde_json::{Value, json};

use crate::support::World;

fn shop() -> Value {
    json!({"client_id": "shop", "settings": {
        "allowed_grant_types": ["authorization_code"], "allowed_scopes": ["openid"],
        "redirect_uris": ["https://shop.example/callback"], "id_token_signing_alg": "ES256",
        "pair_wise_subject_salt": "a salt of sixteen",
    }})
}

#[tokio::test]
async fn a_client_has_secrets_that_are_shown_once() {
    let world = World::new().await;
    let added = world.call("POST", "/clients").by("adam").json(&shop()).send().await;
    assert_eq!(added.status, 201, "{}", added.body);
    let first = added.body["client_secret"].as_str().unwrap().to_owned();
    assert!(first.len() >= 43);
    let read = world.get("udo", "/clients/shop").await;
    let shown = read.body.to_string();
    assert!(!shown.contains(&first) && !shown.contains("sixteen"), "{shown}");
    assert_eq!(read.body["settings"]["client_secrets"], json!(1));

    let etag = world.etag("/clients/shop").await;
    let new = json!({"days": 30, "description": "<script>alert(1)</script>"});
    let call = world.call("POST", "/clients/shop/secrets").by("adam").with("if-match", &etag);
    let made = call.json(&new).send().await;
    assert_eq!(made.status, 201, "{}", made.body);
    let second = made.body["client_secret"].as_str().unwrap();
    assert_ne!(second, first);
    let listed = world.get("udo", "/clients/shop/secrets").await;
    let items = listed.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(items[1]["description"], new["description"], "data stays data");
    assert!(!listed.body.to_string().contains(second));

    let name = items[0]["secret"].as_str().unwrap();
    let path = format!("/clients/shop/secrets/{name}");
    let call = world.call("DELETE", &path).by("adam").with("if-match", &etag);
    assert_eq!(call.send().await.status, 412, "a secret was added meanwhile");
    let etag = world.etag("/clients/shop").await;
    let call = world.call("DELETE", &path).by("adam").with("if-match", &etag);
    assert_eq!(call.send().await.status, 204);
    let etag = world.etag("/clients/shop").await;
    let last = items[1]["secret"].as_str().unwrap();
    let call = world.call("DELETE", &format!("/clients/shop/secrets/{last}")).by("adam");
    assert_eq!(call.with("if-match", &etag).send().await.status, 409, "the last one stays");
}

#[tokio::test]
async fn a_logo_is_one_of_the_folder() {
    let world = World::new().await;
    let mut new = shop();
    new["settings"]["branding"] = json!({"logo": "nothing.png"});
    let refused = world.call("POST", "/clients").by("adam").json(&new).send().await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(refused.body["errors"][0]["field"], json!("settings.branding.logo"));
    new["settings"]["branding"] = json!({"logo": "shop.png"});
    let added = world.call("POST", "/clients").by("adam").json(&new).send().await;
    assert_eq!(added.status, 201, "{}", added.body);
    let etag = world.etag("/clients/shop").await;
    let call = world.call("PATCH", "/clients/shop").by("adam").with("if-match", &etag);
    let change = json!({"settings": {"branding": {"logo": "other.png"}}});
    assert_eq!(call.json(&change).send().await.status, 422);
}

#[tokio::test]
async fn what_the_configuration_defines_is_read_only_with_the_reason() {
    let world = World::new().await;
    let read = world.get("olga", "/clients/app").await;
    assert_eq!(read.body["configured"], json!(true));
    assert!(read.body["read_only"].as_str().unwrap().contains("doorward.toml"));
    let etag = world.etag("/clients/app").await;
    for (method, below, body) in [
        ("PATCH", "", json!({"settings": {"enabled": false}})),
        ("DELETE", "", json!({})),
        ("POST", "/secrets", json!({})),
    ] {
        let call = world.call(method, &format!("/clients/app{below}")).by("olga");
        let answer = call.with("if-match", &etag).json(&body).send().await;
        assert_eq!(answer.status, 409, "{method} {below}");
        assert_eq!(answer.body["type"], json!("urn:doorward:problem:read-only"));
    }
}

#[tokio::test]
async fn settings_are_checked_as_those_of_the_configuration() {
    let world = World::new().await;
    let with = |key: &str, value: Value| {
        let mut new = shop();
        new["settings"][key] = value;
        new
    };
    for (new, field) in [
        (with("allowed_scopes", json!(["openid", "unknown"])), "settings.allowed_scopes[1]"),
        (with("redirect_uris", json!(["javascript:alert(1)"])), "settings.redirect_uris[0]"),
        (with("access_token_lifetime", json!("long")), "settings.access_token_lifetime"),
        (with("access_token_lifetime", json!(31_536_000)), "settings.access_token_lifetime"),
        (with("client_uri", json!("javascript:alert(1)")), "settings.client_uri"),
        (with("made_up", json!(1)), "settings.made_up"),
        (with("client_secrets", json!([])), "settings.client_secrets"),
        (with("client_id", json!("other")), "settings.client_id"),
        (json!({"client_id": "a b\u{0}", "settings": {}}), "client_id"),
    ] {
        let answer = world.call("POST", "/clients").by("adam").json(&new).send().await;
        assert_eq!(answer.status, 422, "{field}: {}", answer.body);
        assert_eq!(answer.body["errors"][0]["field"], json!(field), "{}", answer.body);
    }
    assert_eq!(world.get("adam", "/clients/shop").await.status, 404);
}

#[tokio::test]
async fn a_setting_that_is_null_has_its_default_again() {
    let world = World::new().await;
    let mut new = shop();
    new["settings"]["access_token_lifetime"] = json!(60);
    world.call("POST", "/clients").by("adam").json(&new).send().await;
    let etag = world.etag("/clients/shop").await;
    let call = world.call("PATCH", "/clients/shop").by("adam").with("if-match", &etag);
    let body = json!({"settings": {"access_token_lifetime": null, "client_name": "Shop"}});
    let changed = call.json(&body).send().await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(changed.body["settings"]["access_token_lifetime"], json!(3600));
    assert_eq!(changed.body["settings"]["client_name"], json!("Shop"));
}

#[tokio::test]
async fn all_settings_together_are_bounded() {
    let world = World::new().await;
    let new = json!({"client_id": "big", "settings": {"require_client_secret": false,
        "allowed_grant_types": ["authorization_code"], "allowed_scopes": ["openid"],
        "redirect_uris": ["https://big.example/callback"], "id_token_signing_alg": "ES256"}});
    assert_eq!(world.call("POST", "/clients").by("adam").json(&new).send().await.status, 201);
    let many = |path: &str| -> Vec<String> {
        (0..1_000).map(|number| format!("https://big.example/{path}/{number}")).collect()
    };
    for (member, status) in [("redirect_uris", 200), ("post_logout_redirect_uris", 422)] {
        let etag = world.etag("/clients/big").await;
        let call = world.call("PATCH", "/clients/big").by("adam").with("if-match", &etag);
        let change = json!({"settings": {member: many("a-path-that-is-rather-long")}});
        let answer = call.json(&change).send().await;
        assert_eq!(answer.status, status, "{member}: {}", answer.body["detail"]);
    }
}
