//! The addresses where clients publish their keys.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use doorward_provider::keys::remote::{FetchError, JwksSource};
use serde_json::{Map, Value};

/// One answer for every address, until a test changes it, and the addresses that were asked.
#[derive(Debug, Default)]
pub struct Published(Mutex<(Option<Value>, Vec<String>)>);

impl Published {
    /// From now on this is what is published; `None`: nothing can be reached.
    pub fn publish(&self, jwks: Option<Value>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = jwks;
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
            _ => Err(FetchError("nobody there".to_owned())),
        }
    }
}
