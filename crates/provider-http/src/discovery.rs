//! `GET /.well-known/openid-configuration` and `GET /.well-known/oauth-authorization-server`.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use doorward_provider::Provider;

use crate::documents::Document;

/// Path of the document under its OAuth 2.0 name (RFC 8414 section 3).
pub(crate) const OAUTH_METADATA_PATH: &str = "/.well-known/oauth-authorization-server";

/// The discovery document, written once.
#[derive(Debug)]
pub(crate) struct DiscoveryDocument(Document);

impl DiscoveryDocument {
    pub(crate) fn new(provider: &Provider) -> Self {
        // Strings and lists of strings always serialise.
        let text = serde_json::to_string(&provider.metadata()).unwrap_or_default();
        Self(Document::new(text.into()))
    }
}

pub(crate) async fn get(State(document): State<Arc<DiscoveryDocument>>, headers: HeaderMap) -> Response {
    document.0.respond(&headers, "public, max-age=3600")
}
