//! Verifies access tokens: JWTs as RFC 9068 section 4 says, and opaque tokens by asking their
//! issuer.

use std::sync::Arc;

use doorward_protocol::{
    jose::SigningAlgorithm,
    jws::{JwsError, UnverifiedHeader, UnverifiedJws},
};
use serde_json::{Map, Value};

use crate::{
    AccessToken, ClaimPath, Clock, IssuerUnavailable, ResourceServerSettings, SettingsError,
    TokenError, TrustedIssuer,
    access_token::{Times, TokenRules},
    generations::TokenDigest,
    introspection::{Introspection, IssuerKeys},
    issuer::IssuerClient,
    key_set::KeySet,
    key_store::{Freshness, KeyStore},
    settings::{checked_audiences, checked_introspection, checked_issuers, checked_leeway},
    token_cache::{TokenCache, Verified},
};

/// The longest token that is read, in bytes.
pub const MAX_TOKEN_LENGTH: usize = 16 * 1024;

/// Why there is no verified token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "each of the two needs an answer of its own")]
pub enum VerificationError {
    /// The token is not accepted.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Its issuer can't be asked, so it is not known whether the token is good.
    #[error(transparent)]
    Issuer(#[from] IssuerUnavailable),
}

/// Verifies the access tokens of one or several issuers, for programs that do not use axum. With
/// axum, use [`crate::ResourceServer`].
///
/// ```no_run
/// use std::sync::Arc;
///
/// use doorward_resource_server::{ResourceServerSettings, SystemClock, TokenValidator};
///
/// # async fn verify(token: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let settings = ResourceServerSettings::new("https://id.example.com", "orders-api");
/// let validator = TokenValidator::new(&settings, Arc::new(SystemClock::default()))?;
/// let token = validator.verify(token).await?;
/// let roles: Vec<&str> = token.principal().roles().collect();
/// println!("{} has the roles {roles:?}", token.principal().sub());
/// # Ok(())
/// # }
/// ```
pub struct TokenValidator {
    issuers: Vec<Issuer>,
    times: Times,
    verified: TokenCache,
    /// In the order of the settings.
    introspection: Vec<Introspection>,
}

/// An issuer with its keys.
struct Issuer {
    rules: TokenRules,
    algorithms: Vec<SigningAlgorithm>,
    keys: KeyStore,
}

impl Issuer {
    fn new(
        trusted: &TrustedIssuer,
        is_first: bool,
        settings: &ResourceServerSettings,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, SettingsError> {
        let client = IssuerClient::new(trusted, settings)?;
        let default_roles = if is_first { vec![ClaimPath::name("role")] } else { Vec::new() };
        let freshness = Freshness::new(settings.max_key_age, settings.chance);
        let rules = TokenRules {
            issuer: trusted.issuer.clone(),
            audiences: checked_audiences(&trusted.audiences)?.to_vec(),
            profile: trusted.profile.clone(),
            default_roles,
            default_acr: is_first,
        };
        let algorithms = trusted.algorithms.clone();
        Ok(Self { rules, algorithms, keys: KeyStore::new(client, freshness, Arc::clone(clock)) })
    }

    fn introspection(
        &self,
        trusted: &TrustedIssuer,
        settings: &ResourceServerSettings,
        clock: &Arc<dyn Clock>,
    ) -> Result<Option<Introspection>, SettingsError> {
        let Some(asked) = &trusted.introspection else { return Ok(None) };
        let asked = checked_introspection(asked)?.clone();
        let (rules, algorithms) = (self.rules.clone(), self.algorithms.clone());
        let keys = IssuerKeys { keys: self.keys.clone(), algorithms };
        let asked_issuers = settings.issuers.iter().filter(|own| own.introspection.is_some());
        let is_alone = asked_issuers.count() == 1;
        let (patience, clock) = (settings.patience, Arc::clone(clock));
        Ok(Some(Introspection::new(rules, asked, is_alone, patience, keys, clock)))
    }

    /// Checks the algorithm, the signature and the type. Returns the keys that verified the
    /// signature.
    async fn verify_signature(
        &self,
        token: &str,
        header: &UnverifiedHeader,
    ) -> Result<Arc<KeySet>, VerificationError> {
        // "The resource server MUST reject any JWT in which the value of alg is none."
        let algorithm = header.algorithm().filter(|algorithm| self.algorithms.contains(algorithm));
        let algorithm = algorithm.ok_or(TokenError::UnsupportedAlgorithm)?;
        let keys = self.keys.verify(token, header, algorithm).await?;
        // "The resource server MUST verify that the typ header value is at+jwt or
        // application/at+jwt", or what the issuer's profile says in its place.
        if !self.rules.profile.accepts_type(header.typ.as_deref()) {
            return Err(TokenError::WrongType.into());
        }
        Ok(keys)
    }
}

impl TokenValidator {
    /// A validator for the tokens of the settings' issuers.
    ///
    /// # Errors
    /// A setting can't be used.
    pub fn new(
        settings: &ResourceServerSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SettingsError> {
        settings.check_opaque_tokens()?;
        let (mut issuers, mut introspection) = (Vec::new(), Vec::new());
        for (index, trusted) in checked_issuers(&settings.issuers)?.iter().enumerate() {
            let issuer = Issuer::new(trusted, index == 0, settings, &clock)?;
            introspection.extend(issuer.introspection(trusted, settings, &clock)?);
            issuers.push(issuer);
        }
        let times = Times { leeway: checked_leeway(settings.leeway)?, clock };
        Ok(Self { issuers, times, verified: TokenCache::default(), introspection })
    }

    /// Whether the tokens of some issuer can be verified now; fetches its keys if there are none.
    ///
    /// # Errors
    /// No issuer can be reached.
    pub async fn ready(&self) -> Result<(), IssuerUnavailable> {
        let mut ready = Ok(());
        for issuer in &self.issuers {
            ready = issuer.keys.keys().await.map(|_| ());
            if ready.is_ok() {
                break;
            }
        }
        ready
    }

    /// Verifies a bearer token. A token that is bound to a key is refused, because nothing proves
    /// that its sender has the key.
    ///
    /// # Errors
    /// The token is not accepted, or its issuer can't be asked.
    pub async fn verify(&self, token: &str) -> Result<Arc<AccessToken>, VerificationError> {
        let verified = self.verify_except_binding(token).await?;
        if verified.claims().cnf.is_some() {
            Err(TokenError::KeyBound.into())
        } else {
            Ok(verified)
        }
    }

    /// Verifies a token, except that its sender has the key that `cnf` names: the caller must check
    /// that.
    pub(crate) async fn verify_except_binding(
        &self,
        token: &str,
    ) -> Result<Arc<AccessToken>, VerificationError> {
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(TokenError::TooLong.into());
        }
        let digest = TokenDigest::of(token);
        let known =
            digest.and_then(|digest| self.verified.get(digest, |keys| self.still_counts(keys)));
        let verified = match known {
            Some(known) => known,
            None => self.verify_anew(token, digest).await?,
        };
        self.times.check(verified.claims())?;
        Ok(verified)
    }

    /// The current time in seconds since 1970 (UTC).
    pub(crate) fn now(&self) -> i64 {
        self.times.clock.now()
    }

    /// Whether these are the current keys of an issuer.
    fn still_counts(&self, keys: &Arc<KeySet>) -> bool {
        let current = self.issuers.iter().filter_map(|issuer| issuer.keys.at_hand());
        current.into_iter().any(|current| Arc::ptr_eq(&current, keys))
    }

    async fn verify_anew(
        &self,
        token: &str,
        digest: Option<TokenDigest>,
    ) -> Result<Arc<AccessToken>, VerificationError> {
        let asks = !self.introspection.is_empty();
        let jws = match UnverifiedJws::parse(token) {
            Ok(jws) => jws,
            // Three parts that can't be decoded are a broken JWT, perhaps of another issuer, who
            // alone may see it.
            Err(JwsError::NotCompact) if asks && token.split('.').count() != 3 => {
                return self.look_up(token, digest.ok_or(TokenError::TooLong)?).await;
            }
            Err(error) => return Err(from_jws_error(error).into()),
        };
        let claims: Map<String, Value> = jws.unverified_claims().map_err(from_jws_error)?;
        let issuer = self.issuer_named_by(&claims)?;
        let keys = issuer.verify_signature(token, jws.header()).await?;
        let token = Arc::new(AccessToken::accept(claims, &issuer.rules)?);
        if let Some(digest) = digest {
            self.verified.insert(digest, Verified { token: Arc::clone(&token), keys });
        }
        Ok(token)
    }

    /// Asks about an opaque token, which does not say whose it is: each issuer that may know it, in
    /// the order of the settings, until one vouches for it.
    async fn look_up(
        &self,
        token: &str,
        digest: TokenDigest,
    ) -> Result<Arc<AccessToken>, VerificationError> {
        let asked = || self.introspection.iter().filter(|own| own.may_know(token));
        // An issuer whose answer is at hand spares the questions to those before it.
        if let Some(vouched) = asked().find_map(|own| own.vouched(digest)) {
            return Ok(vouched);
        }
        let mut refusal = TokenError::Inactive.into();
        for introspection in asked() {
            match introspection.look_up(token, digest).await {
                Ok(token) => return Ok(token),
                Err(error) => refusal = stronger(refusal, error),
            }
        }
        Err(refusal)
    }

    /// Chooses the issuer by `iss`. Nobody has vouched for that claim yet: the keys of the issuer
    /// must verify the token.
    fn issuer_named_by(&self, unverified: &Map<String, Value>) -> Result<&Issuer, TokenError> {
        let Some(Value::String(iss)) = unverified.get("iss") else {
            return Err(TokenError::InvalidClaim("iss"));
        };
        let mut issuers = self.issuers.iter();
        issuers.find(|issuer| issuer.rules.issuer == *iss).ok_or(TokenError::WrongIssuer)
    }
}

/// Which of two refusals counts. An issuer that can't be asked may be the one that knows the token,
/// and "inactive" says less than any other cause.
fn stronger(one: VerificationError, other: VerificationError) -> VerificationError {
    match (&one, &other) {
        (VerificationError::Issuer(_), _) => one,
        (_, VerificationError::Issuer(_)) | (VerificationError::Token(TokenError::Inactive), _) => {
            other
        }
        _ => one,
    }
}

fn from_jws_error(error: JwsError) -> TokenError {
    match error {
        JwsError::TooLong => TokenError::TooLong,
        JwsError::NotCompact | JwsError::InvalidHeader => TokenError::Malformed,
        JwsError::CriticalExtension => TokenError::CriticalExtension,
        JwsError::InvalidPayload => TokenError::MalformedClaims,
    }
}
