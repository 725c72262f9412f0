//! `GET /.well-known/openid-configuration` and `GET /.well-known/oauth-authorization-server`.

use std::sync::{Arc, PoisonError, RwLock};

use axum::{extract::State, http::HeaderMap, response::Response};
use doorward_provider::Provider;

use crate::{http::json_document::JsonDocument, texts::LANGUAGES};

/// Path of the document under its OAuth 2.0 name (RFC 8414 section 3).
pub(crate) const OAUTH_METADATA_PATH: &str = "/.well-known/oauth-authorization-server";

/// The discovery document as last written, with the version of the clients that it was written for.
/// It lists what the clients may do, so it changes with them.
#[derive(Debug, Default)]
pub(crate) struct DiscoveryDocument(RwLock<Option<(i64, JsonDocument)>>);

impl DiscoveryDocument {
    fn current(&self, provider: &Provider) -> JsonDocument {
        let version = provider.clients().version();
        if let Some((written_for, document)) =
            &*self.0.read().unwrap_or_else(PoisonError::into_inner)
            && *written_for == version
        {
            return document.clone();
        }
        let mut metadata = provider.discovery().metadata();
        metadata.ui_locales_supported = LANGUAGES.map(|texts| texts.lang.to_owned()).into();
        // Strings and lists of strings can always be serialised.
        let text = serde_json::to_string(&metadata).unwrap_or_default();
        let document = JsonDocument::new(text.into());
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some((version, document.clone()));
        document
    }
}

pub(crate) async fn get(
    State(provider): State<Arc<Provider>>,
    State(document): State<Arc<DiscoveryDocument>>,
    headers: HeaderMap,
) -> Response {
    document.current(&provider).respond(&headers, "public, max-age=300")
}
