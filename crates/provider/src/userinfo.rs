//! The userinfo endpoint's use case (OIDC Core section 5.3).

use doorward_protocol::{error::ErrorCode, scope::OPENID, secret::Secret};
use serde_json::{Map, Value};

use crate::{Provider, access_token::LiveAccessToken, store::StoreError};

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
        let LiveAccessToken { claims: token, grant } =
            self.live_access_token(access_token).await?.ok_or(UserinfoError::InvalidToken)?;
        if !token.scope.contains(OPENID) {
            return Err(UserinfoError::InsufficientScope);
        }
        let (grant, user) = grant.ok_or(UserinfoError::InvalidToken)?;
        let requested = grant.requested_claims.userinfo.iter().map(String::as_str);
        let mut claims = user.claims.select(self.resources.identity_claims(&token.scope).chain(requested));
        claims.insert("sub".to_owned(), Value::String(user.sub));
        Ok(claims)
    }
}
