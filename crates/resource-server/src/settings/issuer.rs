//! The settings of one issuer.

use std::{sync::Arc, time::Duration};

use doorward_protocol::{
    jose::SigningAlgorithm, jwk::JwkSet, secret::Secret, verification::VerificationKey,
};

use super::{SettingsError, checked_algorithms, checked_audiences, endpoint_url, issuer_url};
use crate::{TokenProfile, TokenSource};

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
    /// [`shares_opaque_tokens`](crate::ResourceServerSettings::shares_opaque_tokens).
    pub token_prefix: String,
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
