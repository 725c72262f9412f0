//! Handlers that name their policy, in a router with a state of its own.

use std::sync::{Arc, LazyLock};

use axum::{Json, Router, extract::FromRef, routing::get};
use doorward_policy::{Policy, RequiredPolicy};
use doorward_resource_server::{Authenticated, Authorized, ResourceServer};
use serde_json::{Value, json};

use crate::support::{Setup, TestClock, call, resource_server};

struct SalesAdmin;

impl RequiredPolicy for SalesAdmin {
    fn policies() -> &'static [Policy] {
        static POLICIES: LazyLock<[Policy; 2]> = LazyLock::new(|| {
            [Policy::require_role("admin"), Policy::require_claim("department", "Sales")]
        });
        &*POLICIES
    }
}

struct Writer;

impl RequiredPolicy for Writer {
    fn policies() -> &'static [Policy] {
        static POLICIES: LazyLock<[Policy; 2]> =
            LazyLock::new(|| [Policy::require_scope("write"), Policy::require_role("admin")]);
        &*POLICIES
    }
}

#[derive(Clone)]
struct AppState {
    server: ResourceServer,
}

impl FromRef<AppState> for ResourceServer {
    fn from_ref(state: &AppState) -> Self {
        state.server.clone()
    }
}

async fn sales_admin(auth: Authorized<SalesAdmin>) -> Json<Value> {
    Json(json!({ "sub": auth.principal().sub(), "client": auth.claims().client_id }))
}

async fn anyone(auth: Authenticated) -> Json<Value> {
    Json(json!({ "sub": auth.principal().sub(), "debug": format!("{auth:?}") }))
}

async fn write(_: Authorized<Writer>) {}

fn app(setup: &Setup) -> Router {
    let clock: Arc<TestClock> = Arc::clone(&setup.clock);
    Router::new()
        .route("/sales-admin", get(sales_admin))
        .route("/anyone", get(anyone))
        .route("/write", get(write))
        .with_state(AppState { server: resource_server(&setup.issuer.url, &clock, |_| ()) })
}

#[tokio::test]
async fn a_handler_gets_the_caller_that_its_policy_lets_in() {
    let setup = Setup::new().await;
    let app = app(&setup);
    let alice = setup.token();
    let answer = call(&app, "/sales-admin", Some(&alice)).await;
    assert_eq!(answer.body, json!({ "sub": "alice", "client": "PkceJS" }));

    let elsewhere = setup.token_with("department", json!("CRM"));
    let answer = call(&app, "/sales-admin", Some(&elsewhere)).await;
    assert_eq!((answer.status, &answer.body["reasons"]), (403, &json!(["needs department Sales"])));
    let answer = call(&app, "/anyone", Some(&elsewhere)).await;
    assert_eq!(answer.body["sub"], "alice");
    assert_eq!(answer.body["debug"], r#"Authorized { sub: "alice", .. }"#);
    assert_eq!(call(&app, "/anyone", None).await.status, 401);
}

#[tokio::test]
async fn missing_scope_is_named_in_the_challenge() {
    let setup = Setup::new().await;
    let app = app(&setup);
    let answer = call(&app, "/write", Some(&setup.token())).await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        answer.header("www-authenticate"),
        Some(
            r#"Bearer realm="MyBackendApi2", error="insufficient_scope", error_description="You may not call this: it needs scope write.", scope="write""#
        )
    );
    assert_eq!(answer.body["error"], "insufficient_scope");
    let granted = setup.token_with("scope", json!("openid write"));
    assert_eq!(call(&app, "/write", Some(&granted)).await.status, 200);
}
