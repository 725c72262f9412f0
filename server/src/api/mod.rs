//! The router of the protected API: the demo API, its documentation page, and a JSON answer to
//! every other path below `/api`.

use axum::{
    Router,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::IntoResponse,
    routing::any,
};
use doorward_app::BrandMark;
use doorward_demo::api::{self, Description, docs};
use doorward_resource_server::ResourceServer;
use leptos::prelude::*;

/// The routes under `/api`. Its documentation page links to the application at `app_url`.
pub fn router(resource_server: ResourceServer, description: &Description, app_url: &str) -> Router {
    let brand_mark = Owner::new().with(|| BrandMark().to_html());
    api::router(resource_server, description)
        .merge(docs::router(app_url, &brand_mark))
        .route("/api/{*path}", any(not_found))
}

/// The answer for paths that don't exist.
pub async fn not_found() -> impl IntoResponse {
    let body = r#"{"error":"not_found","error_description":"There is no such resource here."}"#;
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    (StatusCode::NOT_FOUND, headers, body)
}
