//! The settings of a resource server.

mod check;
mod error;
mod issuer;

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use doorward_protocol::secret::Secret;
use http::StatusCode;

pub(crate) use self::check::{
    base_url, checked_algorithms, checked_audiences, checked_introspection, checked_issuers,
    checked_leeway, checked_nonces, endpoint_url, issuer_url, origin_header,
};
pub use self::{
    error::SettingsError,
    issuer::{IntrospectionSettings, KeySource, TrustedIssuer},
};

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn chance_is_within_its_limits() {
        for _ in 0..100 {
            assert!((0.0..=1.0).contains(&chance()));
        }
    }

    #[test]
    fn an_expired_token_is_answered_401_or_498() {
        assert_eq!(ExpiredStatus::default().status_code(), 401);
        assert_eq!(ExpiredStatus::try_from(498).unwrap().status_code(), 498);
        assert_eq!(ExpiredStatus::try_from(403), Err(SettingsError::ExpiredStatus(403)));
    }
}
