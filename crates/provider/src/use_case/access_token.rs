//! Access tokens of this provider in both their forms: a JWT that APIs verify themselves (RFC
//! 9068), or a reference, an opaque handle about which they ask the introspection endpoint (RFC
//! 7662). Here both are written and read.

use std::sync::Arc;

use doorward_protocol::{claims::AccessTokenClaims, secret::Secret};

use crate::model::token_type::ACCESS_TOKEN_TYPE;
use crate::{
    Provider,
    model::{
        client::{AccessTokenType, Client},
        grant::{Grant, ReferenceToken},
        target::Targets,
        time::Timestamp,
        token_handle::TokenHandle,
        user::User,
    },
    store::StoreError,
    use_case::error::TokenError,
};

/// An access token that holds now: of this provider, not expired, its client enabled, its grant not
/// revoked.
pub(crate) struct LiveAccessToken {
    /// What it says.
    pub(crate) claims: Arc<AccessTokenClaims>,
    /// The grant and the user behind it; `None` for a token that a client got for itself.
    pub(crate) grant: Option<(Arc<Grant>, User)>,
}

impl Provider {
    /// Writes the token in the form that the client is set to.
    pub(crate) async fn write_access_token(
        &self,
        client: &Client,
        targets: &Targets,
        claims: AccessTokenClaims,
        now: Timestamp,
    ) -> Result<Secret, TokenError> {
        match client.access_token_type {
            AccessTokenType::Jwt => {
                let key = self
                    .keys
                    .active(self.access_token_algorithm(client, &claims.scope, targets)?, now)?;
                Ok(key.sign(ACCESS_TOKEN_TYPE, &claims)?)
            }
            AccessTokenType::Reference => {
                let handle = TokenHandle::generate(&*self.entropy);
                self.store
                    .add_reference_token(ReferenceToken { hash: handle.hash(), claims })
                    .await?;
                Ok(handle.into_secret())
            }
        }
    }

    /// What a presented token says, if it is one of ours that has not expired. Whether its grant
    /// lives is not yet known.
    pub(crate) async fn read_access_token(
        &self,
        presented: &str,
    ) -> Result<Option<Arc<AccessTokenClaims>>, StoreError> {
        let now = self.now();
        // A handle is base64url, and so never has the dots of a JWT.
        let claims = if presented.contains('.') {
            self.keys.verify_access_token(presented)
        } else {
            self.store
                .reference_token(TokenHandle::parse(presented).hash(), now)
                .await?
                .map(Arc::new)
        };
        Ok(claims.filter(|claims| claims.iss == self.settings.issuer && now.seconds() < claims.exp))
    }

    /// The presented token with all that stands behind it, if it holds now.
    pub(crate) async fn live_access_token(
        &self,
        presented: &Secret,
    ) -> Result<Option<LiveAccessToken>, StoreError> {
        let Some(claims) = self.read_access_token(presented.expose()).await? else {
            return Ok(None);
        };
        let Some(client) = self.client(&claims.client_id) else { return Ok(None) };
        let Some(grant_id) = claims.grant_id.as_deref() else {
            return Ok(Some(LiveAccessToken { claims, grant: None }));
        };
        let grant = self.store.live_grant(grant_id, self.now()).await?;
        let grant =
            grant.filter(|(_, user)| user.enabled && client.subject(&user.sub) == claims.sub);
        Ok(grant.map(|grant| LiveAccessToken { claims, grant: Some(grant) }))
    }
}
