//! Handlers that name their policy, in a router with a state of its own.

use std::{
    pin::Pin,
    sync::{Arc, LazyLock},
};

use axum::{
    Json, Router,
    extract::{FromRef, Path},
    http::request::Parts,
    middleware::map_response,
    response::{IntoResponse as _, Response},
    routing::get,
};
use doorward_policy::{Decision, Policy, Principal, RequiredPolicy, ResourcePolicy as _};
use doorward_resource_server::{
    AccessToken, Authenticated, Authorized, Refusal, RequestPolicy, ResourceServer, require,
};
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
        Some(concat!(
            r#"Bearer realm="MyBackendApi2", error="insufficient_scope", "#,
            r#"error_description="You may not call this: it needs scope write.", scope="write""#
        ))
    );
    assert_eq!(answer.body["error"], "insufficient_scope");
    let granted = setup.token_with("scope", json!("openid write"));
    assert_eq!(call(&app, "/write", Some(&granted)).await.status, 200);
}

/// The scope that the call needs, not only what is missing: a client that asks for exactly this
/// scope then has all of it.
#[tokio::test]
async fn a_challenge_names_all_the_scope_that_the_call_needs() {
    struct ReadWrite;
    impl RequiredPolicy for ReadWrite {
        fn policies() -> &'static [Policy] {
            static POLICIES: LazyLock<[Policy; 2]> = LazyLock::new(|| {
                [Policy::require_scope("orders.read"), Policy::require_scope("orders.write")]
            });
            &*POLICIES
        }
    }
    async fn handler(_: Authorized<ReadWrite>) {}
    let setup = Setup::new().await;
    let server = resource_server(&setup.issuer.url, &setup.clock, |_| ());
    let app = Router::new().route("/", get(handler)).with_state(server);
    let answer = call(&app, "/", None).await;
    assert_eq!(
        answer.header("www-authenticate"),
        Some(r#"Bearer realm="MyBackendApi2", scope="orders.read orders.write""#)
    );
    let answer = call(&app, "/", Some(&setup.token_with("scope", json!("orders.read")))).await;
    assert_eq!(answer.body["reasons"], json!(["needs scope orders.write"]));
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.ends_with(r#"scope="orders.read orders.write""#), "{challenge}");
}

#[tokio::test]
async fn a_caller_may_be_optional_but_a_bad_token_is_still_refused() {
    async fn greet(caller: Option<Authorized<SalesAdmin>>) -> Json<Value> {
        Json(json!(caller.map(|caller| caller.principal().sub().to_owned())))
    }
    let setup = Setup::new().await;
    let server = resource_server(&setup.issuer.url, &setup.clock, |_| ());
    let app = Router::new().route("/", get(greet)).with_state(server);
    let anyone = call(&app, "/", None).await;
    assert_eq!((anyone.status, anyone.body), (200, json!(null)));
    assert_eq!(call(&app, "/", Some(&setup.token())).await.body, json!("alice"));
    assert_eq!(call(&app, "/", Some(&setup.token_with("exp", json!(1)))).await.status, 401);
    // Without the API's URL no DPoP token is accepted; the caller is not taken for anonymous.
    let bound = crate::dpop::request("/", "DPoP", &setup.token(), &[]);
    assert_eq!(crate::support::send(&app, bound).await.status, 401);
    assert_eq!(call(&app, "/", Some(&setup.token_with("role", json!("x")))).await.status, 403);
}

#[tokio::test]
async fn a_handler_decides_about_what_it_has_loaded() {
    async fn order(caller: Authenticated, Path(owner): Path<String>) -> Result<String, Refusal> {
        let is_owner = |caller: &Principal, owner: &String| {
            Decision::allow_if(caller.sub() == owner, "to own the order")
        };
        caller.require(is_owner.decide(caller.principal(), &owner))?;
        Ok(owner)
    }
    let setup = Setup::new().await;
    let server = resource_server(&setup.issuer.url, &setup.clock, |_| ());
    let app = Router::new().route("/{owner}", get(order)).with_state(server);
    let token = setup.token();
    assert_eq!(call(&app, "/alice", Some(&token)).await.status, 200);
    let answer = call(&app, "/bob", Some(&token)).await;
    assert_eq!((answer.status, &answer.body["reasons"]), (403, &json!(["needs to own the order"])));
}

/// A revoked token, or a user who is not enabled any more.
#[tokio::test]
async fn a_request_policy_is_asked_about_every_request() {
    struct NotRevoked;
    impl RequestPolicy for NotRevoked {
        fn decide<'a>(
            &'a self,
            token: &'a AccessToken,
            request: &'a Parts,
        ) -> Pin<Box<dyn Future<Output = Decision> + Send + 'a>> {
            Box::pin(async move {
                tokio::task::yield_now().await;
                let good = token.claims().jti.as_deref() != Some("revoked");
                Decision::allow_if(good || request.uri.path() == "/open", "a token that counts")
            })
        }
    }
    let setup = Setup::new().await;
    let server = resource_server(&setup.issuer.url, &setup.clock, |_| ());
    let app = Router::new()
        .route("/anyone", get(anyone))
        .route("/open", get(anyone))
        .with_state(server.clone().with_request_policy(NotRevoked));
    let without = Router::new().route("/anyone", get(anyone)).with_state(server);
    let revoked = setup.token_with("jti", json!("revoked"));
    assert_eq!(call(&app, "/anyone", Some(&setup.token())).await.status, 200);
    let answer = call(&app, "/anyone", Some(&revoked)).await;
    assert_eq!((answer.status, &answer.body["error"]), (403, &json!("access_denied")));
    assert_eq!(call(&app, "/open", Some(&revoked)).await.status, 200);
    assert_eq!(call(&without, "/anyone", Some(&revoked)).await.status, 200);
}

async fn mark(response: Response) -> Response {
    let refused = response.extensions().get::<Refusal>().map(|it| it.cause().name());
    ([("x-refused", refused.unwrap_or("no"))], response).into_response()
}

#[tokio::test]
async fn refusals_can_be_answered_in_another_way() {
    let setup = Setup::new().await;
    let server = resource_server(&setup.issuer.url, &setup.clock, |_| ());
    let own = server.clone().with_refusal_response(|refusal| {
        let body = Json(json!({ "own": refusal.cause().name() }));
        (refusal.status(), refusal.headers(), body).into_response()
    });
    let app = Router::new()
        .route("/extractor", get(anyone))
        .route("/layer", get(|| async {}).layer(require::<SalesAdmin>(&own)))
        .with_state(own);
    for path in ["/extractor", "/layer"] {
        let answer = call(&app, path, None).await;
        assert_eq!((answer.status, &answer.body["own"]), (401, &json!("no_credentials")), "{path}");
        assert!(answer.header("www-authenticate").is_some());
    }
    // A layer around a router finds the refusal in the response.
    let app =
        Router::new().route("/anyone", get(anyone)).layer(map_response(mark)).with_state(server);
    assert_eq!(call(&app, "/anyone", None).await.header("x-refused"), Some("no_credentials"));
    assert_eq!(call(&app, "/anyone", Some(&setup.token())).await.header("x-refused"), Some("no"));
}

#[tokio::test]
async fn reasons_can_be_kept_from_callers() {
    let setup = Setup::with_settings(|settings| settings.hides_reasons = true).await;
    let answer = setup.call(&setup.token_with("role", json!("user"))).await;
    let expected =
        json!({ "error": "access_denied", "error_description": "You may not call this." });
    assert_eq!((answer.status, answer.body), (403, expected));
}
