//! Verifying JWT access tokens (RFC 9068 section 4), step by step as the RFC has it.

use std::{sync::Arc, time::Duration};

use doorward_policy::Principal;
use doorward_protocol::{
    claims::AccessTokenClaims,
    jose::SigningAlgorithm,
    jws::{JwsError, UnverifiedHeader, UnverifiedJws},
};
use serde_json::{Map, Value};

use crate::{
    Clock, KeySet, KeyStore, KeysUnavailable, SettingsError, TokenError,
    settings::{checked_audience, checked_leeway},
    token_cache::{TokenCache, TokenDigest},
};

/// The longest token that is looked at, in bytes. Longer ones would cost more to read than they can be worth.
pub const MAX_TOKEN_LENGTH: usize = 16 * 1024;

/// How far `iat` may lie in the future, in seconds. `iat` limits no token's life (RFC 7519 section 4.1.6), so this
/// keeps none alive: it lets a token be used at once on a machine whose clock is a little behind the issuer's.
const ISSUED_AT_TOLERANCE: i64 = 60;

/// An access token that was verified.
#[derive(Debug)]
pub struct AccessToken {
    claims: AccessTokenClaims,
    principal: Principal,
}

impl AccessToken {
    /// A token that nobody verified, for tests.
    #[cfg(test)]
    pub(crate) fn unverified(claims: AccessTokenClaims) -> Self {
        let principal = Principal::new(claims.sub.clone());
        Self { claims, principal }
    }

    /// The token's claims.
    pub fn claims(&self) -> &AccessTokenClaims {
        &self.claims
    }

    /// The caller whom it speaks for.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }
}

/// Why there is no verified token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerificationError {
    /// The token is at fault.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The keys are missing; the token may be good.
    #[error(transparent)]
    Keys(#[from] KeysUnavailable),
}

/// Verifies the access tokens of one issuer for one audience.
pub struct TokenValidator {
    issuer: String,
    audience: String,
    leeway: i64,
    keys: KeyStore,
    clock: Arc<dyn Clock>,
    verified: TokenCache,
}

impl TokenValidator {
    /// A validator for tokens with this `iss` and, in `aud`, this audience. The leeway counts in whole seconds.
    pub fn new(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        leeway: Duration,
        keys: KeyStore,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SettingsError> {
        Ok(Self {
            issuer: issuer.into(),
            audience: checked_audience(&audience.into())?.to_owned(),
            leeway: checked_leeway(leeway)?,
            keys,
            clock,
            verified: TokenCache::default(),
        })
    }

    /// The keys that it verifies with.
    pub fn keys(&self) -> &KeyStore {
        &self.keys
    }

    /// Verifies a bearer token as it came from the wire. One that is bound to a key is refused: here nothing proves that key.
    pub async fn verify(&self, token: &str) -> Result<Arc<AccessToken>, VerificationError> {
        let verified = self.verify_apart_from_key(token).await?;
        if verified.claims.cnf.is_some() { Err(TokenError::KeyBound.into()) } else { Ok(verified) }
    }

    /// Verifies all of a token but that its presenter holds the key of `cnf`, which is for the caller to see.
    pub(crate) async fn verify_apart_from_key(&self, token: &str) -> Result<Arc<AccessToken>, VerificationError> {
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(TokenError::TooLong.into());
        }
        let Some(digest) = TokenDigest::of(token) else {
            return Ok(self.verify_anew(token).await?.0);
        };
        let keys = self.keys.at_hand();
        if let Some(known) = keys.and_then(|keys| self.verified.get(digest, &keys)) {
            self.check_times(&known.claims)?;
            return Ok(known);
        }
        let (verified, keys) = self.verify_anew(token).await?;
        self.verified.insert(digest, keys, Arc::clone(&verified));
        Ok(verified)
    }

    async fn verify_anew(&self, token: &str) -> Result<(Arc<AccessToken>, Arc<KeySet>), VerificationError> {
        // What the token itself shows to be wrong is told before any key is fetched for it.
        let jws = UnverifiedJws::parse(token).map_err(from_jws_error)?;
        let algorithm = check_header(jws.header())?;
        let keys = self.verify_signature(token, jws.header(), algorithm).await?;
        let claims: Map<String, Value> = jws.unverified_claims().map_err(from_jws_error)?;
        let verified = self.check_claims(claims)?;
        Ok((Arc::new(verified), keys))
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
        if keys.select(kid, algorithm)?.verifies(token) { Ok(keys) } else { Err(TokenError::BadSignature.into()) }
    }

    fn check_claims(&self, all: Map<String, Value>) -> Result<AccessToken, TokenError> {
        let claims: AccessTokenClaims =
            serde_json::from_value(Value::Object(all.clone())).map_err(|_| TokenError::InvalidClaims)?;
        if claims.client_id.is_empty() || claims.jti.is_empty() {
            return Err(TokenError::InvalidClaims);
        }
        if claims.iss != self.issuer {
            return Err(TokenError::WrongIssuer);
        }
        if !claims.aud.contains(&self.audience) {
            return Err(TokenError::WrongAudience);
        }
        self.check_times(&claims)?;
        let principal = Principal::from_map(all).map_err(|_| TokenError::InvalidClaims)?;
        Ok(AccessToken { claims, principal })
    }

    /// The only checks whose outcome changes with time; made for every request.
    fn check_times(&self, claims: &AccessTokenClaims) -> Result<(), TokenError> {
        let now = self.clock.now();
        // On `exp` itself a token is no longer accepted (RFC 7519 section 4.1.4).
        if now >= claims.exp.saturating_add(self.leeway) {
            return Err(TokenError::Expired);
        }
        if claims.nbf.is_some_and(|nbf| nbf > now.saturating_add(self.leeway)) {
            return Err(TokenError::NotYetValid);
        }
        if claims.iat > now.saturating_add(ISSUED_AT_TOLERANCE) {
            return Err(TokenError::IssuedInFuture);
        }
        Ok(())
    }
}

/// `typ` keeps ID tokens and other JWTs of the issuer out (RFC 9068 section 4); the algorithm must be asymmetric.
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
