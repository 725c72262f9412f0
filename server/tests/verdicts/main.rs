//! The page says beforehand what the API will answer: for any caller and every route the two agree,
//! each from its own side. The page's side is `doorward_app::routes` with the user whom it keeps;
//! the API's is its real router, with signed tokens.
#![allow(clippy::unwrap_used)]

use axum::{Json, Router, body::Body, http::Request, routing::get};
use doorward_app::routes::{self, Verdict};
use doorward_demo::{
    self as demo,
    api::{self, Description},
};
use doorward_protocol::jose::SigningAlgorithm;
use doorward_provider::{keys::SigningKey, model::time::SystemClock};
use doorward_resource_server::{ResourceServer, ResourceServerSettings};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

const AUDIENCE: &str = "MyBackendApi2";

/// An issuer with its key, and the API that trusts it.
struct World {
    runtime: Runtime,
    issuer: String,
    key: SigningKey,
    api: Router,
}

impl World {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let pkcs8 = SigningKey::generate_pkcs8(SigningAlgorithm::Es256).unwrap();
        let key = SigningKey::from_pkcs8("key", SigningAlgorithm::Es256, &pkcs8).unwrap();
        let issuer = runtime.block_on(serve_issuer(key.public_jwk().clone()));
        let settings = ResourceServerSettings::new(&issuer, AUDIENCE);
        let description = Description::from(&settings);
        let api = api::router(ResourceServer::new(settings).unwrap(), &description);
        Self { runtime, issuer, key, api }
    }

    fn token(&self, about_the_caller: &Map<String, Value>) -> String {
        let now = now();
        let mut claims = about_the_caller.clone();
        let of_the_token = json!({
            "iss": self.issuer, "aud": AUDIENCE, "client_id": "PkceJS", "jti": "1", "iat": now,
            "exp": now + 3600,
        });
        claims.extend(of_the_token.as_object().unwrap().clone());
        self.key.sign("at+jwt", &claims).unwrap().into_exposed()
    }

    /// Status and reasons of the API's answer.
    fn call(&self, path: &str, token: &str) -> (u16, Vec<String>) {
        let request = Request::get(path).header("authorization", format!("Bearer {token}"));
        let request = request.body(Body::empty()).unwrap();
        self.runtime.block_on(async {
            let response = self.api.clone().oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            (status, serde_json::from_value(body["reasons"].clone()).unwrap_or_default())
        })
    }
}

fn now() -> i64 {
    use doorward_provider::model::time::Clock as _;
    SystemClock.now().seconds()
}

async fn serve_issuer(key: Value) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let discovery = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/jwks") });
    let keys = json!({ "keys": [key] });
    let router = Router::new()
        .route("/.well-known/openid-configuration", get(|| async { Json(discovery) }))
        .route("/jwks", get(|| async { Json(keys) }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    issuer
}

/// A claim as issuers write it, well or badly; `None`: absent.
fn claim(values: &'static [&'static str]) -> impl Strategy<Value = Option<Value>> {
    let word = prop::sample::select(values);
    let odd =
        prop::sample::select(vec![Value::Null, json!(7), json!(true), json!({"admin": "admin"})]);
    let item = prop_oneof![4 => word.clone().prop_map(Value::from), 1 => odd.clone()];
    prop_oneof![
        2 => Just(None),
        4 => word.prop_map(|word| Some(json!(word))),
        4 => prop::collection::vec(item, 0..4).prop_map(|list| Some(json!(list))),
        1 => odd.prop_map(Some),
    ]
}

/// What the claims say of a caller.
fn callers() -> impl Strategy<Value = Map<String, Value>> {
    let sub = prop::sample::select(vec!["alice", "jblin", "Jblin", "someone"]);
    let roles = claim(&["admin", "user", "sit", "Admin", "admin user", ""]);
    let departments = claim(&["Sales", "CRM", "IT", "sales"]);
    let emails = claim(&["jblin@xxx.com", "a@XXX.COM", "a@xxx.com.evil", "xxx.com", "@xxx.com"]);
    let verified = prop::sample::select(vec![None, Some(json!(true)), Some(json!("true"))]);
    let levels = claim(&["urn:doorward:acr:1", "urn:doorward:acr:2"]);
    // Far from the limit, so that time may pass between the two sides.
    let ages = prop::sample::select(vec![None, Some(0), Some(30), Some(600), Some(-600)]);
    let claims = (sub, roles, departments, emails, verified, levels, ages);
    claims.prop_map(|(sub, role, department, email, verified, acr, age)| {
        let claims = [
            ("sub", Some(json!(sub))),
            ("role", role),
            ("department", department),
            ("email", email),
            ("email_verified", verified),
            ("acr", acr),
            ("auth_time", age.map(|age| json!(now() - age))),
        ];
        claims.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    })
}

#[test]
fn the_pages_verdict_is_the_apis_answer() {
    let world = World::new();
    let mut runner =
        TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    let agreed = runner.run(&callers(), |caller| {
        let token = world.token(&caller);
        // The page is told something else by the ID token; the API sees the access token alone.
        let user = json!({
            "access_token": token, "token_type": "Bearer",
            "profile": { "sub": "x", "role": "admin" },
        });
        let user = serde_json::from_value(user).unwrap();
        let principal = routes::principal(&user);
        prop_assert!(principal.is_some());
        for route in demo::routes() {
            let expected = match routes::verdict(route, principal.as_ref(), now().unsigned_abs()) {
                Verdict::Allowed => (200, Vec::new()),
                Verdict::SignInAgain(reasons) => (401, reasons),
                Verdict::Denied(reasons) => (403, reasons),
                Verdict::SignInFirst => (401, Vec::new()),
            };
            prop_assert_eq!(world.call(&route.path, &token), expected, "{}", route.path);
        }
        Ok(())
    });
    agreed.unwrap();
}

#[test]
fn nobody_may_call_and_the_page_says_so() {
    let world = World::new();
    for route in demo::routes() {
        assert_eq!(routes::verdict(route, None, 0), Verdict::SignInFirst);
        assert_eq!(world.call(&route.path, "").0, 400, "a header without a token");
        assert_eq!(world.call(&route.path, "x").0, 401);
    }
}
