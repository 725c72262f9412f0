//! What a check of another provider looks at: its metadata, its keys, and a request to it.

use doorward_protocol::{
    jwk::JwkSet,
    metadata::{OPENID_CONFIGURATION_PATH, ProviderMetadata},
};
use doorward_provider::use_case::upstream::{Examined, UpstreamClient, UpstreamRequest};
use reqwest::Client;
use serde::de::DeserializeOwned;

use super::requests::Requests;
use crate::{config::UpstreamConfig, provider::to_clients::body};

/// Longer answers are refused, in bytes.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// Where a provider says what it is, and what it must say.
#[derive(Debug, Clone)]
pub struct Examination {
    /// The issuer of its users.
    issuer: String,
    /// Where its metadata is.
    url: String,
    requests: Requests,
}

impl Examination {
    /// Of this provider.
    pub fn of(config: &UpstreamConfig, requests: &Requests) -> Self {
        let authority = config.settings.authority.trim_end_matches('/');
        let url = config.settings.metadata_url.clone();
        let url = url.unwrap_or_else(|| format!("{authority}{OPENID_CONFIGURATION_PATH}"));
        Self { issuer: config.issuer.clone(), url, requests: requests.clone() }
    }

    /// Looks at metadata and keys, and makes a request by its client.
    pub async fn run(&self, upstream: &dyn UpstreamClient) -> Vec<Examined> {
        let client = match self.requests.client() {
            Ok(client) => client,
            Err(error) => return vec![("requests", Err(error.to_string()))],
        };
        let url = &self.url;
        let metadata: ProviderMetadata = match self.fetch(&client, url).await {
            Ok(metadata) => metadata,
            Err(problem) => return vec![("discovery", Err(problem))],
        };
        let (named, issuer) = (&metadata.issuer, &self.issuer);
        let discovery = if named == issuer {
            Ok(format!("{url} names {named}"))
        } else {
            Err(format!("{url} names {named}, and the settings {issuer}: write it as there"))
        };
        let keys = self.keys(&client, &metadata).await;
        vec![("discovery", discovery), ("keys", keys), request(upstream).await]
    }

    async fn fetch<T: DeserializeOwned>(&self, client: &Client, url: &str) -> Result<T, String> {
        let answer = self.requests.get(client, url).await;
        let answer = answer.map_err(|problem| format!("{url}: {problem}"))?;
        let status = answer.status();
        let missing = || format!("{url} answers {status} without the document");
        let text = body(answer, LONGEST_ANSWER).await.map_err(|_| missing())?;
        serde_json::from_slice(&text).map_err(|_| missing())
    }

    async fn keys(&self, client: &Client, metadata: &ProviderMetadata) -> Result<String, String> {
        let url = metadata.jwks_uri.as_deref().ok_or("the metadata has no jwks_uri")?;
        let keys: JwkSet = self.fetch(client, url).await?;
        match keys.keys.len() {
            0 => Err(format!("{url} has no key")),
            count => Ok(format!("{count} at {url}")),
        }
    }
}

/// Makes an authorization request, as a sign-in does: issuer and endpoints are checked.
pub async fn request(upstream: &dyn UpstreamClient) -> Examined {
    let begun = upstream.begin(UpstreamRequest::default()).await;
    let outcome = begun.map_err(|error| error.to_string()).map(|begun| {
        let endpoint = begun.url.split('?').next().unwrap_or_default();
        format!("goes to {endpoint}")
    });
    ("authorization request", outcome)
}
