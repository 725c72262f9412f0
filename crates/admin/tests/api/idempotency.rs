//! A creation that is repeated creates once.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::World;

fn machine(client_id: &str) -> Value {
    json!({"client_id": client_id, "settings": {"allowed_grant_types": ["client_credentials"],
        "allowed_scopes": ["admin:users.read"], "id_token_signing_alg": "ES256"}})
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_secret_included() {
    let world = World::new().await;
    let send = |by: &'static str, key: &'static str, body: Value| {
        let call = world.call("POST", "/clients").by(by).with("idempotency-key", key);
        call.json(&body).send()
    };
    let first = send("adam", "one", machine("shop")).await;
    assert_eq!(first.status, 201, "{}", first.body);
    let again = send("adam", "one", machine("shop")).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert!(again.body["client_secret"].is_string());
    assert_eq!(again.headers["location"], first.headers["location"]);
    assert_eq!(again.headers["etag"], first.headers["etag"]);
    // Without the key, or under another one, it is another request.
    assert_eq!(send("adam", "two", machine("shop")).await.status, 409);
    // Another request under the key is a mistake; another caller's key is another key.
    assert_eq!(send("adam", "one", machine("other")).await.status, 422);
    assert_eq!(send("olga", "one", machine("other")).await.status, 201);
}

#[tokio::test]
async fn what_failed_may_be_sent_again_under_its_key() {
    let world = World::new().await;
    let send = |body: Value| {
        let call = world.call("POST", "/users").by("adam").with("idempotency-key", "k");
        call.json(&body).send()
    };
    assert_eq!(send(json!({"username": ""})).await.status, 422);
    assert_eq!(send(json!({"username": "ada"})).await.status, 201);
}

#[tokio::test]
async fn among_many_one_creates() {
    let world = World::new().await;
    let body = json!({"username": "ada"});
    let sent = (0..8).map(|_| {
        let call = world.call("POST", "/users").by("adam").with("idempotency-key", "k");
        call.json(&body).send()
    });
    let answers = join_all(sent).await;
    let subs: std::collections::BTreeSet<String> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .map(|answer| answer.body["sub"].to_string())
        .collect();
    assert_eq!(subs.len(), 1);
    assert!(answers.iter().all(|answer| [201, 409].contains(&answer.status.as_u16())));
}

#[tokio::test]
async fn a_key_is_one_visible_text() {
    let world = World::new().await;
    let long = "x".repeat(256);
    for keys in [&[""][..], &["a", "b"], &[&long]] {
        let call = world.call("POST", "/users").by("adam");
        let call = keys.iter().fold(call, |call, key| call.with("idempotency-key", key));
        let answer = call.json(&json!({"username": "ada"})).send().await;
        assert_eq!(answer.status, 422, "{keys:?}");
        assert_eq!(answer.body["errors"][0]["field"], json!("Idempotency-Key"));
    }
}
