//! A creation that is repeated creates once.

use doorward_admin::{Operation, api::BASE_PATH};
use doorward_provider::{model::idempotency::IdempotentRequest, store::Begun};
use futures::future::join_all;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{World, now};

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
    for keys in [&[""][..], &["a", "b"], &["a b"], &["a\tb"], &[&long]] {
        let call = world.call("POST", "/users").by("adam");
        let call = keys.iter().fold(call, |call, key| call.with("idempotency-key", key));
        let answer = call.json(&json!({"username": "ada"})).send().await;
        assert_eq!(answer.status, 422, "{keys:?}");
        assert_eq!(answer.body["errors"][0]["field"], json!("Idempotency-Key"));
    }
}

/// Whoever has a copy of the database and not the master key can't try passwords on it.
#[tokio::test]
async fn what_is_kept_of_a_request_confirms_no_guess() {
    let world = World::new().await;
    let body = json!({"username": "eve", "password": "hush"});
    let path = "/directories/corp/users";
    let call = world.call("POST", path).by("adam").with("idempotency-key", "k");
    assert_eq!(call.json(&body).send().await.status, 201);
    let hash = |texts: &[&str]| -> [u8; 32] {
        let length = |text: &str| (text.len() as u64).to_be_bytes();
        let add = |hash: Sha256, text: &&str| hash.chain_update(length(text)).chain_update(text);
        texts.iter().fold(Sha256::new(), add).finalize().into()
    };
    let (operation, body) = (Operation::CreateDirectoryUser.name(), body.to_string());
    for path in [path.to_owned(), format!("{BASE_PATH}{path}")] {
        let guess = IdempotentRequest {
            key: hash(&["user adam", "k"]),
            caller: hash(&["user adam"]),
            request: hash(&[operation, &path, &body]),
            expires_at: now().plus(60),
        };
        let begun = world.store.begin_request(guess, 1000, now()).await.unwrap();
        assert!(matches!(begun, Begun::Other), "{path}: {begun:?}");
    }
}
