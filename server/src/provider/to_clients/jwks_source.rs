//! Fetches the keys (`jwks_uri`) and request objects (`request_uri`) that clients publish: HTTP by
//! `reqwest`, without redirects, cookies and proxies.

use std::time::Duration;

use async_trait::async_trait;
use doorward_provider::keys::remote::{FetchError, JwksSource};
use reqwest::{Client, StatusCode};
use serde_json::{Map, Value};

use super::{body, client_builder, document_source::REQUEST_OBJECTS, reason};

/// Time limit for the whole answer: a request of the client waits for it.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// The longest answer; no real key set and no request object is longer.
const MAX_BYTES: usize = 64 * 1024;

/// Fetches key sets.
#[derive(Debug)]
pub struct HttpJwksSource(Client);

impl HttpJwksSource {
    /// Trusts these certification authorities (DER) beside the machine's. Fails if one of them
    /// can't be read.
    pub fn new(trusted: &[Vec<u8>]) -> Result<Self, reqwest::Error> {
        Ok(Self(client_builder(trusted)?.timeout(TIME_LIMIT).build()?))
    }
}

#[async_trait]
impl JwksSource for HttpJwksSource {
    async fn fetch(&self, uri: &str) -> Result<Map<String, Value>, FetchError> {
        let body = self.get(uri, "application/json").await?;
        serde_json::from_slice(&body)
            .map_err(|_| FetchError::NotThere("the answer is not a JSON object".to_owned()))
    }

    async fn fetch_request_object(&self, uri: &str) -> Result<String, FetchError> {
        let body = self.get(uri, REQUEST_OBJECTS).await?;
        String::from_utf8(body)
            .map_err(|_| FetchError::NotThere("the answer is not text".to_owned()))
    }
}

impl HttpJwksSource {
    /// What is at this address.
    async fn get(&self, uri: &str, accept: &str) -> Result<Vec<u8>, FetchError> {
        let failed = |error: reqwest::Error| FetchError::Away(reason(&error));
        let response = self.0.get(uri).header("accept", accept).send().await.map_err(failed)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::of_status(response.status().as_u16()));
        }
        Ok(body(response, MAX_BYTES).await?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::SocketAddr;

    use axum::{Json, Router, response::Redirect, routing::get};
    use serde_json::json;

    use super::*;

    async fn publisher() -> SocketAddr {
        let router = Router::new()
            .route("/jwks", get(|| async { Json(json!({"keys": []})) }))
            .route("/moved", get(|| async { Redirect::temporary("/jwks") }))
            .route("/long", get(|| async { " ".repeat(MAX_BYTES + 1) }))
            .route("/text", get(|| async { "no keys" }))
            .route("/list", get(|| async { Json(json!([])) }))
            .route("/missing", get(|| async { StatusCode::NOT_FOUND }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    #[tokio::test]
    async fn a_key_set_is_fetched_and_nothing_else_is_accepted() {
        let (address, source) = (publisher().await, HttpJwksSource::new(&[]).unwrap());
        let fetch = |path: &str| {
            let (uri, source) = (format!("http://{address}{path}"), &source);
            async move { source.fetch(&uri).await }
        };
        assert_eq!(Value::Object(fetch("/jwks").await.unwrap()), json!({"keys": []}));
        for (path, why) in [
            ("/moved", "307"),
            ("/long", "longer"),
            ("/text", "JSON"),
            ("/list", "JSON"),
            ("/missing", "404"),
        ] {
            let refused = fetch(path).await.unwrap_err();
            assert!(refused.to_string().contains(why), "{path}: {refused}");
        }
    }

    #[tokio::test]
    async fn a_request_object_is_fetched_as_text_with_the_same_care() {
        let (address, source) = (publisher().await, HttpJwksSource::new(&[]).unwrap());
        let fetch = |path: &str| {
            let (uri, source) = (format!("http://{address}{path}"), &source);
            async move { source.fetch_request_object(&uri).await }
        };
        assert_eq!(fetch("/text").await.unwrap(), "no keys");
        for (path, why) in [("/moved", "307"), ("/long", "longer"), ("/missing", "404")] {
            let refused = fetch(path).await.unwrap_err();
            assert!(refused.to_string().contains(why), "{path}: {refused}");
        }
    }

    #[tokio::test]
    async fn an_unreachable_source_is_an_error() {
        let nobody = test_ports::ReservedPort::new();
        let uri = format!("http://{}/", nobody.address());
        assert!(HttpJwksSource::new(&[]).unwrap().fetch(&uri).await.is_err());
    }
}
