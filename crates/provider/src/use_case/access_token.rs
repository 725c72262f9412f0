//! Access tokens of this provider in both their forms: a JWT that APIs verify themselves (RFC
//! 9068), or a reference, an opaque handle about which they ask the introspection endpoint (RFC
//! 7662). Here both are read; `token/issue.rs` writes them.

use std::sync::Arc;

use doorward_protocol::{claims::AccessTokenClaims, secret::Secret};

use crate::{
    keys::KeyRing,
    model::{grant::Grant, time::Clock, token_handle::TokenHandle, user::User},
    store::{Store, StoreError},
    use_case::client_registry::ClientRegistry,
};

/// An access token that holds now: of this provider, not expired, its client enabled, its grant not
/// revoked.
pub(crate) struct LiveAccessToken {
    /// What it says.
    pub(crate) claims: Arc<AccessTokenClaims>,
    /// The grant and the user behind it; `None` for a token that a client got for itself.
    pub(crate) grant: Option<(Arc<Grant>, User)>,
}

/// Reads access tokens that come back.
#[derive(Clone, Copy)]
pub(crate) struct AccessTokens<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) keys: &'a KeyRing,
    pub(crate) clients: &'a ClientRegistry,
    pub(crate) issuer: &'a str,
    pub(crate) clock: &'a dyn Clock,
}

impl AccessTokens<'_> {
    /// What a presented token says, if it is one of ours that has not expired. Whether its grant
    /// lives is not yet known.
    pub(crate) async fn read(
        &self,
        presented: &str,
    ) -> Result<Option<Arc<AccessTokenClaims>>, StoreError> {
        let now = self.clock.now();
        // A handle is base64url, and so never has the dots of a JWT.
        let claims = if presented.contains('.') {
            self.keys.verify_access_token(presented)
        } else {
            self.store
                .reference_token(TokenHandle::parse(presented).hash(), now)
                .await?
                .map(Arc::new)
        };
        Ok(claims.filter(|claims| claims.iss == self.issuer && now.seconds() < claims.exp))
    }

    /// The presented token with all that stands behind it, if it holds now.
    pub(crate) async fn live(
        &self,
        presented: &Secret,
    ) -> Result<Option<LiveAccessToken>, StoreError> {
        let Some(claims) = self.read(presented.expose()).await? else {
            return Ok(None);
        };
        let Some(client) = self.clients.get(&claims.client_id) else { return Ok(None) };
        let Some(grant_id) = claims.grant_id.as_deref() else {
            return Ok(Some(LiveAccessToken { claims, grant: None }));
        };
        let grant = self.store.live_grant(grant_id, self.clock.now()).await?;
        let grant =
            grant.filter(|(_, user)| user.enabled && client.subject(&user.sub) == claims.sub);
        Ok(grant.map(|grant| LiveAccessToken { claims, grant: Some(grant) }))
    }
}
