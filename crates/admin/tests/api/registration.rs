//! Clients that registered themselves.

use doorward_provider::model::{
    registration::{Admission, RegisteredClient, RegistrationOutcome},
    throttle::OriginBound,
    token_handle::TokenHash,
};
use serde_json::{Map, json};

use crate::support::{World, now};

/// Registers a client.
pub async fn registered(world: &World, client_id: &str) {
    let mut hash = [0; 32];
    hash[..client_id.len()].copy_from_slice(client_id.as_bytes());
    let client = RegisteredClient {
        client_id: client_id.parse().unwrap(),
        metadata: Map::from_iter([("client_name".to_owned(), json!("Agent"))]),
        secret: None,
        management: TokenHash::from_bytes(hash),
        issued_at: now(),
        used: false,
        expires_at: now().plus(3600),
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
