//! What is wrong with a setting.

use std::time::Duration;

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
