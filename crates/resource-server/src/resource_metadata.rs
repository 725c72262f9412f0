//! The document about an API (RFC 9728): which issuers it trusts, and which scopes there are. A
//! client that knows nothing but the API's URL finds its way from there, as agents do (MCP
//! authorization).

use axum::{
    Router,
    http::{
        HeaderValue, Method,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    routing::get,
};
use doorward_protocol::{dpop, host};
use serde_json::{Map, Value, json};
use tower_http::cors::{Any, CorsLayer};
use url::Url;

use crate::{ResourceServer, SettingsError};

/// The well-known part of the document's address (RFC 9728 section 3).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The document about an API.
///
/// ```
/// use axum::{Router, routing::get};
/// use doorward_resource_server::{
///     Authenticated, ResourceMetadata, ResourceServer, ResourceServerSettings,
/// };
///
/// # async fn hello(caller: Authenticated) -> String { caller.principal().sub().to_owned() }
/// # fn app() -> Result<Router, Box<dyn std::error::Error>> {
/// // The identifier of the API is its URL, and so is the audience of its tokens.
/// let url = "https://api.example.com/mcp";
/// let settings = ResourceServerSettings::new("https://id.example.com", url);
/// let metadata = ResourceMetadata::new(url)?.with_scopes(["notes"]).with_name("Notes");
/// let server = ResourceServer::new(settings)?.with_metadata(&metadata);
/// let app = Router::new()
///     .route("/mcp", get(hello))
///     .with_state(server.clone())
///     .merge(metadata.routes(&server));
/// # Ok(app)
/// # }
/// # assert!(app().is_ok());
/// ```
#[derive(Debug, Clone)]
pub struct ResourceMetadata {
    resource: String,
    url: String,
    path: String,
    scopes: Vec<String>,
    name: Option<String>,
    documentation: Option<String>,
}

impl ResourceMetadata {
    /// The document about the API with this identifier: its URL, `https` or `http` on this machine,
    /// without query and fragment (section 1.2).
    ///
    /// # Errors
    /// The URL is another one.
    pub fn new(resource: &str) -> Result<Self, SettingsError> {
        let url = Url::parse(resource).ok().filter(is_identifier);
        let url = url.ok_or_else(|| SettingsError::Resource(resource.to_owned()))?;
        // Section 3.1: the well-known part comes before the path, and a slash at the end of an
        // origin is none.
        let below = url.path().trim_end_matches('/');
        let path = format!("{WELL_KNOWN}{below}");
        Ok(Self {
            resource: resource.to_owned(),
            url: format!("{}{path}", url.origin().ascii_serialization()),
            path,
            scopes: Vec::new(),
            name: None,
            documentation: None,
        })
    }

    /// The scopes that a client may ask for to call the API (`scopes_supported`).
    #[must_use]
    pub fn with_scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// What users call the API (`resource_name`).
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The address of a page for developers (`resource_documentation`).
    #[must_use]
    pub fn with_documentation(mut self, url: impl Into<String>) -> Self {
        self.documentation = Some(url.into());
        self
    }

    /// The address of the document.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The document, for the issuers of this API.
    pub fn document(&self, server: &ResourceServer) -> Map<String, Value> {
        let mut members = Map::new();
        let mut insert = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
        insert("resource", json!(self.resource));
        insert("authorization_servers", json!(server.issuers()));
        insert("bearer_methods_supported", json!(["header"]));
        if !self.scopes.is_empty() {
            insert("scopes_supported", json!(self.scopes));
        }
        if server.takes_proofs() {
            insert("dpop_signing_alg_values_supported", json!(dpop::ALGORITHMS));
        }
        if let Some(name) = &self.name {
            insert("resource_name", json!(name));
        }
        if let Some(url) = &self.documentation {
            insert("resource_documentation", json!(url));
        }
        members
    }

    /// The route that serves the document to everybody, pages of other origins included. It belongs
    /// to the root of the API's origin.
    pub fn routes(&self, server: &ResourceServer) -> Router {
        let body = Value::Object(self.document(server)).to_string();
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
        ];
        // A client may send headers of its own, such as `MCP-Protocol-Version`.
        let cors =
            CorsLayer::new().allow_origin(Any).allow_methods([Method::GET]).allow_headers(Any);
        let document = get(move || async move { (headers, body) }).layer(cors);
        Router::new().route(&self.path, document)
    }
}

fn is_identifier(url: &Url) -> bool {
    let is_safe = url.scheme() == "https" || url.scheme() == "http" && host::is_loopback(url);
    let has_user = !url.username().is_empty() || url.password().is_some();
    is_safe && url.query().is_none() && url.fragment().is_none() && !has_user
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 9728 section 3.1.
    #[test]
    fn the_well_known_part_comes_before_the_path() {
        for (resource, url) in [
            (
                "https://api.example.com",
                "https://api.example.com/.well-known/oauth-protected-resource",
            ),
            (
                "https://api.example.com/",
                "https://api.example.com/.well-known/oauth-protected-resource",
            ),
            (
                "https://api.example.com:8443/v1/mcp",
                "https://api.example.com:8443/.well-known/oauth-protected-resource/v1/mcp",
            ),
        ] {
            assert_eq!(ResourceMetadata::new(resource).unwrap().url(), url);
        }
    }

    #[test]
    fn an_identifier_is_the_plain_url_of_the_api() {
        for other in [
            "orders-api",
            "http://api.example.com/mcp",
            "https://api.example.com/mcp?x=1",
            "https://api.example.com/mcp#x",
            "https://user@api.example.com/mcp",
            "https://:password@api.example.com/mcp",
        ] {
            assert!(ResourceMetadata::new(other).is_err(), "{other}");
        }
        assert!(ResourceMetadata::new("http://localhost:7001/mcp").is_ok());
    }
}
