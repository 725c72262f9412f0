//! JSON documents that anyone may cache: discovery and keys (RFC 9110 section 8.8.3 for entity
//! tags, RFC 9111 for freshness).

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    },
    response::{IntoResponse, Response},
};
use doorward_protocol::base64url;
use sha2::{Digest as _, Sha256};

/// A document with its entity tag.
#[derive(Debug, Clone)]
pub(crate) struct JsonDocument {
    body: Bytes,
    etag: HeaderValue,
    /// The text that the document was made from, to notice a change.
    source: Arc<str>,
}

impl JsonDocument {
    pub(crate) fn new(source: Arc<str>) -> Self {
        let tag = format!("\"{}\"", base64url::encode(&Sha256::digest(source.as_bytes())[..12]));
        let etag = HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
        Self { body: Bytes::copy_from_slice(source.as_bytes()), etag, source }
    }

    pub(crate) fn is_made_from(&self, source: &Arc<str>) -> bool {
        Arc::ptr_eq(&self.source, source)
    }

    /// The document, or 304 if the request names its entity tag.
    pub(crate) fn respond(&self, request: &HeaderMap, cache_control: &'static str) -> Response {
        let headers =
            [(CACHE_CONTROL, HeaderValue::from_static(cache_control)), (ETAG, self.etag.clone())];
        if self.is_named_by(request) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        (headers, json, Body::from(self.body.clone())).into_response()
    }

    fn is_named_by(&self, request: &HeaderMap) -> bool {
        request
            .get_all(IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .any(|tag| {
                tag == "*" || tag.trim_start_matches("W/").as_bytes() == self.etag.as_bytes()
            })
    }
}
