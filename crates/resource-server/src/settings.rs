//! The settings of a resource server.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
    time::Duration,
};

use doorward_protocol::{
    dpop::{Nonces, TargetUri},
    host::is_loopback,
    jose::SigningAlgorithm,
    jwk::JwkSet,
    secret::Secret,
    verification::VerificationKey,
};
use http::{HeaderValue, StatusCode};
use url::Url;

use crate::{TokenProfile, TokenSource};

/// The settings of a resource server. [`ResourceServerSettings::new`] gives the defaults; change
/// them by the `with_…` methods or the fields.
///
/// ```
/// use std::time::Duration;
///
/// use doorward_resource_server::{ResourceServerSettings, TrustedIssuer};
///
/// let settings = ResourceServerSettings::new("https://id.example.com", "orders-api")
///     .with_issuer(TrustedIssuer::keycloak("https://sso.example.com", "shop", "orders-api"))
///     .with_url("https://api.example.com")
///     .with_allowed_origins(["https://app.example.com"])
///     .with_leeway(Duration::from_secs(5));
/// assert_eq!(settings.issuers.len(), 2);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ResourceServerSettings {
    /// The issuers whose access tokens are accepted: at least one, each once. The claim `iss` of a
    /// token says which of them must have signed it.
    pub issuers: Vec<TrustedIssuer>,
    /// The status that answers an expired token. Default: 401, the registered one.
    pub expired_status: ExpiredStatus,
    /// How far the issuers' clocks may differ from this one, for `exp` and `nbf`, in whole seconds.
    /// Default: zero.
    pub leeway: Duration,
    /// This API's URL as its callers know it: `https://api.example.com`, or
    /// `https://example.com/api` behind a proxy that removes that path. DPoP proofs name the
    /// address of each call (RFC 9449 section 4.2), and behind a proxy that is not the address that
    /// arrives. Default: none. Then tokens that are bound to a key are refused.
    pub url: Option<String>,
    /// The origins (`https://app.example.com`) whose pages may call. Default: none, which is right
    /// if the page has the API's own origin.
    pub allowed_origins: Vec<String>,
    /// How long keys are used while their issuer can't be reached. Default: one day.
    pub max_key_age: Duration,
    /// How long an issuer may take to answer. Default: 5 seconds.
    pub patience: Duration,
    /// From 0 to 1: how much earlier than usual keys are fetched again, so that many processes
    /// don't fetch at the same time. Default: random for each process.
    pub chance: f64,
    /// Certification authorities (X.509 in DER) that are trusted for issuers, beside those of the
    /// machine. Default: none.
    pub trusted_roots: Vec<Vec<u8>>,
    /// How many DPoP proofs are remembered, so that each is accepted once. A proof is remembered
    /// for three to six minutes, and one caller (issuer and subject) has an eighth of the room.
    /// Each takes about 100 bytes. Default: 262,144, enough for 700 requests a second. Fewer than
    /// 1,024 count as 1,024.
    pub remembered_proofs: usize,
    /// The secret that makes nonces: 32 bytes or more that nobody can guess. With it, each DPoP
    /// proof must carry a nonce that this API gave out in the last minutes (RFC 9449 section 9), so
    /// that nobody can make proofs beforehand who gets at a client's key for a moment. A request
    /// without one is refused with the nonce to use, and clients repeat it. Processes that answer
    /// for one API need the same secret. It needs [`ResourceServerSettings::url`]. Default: none,
    /// and no nonces.
    pub nonce_secret: Option<Secret>,
    /// Whether a denial does not say which policies the caller failed. Default: false.
    pub hides_reasons: bool,
    /// Whether issuers may be asked about each other's opaque tokens. An opaque token does not say
    /// whose it is. With this, the issuers that can be asked are asked in the order of the settings
    /// until one vouches for it, so an issuer sees tokens of those behind it, and could use them at
    /// other APIs. Default: false. Then each of several such issuers needs an
    /// [`IntrospectionSettings::token_prefix`] that tells its tokens from all others.
    pub shares_opaque_tokens: bool,
}

/// An issuer whose access tokens are accepted.
///
/// [`TrustedIssuer::new`] is for tokens as RFC 9068 defines them. For other providers there are
/// presets, such as [`TrustedIssuer::keycloak`], and [`TokenProfile`].
///
/// ```
/// use doorward_resource_server::{KeySource, TrustedIssuer};
///
/// let issuer = TrustedIssuer::new("https://id.example.com", "orders-api")
///     .with_audience("https://api.example.com")
///     // In a container network, the issuer has another address.
///     .with_address("https://id.internal:8443")
///     .with_keys(KeySource::At("https://id.internal:8443/keys".to_owned()));
/// assert_eq!(issuer.audiences.len(), 2);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TrustedIssuer {
    /// The issuer identifier. Tokens have exactly this `iss`, and its metadata is found below it.
    /// An `https` URL, or `http` with a loopback address.
    pub issuer: String,
    /// The names of this API at the issuer: `aud` of a token must contain one of them. The first
    /// name of the first issuer is the realm of challenges.
    pub audiences: Vec<String>,
    /// How the issuer's access tokens look. Default: [`TokenProfile::rfc9068`].
    pub profile: TokenProfile,
    /// The algorithms that its tokens may be signed with. Default: all of
    /// [`VerificationKey::ALGORITHMS`].
    pub algorithms: Vec<SigningAlgorithm>,
    /// Where its keys come from. Default: from where its metadata says.
    pub keys: KeySource,
    /// An address at which this API reaches the issuer, in place of the identifier: metadata, keys
    /// and introspection are asked there. Default: none.
    pub address: Option<String>,
    /// How the issuer is asked about opaque tokens. If several issuers can be asked, their answers
    /// must name them (`iss`), and [`IntrospectionSettings::token_prefix`] tells their tokens
    /// apart. Default: not at all, and opaque tokens are refused.
    pub introspection: Option<IntrospectionSettings>,
    /// Fetches keys over plain `http` from an issuer that is not on this machine. Anyone who can
    /// change that traffic can then sign tokens. Default: false.
    pub allow_insecure: bool,
}

/// Where the keys of an issuer come from.
///
/// ```
/// use doorward_resource_server::{Jwk, JwkSet, KeySource, TrustedIssuer};
///
/// // Nothing is fetched, and a token needs one of these keys.
/// let key = Jwk::ed25519("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
/// let issuer = TrustedIssuer::new("https://id.example.com", "orders-api")
///     .with_keys(KeySource::Fixed(JwkSet::new(vec![key])));
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum KeySource {
    /// From the `jwks_uri` of the issuer's metadata (OIDC Discovery, or RFC 8414).
    #[default]
    Discovered,
    /// From this URL.
    At(String),
    /// From these keys, such as those of a file. They are never fetched.
    Fixed(JwkSet),
}

/// How an issuer is asked about opaque tokens (RFC 7662).
///
/// ```
/// use std::time::Duration;
///
/// use doorward_resource_server::{
///     IntrospectionSettings, ResourceServer, ResourceServerSettings, Secret, TrustedIssuer,
/// };
///
/// # fn variable(name: &str) -> String { name.to_owned() }
/// let asked = IntrospectionSettings::new("orders-api", Secret::new(variable("API_SECRET")))
///     .with_cache(Duration::from_secs(5));
/// let issuer =
///     TrustedIssuer::new("https://id.example.com", "orders-api").with_introspection(asked);
/// let server = ResourceServer::new(ResourceServerSettings::for_issuer(issuer))?;
/// # Ok::<(), doorward_resource_server::SettingsError>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct IntrospectionSettings {
    /// This API's name at the issuer's introspection endpoint.
    pub client_id: String,
    /// Its secret there, sent by `client_secret_basic`.
    pub secret: Secret,
    /// The endpoint. Default: the `introspection_endpoint` of the issuer's metadata.
    pub endpoint: Option<String>,
    /// Who answers in place of the endpoint, where the issuer is a part of the same program.
    /// Default: nobody.
    pub source: Option<Arc<dyn TokenSource>>,
    /// How long an answer is used, never longer than the token's `exp`. For that long a revoked
    /// token may still be accepted. It counts from when the question was sent. Zero: every request
    /// asks. At most 5 minutes. Default: 10 seconds.
    pub cache: Duration,
    /// Whether answers must be tokens that the issuer signed for this API (RFC 9701). Then whoever
    /// reads or changes what passes between the two can make no answer up. Default: false.
    pub signed: bool,
    /// How the issuer's opaque tokens begin. It is asked about no others. Default: empty, and it is
    /// asked about all. Where other issuers are asked as well, that needs
    /// [`ResourceServerSettings::shares_opaque_tokens`].
    pub token_prefix: String,
}

impl ResourceServerSettings {
    /// Settings with their defaults, for one issuer of tokens as RFC 9068 defines them.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self::for_issuer(TrustedIssuer::new(issuer, audience))
    }

    /// Settings with their defaults, for this issuer.
    pub fn for_issuer(issuer: TrustedIssuer) -> Self {
        Self {
            issuers: vec![issuer],
            expired_status: ExpiredStatus::default(),
            leeway: Duration::ZERO,
            url: None,
            allowed_origins: Vec::new(),
            max_key_age: Duration::from_secs(24 * 60 * 60),
            patience: Duration::from_secs(5),
            chance: chance(),
            trusted_roots: Vec::new(),
            remembered_proofs: 256 * 1024,
            nonce_secret: None,
            hides_reasons: false,
            shares_opaque_tokens: false,
        }
    }

    /// Also accepts the tokens of this issuer. It can name any subject. Its roles count only if its
    /// profile says where they are; other claims count like those of the first issuer, so require
    /// the issuer in a policy (`Policy::require_issuer`) where that matters.
    #[must_use]
    pub fn with_issuer(mut self, issuer: TrustedIssuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// Sets [`ResourceServerSettings::url`].
    #[must_use]
    pub fn with_url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Sets [`ResourceServerSettings::allowed_origins`].
    #[must_use]
    pub fn with_allowed_origins<O: Into<String>>(
        mut self,
        origins: impl IntoIterator<Item = O>,
    ) -> Self {
        self.allowed_origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`ResourceServerSettings::leeway`].
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Sets [`ResourceServerSettings::expired_status`].
    #[must_use]
    pub fn with_expired_status(mut self, status: ExpiredStatus) -> Self {
        self.expired_status = status;
        self
    }

    /// Sets [`ResourceServerSettings::nonce_secret`].
    #[must_use]
    pub fn with_nonce_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.nonce_secret = Some(secret.into());
        self
    }

    /// Sets [`ResourceServerSettings::shares_opaque_tokens`].
    #[must_use]
    pub fn sharing_opaque_tokens(mut self) -> Self {
        self.shares_opaque_tokens = true;
        self
    }

    /// Checks that no issuer is asked about another's opaque tokens, unless that is wanted, as
    /// [`ResourceServer::new`](crate::ResourceServer::new) does, for programs that read settings
    /// from a file.
    ///
    /// # Errors
    /// [`SettingsError::SharedOpaqueTokens`].
    pub fn check_opaque_tokens(&self) -> Result<(), SettingsError> {
        let mut known: Vec<&str> = Vec::new();
        for trusted in &self.issuers {
            let Some(asked) = &trusted.introspection else { continue };
            let own = asked.token_prefix.as_str();
            // Every text begins with the empty one.
            let overlaps = |other: &&str| own.starts_with(*other) || other.starts_with(own);
            if !self.shares_opaque_tokens && known.iter().any(overlaps) {
                return Err(SettingsError::SharedOpaqueTokens(trusted.issuer.clone()));
            }
            known.push(own);
        }
        Ok(())
    }

    /// Does not tell callers which policies they failed.
    #[must_use]
    pub fn hiding_reasons(mut self) -> Self {
        self.hides_reasons = true;
        self
    }
}

impl TrustedIssuer {
    /// An issuer of tokens as RFC 9068 defines them.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: vec![audience.into()],
            profile: TokenProfile::default(),
            algorithms: VerificationKey::ALGORITHMS.to_vec(),
            keys: KeySource::Discovered,
            address: None,
            introspection: None,
            allow_insecure: false,
        }
    }

    /// Checks the addresses and algorithms, as [`ResourceServer::new`](crate::ResourceServer::new)
    /// does, for programs that read settings from a file.
    ///
    /// # Errors
    /// The first setting that can't be used.
    pub fn check(&self) -> Result<(), SettingsError> {
        issuer_url(&self.issuer, self.allow_insecure || self.address.is_some())?;
        checked_audiences(&self.audiences)?;
        checked_algorithms(&self.algorithms)?;
        let keys = match &self.keys {
            KeySource::At(uri) => Some(uri),
            KeySource::Discovered | KeySource::Fixed(_) => None,
        };
        let introspection =
            self.introspection.as_ref().and_then(|introspection| introspection.endpoint.as_ref());
        for address in [keys, self.address.as_ref(), introspection].into_iter().flatten() {
            endpoint_url(address, self.allow_insecure)?;
        }
        Ok(())
    }

    /// Also accepts this audience.
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Sets [`TrustedIssuer::profile`].
    #[must_use]
    pub fn with_profile(mut self, profile: TokenProfile) -> Self {
        self.profile = profile;
        self
    }

    /// Accepts these algorithms only.
    #[must_use]
    pub fn with_algorithms(
        mut self,
        algorithms: impl IntoIterator<Item = SigningAlgorithm>,
    ) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Sets [`TrustedIssuer::keys`].
    #[must_use]
    pub fn with_keys(mut self, keys: KeySource) -> Self {
        self.keys = keys;
        self
    }

    /// Sets [`TrustedIssuer::address`].
    #[must_use]
    pub fn with_address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Asks the issuer about opaque tokens.
    #[must_use]
    pub fn with_introspection(mut self, introspection: IntrospectionSettings) -> Self {
        self.introspection = Some(introspection);
        self
    }
}

impl IntrospectionSettings {
    /// Settings with their defaults.
    pub fn new(client_id: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self {
            client_id: client_id.into(),
            secret: secret.into(),
            endpoint: None,
            source: None,
            cache: Duration::from_secs(10),
            signed: false,
            token_prefix: String::new(),
        }
    }

    /// For an issuer that is a part of the same program. It is asked about each request's token.
    pub fn within(source: impl TokenSource) -> Self {
        let source: Arc<dyn TokenSource> = Arc::new(source);
        Self { source: Some(source), cache: Duration::ZERO, ..Self::new("", Secret::new("")) }
    }

    /// Sets [`IntrospectionSettings::token_prefix`].
    #[must_use]
    pub fn with_token_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.token_prefix = prefix.into();
        self
    }

    /// Sets [`IntrospectionSettings::endpoint`].
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Requires signed answers ([`IntrospectionSettings::signed`]).
    #[must_use]
    pub fn with_signed_answers(mut self) -> Self {
        self.signed = true;
        self
    }

    /// Sets [`IntrospectionSettings::cache`].
    #[must_use]
    pub fn with_cache(mut self, cache: Duration) -> Self {
        self.cache = cache;
        self
    }
}

/// A random number from 0 to 1.
#[allow(clippy::cast_possible_truncation)] // 32 bits are enough.
fn chance() -> f64 {
    f64::from(RandomState::new().hash_one(()) as u32) / f64::from(u32::MAX)
}

/// The status that answers an expired token.
///
/// ```
/// use doorward_resource_server::ExpiredStatus;
///
/// assert_eq!(ExpiredStatus::default().status_code(), 401);
/// assert_eq!(ExpiredStatus::try_from(498), Ok(ExpiredStatus::InvalidToken498));
/// assert!(ExpiredStatus::try_from(403).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ExpiredStatus {
    /// 401 Unauthorized (RFC 6750 section 3.1).
    #[default]
    Unauthorized,
    /// 498, which is not registered. Some callers of older APIs renew their token on it.
    InvalidToken498,
}

impl ExpiredStatus {
    /// The status code.
    pub fn status_code(self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::InvalidToken498 => StatusCode::from_u16(498).unwrap_or(StatusCode::UNAUTHORIZED),
        }
    }
}

impl TryFrom<u16> for ExpiredStatus {
    type Error = SettingsError;

    fn try_from(status: u16) -> Result<Self, SettingsError> {
        match status {
            401 => Ok(Self::Unauthorized),
            498 => Ok(Self::InvalidToken498),
            other => Err(SettingsError::ExpiredStatus(other)),
        }
    }
}

/// A setting that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// Not a URL that can be an issuer (OIDC Core section 2, `iss`).
    #[error(
        "issuer {0:?}: give an absolute http or https URL without user, query and fragment, such \
         as https://id.example.com"
    )]
    Issuer(String),
    /// Not a URL that can identify an API (RFC 9728 section 1.2).
    #[error(
        "resource {0:?}: give the https URL of the API, or http on localhost, without user, query \
         and fragment"
    )]
    Resource(String),
    /// Plain http beyond this machine.
    #[error("issuer {0:?}: use https, or allow_insecure if the network between is trusted")]
    InsecureIssuer(String),
    /// There is none, or one is there twice.
    #[error("issuers: name at least one issuer, and {0:?} only once")]
    Issuers(String),
    /// The time is too long.
    #[error(
        "introspection cache {0:?}: give at most 5 minutes; a longer time keeps revoked tokens \
         alive"
    )]
    IntrospectionCache(Duration),
    /// Another issuer would be asked about the opaque tokens of this one, or the other way round.
    #[error(
        "issuer {0:?}: it and another issuer would be asked about each other's opaque tokens; give \
         each of them a token prefix with which no token of the others begins, or let them share \
         opaque tokens"
    )]
    SharedOpaqueTokens(String),
    /// There is no audience, so that any token of the issuer would be accepted.
    #[error(
        "audience: give the name that tokens for this API carry in `aud`, such as MyBackendApi2"
    )]
    Audience,
    /// The leeway is too long.
    #[error("leeway {0:?}: give at most 5 minutes; a longer one keeps expired tokens alive")]
    Leeway(Duration),
    /// Not a URL that paths can be added to.
    #[error(
        "url {0:?}: give scheme, host, port and the path before the API's own, such as \
         https://example.com/api"
    )]
    Url(String),
    /// Nonces are asked for, and no proof can be checked, or their secret could be guessed.
    #[error(
        "nonce secret (not shown): give at least 32 bytes that nobody can guess, and the API's url"
    )]
    NonceSecret,
    /// Not an origin.
    #[error("origin {0:?}: give scheme, host and port only, such as https://app.example.com")]
    Origin(String),
    /// Not a status that may answer an expired token.
    #[error("expired status {0}: give 401 or 498")]
    ExpiredStatus(u16),
    /// An address of an issuer is not usable.
    #[error("{0:?}: give an absolute https URL without user and fragment, or http on this machine")]
    Endpoint(String),
    /// There is no algorithm, or one that can't be verified here.
    #[error("algorithms: give at least one of RS256, PS256 (or 384, 512), ES256, ES384 and EdDSA")]
    Algorithms,
    /// The HTTP client could not be made, for example without TLS roots.
    #[error("the HTTP client for the issuer could not be set up: {0}")]
    HttpClient(String),
}

const MAX_LEEWAY: Duration = Duration::from_secs(5 * 60);
const MAX_INTROSPECTION_CACHE: Duration = Duration::from_secs(5 * 60);

/// Reads an issuer identifier as a URL from which keys may be fetched.
pub(crate) fn issuer_url(issuer: &str, allow_insecure: bool) -> Result<Url, SettingsError> {
    let url = Url::parse(issuer).map_err(|_| SettingsError::Issuer(issuer.to_owned()))?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    match url.scheme() {
        "https" if plain => Ok(url),
        "http" if plain && (allow_insecure || is_loopback(&url)) => Ok(url),
        "http" if plain => Err(SettingsError::InsecureIssuer(issuer.to_owned())),
        _ => Err(SettingsError::Issuer(issuer.to_owned())),
    }
}

/// Reads an address to which requests are sent. It may have a query.
pub(crate) fn endpoint_url(address: &str, allow_insecure: bool) -> Result<Url, SettingsError> {
    let refused = || SettingsError::Endpoint(address.to_owned());
    let url = Url::parse(address).map_err(|_| refused())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    match url.scheme() {
        "https" if plain => Ok(url),
        "http" if plain && (allow_insecure || is_loopback(&url)) => Ok(url),
        _ => Err(refused()),
    }
}

/// Refuses algorithms that can't be verified.
pub(crate) fn checked_algorithms(
    algorithms: &[SigningAlgorithm],
) -> Result<&[SigningAlgorithm], SettingsError> {
    let is_known = |algorithm| VerificationKey::ALGORITHMS.contains(algorithm);
    if algorithms.is_empty() || !algorithms.iter().all(is_known) {
        return Err(SettingsError::Algorithms);
    }
    Ok(algorithms)
}

/// Refuses issuers of which it would not be clear which one a token belongs to.
pub(crate) fn checked_issuers(
    issuers: &[TrustedIssuer],
) -> Result<&[TrustedIssuer], SettingsError> {
    let twice = |(at, one): &(usize, &TrustedIssuer)| {
        issuers[..*at].iter().any(|other| other.issuer == one.issuer)
    };
    if let Some((_, again)) = issuers.iter().enumerate().find(twice) {
        return Err(SettingsError::Issuers(again.issuer.clone()));
    }
    if issuers.is_empty() {
        return Err(SettingsError::Issuers(String::new()));
    }
    Ok(issuers)
}

/// What makes the nonces of proofs, if proofs must have some.
pub(crate) fn checked_nonces(
    settings: &ResourceServerSettings,
) -> Result<Option<Nonces>, SettingsError> {
    match settings.nonce_secret.as_ref().map(Secret::expose) {
        None => Ok(None),
        Some(secret) if secret.len() >= 32 && settings.url.is_some() => {
            Ok(Some(Nonces::new(secret.as_bytes())))
        }
        Some(_) => Err(SettingsError::NonceSecret),
    }
}

/// Refuses a cache that would keep revoked tokens alive for long.
pub(crate) fn checked_introspection(
    asked: &IntrospectionSettings,
) -> Result<&IntrospectionSettings, SettingsError> {
    if asked.cache > MAX_INTROSPECTION_CACHE {
        Err(SettingsError::IntrospectionCache(asked.cache))
    } else {
        Ok(asked)
    }
}

pub(crate) fn checked_audiences(audiences: &[String]) -> Result<&[String], SettingsError> {
    if audiences.is_empty() || audiences.iter().any(|audience| audience.trim().is_empty()) {
        return Err(SettingsError::Audience);
    }
    Ok(audiences)
}

/// The leeway in whole seconds.
pub(crate) fn checked_leeway(leeway: Duration) -> Result<i64, SettingsError> {
    if leeway > MAX_LEEWAY {
        return Err(SettingsError::Leeway(leeway));
    }
    i64::try_from(leeway.as_secs()).map_err(|_| SettingsError::Leeway(leeway))
}

/// Reads a URL that paths are added to, without a slash at its end.
pub(crate) fn base_url(url: &str) -> Result<&str, SettingsError> {
    let is_base = TargetUri::parse(url).is_ok() && !url.contains(['?', '#']);
    if is_base { Ok(url.trim_end_matches('/')) } else { Err(SettingsError::Url(url.to_owned())) }
}

/// Reads an origin exactly as browsers send it in `Origin` (RFC 6454 section 6.2).
pub(crate) fn origin_header(origin: &str) -> Result<HeaderValue, SettingsError> {
    let refused = || SettingsError::Origin(origin.to_owned());
    let url = Url::parse(origin).map_err(|_| refused())?;
    let is_web = matches!(url.scheme(), "http" | "https");
    if !is_web || url.origin().ascii_serialization() != origin {
        return Err(refused());
    }
    HeaderValue::from_str(origin).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn issuers_are_https_or_loopback() {
        for issuer in [
            "https://id.example.com",
            "https://id.example.com/tenant",
            "http://localhost:6001",
            "http://127.0.0.1:6001",
            "http://[::1]:6001",
        ] {
            assert!(issuer_url(issuer, false).is_ok(), "{issuer}");
        }
        for issuer in
            ["", "id.example.com", "ftp://x", "https://a:b@x", "https://x?a", "https://x#a"]
        {
            assert_eq!(issuer_url(issuer, true), Err(SettingsError::Issuer(issuer.into())));
        }
        let plain = "http://id.example.com";
        assert_eq!(issuer_url(plain, false), Err(SettingsError::InsecureIssuer(plain.into())));
        assert!(issuer_url(plain, true).is_ok());
    }

    #[test]
    fn a_token_finds_one_issuer() {
        let one = || TrustedIssuer::new("https://one", "api");
        assert!(checked_issuers(&[one(), TrustedIssuer::new("https://two", "api")]).is_ok());
        assert_eq!(checked_issuers(&[]).unwrap_err(), SettingsError::Issuers(String::new()));
        assert_eq!(
            checked_issuers(&[one(), one()]).unwrap_err(),
            SettingsError::Issuers("https://one".into())
        );
    }

    #[test]
    fn an_issuer_has_algorithms_that_can_be_verified() {
        assert!(checked_algorithms(&[SigningAlgorithm::Ps512]).is_ok());
        assert!(checked_algorithms(&[]).is_err());
        assert!(checked_algorithms(&[SigningAlgorithm::Es512]).is_err());
    }

    #[test]
    fn chance_is_within_its_limits() {
        for _ in 0..100 {
            assert!((0.0..=1.0).contains(&chance()));
        }
    }

    #[test]
    fn origins_are_exact() {
        for origin in ["http://localhost:5001", "https://app.example.com"] {
            assert_eq!(origin_header(origin).unwrap(), origin);
        }
        for origin in ["*", "null", "https://a.b/", "https://A.b", "https://a.b:443", "file:///x"] {
            assert_eq!(origin_header(origin), Err(SettingsError::Origin(origin.into())));
        }
    }

    #[test]
    fn the_url_of_an_api_may_have_a_path_and_no_more() {
        for url in [
            "https://api.example.com",
            "https://api.example.com/",
            "http://localhost:5001/orders/api",
        ] {
            assert_eq!(base_url(url), Ok(url.trim_end_matches('/')));
        }
        for url in [
            "",
            "/api",
            "api.example.com",
            "ftp://x",
            "https://a:b@x",
            "https://x?a",
            "https://x#a",
        ] {
            assert_eq!(base_url(url), Err(SettingsError::Url(url.into())));
        }
    }

    #[test]
    fn an_expired_token_is_answered_401_or_498() {
        assert_eq!(ExpiredStatus::default().status_code(), 401);
        assert_eq!(ExpiredStatus::try_from(498).unwrap().status_code(), 498);
        assert_eq!(ExpiredStatus::try_from(403), Err(SettingsError::ExpiredStatus(403)));
    }

    #[test]
    fn a_long_introspection_cache_is_refused() {
        let mut asked = IntrospectionSettings::new("api", Secret::new("secret"));
        asked.cache = Duration::from_secs(300);
        assert!(checked_introspection(&asked).is_ok());
        asked.cache = Duration::from_secs(301);
        let refused = SettingsError::IntrospectionCache(asked.cache);
        assert_eq!(checked_introspection(&asked).unwrap_err(), refused);
        let mut settings = ResourceServerSettings::new("https://one", "api");
        settings.issuers[0].introspection = Some(asked);
        assert_eq!(crate::ResourceServer::new(settings).err(), Some(refused));
    }

    #[test]
    fn issuers_that_would_see_each_others_opaque_tokens_are_refused_unless_that_is_wanted() {
        let with_prefixes = |prefixes: &[&str]| {
            let issuers = prefixes.iter().enumerate().map(|(number, prefix)| {
                let asked = IntrospectionSettings::new("api", Secret::new("secret"));
                TrustedIssuer::new(format!("https://{number}.example"), "api")
                    .with_introspection(asked.with_token_prefix(*prefix))
            });
            let mut settings = ResourceServerSettings::new("https://jwt.example", "api");
            settings.issuers.extend(issuers);
            settings
        };
        for apart in [&["a_", "b_"][..], &["a_", "b_", "ab_"], &[""], &[]] {
            let made = crate::ResourceServer::new(with_prefixes(apart));
            assert!(made.is_ok(), "{apart:?}");
        }
        for overlapping in [&["", ""][..], &["", "b_"], &["a_", ""], &["a_", "b_", "a_b_"]] {
            let settings = with_prefixes(overlapping);
            let last = settings.issuers.last().unwrap().issuer.clone();
            let refused = crate::ResourceServer::new(settings.clone()).err();
            assert_eq!(refused, Some(SettingsError::SharedOpaqueTokens(last)), "{overlapping:?}");
            assert!(crate::ResourceServer::new(settings.sharing_opaque_tokens()).is_ok());
        }
    }

    #[test]
    fn a_long_leeway_is_refused() {
        assert_eq!(checked_leeway(Duration::from_secs(300)), Ok(300));
        assert!(checked_leeway(Duration::from_secs(301)).is_err());
    }
}
