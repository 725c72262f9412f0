//! The userinfo endpoint's use case (OIDC Core section 5.3).

use doorward_protocol::{claims::AccessTokenClaims, error::ErrorCode, scope::OPENID, secret::Secret};
use serde_json::{Map, Value};

use crate::{Provider, store::StoreError, tokens::ACCESS_TOKEN_TYPE};

/// Why userinfo was refused.
#[derive(Debug, thiserror::Error)]
pub enum UserinfoError {
    /// Not an access token of this provider, expired, or its grant or user is gone.
    #[error("The access token is invalid, expired or revoked.")]
    InvalidToken,
    /// The token has no `openid` scope.
    #[error("The access token has no openid scope.")]
    InsufficientScope,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UserinfoError {
    /// The error code on the wire (RFC 6750 section 3.1).
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::InvalidToken => ErrorCode::InvalidToken,
            Self::InsufficientScope => ErrorCode::InsufficientScope,
            Self::Store(_) => ErrorCode::TemporarilyUnavailable,
        }
    }
}

impl Provider {
    /// The claims about the user that an access token gives.
    pub async fn userinfo(&self, access_token: &Secret) -> Result<Map<String, Value>, UserinfoError> {
        let now = self.now();
        let token: AccessTokenClaims =
            self.keys.verify(access_token.expose(), ACCESS_TOKEN_TYPE).ok_or(UserinfoError::InvalidToken)?;
        if token.iss != self.settings.issuer || now.seconds() >= token.exp {
            return Err(UserinfoError::InvalidToken);
        }
        if !token.scope.contains(OPENID) {
            return Err(UserinfoError::InsufficientScope);
        }
        let grant_id = token.grant_id.as_deref().ok_or(UserinfoError::InvalidToken)?;
        let (grant, user) = self.store.live_grant(grant_id, now).await?.ok_or(UserinfoError::InvalidToken)?;
        if !user.enabled || user.sub != token.sub || self.client(&token.client_id).is_none() {
            return Err(UserinfoError::InvalidToken);
        }
        let requested = grant.requested_claims.userinfo.iter().map(String::as_str);
        let mut claims = user.claims.select(self.resources.identity_claims(&token.scope).chain(requested));
        claims.insert("sub".to_owned(), Value::String(user.sub));
        Ok(claims)
    }
}
