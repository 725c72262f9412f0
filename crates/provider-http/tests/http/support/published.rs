//! The addresses where clients publish their keys, request objects and metadata.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use doorward_provider::keys::{
    document_source::{Document, DocumentSource},
    remote::{FetchError, JwksSource},
};
use serde_json::{Map, Value};

/// One answer for every address, until a test changes it, and the addresses that were asked.
#[derive(Debug, Default)]
pub struct Published(Mutex<(Option<Value>, Vec<String>)>);

impl Published {
    /// From now on this is what is published; `None`: nothing can be reached.
    pub fn publish(&self, content: Option<Value>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = content;
    }

    /// The addresses that were asked so far.
    pub fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }
}

#[async_trait]
impl JwksSource for Published {
    async fn fetch(&self, uri: &str) -> Result<Map<String, Value>, FetchError> {
        let mut published = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        published.1.push(uri.to_owned());
        match &published.0 {
            Some(Value::Object(jwks)) => Ok(jwks.clone()),
            _ => Err(FetchError::Away("nobody there".to_owned())),
        }
    }

    /// What is published is then a text.
    async fn fetch_request_object(&self, uri: &str) -> Result<String, FetchError> {
        let mut published = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        published.1.push(uri.to_owned());
        match &published.0 {
            Some(Value::String(text)) => Ok(text.clone()),
            _ => Err(FetchError::Away("nobody there".to_owned())),
        }
    }
}

/// Keeps what is published for five minutes.
#[async_trait]
impl DocumentSource for Published {
    async fn fetch(&self, uri: &str) -> Result<Document, FetchError> {
        let mut published = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        published.1.push(uri.to_owned());
        match &published.0 {
            Some(content) => Ok(Document { content: content.clone(), max_age: Some(300) }),
            None => Err(FetchError::Away("nobody there".to_owned())),
        }
    }

    async fn fetch_request_object(&self, uri: &str) -> Result<String, FetchError> {
        JwksSource::fetch_request_object(self, uri).await
    }
}
