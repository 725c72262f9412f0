//! Fetching the issuer's keys: the discovery document (OIDC Discovery section 4) and the JWK set that it names.

use std::time::Duration;

use doorward_protocol::{jwk::JwkSet, metadata::OPENID_CONFIGURATION_PATH};
use reqwest::{Client, Response, header::ACCEPT, redirect::Policy};
use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use crate::{
    KeySet, SettingsError,
    settings::{is_loopback, issuer_url},
};

/// Enough for hundreds of keys; more is not read.
const MAX_DOCUMENT_LENGTH: usize = 512 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Fetches from one issuer. It keeps nothing; see [`crate::KeyStore`].
#[derive(Debug)]
pub struct IssuerClient {
    issuer: String,
    discovery_url: Url,
    http: Client,
}

/// Why the keys could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No answer, or not in time.
    #[error("no answer from the issuer")]
    Http(#[from] reqwest::Error),
    /// An answer other than 200. Redirects are not followed: who can redirect could name keys of their own.
    #[error("{url} answered {status} instead of 200")]
    Status {
        /// What was fetched.
        url: String,
        /// The status.
        status: u16,
    },
    /// Longer than 512 KiB.
    #[error("{url} is longer than {MAX_DOCUMENT_LENGTH} bytes")]
    TooLong {
        /// What was fetched.
        url: String,
    },
    /// Not the JSON that was expected.
    #[error("{url} is not the expected JSON document")]
    Malformed {
        /// What was fetched.
        url: String,
    },
    /// The document speaks for another issuer (OIDC Discovery section 4.3).
    #[error("the discovery document speaks for {found:?}, not for the configured issuer")]
    WrongIssuer {
        /// The issuer in the document.
        found: String,
    },
    /// `jwks_uri` is not a URL, or it leaves https.
    #[error("the discovery document's jwks_uri {0:?} is no URL that keys may be fetched from")]
    JwksUri(String),
    /// No key that checks signatures. The keys at hand are better than none.
    #[error("the issuer publishes no usable key")]
    NoKeys,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl IssuerClient {
    /// A client for the issuer, which must be an https URL, or http on a loopback address or where that is allowed.
    pub fn new(issuer: impl Into<String>, allow_insecure: bool) -> Result<Self, SettingsError> {
        let issuer = issuer.into();
        let url = issuer_url(&issuer, allow_insecure)?;
        let discovery_url = format!("{}{OPENID_CONFIGURATION_PATH}", issuer.trim_end_matches('/'));
        let discovery_url = Url::parse(&discovery_url).map_err(|_| SettingsError::Issuer(issuer.clone()))?;
        let mut builder =
            Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(REQUEST_TIMEOUT).redirect(Policy::none());
        if is_loopback(&url) {
            // A proxy elsewhere can't reach this machine's own addresses.
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| SettingsError::HttpClient(error.to_string()))?;
        Ok(Self { issuer, discovery_url, http })
    }

    /// The issuer identifier.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Fetches the discovery document and the keys.
    pub async fn fetch_keys(&self) -> Result<KeySet, FetchError> {
        let discovery: Discovery = self.fetch(self.discovery_url.clone()).await?;
        if discovery.issuer != self.issuer {
            return Err(FetchError::WrongIssuer { found: discovery.issuer });
        }
        let jwks_uri = self.checked_jwks_uri(discovery.jwks_uri)?;
        let keys = KeySet::new(self.fetch::<JwkSet>(jwks_uri).await?);
        if keys.is_empty() {
            return Err(FetchError::NoKeys);
        }
        Ok(keys)
    }

    /// An issuer on https must not send us to plain http for its keys.
    fn checked_jwks_uri(&self, jwks_uri: String) -> Result<Url, FetchError> {
        match Url::parse(&jwks_uri) {
            Ok(url) if url.scheme() == "https" => Ok(url),
            Ok(url) if url.scheme() == "http" && self.discovery_url.scheme() == "http" => Ok(url),
            _ => Err(FetchError::JwksUri(jwks_uri)),
        }
    }

    async fn fetch<T: DeserializeOwned>(&self, url: Url) -> Result<T, FetchError> {
        let request = self.http.get(url.clone()).header(ACCEPT, "application/json");
        let response = request.send().await?;
        if response.status() != http::StatusCode::OK {
            return Err(FetchError::Status { status: response.status().as_u16(), url: url.into() });
        }
        let body = read_limited(response, &url).await?;
        serde_json::from_slice(&body).map_err(|_| FetchError::Malformed { url: url.into() })
    }
}

/// Reads the body up to the limit, whatever `Content-Length` says.
async fn read_limited(mut response: Response, url: &Url) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_DOCUMENT_LENGTH {
            return Err(FetchError::TooLong { url: url.to_string() });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
