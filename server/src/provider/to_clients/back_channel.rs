//! Sends logout tokens to clients (OpenID Connect Back-Channel Logout 1.0 section 2.5): HTTP by
//! `reqwest`, without redirects, cookies and proxies.

use async_trait::async_trait;
use doorward_protocol::secret::Secret;
use doorward_provider::use_case::logout::back_channel::{BackChannel, DeliveryError};
use reqwest::{Client, StatusCode};

use super::{client_builder, reason};

/// Posts logout tokens. The caller sets the time limit.
pub struct HttpBackChannel(Client);

impl HttpBackChannel {
    /// Trusts these certification authorities (DER) beside the machine's. Fails if one of them
    /// can't be read.
    pub fn new(trusted: &[Vec<u8>]) -> Result<Self, reqwest::Error> {
        Ok(Self(client_builder(trusted)?.build()?))
    }
}

#[async_trait]
impl BackChannel for HttpBackChannel {
    async fn post(&self, uri: &str, logout_token: Secret) -> Result<(), DeliveryError> {
        let sent = self.0.post(uri).form(&[("logout_token", logout_token.expose())]).send().await;
        // The message of `reqwest` names the address, which is not secret, and never the body.
        let status = sent.map_err(|error| DeliveryError::Unreachable(reason(&error)))?.status();
        match status {
            StatusCode::OK | StatusCode::NO_CONTENT => Ok(()),
            other => Err(DeliveryError::Refused(other.as_u16())),
        }
    }
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
        let nobody = test_ports::ReservedPort::new();
        let token = Secret::new("secret-token");
        let refused = HttpBackChannel::new(&[])
            .unwrap()
            .post(&format!("http://{}/", nobody.address()), token)
            .await
            .unwrap_err();
        assert!(
            matches!(
                &refused,
                DeliveryError::Unreachable(cause) if !cause.contains("secret-token")
            ),
            "{refused}"
        );
    }
}
