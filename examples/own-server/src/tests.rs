#![allow(clippy::unwrap_used)]

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use serde_json::{Value, from_slice};
use tower::ServiceExt as _;

use super::{ISSUER, app, provider};

#[tokio::test]
async fn the_provider_answers_beside_the_servers_own_routes() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("test.sqlite3");
    let provider = provider(&database, &[7; 32], "correct horse battery").await.unwrap();
    let app = app(provider);
    let get = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, to_bytes(body, 1 << 20).await.unwrap())
    };
    assert_eq!(get("/").await.0, StatusCode::OK);
    assert_eq!(get("/nothing").await.0, StatusCode::NOT_FOUND);
    let (status, document) = get("/id/.well-known/openid-configuration").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(from_slice::<Value>(&document).unwrap()["issuer"], ISSUER);
}

#[test]
fn the_guide_shows_what_is_compiled() {
    let guide = include_str!("../../../docs/guides/own-server.md");
    let (_, code) = include_str!("main.rs").split_once("\n\n").unwrap();
    let (code, _) = code.split_once("\n#[cfg(test)]").unwrap();
    assert!(guide.contains(code), "docs/guides/own-server.md lags behind examples/own-server");
}
