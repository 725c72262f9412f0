//! Verifying access tokens: JWTs step by step as RFC 9068 section 4 has it; opaque ones by asking
//! their issuer.

use std::sync::Arc;

use doorward_protocol::{
    jose::SigningAlgorithm,
    jws::{JwsError, UnverifiedHeader, UnverifiedJws},
};
use serde_json::{Map, Value};

use crate::{
    AccessToken, Clock, Freshness, IssuerClient, IssuerUnavailable, KeySet, KeyStore,
    ResourceServerSettings, SettingsError, TokenError, TrustedIssuer,
    access_token::Times,
    generations::TokenDigest,
    introspection::Introspector,
    settings::{checked_audience, checked_introspection, checked_issuers, checked_leeway},
    token_cache::{TokenCache, Verified},
};

/// The longest token that is looked at, in bytes. Longer ones would cost more to read than they can
/// be worth.
pub const MAX_TOKEN_LENGTH: usize = 16 * 1024;

/// Why there is no verified token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerificationError {
    /// The token is at fault.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Its issuer can't be asked; the token may be good.
    #[error(transparent)]
    Issuer(#[from] IssuerUnavailable),
}

/// Verifies the access tokens of one or several issuers.
pub struct TokenValidator {
    issuers: Vec<Issuer>,
    times: Times,
    verified: TokenCache,
    introspector: Option<Introspector>,
}

/// An issuer with its keys.
struct Issuer {
    iss: String,
    audience: String,
    keys: KeyStore,
}

impl Issuer {
    fn new(
        trusted: &TrustedIssuer,
        settings: &ResourceServerSettings,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, SettingsError> {
        let client = IssuerClient::new(
            trusted.issuer.clone(),
            trusted.allow_insecure,
            settings.patience,
            &settings.trusted_roots,
        )?;
        let freshness = Freshness::new(settings.max_key_age, settings.chance);
        Ok(Self {
            iss: trusted.issuer.clone(),
            audience: checked_audience(&trusted.audience)?.to_owned(),
            keys: KeyStore::new(client, freshness, Arc::clone(clock)),
        })
    }

    fn introspector(
        &self,
        trusted: &TrustedIssuer,
        settings: &ResourceServerSettings,
        clock: &Arc<dyn Clock>,
    ) -> Result<Option<Introspector>, SettingsError> {
        let about = (self.iss.as_str(), self.audience.as_str());
        let (keys, clock) = (self.keys.clone(), Arc::clone(clock));
        let Some(asked) = &trusted.introspection else { return Ok(None) };
        let asked = checked_introspection(asked)?.clone();
        Ok(Some(Introspector::new(about, asked, settings.patience, keys, clock)))
    }

    /// Checks the signature and says with which keys.
    async fn verify_signature(
        &self,
        token: &str,
        header: &UnverifiedHeader,
        algorithm: SigningAlgorithm,
    ) -> Result<Arc<KeySet>, VerificationError> {
        let mut keys = self.keys.keys().await?;
        let kid = header.kid.as_deref();
        if matches!(keys.select(kid, algorithm), Err(TokenError::UnknownKey))
            && let Some(newer) = self.keys.keys_newer_than(&keys).await?
        {
            keys = newer;
        }
        if keys.select(kid, algorithm)?.verifies(token) {
            Ok(keys)
        } else {
            Err(TokenError::BadSignature.into())
        }
    }
}

impl TokenValidator {
    /// A validator for the tokens of the settings' issuers.
    pub fn new(
        settings: &ResourceServerSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SettingsError> {
        let (mut issuers, mut introspector) = (Vec::new(), None);
        for trusted in checked_issuers(&settings.issuers)? {
            let issuer = Issuer::new(trusted, settings, &clock)?;
            introspector = introspector.or(issuer.introspector(trusted, settings, &clock)?);
            issuers.push(issuer);
        }
        let times = Times { leeway: checked_leeway(settings.leeway)?, clock };
        Ok(Self { issuers, times, verified: TokenCache::default(), introspector })
    }

    /// Whether the tokens of some issuer can be verified now; fetches keys if there are none yet.
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

    /// Verifies a bearer token as it came from the wire. One that is bound to a key is refused:
    /// here nothing proves that key.
    pub async fn verify(&self, token: &str) -> Result<Arc<AccessToken>, VerificationError> {
        let verified = self.verify_apart_from_key(token).await?;
        if verified.claims().cnf.is_some() {
            Err(TokenError::KeyBound.into())
        } else {
            Ok(verified)
        }
    }

    /// Verifies all of a token but that its presenter holds the key of `cnf`, which is for the
    /// caller to see.
    pub(crate) async fn verify_apart_from_key(
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

    /// Whether these are the keys that an issuer has now.
    fn still_counts(&self, keys: &Arc<KeySet>) -> bool {
        let current = self.issuers.iter().filter_map(|issuer| issuer.keys.at_hand());
        current.into_iter().any(|current| Arc::ptr_eq(&current, keys))
    }

    async fn verify_anew(
        &self,
        token: &str,
        digest: Option<TokenDigest>,
    ) -> Result<Arc<AccessToken>, VerificationError> {
        let jws = match (UnverifiedJws::parse(token), &self.introspector) {
            (Ok(jws), _) => jws,
            // Three parts that can't be decoded are a broken JWT, perhaps of another issuer, who
            // alone may see it.
            (Err(JwsError::NotCompact), Some(introspector)) if token.split('.').count() != 3 => {
                return introspector.look_up(token, digest.ok_or(TokenError::TooLong)?).await;
            }
            (Err(error), _) => return Err(from_jws_error(error).into()),
        };
        // What the token itself shows to be wrong is told before any key is fetched for it.
        let algorithm = check_header(jws.header())?;
        let claims: Map<String, Value> = jws.unverified_claims().map_err(from_jws_error)?;
        let issuer = self.issuer_named_by(&claims)?;
        let keys = issuer.verify_signature(token, jws.header(), algorithm).await?;
        let token = Arc::new(AccessToken::accept(claims, &issuer.iss, &issuer.audience)?);
        if let Some(digest) = digest {
            self.verified.insert(digest, Verified { token: Arc::clone(&token), keys });
        }
        Ok(token)
    }

    /// Chooses by `iss`, which nobody vouched for yet, whose keys must verify the token.
    fn issuer_named_by(&self, unverified: &Map<String, Value>) -> Result<&Issuer, TokenError> {
        let Some(Value::String(iss)) = unverified.get("iss") else {
            return Err(TokenError::InvalidClaims);
        };
        self.issuers.iter().find(|issuer| issuer.iss == *iss).ok_or(TokenError::WrongIssuer)
    }
}

/// `typ` keeps ID tokens and other JWTs of the issuer out (RFC 9068 section 4); the algorithm must
/// be asymmetric.
fn check_header(header: &UnverifiedHeader) -> Result<SigningAlgorithm, TokenError> {
    let algorithm = header.algorithm().ok_or(TokenError::UnsupportedAlgorithm)?;
    if !header.is_type("at+jwt") {
        return Err(TokenError::WrongType);
    }
    Ok(algorithm)
}

fn from_jws_error(error: JwsError) -> TokenError {
    match error {
        JwsError::TooLong => TokenError::TooLong,
        JwsError::NotCompact | JwsError::InvalidHeader => TokenError::Malformed,
        JwsError::CriticalExtension => TokenError::CriticalExtension,
        JwsError::InvalidPayload => TokenError::InvalidClaims,
    }
}
