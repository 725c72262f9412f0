//! The published helper for tests.
#![cfg(feature = "test-util")]

use axum::{Router, routing::get};
use doorward_resource_server::{
    Authenticated, ResourceServer,
    test_util::{TestIssuer, TestKey},
};

use crate::{
    dpop::request,
    support::{call, send},
};

async fn name(caller: Authenticated) -> String {
    caller.principal().sub().to_owned()
}

fn app(server: ResourceServer) -> Router {
    Router::new().route("/", get(name)).with_state(server)
}

#[tokio::test]
async fn tokens_are_made_without_a_network() {
    let issuer = TestIssuer::new("orders-api");
    let app = app(issuer.resource_server());
    let token = issuer.token("alice").role("admin").scope("orders.read");
    assert_eq!(call(&app, "/", Some(&token.clone().sign())).await.status, 200);
    for bad in [
        token.clone().expires_in(-1),
        token.clone().claim("aud", "other"),
        token.clone().claim("jti", serde_json::Value::Null),
        token.clone().typ(Some("JWT")),
        token.clone().typ(None),
    ] {
        assert_eq!(call(&app, "/", Some(&bad.sign())).await.status, 401);
    }
    let other = TestIssuer::new("orders-api").token("alice").sign();
    assert_eq!(call(&app, "/", Some(&other)).await.status, 401, "another key");
}

#[tokio::test]
async fn bound_tokens_come_with_proofs() {
    let issuer = TestIssuer::new("orders-api");
    let settings = issuer.settings().with_url("https://api.test");
    let app = app(ResourceServer::new(settings).unwrap());
    let key = TestKey::new("client");
    let token = issuer.token("alice").bound_to(&key).sign();
    assert_eq!(call(&app, "/", Some(&token)).await.status, 401);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    let proof = key.proof("GET", "https://api.test/", &token, "1", now);
    assert_eq!(send(&app, request("/", "DPoP", &token, &[&proof])).await.status, 200);
}
