//! The router of the demo API. Each route is protected by the policies of its row in the table.
//!
//! `GET` answers 200 with a [`DemoAnswer`] as JSON, or a refusal. The router is built from the
//! table, so no route can lack its policies. [`openapi`] describes the API at [`OPENAPI_PATH`], and
//! [`docs`] shows it to people.

pub mod docs;
pub mod openapi;

use axum::{
    Json, Router,
    routing::{MethodRouter, get},
};
use doorward_resource_server::{
    Authenticated, ExpiredStatus, ProtectedRouter, ResourceServer, ResourceServerSettings, cors,
};
use http::{
    HeaderValue,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use serde::Serialize;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::ToSchema;

use crate::DemoRoute;

/// The path of the `OpenAPI` document, which anyone may read.
pub const OPENAPI_PATH: &str = "/api/openapi.json";

/// The answer to a caller who meets the policies.
#[derive(Debug, Serialize, ToSchema)]
pub struct DemoAnswer {
    /// One sentence: who may call.
    pub message: &'static str,
    /// The route's path.
    pub route: &'static str,
    /// The names of the policies that the caller met.
    pub policies: Vec<&'static str>,
    /// The caller.
    pub sub: String,
}

/// What the `OpenAPI` document says beside the routes.
#[derive(Debug, Clone)]
pub struct Description {
    /// The issuer whose access tokens are accepted.
    pub issuer: String,
    /// The status that answers an expired token.
    pub expired_status: ExpiredStatus,
}

impl From<&ResourceServerSettings> for Description {
    /// With several issuers, the document names the first.
    fn from(settings: &ResourceServerSettings) -> Self {
        let first = settings.issuers.first();
        Self {
            issuer: first.map(|first| first.issuer.clone()).unwrap_or_default(),
            expired_status: settings.expired_status,
        }
    }
}

/// The demo routes, each with its policies.
pub fn routes(resource_server: ResourceServer) -> ProtectedRouter<ResourceServer> {
    let router = ProtectedRouter::new(resource_server);
    crate::routes().iter().fold(router, |router, route| {
        router.route_for(&route.path, &route.policies, answering(route))
    })
}

/// The demo routes and their `OpenAPI` document, ready to be served. Caches never store the
/// answers. Pages of the settings' allowed origins may read them.
pub fn router(resource_server: ResourceServer, description: &Description) -> Router {
    let origins = resource_server.allowed_origins().to_vec();
    let no_store = HeaderValue::from_static("no-store");
    let described = openapi::document(description).to_json().unwrap_or_default();
    let describe = get(|| async { ([(CONTENT_TYPE, "application/json")], described) });
    let router = routes(resource_server).into_router().route(OPENAPI_PATH, describe);
    let router = router.layer(SetResponseHeaderLayer::overriding(CACHE_CONTROL, no_store));
    if origins.is_empty() { router } else { router.layer(cors(origins)) }
}

fn answering(route: &'static DemoRoute) -> MethodRouter<ResourceServer> {
    get(move |caller: Authenticated| async move {
        Json(DemoAnswer {
            message: route.summary,
            route: &route.path,
            policies: route.policy_names().collect(),
            sub: caller.principal().sub().to_owned(),
        })
    })
}
