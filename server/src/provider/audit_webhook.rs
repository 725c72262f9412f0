//! Sends audit records to the operator's webhook, signed as Standard Webhooks describes it: the
//! headers `webhook-id`, `webhook-timestamp` and `webhook-signature`, and a body of JSON.

use std::time::Duration;

use async_trait::async_trait;
use doorward_provider::use_case::audit_trail::{AuditChannel, Batch, ChannelError, WebhookKey};
use reqwest::{Client, header::CONTENT_TYPE};
use serde_json::json;

use super::to_clients::{client_builder, reason};
use crate::config::WebhookConfig;

/// The longest wait for an answer.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The way to the webhook.
pub struct HttpAuditChannel {
    http: Client,
    url: String,
    key: WebhookKey,
}

impl HttpAuditChannel {
    /// Trusts these certification authorities (DER) beside the machine's. Fails if one of them
    /// can't be read.
    pub fn new(webhook: WebhookConfig, trusted: &[Vec<u8>]) -> Result<Self, reqwest::Error> {
        let http = client_builder(trusted)?.timeout(TIME_LIMIT).build()?;
        Ok(Self { http, url: webhook.url, key: webhook.key })
    }
}

#[async_trait]
impl AuditChannel for HttpAuditChannel {
    async fn send(&self, batch: &Batch) -> Result<(), ChannelError> {
        let body = json!({"type": "audit.records", "records": batch.records}).to_string();
        let request = self
            .http
            .post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &batch.id)
            .header("webhook-timestamp", batch.at.seconds())
            .header("webhook-signature", self.key.signature(&batch.id, batch.at, &body))
            .body(body);
        let answer = request.send().await.map_err(|error| ChannelError(reason(&error)))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        Err(ChannelError(format!("the webhook answered {}", status.as_u16())))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::{Router, http::HeaderMap, http::StatusCode, response::Redirect, routing::post};
    use doorward_protocol::secret::Secret;
    use doorward_provider::model::time::Timestamp;

    use super::*;

    fn key() -> WebhookKey {
        WebhookKey::parse(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap()
    }

    async fn send(path: &str) -> Result<(), ChannelError> {
        let takes = |headers: HeaderMap, body: String| async move {
            let (id, at) = ("audit-1-2", Timestamp::from_seconds(1_800_000_000));
            let is_signed = headers["webhook-id"] == id
                && headers["webhook-timestamp"] == "1800000000"
                && headers["webhook-signature"] == key().signature(id, at, &body);
            if is_signed { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
        };
        let router = Router::new()
            .route("/takes", post(takes))
            .route("/moved", post(|| async { Redirect::temporary("/takes") }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let webhook = WebhookConfig { url: format!("http://{address}{path}"), key: key() };
        let batch = Batch {
            id: "audit-1-2".to_owned(),
            at: Timestamp::from_seconds(1_800_000_000),
            records: vec![json!({"event": "signed_in"})],
        };
        HttpAuditChannel::new(webhook, &[]).unwrap().send(&batch).await
    }

    #[tokio::test]
    async fn records_arrive_signed() {
        assert_eq!(send("/takes").await, Ok(()));
    }

    #[tokio::test]
    async fn refusals_and_redirects_are_failures() {
        assert!(send("/moved").await.unwrap_err().0.contains("307"));
        assert!(send("/nowhere").await.unwrap_err().0.contains("404"));
    }
}
