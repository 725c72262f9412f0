//! The `OpenAPI` document and the page about the API.

use axum::body::{Body, to_bytes};
use doorward_admin::{
    Operation,
    api::{BASE_PATH, DOCS_PATH, OPENAPI_PATH},
};
use http::Request;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::support::{World, method};

async fn text(world: &World, path: &str) -> String {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = world.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    let bytes = to_bytes(response.into_body(), 1 << 22).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn the_document_has_every_operation() {
    let world = World::new().await;
    let document: Value = serde_json::from_str(&text(&world, OPENAPI_PATH).await).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for operation in Operation::ALL {
        let path = format!("{BASE_PATH}{}", operation.path());
        let described = &document["paths"][&path][method(*operation).to_lowercase()];
        assert_eq!(described["operationId"], operation.name(), "{path}");
        assert_eq!(described["security"][0]["oidc"][0], operation.scope().name());
        assert!(described["responses"]["401"].is_object() && described["x-policy"].is_object());
    }
}

#[tokio::test]
async fn every_reference_of_the_document_leads_somewhere() {
    let world = World::new().await;
    let document: Value = serde_json::from_str(&text(&world, OPENAPI_PATH).await).unwrap();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| collect(value, references));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

#[tokio::test]
async fn the_page_shows_every_operation_without_a_script() {
    let world = World::new().await;
    let page = text(&world, DOCS_PATH).await;
    assert_eq!(page.matches("class=\"operation\"").count(), Operation::ALL.len());
    assert!(!page.contains("<script") && !page.contains("style=") && !page.contains(" onclick"));
    assert!(page.contains("The command: doorward user list"));
    text(&world, "/api/admin/docs.css").await;
}
