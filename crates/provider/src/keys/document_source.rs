//! What strangers publish at addresses that they name themselves: metadata documents, lists of
//! redirect URIs (`sector_identifier_uri`), and key sets and request objects of clients that no
//! operator wrote down.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::remote::{FetchError, JwksSource};

/// A JSON document from such an address.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its content.
    pub content: Value,
    /// For how many seconds its publisher lets it be kept (RFC 9111 section 5.2.2.1), if that is
    /// said.
    pub max_age: Option<u32>,
}

/// The way to such documents: HTTP. Anybody can name any address here. So an implementation asks no
/// address inside the network, unless the operator allows it; it connects to the very address that
/// it checked, follows no redirects, and bounds time and size.
#[async_trait]
pub trait DocumentSource: Send + Sync + fmt::Debug + 'static {
    /// Fetches a document.
    async fn fetch(&self, uri: &str) -> Result<Document, FetchError>;
    /// Fetches a request object, as text. An implementation need not offer it.
    async fn fetch_request_object(&self, _uri: &str) -> Result<String, FetchError> {
        Err(FetchError::Away("request objects are not fetched".to_owned()))
    }
}

/// Fetches key sets and request objects from there.
#[derive(Debug)]
pub(crate) struct KeysOfStrangers(pub(crate) Arc<dyn DocumentSource>);

#[async_trait]
impl JwksSource for KeysOfStrangers {
    async fn fetch(&self, uri: &str) -> Result<Map<String, Value>, FetchError> {
        match self.0.fetch(uri).await?.content {
            Value::Object(members) => Ok(members),
            _ => Err(FetchError::NotThere("the answer is not a JSON object".to_owned())),
        }
    }

    async fn fetch_request_object(&self, uri: &str) -> Result<String, FetchError> {
        self.0.fetch_request_object(uri).await
    }
}
