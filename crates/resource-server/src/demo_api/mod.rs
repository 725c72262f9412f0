//! The demo API: the 17 routes of [`doorward_policy::demo`], each protected by the policies of its
//! row.
//!
//! `GET` answers 200 with a [`DemoAnswer`] as JSON, or a refusal. The router is built from the
//! table, so that a route without its policies can't be. [`openapi`] describes it, at
//! [`OPENAPI_PATH`].

pub mod openapi;

use axum::{
    Json, Router,
    routing::{MethodRouter, get},
};
use doorward_policy::demo::{self, DemoRoute};
use http::{
    HeaderValue,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use serde::Serialize;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::ToSchema;

use crate::{Authenticated, ProtectedRouter, ResourceServer, cors};

/// Where the description stands, for everybody to read.
pub const OPENAPI_PATH: &str = "/api/openapi.json";

/// What an allowed caller is told.
#[derive(Debug, Serialize, ToSchema)]
pub struct DemoAnswer {
    /// A sentence that says who may call.
    pub message: &'static str,
    /// The route's path.
    pub route: &'static str,
    /// The names of the policies that the caller met.
    pub policies: Vec<&'static str>,
    /// The caller.
    pub sub: String,
}

/// The demo API's routes, each with its policies.
pub fn routes(resource_server: ResourceServer) -> ProtectedRouter<ResourceServer> {
    let router = ProtectedRouter::new(resource_server);
    demo::routes().iter().fold(router, |router, route| {
        router.route_for(&route.path, &route.policies, answering(route))
    })
}

/// The same ready to be served, with their description. Answers are never stored by caches; pages
/// of the settings' origins may read them.
pub fn router(resource_server: ResourceServer) -> Router {
    let origins = resource_server.allowed_origins().to_vec();
    let no_store = HeaderValue::from_static("no-store");
    let described = openapi::document(&resource_server).to_json().unwrap_or_default();
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
