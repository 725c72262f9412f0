//! What a resource server must be told.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use doorward_protocol::{dpop::TargetUri, secret::Secret};
use http::{HeaderValue, StatusCode};
use url::{Host, Url};

/// Settings of a resource server. [`ResourceServerSettings::new`] fills in the defaults.
#[derive(Debug, Clone)]
pub struct ResourceServerSettings {
    /// Whose access tokens are accepted: at least one issuer, each once. A token's `iss` says which
    /// of them must vouch for it.
    pub issuers: Vec<TrustedIssuer>,
    /// The status for a token that has expired. Default: 401, the registered one.
    pub expired_status: ExpiredStatus,
    /// How far the issuers' clocks may differ, for `exp` and `nbf`; counted in whole seconds.
    /// Default: zero.
    pub leeway: Duration,
    /// This API's URL as its callers know it (`https://api.example.com`, or
    /// `https://example.com/api` where a proxy takes that path away): DPoP proofs name the address
    /// of each call (RFC 9449 section 4.2), and behind a proxy the one that arrives is another.
    /// Default: none, and then tokens that are bound to a key are refused.
    pub url: Option<String>,
    /// The origins (`https://app.example.com`) whose pages may call. Default: none, which is right
    /// when the page comes from the API's own origin.
    pub allowed_origins: Vec<String>,
    /// How long keys serve while their issuer can't be asked for newer ones. Default: one day.
    pub max_key_age: Duration,
    /// How long an issuer may take to answer. Default: 5 seconds.
    pub patience: Duration,
    /// From 0 to 1: how much earlier than usual keys are fetched anew, so that many processes don't
    /// ask in step. Default: another for each process.
    pub chance: f64,
    /// Certification authorities (X.509 in DER) that issuers' certificates may come from, beside
    /// the machine's own. Default: none.
    pub trusted_roots: Vec<Vec<u8>>,
}

/// An issuer whose access tokens are accepted.
#[derive(Debug, Clone)]
pub struct TrustedIssuer {
    /// The issuer identifier: tokens carry exactly this `iss`, and the discovery document and the
    /// keys are fetched from it. An `https` URL, or `http` on a loopback address.
    pub issuer: String,
    /// This API's name at the issuer: tokens must carry it in `aud`. That of the first issuer is
    /// also the realm of challenges.
    pub audience: String,
    /// How the issuer is asked about opaque tokens; at most one issuer may be, since such a token
    /// doesn't tell whose it is. Default: not at all, and opaque tokens are refused.
    pub introspection: Option<IntrospectionSettings>,
    /// Takes keys over plain `http` from an issuer that is not on a loopback address. Whoever can
    /// change that traffic can then sign tokens of their own. Default: false.
    pub allow_insecure: bool,
}

/// How an issuer is asked about opaque tokens (RFC 7662).
#[derive(Debug, Clone)]
pub struct IntrospectionSettings {
    /// This API's name at the issuer's introspection endpoint.
    pub client_id: String,
    /// Its secret there, sent as `client_secret_basic`.
    pub secret: Secret,
    /// How long an answer counts, never beyond the token's `exp`: for as long a revoked token may
    /// still be accepted. It counts from when the issuer is asked. Zero: each request asks. At most
    /// 5 minutes. Default: 10 seconds.
    pub cache: Duration,
}

impl ResourceServerSettings {
    /// Settings with their defaults.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuers: vec![TrustedIssuer::new(issuer, audience)],
            expired_status: ExpiredStatus::default(),
            leeway: Duration::ZERO,
            url: None,
            allowed_origins: Vec::new(),
            max_key_age: Duration::from_hours(24),
            patience: Duration::from_secs(5),
            chance: chance(),
            trusted_roots: Vec::new(),
        }
    }
}

impl TrustedIssuer {
    /// An issuer of JWTs.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            introspection: None,
            allow_insecure: false,
        }
    }
}

impl IntrospectionSettings {
    /// Settings with their defaults.
    pub fn new(client_id: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self { client_id: client_id.into(), secret: secret.into(), cache: Duration::from_secs(10) }
    }
}

/// From 0 to 1, another for each call.
#[allow(clippy::cast_possible_truncation)] // Half of the bits are enough.
fn chance() -> f64 {
    f64::from(RandomState::new().hash_one(()) as u32) / f64::from(u32::MAX)
}

/// The status that answers an expired token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExpiredStatus {
    /// 401 Unauthorized, as RFC 6750 section 3.1 has it.
    #[default]
    Unauthorized,
    /// 498, which is not registered; some callers of older APIs take it as the sign to renew.
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
pub enum SettingsError {
    /// Not a URL that can be an issuer (OIDC Core section 2, `iss`).
    #[error(
        "issuer {0:?}: give an absolute http or https URL without user, query and fragment, such as https://id.example.com"
    )]
    Issuer(String),
    /// Plain http beyond this machine.
    #[error("issuer {0:?}: use https, or allow_insecure if the network between is trusted")]
    InsecureIssuer(String),
    /// None, or one twice.
    #[error("issuers: name at least one issuer, and {0:?} only once")]
    Issuers(String),
    /// More than one that opaque tokens may come from.
    #[error(
        "issuer {0:?}: another issuer is asked about opaque tokens already; one is all that can be"
    )]
    SecondIntrospection(String),
    /// More than can pass for a short time.
    #[error(
        "introspection cache {0:?}: give at most 5 minutes; a longer one keeps revoked tokens alive"
    )]
    IntrospectionCache(Duration),
    /// No audience, so that any token of the issuer would do.
    #[error(
        "audience: give the name that tokens for this API carry in `aud`, such as MyBackendApi2"
    )]
    Audience,
    /// More than a clock's error.
    #[error("leeway {0:?}: give at most 5 minutes; a longer one keeps expired tokens alive")]
    Leeway(Duration),
    /// Not a URL that paths can be added to.
    #[error(
        "url {0:?}: give scheme, host, port and the path before the API's own, such as https://example.com/api"
    )]
    Url(String),
    /// Not an origin.
    #[error("origin {0:?}: give scheme, host and port only, such as https://app.example.com")]
    Origin(String),
    /// Not a status that may answer an expired token.
    #[error("expired status {0}: give 401 or 498")]
    ExpiredStatus(u16),
    /// The HTTP client could not be made, for want of TLS roots for example.
    #[error("the HTTP client for the issuer could not be set up: {0}")]
    HttpClient(String),
}

const MAX_LEEWAY: Duration = Duration::from_mins(5);
const MAX_INTROSPECTION_CACHE: Duration = Duration::from_mins(5);

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

/// Whether the URL's host is this machine by its name or address.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Refuses issuers among which a token could not find its own.
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
    match issuers.iter().filter(|issuer| issuer.introspection.is_some()).nth(1) {
        Some(second) => Err(SettingsError::SecondIntrospection(second.issuer.clone())),
        None => Ok(issuers),
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

pub(crate) fn checked_audience(audience: &str) -> Result<&str, SettingsError> {
    if audience.trim().is_empty() {
        return Err(SettingsError::Audience);
    }
    Ok(audience)
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
        let opaque = |issuer: &str| TrustedIssuer {
            introspection: Some(IntrospectionSettings::new("api", Secret::new("secret"))),
            ..TrustedIssuer::new(issuer, "api")
        };
        assert!(checked_issuers(&[one(), opaque("https://two")]).is_ok());
        assert_eq!(checked_issuers(&[]).unwrap_err(), SettingsError::Issuers(String::new()));
        assert_eq!(
            checked_issuers(&[one(), one()]).unwrap_err(),
            SettingsError::Issuers("https://one".into())
        );
        let two = [opaque("https://one"), opaque("https://two")];
        assert_eq!(
            checked_issuers(&two).unwrap_err(),
            SettingsError::SecondIntrospection("https://two".into())
        );
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
        asked.cache = Duration::from_mins(5);
        assert!(checked_introspection(&asked).is_ok());
        asked.cache = Duration::from_secs(301);
        let refused = SettingsError::IntrospectionCache(asked.cache);
        assert_eq!(checked_introspection(&asked).unwrap_err(), refused);
        let mut settings = ResourceServerSettings::new("https://one", "api");
        settings.issuers[0].introspection = Some(asked);
        assert_eq!(crate::ResourceServer::new(settings).err(), Some(refused));
    }

    #[test]
    fn a_long_leeway_is_refused() {
        assert_eq!(checked_leeway(Duration::from_mins(5)), Ok(300));
        assert!(checked_leeway(Duration::from_secs(301)).is_err());
    }
}
