//! A verified access token, and the rules that its claims keep however it was verified: by its
//! signature or by asking its issuer.

use std::sync::Arc;

use doorward_policy::Principal;
use doorward_protocol::claims::AccessTokenClaims;
use serde_json::{Map, Value};

use crate::{Clock, TokenError};

/// How far `iat` may lie in the future, in seconds. `iat` limits no token's life (RFC 7519 section
/// 4.1.6), so this keeps none alive: it lets a token be used at once on a machine whose clock is a
/// little behind the issuer's.
const ISSUED_AT_TOLERANCE: i64 = 60;

/// An access token that was verified.
#[derive(Debug)]
pub struct AccessToken {
    claims: AccessTokenClaims,
    principal: Principal,
}

impl AccessToken {
    /// Reads claims that the issuer vouches for; they must come from this issuer, for this
    /// audience.
    pub(crate) fn accept(
        all: Map<String, Value>,
        issuer: &str,
        audience: &str,
    ) -> Result<Self, TokenError> {
        let claims: AccessTokenClaims = serde_json::from_value(Value::Object(all.clone()))
            .map_err(|_| TokenError::InvalidClaims)?;
        if claims.client_id.is_empty() || claims.jti.is_empty() {
            return Err(TokenError::InvalidClaims);
        }
        if claims.iss != issuer {
            return Err(TokenError::WrongIssuer);
        }
        if !claims.aud.contains(audience) {
            return Err(TokenError::WrongAudience);
        }
        let principal = Principal::from_map(all).map_err(|_| TokenError::InvalidClaims)?;
        Ok(Self { claims, principal })
    }

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

/// The only rules whose outcome changes with time; asked for every request.
pub(crate) struct Times {
    /// In seconds.
    pub(crate) leeway: i64,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Times {
    pub(crate) fn check(&self, claims: &AccessTokenClaims) -> Result<(), TokenError> {
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
