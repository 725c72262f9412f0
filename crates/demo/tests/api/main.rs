//! The demo API through its real router, with tokens of an issuer that exists in the test only.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod openapi;
mod users;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, header::AUTHORIZATION},
};
use doorward_demo::api::{self, Description};
use doorward_resource_server::test_util::{TestIssuer, TestToken};
use serde_json::{Value, json};
use tower::ServiceExt as _;

const AUDIENCE: &str = "MyBackendApi2";
const ADMIN_ROUTE: &str = "/api/DemoPolicyBased/Admin/Get";

/// The demo API, and the issuer that it trusts.
struct Setup {
    issuer: TestIssuer,
    api: Router,
}

impl Setup {
    fn new() -> Self {
        let issuer = TestIssuer::new(AUDIENCE);
        let description = Description::from(&issuer.settings());
        Self { api: api::router(issuer.resource_server(), &description), issuer }
    }

    fn token(&self, sub: &str, claims: &Value) -> TestToken {
        let claims = claims.as_object().unwrap().iter();
        claims.fold(self.issuer.token(sub), |token, (name, value)| token.claim(name, value.clone()))
    }

    async fn call(&self, path: &str, token: Option<&str>) -> Answer {
        let mut request = Request::get(path);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Body::empty()).unwrap();
        let (parts, body) = self.api.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        }
    }
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

/// The claims of alice, an administrator in the Sales department.
fn alice() -> Value {
    json!({ "role": "admin", "department": "Sales", "email": "alice@example.com" })
}
