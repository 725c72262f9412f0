//! Asking the issuer: its discovery document (OIDC Discovery section 4), the JWK set that this
//! names, and what it knows of a token (RFC 7662).

use std::time::Duration;

use doorward_protocol::{jwk::JwkSet, metadata::OPENID_CONFIGURATION_PATH};
use reqwest::{
    Certificate, Client, Response,
    header::{ACCEPT, RETRY_AFTER},
    redirect::Policy,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    IntrospectionSettings, KeySet, SettingsError,
    settings::{is_loopback, issuer_url},
};

/// Enough for hundreds of keys; more is not read.
const MAX_DOCUMENT_LENGTH: usize = 512 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Asks one issuer. It keeps nothing; see [`crate::KeyStore`].
#[derive(Debug)]
pub struct IssuerClient {
    issuer: String,
    discovery_url: Url,
    http: Client,
}

/// What an issuer publishes, as far as an API needs it.
#[derive(Debug)]
pub struct Published {
    /// The keys that sign its tokens.
    pub keys: KeySet,
    /// Where it can be asked about a token (RFC 8414 section 2). What is wrong with it matters only
    /// to who wants to ask.
    pub introspection_endpoint: Option<Result<Url, AddressError>>,
}

/// An address in the discovery document is no URL, or it leaves https.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the discovery document's {member} {found:?} is no URL that may be asked")]
pub struct AddressError {
    member: &'static str,
    found: String,
}

/// Why the issuer's answer could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No answer, or not in time.
    #[error("no answer from the issuer")]
    Http(#[from] reqwest::Error),
    /// An answer other than 200. Redirects are not followed: who can redirect could name keys of
    /// their own.
    #[error("{url} answered {status} instead of 200")]
    Status {
        /// What was fetched.
        url: String,
        /// The status.
        status: u16,
        /// After how long to ask again, where the answer gives it in seconds (RFC 9110 section
        /// 10.2.3).
        retry_after: Option<Duration>,
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
    /// An address in the discovery document can't be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Tokens are to be introspected, and nobody says where.
    #[error("the discovery document names no introspection_endpoint")]
    NoIntrospection,
    /// No key that checks signatures. The keys at hand are better than none.
    #[error("the issuer publishes no usable key")]
    NoKeys,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
    introspection_endpoint: Option<Value>,
}

impl FetchError {
    /// A short name, one of a few: for metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Http(_) => "no_answer",
            Self::Status { .. } => "status",
            Self::TooLong { .. } => "too_long",
            Self::Malformed { .. } => "malformed",
            Self::WrongIssuer { .. } => "wrong_issuer",
            Self::Address(_) => "address",
            Self::NoIntrospection => "no_introspection",
            Self::NoKeys => "no_keys",
        }
    }
}

impl IssuerClient {
    /// A client for the issuer, which must be an https URL, or http on a loopback address or where
    /// that is allowed. It waits for each answer as long as `patience` allows. Its certificate may
    /// also come from `trusted_roots` (X.509 in DER).
    pub fn new(
        issuer: impl Into<String>,
        allow_insecure: bool,
        patience: Duration,
        trusted_roots: &[Vec<u8>],
    ) -> Result<Self, SettingsError> {
        let issuer = issuer.into();
        let url = issuer_url(&issuer, allow_insecure)?;
        let discovery_url = format!("{}{OPENID_CONFIGURATION_PATH}", issuer.trim_end_matches('/'));
        let discovery_url =
            Url::parse(&discovery_url).map_err(|_| SettingsError::Issuer(issuer.clone()))?;
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(patience)
            .redirect(Policy::none());
        if is_loopback(&url) {
            // A proxy elsewhere can't reach this machine's own addresses.
            builder = builder.no_proxy();
        }
        let failed = |error: reqwest::Error| SettingsError::HttpClient(error.to_string());
        let roots = trusted_roots
            .iter()
            .map(|der| Certificate::from_der(der))
            .collect::<Result<Vec<_>, _>>();
        let http = builder.tls_certs_merge(roots.map_err(failed)?).build().map_err(failed)?;
        Ok(Self { issuer, discovery_url, http })
    }

    /// The issuer identifier.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Fetches the discovery document and the keys.
    pub async fn fetch(&self) -> Result<Published, FetchError> {
        let discovery: Discovery = self.get(self.discovery_url.clone()).await?;
        if discovery.issuer != self.issuer {
            return Err(FetchError::WrongIssuer { found: discovery.issuer });
        }
        let jwks_uri = self.checked("jwks_uri", discovery.jwks_uri)?;
        let introspection_endpoint = discovery.introspection_endpoint.map(|found| match found {
            Value::String(url) => self.checked("introspection_endpoint", url),
            other => {
                Err(AddressError { member: "introspection_endpoint", found: other.to_string() })
            }
        });
        let keys = KeySet::new(self.get::<JwkSet>(jwks_uri).await?);
        if keys.is_empty() {
            return Err(FetchError::NoKeys);
        }
        Ok(Published { keys, introspection_endpoint })
    }

    /// Asks what the issuer knows of a token (RFC 7662 section 2); the API proves who it is by its
    /// secret.
    pub async fn introspect(
        &self,
        endpoint: Url,
        credentials: &IntrospectionSettings,
        token: &str,
    ) -> Result<Map<String, Value>, FetchError> {
        // Both are form-encoded before they are put together (RFC 6749 section 2.3.1).
        let encoded =
            |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let request = self
            .http
            .post(endpoint.clone())
            .header(ACCEPT, "application/json")
            .basic_auth(encoded(&credentials.client_id), Some(encoded(credentials.secret.expose())))
            .form(&[("token", token), ("token_type_hint", "access_token")]);
        read_json(request.send().await?, endpoint).await
    }

    /// An issuer on https must not send us to plain http for its keys, or with our secret.
    fn checked(&self, member: &'static str, found: String) -> Result<Url, AddressError> {
        match Url::parse(&found) {
            Ok(url) if url.scheme() == "https" => Ok(url),
            Ok(url) if url.scheme() == "http" && self.discovery_url.scheme() == "http" => Ok(url),
            _ => Err(AddressError { member, found }),
        }
    }

    async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T, FetchError> {
        let request = self.http.get(url.clone()).header(ACCEPT, "application/json");
        read_json(request.send().await?, url).await
    }
}

async fn read_json<T: DeserializeOwned>(response: Response, url: Url) -> Result<T, FetchError> {
    if response.status() != http::StatusCode::OK {
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        return Err(FetchError::Status {
            url: url.into(),
            status: response.status().as_u16(),
            retry_after: retry_after.map(Duration::from_secs),
        });
    }
    let body = read_limited(response, &url).await?;
    serde_json::from_slice(&body).map_err(|_| FetchError::Malformed { url: url.into() })
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
