//! The protected API's router: the demo API of `doorward_resource_server`, and a proper answer to every other path under it.

use axum::{
    Router,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::IntoResponse,
    routing::any,
};
use doorward_resource_server::{ResourceServer, SettingsError, demo_api};

use crate::config::ApiSettings;

/// The routes under `/api`. The issuer is asked for its keys when the first token arrives.
pub fn router(settings: &ApiSettings) -> Result<Router, SettingsError> {
    let resource_server = ResourceServer::new(settings.settings.clone())?;
    Ok(demo_api::router(resource_server).route("/api/{*path}", any(not_found)))
}

/// What stands where nothing is.
pub async fn not_found() -> impl IntoResponse {
    let body = r#"{"error":"not_found","error_description":"There is no such resource here."}"#;
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    (StatusCode::NOT_FOUND, headers, body)
}
