//! The answer of the token endpoint (RFC 6749 section 5.1, OIDC Core section 3.1.3.3).

use serde::{Deserialize, Serialize};

use crate::{scope::Scope, secret::Secret};

/// `token_type` of tokens that any bearer may use (RFC 6750).
pub const BEARER: &str = "Bearer";

/// `token_type` of tokens that are bound to a key (RFC 9449 section 5).
pub const DPOP: &str = "DPoP";

/// The answer to a granted token request, as the provider writes it.
///
/// ```
/// use doorward_protocol::token::{BEARER, TokenResponse};
/// use serde_json::json;
///
/// let scope = "openid profile".parse()?;
/// let mut response = TokenResponse::new("eyJ...".to_owned().into(), BEARER, 3600, scope);
/// response.id_token = Some("eyJ...".to_owned().into());
/// assert_eq!(
///     serde_json::to_value(&response).unwrap(),
///     json!({
///         "access_token": "eyJ...", "token_type": "Bearer", "expires_in": 3600,
///         "scope": "openid profile", "id_token": "eyJ...",
///     }),
/// );
/// # Ok::<(), doorward_protocol::scope::InvalidScope>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TokenResponse {
    /// The access token.
    pub access_token: Secret,
    /// `Bearer` or `DPoP`; compared without regard to case (RFC 6749 section 5.1).
    pub token_type: String,
    /// Life of the access token in seconds, from now on.
    pub expires_in: u64,
    /// The granted scope.
    pub scope: Scope,
    /// The refresh token, with offline access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// The ID token, with scope `openid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<Secret>,
}

impl TokenResponse {
    /// An answer with neither refresh token nor ID token.
    pub fn new(
        access_token: Secret,
        token_type: impl Into<String>,
        expires_in: u64,
        scope: Scope,
    ) -> Self {
        Self {
            access_token,
            token_type: token_type.into(),
            expires_in,
            scope,
            refresh_token: None,
            id_token: None,
        }
    }
}
