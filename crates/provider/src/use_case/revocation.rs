//! Token revocation (RFC 7009).

use std::sync::Arc;

use crate::{
    audit,
    model::{grant::Grant, time::Clock, token_handle::TokenHandle},
    store::Store,
    use_case::{access_token::AccessTokens, authenticate::AuthenticatedClient, error::TokenError},
};

/// Revokes tokens: what it reads and changes.
pub(crate) struct TokenRevocation<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) access_tokens: AccessTokens<'a>,
    pub(crate) clock: &'a dyn Clock,
}

impl TokenRevocation<'_> {
    /// Revokes the grant that a refresh token or an access token belongs to, and with it everything
    /// issued from it (section 2.1 allows it for both). A JWT access token verifies at APIs until
    /// it expires; at this provider it ends now. Unknown tokens and those of another client are
    /// left alone, and the client gets the same answer. A JWT that the client got for itself can't
    /// be called back, and the client is told so.
    pub(crate) async fn revoke(
        &self,
        client: &AuthenticatedClient,
        token: &str,
        address: &str,
    ) -> Result<(), TokenError> {
        let presented = TokenHandle::parse(token);
        let hash = presented.hash();
        let own = |grant: Arc<Grant>| {
            let is_own = grant.client_id == client.client_id;
            is_own.then(|| (Some(grant.id.clone()), grant.authentication.sub.clone()))
        };
        let found = match (self.store.refresh_token(hash).await?, presented.family()) {
            (Some(record), _) => record.grant.and_then(own),
            // Replaced and forgotten: the client that has not noticed wants it all ended none the
            // less.
            (None, Some(family)) => self
                .store
                .live_grant(&family.grant_id(), self.clock.now())
                .await?
                .and_then(|(grant, _)| own(grant)),
            (None, None) => {
                let own = self
                    .access_tokens
                    .read(token)
                    .await?
                    .filter(|own| own.client_id == client.client_id);
                own.map(|own| (own.grant_id.clone(), own.sub.clone()))
            }
        };
        let Some((grant_id, sub)) = found else { return Ok(()) };
        match grant_id {
            Some(grant_id) => self.store.revoke_grant(&grant_id, self.clock.now()).await?,
            // A client's own token has no grant: a reference ends by itself, a JWT lives on
            // (section 2.2.1).
            None if token.contains('.') => return Err(TokenError::NotRevocable),
            None => self.store.revoke_reference_token(hash).await?,
        }
        audit::Event {
            event: "token_revoked",
            sub: Some(&sub),
            client_id: Some(&client.client_id),
            peer: Some(address),
            ..audit::Event::default()
        }
        .log();
        Ok(())
    }
}
