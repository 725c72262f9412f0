//! Grants: what a user (or a client by itself) allowed a client, and the single-use artefacts that
//! hang on them.

use std::collections::BTreeSet;

use doorward_protocol::{
    claims::AccessTokenClaims,
    ids::{ClientId, GrantId},
    pkce::CodeChallenge,
    scope::Scope,
    thumbprint::Thumbprint,
    time::Seconds,
};
use serde::{Deserialize, Serialize};

use crate::model::{
    session::Authentication,
    target::Targets,
    time::Timestamp,
    token_handle::{SuccessorSeed, TokenHash},
    user::UserClaims,
};

/// What one authorization allows. Tokens issued from it name it by `id`; revoking it ends them all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// Identifier. It looks random to everyone who does not know the family of its refresh tokens
    /// ([`Family`](crate::model::token_handle::Family)).
    pub id: GrantId,
    /// The client that may act.
    pub client_id: ClientId,
    /// The user for whom it acts.
    pub authentication: Authentication,
    /// The identifier by which the client knew this user when the grant was made. A client that
    /// moves to another sector must not learn by it how the clients of that one know the user (OIDC
    /// Core section 8.1). Grants of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The granted scope.
    pub scope: Scope,
    /// The APIs that its access tokens are restricted to (RFC 8707).
    #[serde(default)]
    pub targets: Targets,
    /// Claims asked for one by one (OIDC Core section 5.5).
    #[serde(default)]
    pub requested_claims: RequestedClaims,
    /// The key to which the refresh tokens are bound (RFC 9449 section 5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<Thumbprint>,
    /// User claims in the access token, as they were at the first issue.
    #[serde(default)]
    pub access_token_claims: UserClaims,
}

/// Names of claims asked for by the `claims` parameter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedClaims {
    /// For the ID token.
    #[serde(default)]
    pub id_token: BTreeSet<String>,
    /// For the userinfo answer.
    #[serde(default)]
    pub userinfo: BTreeSet<String>,
}

impl RequestedClaims {
    /// Those of the claims that are among the permitted ones.
    #[must_use]
    pub fn within<'a>(&self, permitted: impl Iterator<Item = &'a str>) -> Self {
        let permitted: BTreeSet<&str> = permitted.collect();
        let keep = |names: &BTreeSet<String>| {
            names.iter().filter(|name| permitted.contains(name.as_str())).cloned().collect()
        };
        Self { id_token: keep(&self.id_token), userinfo: keep(&self.userinfo) }
    }
}

/// An authorization code as the store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuthorizationCode {
    /// The grant that comes to be when the code is redeemed.
    pub grant: Grant,
    /// The redirect URI to which the code was sent.
    pub redirect_uri: String,
    /// Whether the authorization request named that URI; then the token request must repeat it (RFC
    /// 6749 section 4.1.3).
    pub redirect_uri_was_sent: bool,
    /// The challenge to which the token request must bring the verifier.
    pub code_challenge: Option<CodeChallenge>,
    /// The key of which the token request must bring a proof (RFC 9449 section 10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<Thumbprint>,
    /// To the ID token.
    pub nonce: Option<String>,
    /// It can't be redeemed from this timestamp on.
    pub expires_at: Timestamp,
}

/// The longest `refresh_token_grace`. Within the grace a used refresh token may be used
/// again. With a longer grace a thief could use a token after its owner, and nobody would notice.
pub const LONGEST_GRACE: Seconds = Seconds::new(600);

/// A refresh token as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// Hash of the token.
    pub hash: TokenHash,
    /// When the first token of the family was issued; rotation keeps it.
    pub first_issued_at: Timestamp,
    /// It can't be used from this timestamp on.
    pub expires_at: Timestamp,
}

/// A reference access token as the store keeps it: what a JWT would say, found by the hash of the
/// handle.
#[derive(Debug, Clone)]
pub struct ReferenceToken {
    /// Hash of the handle.
    pub hash: TokenHash,
    /// What it says; `exp` ends it.
    pub claims: AccessTokenClaims,
}

/// A refresh token's part in its family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefreshTokenState {
    /// Never used: the end of the family.
    Unused,
    /// Replaced by a successor.
    Consumed {
        /// When.
        at: Timestamp,
        /// The seed of the successor.
        seed: SuccessorSeed,
    },
}
