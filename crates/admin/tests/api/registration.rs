//! Clients that registered themselves.

use doorward_provider::model::{
    registration::{Admission, RegisteredClient, RegistrationOutcome},
    throttle::OriginBound,
    time::Timestamp,
    token_handle::TokenHash,
};
use serde_json::{Map, json};

use crate::support::{World, now};

/// Registers a client.
pub async fn registered(world: &World, client_id: &str) {
    registered_until(world, client_id, now().plus(3600)).await;
}

async fn registered_until(world: &World, client_id: &str, expires_at: Timestamp) {
    let mut hash = [0; 32];
    hash[..client_id.len()].copy_from_slice(client_id.as_bytes());
    let client = RegisteredClient {
        client_id: client_id.parse().unwrap(),
        metadata: Map::from_iter([("client_name".to_owned(), json!("Agent"))]),
        secret: None,
        management: TokenHash::from_bytes(hash),
        issued_at: now(),
        used: false,
        expires_at,
    };
    let id = "registration".parse().unwrap();
    let admission = Admission { bound: OriginBound::new(&id, "192.0.2.1", 100), token: None };
    let outcome = world.store.add_registered_client(client, &admission, now()).await.unwrap();
    assert_eq!(outcome, RegistrationOutcome::Added);
}

#[tokio::test]
async fn a_client_that_registered_itself_is_removed() {
    let world = World::new().await;
    registered(&world, "agent-1").await;
    let listed = world.get("udo", "/registered-clients").await;
    assert_eq!(listed.body["items"][0]["client_id"], json!("agent-1"), "{}", listed.body);
    let path = "/registered-clients/agent-1";
    assert_eq!(world.call("DELETE", path).by("udo").send().await.status, 403);
    assert_eq!(world.call("DELETE", path).by("adam").send().await.status, 204);
    assert_eq!(world.call("DELETE", path).by("adam").send().await.status, 404);
    // Clients of operators have another resource, which asks for the state that is known.
    assert_eq!(
        world.call("DELETE", "/registered-clients/robot").by("olga").send().await.status,
        404
    );
    assert_eq!(world.get("udo", "/clients/robot").await.status, 200);
}

#[tokio::test]
async fn a_client_that_has_expired_is_removed_while_it_is_shown() {
    let world = World::new().await;
    registered_until(&world, "agent-1", now()).await;
    registered(&world, "agent-12").await;
    let listed = world.get("udo", "/registered-clients").await;
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 2, "{}", listed.body);
    let path = "/registered-clients/agent-1";
    assert_eq!(world.call("DELETE", path).by("adam").send().await.status, 204);
    let listed = world.get("udo", "/registered-clients").await;
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 1, "{}", listed.body);
    assert_eq!(world.call("DELETE", path).by("adam").send().await.status, 404);
    let history = world.get("udo", "/events?event=client_removed&outcome=succeeded").await;
    let record = &history.body["items"][0];
    assert_eq!(record["object"], json!("agent-1"), "{}", history.body);
    assert_eq!(record["before"]["client_id"], json!("agent-1"), "{}", history.body);
}
