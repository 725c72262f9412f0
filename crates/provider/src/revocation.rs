//! Token revocation (RFC 7009).

use doorward_protocol::claims::AccessTokenClaims;

use crate::{
    Provider, authenticate::AuthenticatedClient, opaque::OpaqueToken, store::StoreError, tokens::ACCESS_TOKEN_TYPE,
};

impl Provider {
    /// Revokes the grant that a refresh token or an access token belongs to, and with it everything issued from it
    /// (section 2.1 allows it for both). A JWT access token verifies at APIs until it expires; at this provider it ends now.
    /// Unknown tokens and those of another client are left alone, and the client gets the same answer.
    pub async fn revoke(&self, client: &AuthenticatedClient, token: &str) -> Result<(), StoreError> {
        let now = self.now();
        let grant_id = match self.store.refresh_token(OpaqueToken::presented(token).hash()).await? {
            Some(record) => record.grant.filter(|grant| grant.client_id == client.client_id).map(|grant| grant.id),
            None => self
                .keys
                .verify::<AccessTokenClaims>(token, ACCESS_TOKEN_TYPE)
                .filter(|own| own.client_id == client.client_id)
                .and_then(|own| own.grant_id),
        };
        match grant_id {
            Some(grant_id) => self.store.revoke_grant(&grant_id, now).await,
            None => Ok(()),
        }
    }
}
