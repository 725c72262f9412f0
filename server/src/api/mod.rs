//! The protected API's router: the demo API of `doorward_resource_server`, a page about it, and a
//! proper answer to every other path under it.

mod docs;

use axum::{
    Router,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::IntoResponse,
    routing::any,
};
use doorward_resource_server::{ResourceServer, demo_api};

/// The routes under `/api`. They can be tried in the application at this URL.
pub fn router(resource_server: ResourceServer, app_url: &str) -> Router {
    demo_api::router(resource_server)
        .merge(docs::router(app_url))
        .route("/api/{*path}", any(not_found))
}

/// What stands where nothing is.
pub async fn not_found() -> impl IntoResponse {
    let body = r#"{"error":"not_found","error_description":"There is no such resource here."}"#;
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    (StatusCode::NOT_FOUND, headers, body)
}
