//! The demo API: the 17 routes of [`doorward_policy::demo`], each protected by the policies of its row.
//!
//! `GET` answers 200 with a [`DemoAnswer`] as JSON, or a refusal. The router is built from the table, so that a route
//! without its policies can't be.

use axum::{
    Json, Router,
    extract::State,
    routing::{MethodRouter, get},
};
use doorward_policy::demo::{self, DemoRoute};
use http::{HeaderValue, header::CACHE_CONTROL, request::Parts};
use serde::Serialize;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::{Refusal, ResourceServer, cors};

/// What an allowed caller is told.
#[derive(Debug, Serialize)]
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

/// The demo API's routes. Answers are never stored by caches; pages of the settings' origins may read them.
pub fn router(resource_server: ResourceServer) -> Router {
    let mut router = Router::new();
    for route in demo::routes() {
        router = router.route(&route.path, protected(route));
    }
    let no_store = HeaderValue::from_static("no-store");
    let mut router = router.layer(SetResponseHeaderLayer::overriding(CACHE_CONTROL, no_store));
    if !resource_server.allowed_origins().is_empty() {
        router = router.layer(cors(resource_server.allowed_origins().to_vec()));
    }
    router.with_state(resource_server)
}

fn protected(route: &'static DemoRoute) -> MethodRouter<ResourceServer> {
    get(move |State(server): State<ResourceServer>, parts: Parts| async move {
        let token = server.authorize(&parts, &route.policies).await?;
        Ok::<_, Refusal>(Json(DemoAnswer {
            message: route.summary,
            route: &route.path,
            policies: route.policy_names().collect(),
            sub: token.principal().sub().to_owned(),
        }))
    })
}
