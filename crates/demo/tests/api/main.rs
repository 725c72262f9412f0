//! The demo API through its real router, with an issuer that answers over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code)] // Some of it is only for the tests of the resource server.
#[path = "../../../resource-server/tests/api/support.rs"]
mod support;

mod openapi;
mod users;

use axum::Router;
use doorward_demo::api::{self, Description};
use doorward_resource_server::ExpiredStatus;

use support::{Setup, resource_server};

const ADMIN_ROUTE: &str = "/api/DemoPolicyBased/Admin/Get";

/// The demo API that trusts the issuer.
fn demo_api(setup: &Setup) -> Router {
    let issuer = setup.issuer.url.clone();
    let server = resource_server(&issuer, &setup.clock, |_| ());
    let expired_status = ExpiredStatus::default();
    api::router(server, &Description { issuer, expired_status })
}
