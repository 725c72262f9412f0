//! Access tokens of this provider in both their forms: a JWT that APIs verify themselves (RFC
//! 9068), or a reference, an opaque handle about which they ask the introspection endpoint (RFC
//! 7662). Here both are read; `token/issue.rs` writes them.

use std::sync::Arc;

use doorward_protocol::{claims::AccessTokenClaims, secret::Secret};
use sha2::{Digest as _, Sha256};

use crate::{
    keys::KeyRing,
    model::{
        client::Client, grant::Grant, message_identity::MessageIdentity, time::Clock,
        token_handle::TokenHandle, user::User,
    },
    store::{Grants, ReferenceTokens, SingleUses, StoreError},
    use_case::client_directory::ClientDirectory,
};

/// An access token that is valid now: issued by this provider, not expired, its client enabled, its
/// grant not revoked.
pub(crate) struct LiveAccessToken {
    /// What it says.
    pub(crate) claims: Arc<AccessTokenClaims>,
    /// The client to which it was issued.
    pub(crate) client: Arc<Client>,
    /// The grant and the user behind it; `None` for a token that a client got for itself.
    pub(crate) grant: Option<(Arc<Grant>, User)>,
}

/// The note that a JWT was revoked, among the messages that are used once.
pub(crate) fn revoked_jwt(claims: &AccessTokenClaims) -> MessageIdentity {
    let hash = Sha256::new().chain_update("revoked access token ").chain_update(&claims.jti);
    MessageIdentity::from_bytes(hash.finalize().into())
}

/// Reads access tokens that come back.
#[derive(Clone, Copy)]
pub(crate) struct AccessTokens<'a> {
    pub(crate) reference_tokens: &'a dyn ReferenceTokens,
    pub(crate) grants: &'a dyn Grants,
    pub(crate) single_uses: &'a dyn SingleUses,
    pub(crate) keys: &'a KeyRing,
    pub(crate) clients: ClientDirectory<'a>,
    pub(crate) issuer: &'a str,
    pub(crate) clock: &'a dyn Clock,
}

impl AccessTokens<'_> {
    /// The claims of a request's token, if this provider issued it and it has not expired. Its
    /// grant is not checked.
    pub(crate) async fn read(
        &self,
        presented: &str,
    ) -> Result<Option<Arc<AccessTokenClaims>>, StoreError> {
        let now = self.clock.now();
        // A handle is base64url, and so never has the dots of a JWT.
        let is_jwt = presented.contains('.');
        let claims = if is_jwt {
            self.keys.verify_access_token(presented)
        } else {
            self.reference_tokens
                .reference_token(TokenHandle::parse(presented).hash(), now)
                .await?
                .map(Arc::new)
        };
        let holds = |claims: &Arc<AccessTokenClaims>| {
            claims.iss == self.issuer && now.seconds() < claims.exp
        };
        let Some(claims) = claims.filter(holds) else { return Ok(None) };
        // A reference that was revoked is gone; a JWT is noted.
        let revoked = is_jwt && self.single_uses.is_used(revoked_jwt(&claims)).await?;
        Ok((!revoked).then_some(claims))
    }

    /// The token of a request with its grant and user, if it is valid now.
    pub(crate) async fn live(
        &self,
        presented: &Secret,
    ) -> Result<Option<LiveAccessToken>, StoreError> {
        let Some(claims) = self.read(presented.expose()).await? else {
            return Ok(None);
        };
        let Some(client) = self.clients.find(&claims.client_id).await? else { return Ok(None) };
        let Some(grant_id) = claims.grant_id.as_ref() else {
            return Ok(Some(LiveAccessToken { claims, client, grant: None }));
        };
        let grant = self.grants.live_grant(grant_id, self.clock.now()).await?;
        let grant =
            grant.filter(|(_, user)| user.enabled && client.subject(&user.sub) == claims.sub);
        Ok(grant.map(|grant| LiveAccessToken { claims, client, grant: Some(grant) }))
    }
}
