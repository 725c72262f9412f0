//! What is logged of the requests of clients that are refused.

use serde_json::json;

use crate::{
    authorize::request_object::signed,
    par::Lines,
    support::{ProofKey, REDIRECT, Setup, World, authorize_url, client_settings, form_request},
};

#[tokio::test]
async fn the_log_names_the_client_its_address_and_the_cause() {
    let (lines, _guard) = Lines::keep();
    let world = World::new().await;
    for (path, what) in [
        ("/connect/par", "a pushed authorization request was refused"),
        ("/connect/deviceauthorization", "a device authorization request was refused"),
        ("/connect/introspect", "an introspection request was refused"),
    ] {
        world.send(form_request(path, &[("client_id", "nobody")])).await;
        let text = lines.text();
        let line = text.lines().find(|line| line.contains(what)).expect(path);
        for field in [r#" client_id="nobody""#, " peer=", " cause="] {
            assert!(line.contains(field), "{field} is missing: {line}");
        }
    }
}

/// Whether the answer is a page or goes to the client.
#[tokio::test]
async fn each_refused_authorization_request_is_logged_once_with_its_cause() {
    const ADDRESS: &str = "https://signing.example/request.jwt";
    let key = ProofKey::es256();
    let own = json!({
        "jwks": {"keys": [key.jwk]}, "request_object_signing_alg": "ES256",
        "request_uris": [ADDRESS],
    });
    let mut strict = own.clone();
    strict["require_signed_request_object"] = json!(true);
    let clients = vec![client_settings("Signing", own), client_settings("Strict", strict)];
    let fetching = World::with(Setup {
        clients: clients.clone(),
        fetch_request_uris: true,
        ..Setup::default()
    })
    .await;
    fetching.published.publish(Some(json!(signed(&key, &json!({})))));
    let plain = World::with(Setup { clients, ..Setup::default() }).await;
    let expired = signed(&key, &json!({"exp": 1}));
    let other_hash = format!("{ADDRESS}#{}", "A".repeat(43));
    for (world, changes, cause) in [
        (&fetching, vec![("request_uri", "https://other.example/r")], "is not registered"),
        (&fetching, vec![("request_uri", &*other_hash)], "has another hash"),
        (&fetching, vec![("request", "x"), ("request_uri", ADDRESS)], "not both"),
        (&plain, vec![("request_uri", ADDRESS)], "for pushed requests only"),
        (&plain, vec![("request", &*expired)], "has expired"),
        (&plain, vec![("request", "x"), ("redirect_uri", "https://evil.example")], "JSON Web"),
        (&plain, vec![("scope", "unknown")], "scope is unknown"),
    ] {
        let changes = [&[("client_id", "Signing")][..], &*changes].concat();
        assert_told_once(world, &changes, "Signing", cause).await;
    }
    assert_told_once(&plain, &[("client_id", "Strict")], "Strict", "signed request objects").await;
    assert_told_once(&plain, &[("client_id", "nobody")], "nobody", "not known").await;
    // A good request whose user is not signed in is none.
    let (lines, _guard) = Lines::keep();
    let answer = plain.get(&authorize_url(&[("prompt", "none")])).await;
    answer.expect_redirect_error(REDIRECT, "login_required");
    assert!(!lines.text().contains("refused"), "{}", lines.text());
}

async fn assert_told_once(world: &World, changes: &[(&str, &str)], client_id: &str, cause: &str) {
    let (lines, _guard) = Lines::keep();
    world.get(&authorize_url(changes)).await;
    let text = lines.text();
    let told: Vec<&str> = text.lines().filter(|line| line.contains("was refused")).collect();
    let [line] = told.as_slice() else { panic!("{changes:?}: {text}") };
    let client_id = format!(" client_id=\"{client_id}\"");
    for field in ["an authorization request was refused", &client_id, " peer=", " cause=", cause] {
        assert!(line.contains(field), "{field} is missing: {line}");
    }
}
