//! Requests to the issuer: its metadata (OIDC Discovery section 4, RFC 8414), its keys, and what it
//! knows of a token (RFC 7662).

use std::time::Duration;

use doorward_protocol::{
    host::is_loopback, jose::SigningAlgorithm, jwk::JwkSet, metadata::OPENID_CONFIGURATION_PATH,
};
use reqwest::{
    Certificate, Client, Response,
    header::{ACCEPT, RETRY_AFTER},
    redirect::Policy,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use url::{Position, Url};

use crate::{
    IntrospectionSettings, KeySource, ResourceServerSettings, SettingsError, TrustedIssuer,
    key_set::KeySet,
    settings::{checked_algorithms, endpoint_url, issuer_url},
};

/// Enough for hundreds of keys. Longer documents are refused.
const MAX_DOCUMENT_LENGTH: usize = 512 * 1024;
/// The media type of a signed answer about a token (RFC 9701 section 4).
const SIGNED_ANSWER: &str = "application/token-introspection+jwt";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The well-known path of RFC 8414 section 3, which goes before the issuer's own path.
const AUTHORIZATION_SERVER_PATH: &str = "/.well-known/oauth-authorization-server";

/// Sends requests to one issuer. It keeps no answers; see [`crate::key_store::KeyStore`].
#[derive(Debug)]
pub(crate) struct IssuerClient {
    issuer: String,
    keys: KeySource,
    algorithms: Vec<SigningAlgorithm>,
    /// Where the issuer is reached: its identifier, or another address.
    base: Url,
    /// What `base` stands for, if that is not the identifier itself.
    replaces: Option<Url>,
    introspection: Introspects,
    http: Client,
}

/// Whether and where tokens are introspected.
#[derive(Debug, Clone, PartialEq)]
enum Introspects {
    Never,
    /// Where the metadata says.
    Discovered,
    At(Url),
}

/// What an issuer publishes, as far as an API needs it.
#[derive(Debug)]
pub(crate) struct Published {
    /// The keys that sign its tokens.
    pub(crate) keys: KeySet,
    /// Where it answers questions about tokens (RFC 8414 section 2). An unusable address matters
    /// only when a question is to be asked.
    pub(crate) introspection_endpoint: Option<Result<Url, AddressError>>,
}

/// An address in the metadata is not a URL, or it leaves https.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the metadata's {member} {found:?} is not a URL that may be used")]
pub(crate) struct AddressError {
    member: &'static str,
    found: String,
}

/// Why the issuer gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IssuerError {
    /// No answer, or not in time.
    #[error("no answer from the issuer")]
    Http(#[from] reqwest::Error),
    /// An answer other than 200. Redirects are not followed, because they could lead to the keys of
    /// somebody else.
    #[error("{url} answered {status} instead of 200")]
    Status {
        url: String,
        status: u16,
        /// When to ask again, if the answer says so in seconds (RFC 9110 section 10.2.3).
        retry_after: Option<Duration>,
    },
    /// Longer than 512 KiB.
    #[error("{url} is longer than {MAX_DOCUMENT_LENGTH} bytes")]
    TooLong { url: String },
    /// The answer is not a token that the issuer signed for this API (RFC 9701).
    #[error("{url} gave no answer that is signed for this API: {problem}")]
    Unsigned { url: String, problem: &'static str },
    /// Not the expected JSON.
    #[error("{url} is not the expected JSON document")]
    Malformed { url: String },
    /// The metadata is another issuer's (OIDC Discovery section 4.3, RFC 8414 section 3.3).
    #[error("the metadata is that of {found:?}, not of the configured issuer")]
    WrongIssuer { found: String },
    /// An address in the metadata can't be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The metadata names no keys, and none are configured.
    #[error("the metadata names no jwks_uri")]
    NoJwksUri,
    /// Tokens are to be introspected, and no endpoint is known.
    #[error("the metadata names no introspection_endpoint")]
    NoIntrospection,
    /// No key that can check signatures. The keys at hand are better than none.
    #[error("the issuer publishes no key that this API can use (of the kinds {found:?})")]
    NoKeys { found: Vec<String> },
}

#[derive(Deserialize)]
struct IssuerMetadata {
    issuer: String,
    jwks_uri: Option<String>,
    introspection_endpoint: Option<Value>,
}

impl IssuerError {
    /// A short name, one of a few: for metrics.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Http(_) => "no_answer",
            Self::Status { .. } => "status",
            Self::TooLong { .. } => "too_long",
            Self::Malformed { .. } => "malformed",
            Self::Unsigned { .. } => "unsigned",
            Self::WrongIssuer { .. } => "wrong_issuer",
            Self::Address(_) => "address",
            Self::NoJwksUri => "no_jwks_uri",
            Self::NoIntrospection => "no_introspection",
            Self::NoKeys { .. } => "no_keys",
        }
    }

    /// Whether the connection broke before there was an answer: an idle one that the issuer closed
    /// just then, for example.
    fn is_broken_connection(&self) -> bool {
        matches!(self, Self::Http(error) if !error.is_timeout() && !error.is_connect())
    }
}

impl IssuerClient {
    /// A client for the issuer, by its settings.
    ///
    /// # Errors
    /// The issuer's addresses are not https, nor http where that is allowed; or no HTTP client
    /// could be made.
    pub(crate) fn new(
        trusted: &TrustedIssuer,
        settings: &ResourceServerSettings,
    ) -> Result<Self, SettingsError> {
        let insecure = trusted.allow_insecure;
        // The identifier itself is not asked where another address stands for it.
        let issuer = issuer_url(&trusted.issuer, insecure || trusted.address.is_some())?;
        let address =
            trusted.address.as_deref().map(|at| endpoint_url(at, insecure)).transpose()?;
        let (base, replaces) = match address {
            Some(address) => (address, Some(issuer)),
            None => (issuer, None),
        };
        let introspection = match &trusted.introspection {
            None | Some(IntrospectionSettings { source: Some(_), .. }) => Introspects::Never,
            Some(IntrospectionSettings { endpoint: None, .. }) => Introspects::Discovered,
            Some(IntrospectionSettings { endpoint: Some(endpoint), .. }) => {
                Introspects::At(endpoint_url(endpoint, insecure)?)
            }
        };
        if let KeySource::At(uri) = &trusted.keys {
            endpoint_url(uri, insecure)?;
        }
        Ok(Self {
            issuer: trusted.issuer.clone(),
            keys: trusted.keys.clone(),
            algorithms: checked_algorithms(&trusted.algorithms)?.to_vec(),
            http: http_client(&base, settings)?,
            base,
            replaces,
            introspection,
        })
    }

    /// The issuer identifier.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The configured introspection endpoint: then no metadata is needed.
    pub(crate) fn configured_introspection(&self) -> Option<Url> {
        match &self.introspection {
            Introspects::At(endpoint) => Some(endpoint.clone()),
            Introspects::Never | Introspects::Discovered => None,
        }
    }

    /// Fetches the metadata, unless all of it is configured, and the keys.
    pub(crate) async fn fetch(&self) -> Result<Published, IssuerError> {
        let discovers = matches!(self.keys, KeySource::Discovered)
            || self.introspection == Introspects::Discovered;
        let metadata = if discovers { Some(self.metadata().await?) } else { None };
        let introspection_endpoint = match self.configured_introspection() {
            Some(endpoint) => Some(Ok(endpoint)),
            None => metadata.as_ref().and_then(|found| found.introspection_endpoint.as_ref()).map(
                |found| match found {
                    Value::String(url) => self.checked("introspection_endpoint", url),
                    other => {
                        let found = other.to_string();
                        Err(AddressError { member: "introspection_endpoint", found })
                    }
                },
            ),
        };
        let published = match (&self.keys, metadata.and_then(|found| found.jwks_uri)) {
            (KeySource::Fixed(keys), _) => keys.clone(),
            (KeySource::At(uri), _) => self.get(self.checked("jwks_uri", uri)?).await?,
            (KeySource::Discovered, Some(uri)) => self.get(self.checked("jwks_uri", &uri)?).await?,
            // An issuer of opaque tokens needs no keys.
            (KeySource::Discovered, None) if self.introspects() => JwkSet::default(),
            (KeySource::Discovered, None) => return Err(IssuerError::NoJwksUri),
        };
        let found = published.keys.iter().map(kind).collect();
        let keys = KeySet::new(published, &self.algorithms);
        if keys.is_empty() && !self.introspects() {
            return Err(IssuerError::NoKeys { found });
        }
        Ok(Published { keys, introspection_endpoint })
    }

    fn introspects(&self) -> bool {
        self.introspection != Introspects::Never
    }

    /// The metadata of OIDC, or else of RFC 8414: many authorization servers have only one.
    async fn metadata(&self) -> Result<IssuerMetadata, IssuerError> {
        let path = self.base.path().trim_end_matches('/');
        let at = |path: String| {
            let mut url = self.base.clone();
            url.set_path(&path);
            url
        };
        let fetched = self.get(at(format!("{path}{OPENID_CONFIGURATION_PATH}"))).await;
        let metadata: IssuerMetadata = match fetched {
            Err(IssuerError::Status { status: 404, .. }) => {
                self.get(at(format!("{AUTHORIZATION_SERVER_PATH}{path}"))).await?
            }
            other => other?,
        };
        // "The issuer value returned MUST be identical" (RFC 8414 section 3.3).
        if metadata.issuer != self.issuer {
            return Err(IssuerError::WrongIssuer { found: metadata.issuer });
        }
        Ok(metadata)
    }

    /// Asks what the issuer knows of a token (RFC 7662 section 2). The API authenticates by its
    /// secret. The question changes nothing, so it is repeated once on a broken connection.
    pub(crate) async fn introspect(
        &self,
        endpoint: Url,
        credentials: &IntrospectionSettings,
        token: &str,
    ) -> Result<Vec<u8>, IssuerError> {
        match self.introspect_once(&endpoint, credentials, token).await {
            Err(error) if error.is_broken_connection() => {
                self.introspect_once(&endpoint, credentials, token).await
            }
            outcome => outcome,
        }
    }

    async fn introspect_once(
        &self,
        endpoint: &Url,
        credentials: &IntrospectionSettings,
        token: &str,
    ) -> Result<Vec<u8>, IssuerError> {
        // "The client identifier is encoded using the application/x-www-form-urlencoded encoding
        // algorithm … the client password is encoded using the same algorithm" (RFC 6749 section
        // 2.3.1).
        let encoded =
            |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let request = self
            .http
            .post(endpoint.clone())
            .header(ACCEPT, if credentials.signed { SIGNED_ANSWER } else { "application/json" })
            .basic_auth(encoded(&credentials.client_id), Some(encoded(credentials.secret.expose())))
            .form(&[("token", token), ("token_type_hint", "access_token")]);
        read(request.send().await?, endpoint).await
    }

    /// An issuer on https must not lead to plain http for its keys, or for the secret.
    fn checked(&self, member: &'static str, found: &str) -> Result<Url, AddressError> {
        let refused = || AddressError { member, found: found.to_owned() };
        let url = self.reached_at(Url::parse(found).map_err(|_| refused())?);
        match url.scheme() {
            "https" => Ok(url),
            "http" if self.base.scheme() == "http" => Ok(url),
            _ => Err(refused()),
        }
    }

    /// The address at which this API reaches one of the issuer's endpoints.
    fn reached_at(&self, url: Url) -> Url {
        let Some(issuer) = &self.replaces else { return url };
        if url.origin() != issuer.origin() {
            return url;
        }
        // The path of the identifier becomes that of the address.
        let own_path = issuer.path().trim_end_matches('/');
        let base_path = self.base.path().trim_end_matches('/');
        let path = match url.path().strip_prefix(own_path) {
            Some(rest) if rest.starts_with('/') => format!("{base_path}{rest}"),
            _ => url.path().to_owned(),
        };
        let mut reached = self.base.clone();
        reached.set_path(&path);
        reached.set_query(url.query());
        reached
    }

    async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T, IssuerError> {
        let once = || async {
            let request = self.http.get(url.clone()).header(ACCEPT, "application/json");
            read_json(request.send().await?, url.clone()).await
        };
        match once().await {
            Err(error) if IssuerError::is_broken_connection(&error) => once().await,
            outcome => outcome,
        }
    }
}

fn http_client(base: &Url, settings: &ResourceServerSettings) -> Result<Client, SettingsError> {
    let mut builder = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(settings.patience)
        .redirect(Policy::none());
    if is_loopback(base) {
        // A proxy on another machine can't reach the loopback addresses of this one.
        builder = builder.no_proxy();
    }
    let failed = |error: reqwest::Error| SettingsError::HttpClient(error.to_string());
    let roots = settings.trusted_roots.iter().map(|der| Certificate::from_der(der));
    let roots = roots.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    builder.tls_certs_merge(roots).build().map_err(failed)
}

/// A key's kind, for a log line.
fn kind(jwk: &doorward_protocol::jwk::Jwk) -> String {
    let kind = jwk.alg.as_deref().or(jwk.crv.as_deref()).unwrap_or(&jwk.kty);
    kind.chars().filter(char::is_ascii_graphic).take(20).collect()
}

async fn read_json<T: DeserializeOwned>(response: Response, url: Url) -> Result<T, IssuerError> {
    let body = read(response, &url).await?;
    serde_json::from_slice(&body).map_err(|_| IssuerError::Malformed { url: url.into() })
}

/// The body of a good answer.
async fn read(response: Response, url: &Url) -> Result<Vec<u8>, IssuerError> {
    if response.status() != http::StatusCode::OK {
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        return Err(IssuerError::Status {
            url: url[..Position::AfterPath].to_owned(),
            status: response.status().as_u16(),
            retry_after: retry_after.map(Duration::from_secs),
        });
    }
    read_limited(response, url).await
}

/// Reads the body up to the limit, whatever `Content-Length` says.
async fn read_limited(mut response: Response, url: &Url) -> Result<Vec<u8>, IssuerError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_DOCUMENT_LENGTH {
            return Err(IssuerError::TooLong { url: url.to_string() });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
