//! The document about an API (RFC 9728), and the challenges that lead to it.

use std::sync::LazyLock;

use axum::{Router, body::Body, http::Request, routing::get};
use doorward_resource_server::{
    Authorized, Policy, RequiredPolicy, ResourceMetadata, ResourceServer, ResourceServerSettings,
};
use serde_json::json;

use crate::support::{call, send};

const API: &str = "http://localhost:7002/mcp";
const DOCUMENT: &str = "http://localhost:7002/.well-known/oauth-protected-resource/mcp";

struct NotesPolicy;

impl RequiredPolicy for NotesPolicy {
    fn policies() -> &'static [Policy] {
        static POLICIES: LazyLock<[Policy; 1]> = LazyLock::new(|| [Policy::require_scope("notes")]);
        &*POLICIES
    }
}

fn api() -> Router {
    let metadata = ResourceMetadata::new(API)
        .unwrap()
        .with_scopes(["notes"])
        .with_name("Notes")
        .with_documentation("https://docs.example.com");
    let settings = ResourceServerSettings::new("http://localhost:6001", API);
    let server = ResourceServer::new(settings).unwrap().with_metadata(&metadata);
    Router::new()
        .route("/mcp", get(|_: Authorized<NotesPolicy>| async { "notes" }))
        .with_state(server.clone())
        .merge(metadata.routes(&server))
}

#[tokio::test]
async fn the_document_is_for_everybody() {
    let answer = call(&api(), "/.well-known/oauth-protected-resource/mcp", None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let expected = json!({
        "resource": API, "authorization_servers": ["http://localhost:6001"],
        "bearer_methods_supported": ["header"], "scopes_supported": ["notes"],
        "resource_name": "Notes", "resource_documentation": "https://docs.example.com",
    });
    assert_eq!(answer.body, expected);
}

#[tokio::test]
async fn a_page_may_ask_for_the_document_with_headers_of_its_own() {
    let preflight = Request::builder()
        .method("OPTIONS")
        .uri("/.well-known/oauth-protected-resource/mcp")
        .header("origin", "https://agent.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "mcp-protocol-version")
        .body(Body::empty())
        .unwrap();
    let answer = send(&api(), preflight).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET"));
    assert_eq!(answer.header("access-control-allow-headers"), Some("*"));
}

#[tokio::test]
async fn challenges_lead_to_the_document_and_name_the_scope() {
    let answer = call(&api(), "/mcp", None).await;
    assert_eq!(answer.status, 401);
    let expected =
        format!(r#"Bearer realm="{API}", scope="notes", resource_metadata="{DOCUMENT}""#);
    assert_eq!(answer.header("www-authenticate"), Some(expected.as_str()));
    let answer = call(&api(), "/mcp", Some("made-up")).await;
    let challenge = answer.header("www-authenticate").unwrap();
    for part in [
        r#"error="invalid_token""#,
        r#"scope="notes""#,
        &format!(r#"resource_metadata="{DOCUMENT}""#),
    ] {
        assert!(challenge.contains(part), "{part}: {challenge}");
    }
}
