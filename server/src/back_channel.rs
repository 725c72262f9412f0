//! The way of logout tokens to clients: HTTP by `reqwest`, without redirects, cookies and proxies.

use async_trait::async_trait;
use doorward_protocol::secret::Secret;
use doorward_provider::logout::back_channel::{BackChannel, DeliveryError};
use reqwest::{Certificate, Client, ClientBuilder, StatusCode, redirect};

/// Posts logout tokens. How long that may take is the caller's to say.
pub struct HttpBackChannel(Client);

impl HttpBackChannel {
    /// Trusts these certification authorities (DER) beside the machine's. Fails if certificates
    /// can't be read.
    pub fn new(trusted: &[Vec<u8>]) -> Result<Self, reqwest::Error> {
        Ok(Self(to_clients(trusted)?.build()?))
    }
}

/// What every way to clients is built from. A redirect would lead to an address that no operator
/// wrote down, perhaps inside this network.
pub fn to_clients(trusted: &[Vec<u8>]) -> Result<ClientBuilder, reqwest::Error> {
    let trusted: Result<Vec<_>, _> = trusted.iter().map(|der| Certificate::from_der(der)).collect();
    Ok(Client::builder().redirect(redirect::Policy::none()).no_proxy().tls_certs_merge(trusted?))
}

#[async_trait]
impl BackChannel for HttpBackChannel {
    async fn post(&self, uri: &str, logout_token: Secret) -> Result<(), DeliveryError> {
        let sent = self.0.post(uri).form(&[("logout_token", logout_token.expose())]).send().await;
        // The message of `reqwest` names the address, which is no secret, and never the body.
        let status = sent.map_err(|error| DeliveryError::Unreachable(reason(&error)))?.status();
        match status {
            StatusCode::OK | StatusCode::NO_CONTENT => Ok(()),
            other => Err(DeliveryError::Refused(other.as_u16())),
        }
    }
}

/// The last cause is the one that tells something: "connection refused".
pub fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::SocketAddr;

    use axum::{Router, http::header::CONTENT_TYPE, response::Redirect, routing::post};

    use super::*;

    async fn receiver(router: Router) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    async fn deliver(path: &str) -> Result<(), DeliveryError> {
        let takes = |headers: axum::http::HeaderMap, body: String| async move {
            let is_form = headers[CONTENT_TYPE] == "application/x-www-form-urlencoded";
            if is_form && body == "logout_token=a.b.c" {
                StatusCode::OK
            } else {
                StatusCode::BAD_REQUEST
            }
        };
        let router = Router::new()
            .route("/takes", post(takes))
            .route("/takes-silently", post(|| async { StatusCode::NO_CONTENT }))
            .route("/moved", post(|| async { Redirect::temporary("/takes") }))
            .route("/refuses", post(|| async { StatusCode::BAD_REQUEST }));
        let address = receiver(router).await;
        HttpBackChannel::new(&[])
            .unwrap()
            .post(&format!("http://{address}{path}"), Secret::new("a.b.c"))
            .await
    }

    #[tokio::test]
    async fn the_token_arrives_as_a_form() {
        assert_eq!(deliver("/takes").await, Ok(()));
        assert_eq!(deliver("/takes-silently").await, Ok(()));
    }

    #[tokio::test]
    async fn refusals_and_redirects_are_failures() {
        assert_eq!(deliver("/refuses").await, Err(DeliveryError::Refused(400)));
        assert_eq!(deliver("/moved").await, Err(DeliveryError::Refused(307)));
    }

    #[tokio::test]
    async fn nobody_there_is_a_failure_that_names_no_token() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let token = Secret::new("secret-token");
        let refused = HttpBackChannel::new(&[])
            .unwrap()
            .post(&format!("http://{address}/"), token)
            .await
            .unwrap_err();
        assert!(
            matches!(&refused, DeliveryError::Unreachable(cause) if !cause.contains("secret-token")),
            "{refused}"
        );
    }
}
