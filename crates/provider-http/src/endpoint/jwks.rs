//! `GET /.well-known/openid-configuration/jwks` (RFC 7517 section 5).

use std::sync::{Arc, PoisonError, RwLock};

use axum::{extract::State, http::HeaderMap, response::Response};
use doorward_provider::Provider;

use crate::http::json_document::JsonDocument;

/// The document as last written. It is written again when the keys have changed.
#[derive(Debug, Default)]
pub(crate) struct JwksDocument(RwLock<Option<Arc<JsonDocument>>>);

impl JwksDocument {
    fn current(&self, provider: &Provider) -> Arc<JsonDocument> {
        let jwks = provider.keys().jwks();
        let last = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        match last {
            Some(document) if document.is_made_from(&jwks) => document,
            _ => {
                let document = Arc::new(JsonDocument::new(jwks));
                *self.0.write().unwrap_or_else(PoisonError::into_inner) =
                    Some(Arc::clone(&document));
                document
            }
        }
    }
}

/// The document is fresh for five minutes only: a key is usually published long before it signs,
/// but a key that an operator makes by command signs soon.
pub(crate) async fn get(
    State(provider): State<Arc<Provider>>,
    State(jwks): State<Arc<JwksDocument>>,
    headers: HeaderMap,
) -> Response {
    jwks.current(&provider).respond(&headers, "public, max-age=300")
}
