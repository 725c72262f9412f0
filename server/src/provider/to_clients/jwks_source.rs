//! Fetches the keys that clients publish (`jwks_uri`): HTTP by `reqwest`, without redirects,
//! cookies and proxies.

use std::time::Duration;

use async_trait::async_trait;
use doorward_provider::keys::remote::{FetchError, JwksSource};
use reqwest::{Client, StatusCode};
use serde_json::{Map, Value};

use super::{client_builder, reason};

/// Time limit for the whole answer: a request of the client waits for it.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// The longest answer; no real key set is longer.
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
        let failed = |error: reqwest::Error| FetchError(reason(&error));
        let mut response =
            self.0.get(uri).header("accept", "application/json").send().await.map_err(failed)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError(format!(
                "the answer has status {}",
                response.status().as_u16()
            )));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(FetchError(format!("the answer is longer than {MAX_BYTES} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body)
            .map_err(|_| FetchError("the answer is not a JSON object".to_owned()))
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
    async fn an_unreachable_source_is_an_error() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert!(
            HttpJwksSource::new(&[]).unwrap().fetch(&format!("http://{address}/")).await.is_err()
        );
    }
}
