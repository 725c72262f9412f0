//! SCIM through its router, on a real store.

mod bad_input;
mod discovery;
mod entra;
mod lists;
mod okta;
mod ownership;
mod rights;
mod states;

use axum::body::{Body, to_bytes};
use doorward_provider::audit;
use doorward_resource_server::test_util::TestToken;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{ADDRESS, AGENT, Answer, SCIM, World};

/// The URN of users.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The URN of groups.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The URN of what employees have.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The URN of changes.
pub const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A request that is not sent yet.
pub struct Call<'a> {
    world: &'a World,
    request: http::request::Builder,
    body: Body,
}

impl World {
    /// A request of the client `entra`, as the path and query are written.
    pub fn scim(&self, method: &str, path: &str) -> Call<'_> {
        self.scim_of("entra", method, path)
    }

    /// A request of a client.
    pub fn scim_of(&self, client: &str, method: &str, path: &str) -> Call<'_> {
        self.scim_by(self.scim_token(client), method, path)
    }

    /// A request with this token.
    pub fn scim_by(&self, token: TestToken, method: &str, path: &str) -> Call<'_> {
        let call = self.scim_without(method, path);
        call.with("authorization", &format!("Bearer {}", token.sign()))
    }

    /// A request without a token.
    pub fn scim_without(&self, method: &str, path: &str) -> Call<'_> {
        let path = path.replace(' ', "%20").replace('"', "%22");
        let request = Request::builder().method(method).uri(format!("/scim/v2{path}"));
        Call { world: self, request, body: Body::empty() }
    }

    /// A token of a client that asks for itself.
    pub fn scim_token(&self, client: &str) -> TestToken {
        self.scim_issuer.token(client).claim("client_id", client).scope("scim")
    }

    /// Adds a user of this name; returns the resource.
    pub async fn provision(&self, name: &str) -> Value {
        let new = json!({"schemas": [USER], "userName": name, "active": true});
        let added = self.scim("POST", "/Users").json(&new).await;
        assert_eq!(added.status, 201, "{}", added.body);
        added.body
    }

    /// Changes a resource.
    pub async fn patch(&self, path: &str, operations: Value) -> Answer {
        let body = json!({"schemas": [PATCH], "Operations": operations});
        self.scim("PATCH", path).json(&body).await
    }

    /// How many resources a filter finds, with the answer.
    pub async fn found(&self, path: &str, filter: &str) -> (u64, Value) {
        let answer = self.scim("GET", &format!("{path}?filter={filter}")).send().await;
        assert_eq!(answer.status, 200, "{filter}: {}", answer.body);
        (answer.body["totalResults"].as_u64().unwrap(), answer.body)
    }
}

impl Call<'_> {
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub async fn json(self, body: &Value) -> Answer {
        self.raw("application/scim+json", body.to_string()).await
    }

    pub async fn raw(self, kind: &str, body: impl Into<Body>) -> Answer {
        let mut call = self.with("content-type", kind);
        call.body = body.into();
        call.send().await
    }

    pub async fn send(self) -> Answer {
        let request = self.request.body(self.body).unwrap();
        let context = audit::Request {
            id: Some("request-1".to_owned()),
            address: Some(ADDRESS.to_owned()),
            user_agent: Some(AGENT.to_owned()),
        };
        let answered = self.world.scim.clone().oneshot(request);
        let response = self.world.provider.audit().audited(context, answered).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 24).await.unwrap();
        let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if parts.status.is_client_error() || parts.status.is_server_error() {
            let schema = "urn:ietf:params:scim:api:messages:2.0:Error";
            assert_eq!(body["schemas"], json!([schema]), "{}", parts.status);
            assert_eq!(body["status"], json!(parts.status.as_str()));
            assert!(!body["detail"].as_str().unwrap().is_empty());
        }
        if !bytes.is_empty() {
            assert_eq!(parts.headers["content-type"], "application/scim+json");
        }
        assert_eq!(parts.headers["cache-control"], "no-store");
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text, body }
    }
}

/// Where a resource is below the endpoint.
pub fn path_of(resource: &Value) -> String {
    let location = resource["meta"]["location"].as_str().unwrap();
    location.strip_prefix(SCIM).unwrap().to_owned()
}

/// Refuses an answer that is not this error.
pub fn assert_error(answer: &Answer, status: u16, kind: &str, what: &str) {
    let found = (answer.status, answer.body["scimType"].as_str().unwrap_or_default());
    let expected = (StatusCode::from_u16(status).unwrap(), kind);
    assert_eq!(found, expected, "{what}: {}", answer.body);
}
