//! Other providers by which users sign in.

use doorward_provider::model::signing_key::SealedKey;
use doorward_provider::model::stored_identity_provider::{
    CredentialKind, SealedCredential, StoredIdentityProvider,
};
use serde_json::{Map, Value, json};

use crate::support::{Answer, World};

const STORED: &str = "/identity-providers/stored";

fn new(name: &str, issuer: &str) -> Value {
    json!({"name": name, "settings": {"issuer": issuer}, "client_secret": "hush-new"})
}

async fn add(world: &World, body: &Value) -> Answer {
    world.call("POST", "/identity-providers").by("olga").json(body).send().await
}

async fn change(world: &World, body: &Value) -> Answer {
    let etag = world.etag(STORED).await;
    world.call("PATCH", STORED).by("olga").with("if-match", &etag).json(body).send().await
}

fn field(answer: &Answer) -> (u16, String) {
    let field = answer.body["errors"][0]["field"].as_str().unwrap_or_default();
    (answer.status.as_u16(), field.to_owned())
}

#[tokio::test]
async fn both_origins_are_listed_in_pages_by_name() {
    let world = World::new().await;
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.get("udo", &format!("/identity-providers?limit=2{cursor}")).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let items = page.body["items"].as_array().unwrap();
        found.extend(items.iter().map(|row| {
            (row["name"].as_str().unwrap().to_owned(), row["configured"].as_bool().unwrap())
        }));
        match page.body.get("next").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected = [("stored", false), ("tenants", true), ("up", true)];
    assert_eq!(found, expected.map(|(name, configured)| (name.to_owned(), configured)));
}

#[tokio::test]
async fn one_is_added_changed_disabled_and_removed() {
    let world = World::new().await;
    let mut keycloak = new("new", "https://new.example");
    keycloak["settings"]["preset"] = json!("keycloak");
    let added = add(&world, &keycloak).await;
    assert_eq!(added.status, 201, "{}", added.body);
    assert_eq!(added.headers["location"], "/api/admin/v1/identity-providers/new");
    assert_eq!(added.body["credential"], json!("client_secret"));
    let callback = "https://id.example/account/external/new/callback";
    assert_eq!(added.body["registration"]["redirect_uri"], json!(callback));
    // It is in use at once.
    let offered = |name: &str| world.provider.vouching().provider(name).is_some();
    assert!(offered("new") && offered("stored") && offered("up"));

    let listed = world.get("udo", "/identity-providers").await;
    let rows = listed.body["items"].as_array().unwrap();
    let presets = rows.iter().map(|row| (row["name"].as_str(), row["preset"].as_str()));
    let presets: Vec<_> =
        presets.filter(|(name, _)| [Some("new"), Some("stored")].contains(name)).collect();
    let expected = [("new", "keycloak"), ("stored", "generic")];
    assert_eq!(presets, expected.map(|(name, preset)| (Some(name), Some(preset))));

    let changed = change(&world, &json!({"settings": {"title": "Company"}})).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(world.provider.vouching().provider("stored").unwrap().title, "Company");
    let settings = json!({"issuer": "https://stored.example", "title": "Company"});
    assert_eq!(changed.body["settings"], settings);
    let disabled = change(&world, &json!({"settings": {"enabled": false, "title": null}})).await;
    assert_eq!(disabled.status, 200, "{}", disabled.body);
    assert!(!offered("stored") && disabled.body["problem"].is_null());

    let etag = world.etag(STORED).await;
    let removed = world.call("DELETE", STORED).by("olga").with("if-match", &etag).send().await;
    assert_eq!(removed.status, 204);
    assert_eq!(world.get("olga", STORED).await.status, 404);
    assert!(offered("new"));
}

#[tokio::test]
async fn what_the_configuration_defines_is_only_shown() {
    let world = World::new().await;
    let path = "/identity-providers/up";
    let shown = world.get("udo", path).await;
    assert_eq!((shown.status.as_u16(), &shown.body["configured"]), (200, &json!(true)));
    let reason = shown.body["read_only"].as_str().unwrap();
    assert!(reason.contains("doorward.toml"), "{reason}");
    let etag = world.etag(path).await;
    for (method, body) in [("PATCH", json!({"settings": {"title": "x"}})), ("DELETE", json!({}))] {
        let call = world.call(method, path).by("olga").with("if-match", &etag).json(&body);
        let refused = call.send().await;
        assert_eq!(refused.status, 409, "{method}: {}", refused.body);
        assert_eq!(refused.body["type"], json!("urn:doorward:problem:read-only"));
    }
}

#[tokio::test]
async fn one_that_contradicts_another_is_refused_with_its_field() {
    let world = World::new().await;
    for (body, expected) in [
        (new("up", "https://new.example"), "name"),
        (new("corp", "https://new.example"), "name"),
        (new("Not a name", "https://new.example"), "name"),
        (new("new", "https://up.example"), "settings.issuer"),
        (new("new", "https://STORED.example/"), "settings.issuer"),
        (new("new", "https://login.example/one/v2.0"), "settings.issuer"),
        (json!({"name": "new", "settings": {}, "client_secret": "x"}), "settings.issuer"),
        (json!({"name": "new", "settings": {"issuer": "https://new.example"}}), "client_secret"),
        (json!({"name": "new", "settings": {}, "client_secret": " "}), "client_secret"),
        (
            json!({"name": "new", "settings": {}, "client_secret": "x", "client_key": "x"}),
            "client_key",
        ),
        (
            json!({"name": "new", "settings": {"issuer": "https://new.example"},
            "client_key": "no key"}),
            "client_key",
        ),
        (
            json!({"name": "new", "settings": {"nothing": 1}, "client_secret": "x"}),
            "settings.nothing",
        ),
        (json!({"name": "new", "settings": {}, "client_secret": "x", "more": 1}), "more"),
        (
            json!({"name": "new", "settings": {"issuer": "https://new.example",
            "trusted_email_domains": ["*.example.com"]}, "client_secret": "x"}),
            "settings.trusted_email_domains",
        ),
    ] {
        let refused = add(&world, &body).await;
        assert_eq!(field(&refused), (422, expected.to_owned()), "{body}: {}", refused.body);
        assert!(!refused.text.contains("hush-"), "{}", refused.text);
    }
    let taken = add(&world, &new("stored", "https://new.example")).await;
    assert_eq!(taken.status, 409, "{}", taken.body);
    let taken = json!({"settings": {"issuer": "https://up.example"}, "client_secret": "x"});
    assert_eq!(field(&change(&world, &taken).await), (422, "settings.issuer".to_owned()));
}

#[tokio::test]
async fn a_secret_is_never_shown_and_is_sent_nowhere_else() {
    let world = World::new().await;
    let shown = world.get("olga", STORED).await;
    assert!(!shown.text.contains("hush"), "{}", shown.text);
    let listed = world.get("olga", "/identity-providers").await;
    assert!(!listed.text.contains("hush"), "{}", listed.text);
    let elsewhere = json!({"settings": {"issuer": "https://elsewhere.example"}});
    assert_eq!(field(&change(&world, &elsewhere).await), (422, "client_secret".to_owned()));
    let mut with_secret = elsewhere;
    with_secret["client_secret"] = json!("hush-other");
    let changed = change(&world, &with_secret).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert!(!changed.text.contains("hush"), "{}", changed.text);
    let stored = world.store.identity_providers().await.unwrap();
    let text = format!("{stored:?} {}", Value::Object(stored.providers[0].settings.clone()));
    assert!(!text.contains("hush"), "{text}");
    let checked = world.get("udo", &format!("{STORED}/check")).await;
    let bytes = format!("the credential has {} bytes", "hush-other".len());
    assert_eq!(checked.body["checks"][0]["text"], json!(bytes), "{}", checked.body);
    let history = serde_json::to_string(&world.history().await).unwrap();
    assert!(history.contains("credential_replaced") && !history.contains("hush"), "{history}");
    // What a key signs would be sent there, too.
    let key = change(&world, &json!({"settings": {}, "client_key": "BEGIN hush"})).await;
    assert_eq!(key.status, 200, "{}", key.body);
    let elsewhere = json!({"settings": {"issuer": "https://third.example"}});
    assert_eq!(field(&change(&world, &elsewhere).await), (422, "client_key".to_owned()));
}

#[tokio::test]
async fn a_check_tells_each_step_of_any_provider() {
    let world = World::new().await;
    let checked = world.get("udo", &format!("{STORED}/check")).await;
    assert_eq!(checked.status, 200, "{}", checked.body);
    let keys = json!({"check": "keys", "ok": false, "text": "there are none: make one"});
    assert_eq!(checked.body["checks"][1], keys);
    let gone = world.get("udo", "/identity-providers/gone/check").await;
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn one_that_the_configuration_has_by_now_is_not_used_and_can_be_removed() {
    let world = World::new().await;
    // As if the file had got both since they were added.
    for (name, issuer) in [("up", "https://other.example"), ("same", "https://up.example")] {
        let settings = Map::from_iter([("issuer".to_owned(), json!(issuer))]);
        let sealed = SealedKey::from_bytes(vec![0; 40]);
        let credential = SealedCredential { kind: CredentialKind::Secret, sealed };
        let stored = StoredIdentityProvider { name: name.parse().unwrap(), settings, credential };
        let version = world.store.identity_providers_version().await.unwrap();
        assert!(world.store.add_identity_provider(stored, version).await.unwrap());
    }
    world.provider.refresh_identity_providers().await.unwrap();
    let vouching = world.provider.vouching();
    assert_eq!(vouching.provider("up").unwrap().issuer, "https://up.example");
    // It may be used again, and would vouch for the users of its issuer.
    let taken = add(&world, &new("later", "https://other.example")).await;
    assert_eq!(field(&taken), (422, "settings.issuer".to_owned()), "{}", taken.body);
    assert!(vouching.provider("same").is_none() && vouching.provider("stored").is_some());
    for (name, why) in [("up", "defined twice"), ("same", "another identity provider")] {
        let path = format!("/identity-providers/{name}");
        let shown = world.get("udo", &path).await;
        let problem = shown.body["problem"].as_str().unwrap();
        assert!(problem.contains(why), "{problem}");
        let checked = world.get("udo", &format!("{path}/check")).await;
        assert_eq!(checked.body["checks"][0]["check"], json!("settings"), "{}", checked.body);
        let etag = world.etag(&path).await;
        let removed = world.call("DELETE", &path).by("olga").with("if-match", &etag).send().await;
        assert_eq!(removed.status, 204, "{}", removed.body);
    }
    let shown = world.get("udo", "/identity-providers/up").await;
    assert_eq!(shown.body["configured"], json!(true));
}

#[tokio::test]
async fn of_two_changes_of_one_state_one_is_made() {
    let world = World::new().await;
    let etag = world.etag(STORED).await;
    let set = |title: &str| {
        let call = world.call("PATCH", STORED).by("olga").with("if-match", &etag);
        call.json(&json!({"settings": {"title": title}})).send()
    };
    assert_eq!(set("One").await.status, 200);
    let stale = set("Two").await;
    assert_eq!(stale.status, 412, "{}", stale.body);
    assert_eq!(stale.body["changed"], json!(["title"]));
    let key = json!({"settings": {}, "client_key": "-----BEGIN PRIVATE KEY-----"});
    let etag = world.etag(STORED).await;
    assert_eq!(change(&world, &key).await.status, 200);
    let call = world.call("DELETE", STORED).by("olga").with("if-match", &etag);
    assert_eq!(call.send().await.body["changed"], json!(["credential"]));
}

#[tokio::test]
async fn an_addition_may_be_repeated_under_its_key() {
    let world = World::new().await;
    let body = new("new", "https://new.example");
    for _ in 0..2 {
        let call = world.call("POST", "/identity-providers").by("olga");
        let added = call.with("idempotency-key", "k1").json(&body).send().await;
        assert_eq!(added.status, 201, "{}", added.body);
    }
}
