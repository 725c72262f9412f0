//! Token revocation (RFC 7009).

use crate::{Provider, authenticate::AuthenticatedClient, opaque::OpaqueToken, store::StoreError};

impl Provider {
    /// Revokes the grant that a refresh token or an access token belongs to, and with it everything issued from it
    /// (section 2.1 allows it for both). A JWT access token verifies at APIs until it expires; at this provider it ends now.
    /// Unknown tokens and those of another client are left alone, and the client gets the same answer.
    pub async fn revoke(&self, client: &AuthenticatedClient, token: &str) -> Result<(), StoreError> {
        let hash = OpaqueToken::presented(token).hash();
        let grant_id = match self.store.refresh_token(hash).await? {
            Some(record) => record.grant.filter(|grant| grant.client_id == client.client_id).map(|grant| grant.id),
            None => match self.read_access_token(token).await?.filter(|own| own.client_id == client.client_id) {
                Some(own) if own.grant_id.is_some() => own.grant_id,
                // A client's own token has no grant: a reference ends by itself, a JWT can't be called back.
                Some(_) => return self.store.revoke_reference_token(hash).await,
                None => None,
            },
        };
        match grant_id {
            Some(grant_id) => self.store.revoke_grant(&grant_id, self.now()).await,
            None => Ok(()),
        }
    }
}
