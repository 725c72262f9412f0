//! Token revocation (RFC 7009).

use std::sync::Arc;

use doorward_protocol::{claims::AccessTokenClaims, ids::GrantId};

use crate::{
    audit,
    model::{
        grant::Grant,
        throttle::{self, Admission, ThrottleKey, ThrottlePolicy},
        time::{Clock, Seconds},
        token_handle::TokenHandle,
    },
    store::{FailedSignIns, Grants, ReferenceTokens, RefreshTokens, SingleUses},
    use_case::{
        access_token::{AccessTokens, revoked_jwt},
        authenticate::AuthenticatedClient,
        error::TokenError,
        single_use::is_first_use,
    },
};

/// Revokes tokens: what it reads and changes.
pub struct TokenRevocation<'a> {
    pub(crate) refresh_tokens: &'a dyn RefreshTokens,
    pub(crate) reference_tokens: &'a dyn ReferenceTokens,
    pub(crate) grants: &'a dyn Grants,
    pub(crate) single_uses: &'a dyn SingleUses,
    pub(crate) counters: &'a dyn FailedSignIns,
    pub(crate) access_tokens: AccessTokens<'a>,
    pub(crate) clock: &'a dyn Clock,
}

impl TokenRevocation<'_> {
    /// Revokes a refresh token with its grant and everything issued from it, or an access token
    /// alone: the client goes on with its other tokens (section 2.1). A JWT access token verifies
    /// at APIs until it expires; at this provider it ends now. Unknown tokens and those of another
    /// client are left alone, and the client gets the same answer. A JWT that the client got for
    /// itself can't be revoked, and the client gets an error.
    pub async fn revoke(
        &self,
        client: &AuthenticatedClient,
        token: &str,
        address: &str,
    ) -> Result<(), TokenError> {
        let presented = TokenHandle::parse(token);
        let hash = presented.hash();
        let own = |grant: Arc<Grant>| (grant.client_id == client.client_id).then_some(grant);
        let grant = match (self.refresh_tokens.refresh_token(hash).await?, presented.family()) {
            (Some(record), _) => record.grant.and_then(own),
            // The token was replaced and forgotten, and the client has not noticed. It wants an
            // end of the grant all the same.
            (None, Some(family)) => {
                let grant = self.grants.live_grant(&family.grant_id(), self.clock.now()).await?;
                grant.and_then(|(grant, _)| own(grant))
            }
            (None, None) => return self.revoke_access_token(client, token, address).await,
        };
        let Some(grant) = grant else { return Ok(()) };
        if self.grants.revoke_grant(&grant.id, self.clock.now()).await? {
            log(client, &grant.authentication.sub, address);
        }
        Ok(())
    }

    async fn revoke_access_token(
        &self,
        client: &AuthenticatedClient,
        token: &str,
        address: &str,
    ) -> Result<(), TokenError> {
        let claims = self.access_tokens.read(token).await?;
        let Some(claims) = claims.filter(|claims| claims.client_id == client.client_id) else {
            return Ok(());
        };
        let revoked = if !token.contains('.') {
            self.reference_tokens.revoke_reference_token(TokenHandle::parse(token).hash()).await?
        } else if let Some(grant_id) = &claims.grant_id {
            self.revoke_jwt(client, grant_id, &claims).await?
        } else {
            // APIs verify it without asking (section 2.2.1).
            return Err(TokenError::NotRevocable);
        };
        if revoked {
            log(client, &claims.sub, address);
        }
        Ok(())
    }

    /// Notes that a JWT is revoked. The note is a row until the token would have ended, so a client
    /// that refreshes and revokes in a loop loses its grant.
    async fn revoke_jwt(
        &self,
        client: &AuthenticatedClient,
        grant_id: &GrantId,
        claims: &AccessTokenClaims,
    ) -> Result<bool, TokenError> {
        if !is_first_use(self.single_uses, revoked_jwt(claims), claims.exp).await? {
            return Ok(false);
        }
        let life = Seconds::new(u32::try_from(claims.exp - claims.iat).unwrap_or(u32::MAX));
        let key = ThrottleKey::revoked_jwts_of(grant_id, claims.exp, life);
        let counted = [(key, ThrottlePolicy::counting(life))];
        let now = self.clock.now();
        if let Admission::Counted(counts) = self.counters.count_attempt(&counted, now).await?
            && counts.iter().any(|count| *count > throttle::MOST_REVOKED_JWTS)
        {
            tracing::warn!(
                client_id = %client.client_id,
                "the client has revoked too many access tokens of one grant one by one: the grant \
                 is revoked. To end all tokens it revokes the refresh token"
            );
            self.grants.revoke_grant(grant_id, now).await?;
        }
        Ok(true)
    }
}

/// A client can send a token again as often as it likes, so that alone is no event.
fn log(client: &AuthenticatedClient, sub: &str, address: &str) {
    audit::Event::TokenRevoked { sub, client_id: &client.client_id, peer: address }.log();
}
