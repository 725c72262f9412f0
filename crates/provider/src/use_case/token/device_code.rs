//! `grant_type=urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 sections 3.4 and 3.5).

use doorward_protocol::dpop::Proof;

use super::grant_end;
use crate::{
    Provider,
    model::{
        device_code::DevicePoll,
        token_handle::{Family, TokenHandle},
    },
    use_case::{
        authenticate::AuthenticatedClient,
        dpop::refresh_token_key,
        error::{GrantProblem, TokenError},
        token::issue::{Issued, VerifiedGrant},
    },
};

impl Provider {
    pub(super) async fn poll_device_code(
        &self,
        client: &AuthenticatedClient,
        device_code: &TokenHandle,
        resources: &[String],
        proof: Option<Proof>,
    ) -> Result<Issued, TokenError> {
        let now = self.now();
        let hash = device_code.hash();
        let mut grant = match self.store.poll_device_code(hash, &client.client_id, now).await? {
            DevicePoll::Allowed(grant) => *grant,
            DevicePoll::Pending => return Err(TokenError::AuthorizationPending),
            DevicePoll::SlowDown => return Err(TokenError::SlowDown),
            DevicePoll::Expired => return Err(TokenError::ExpiredDeviceCode),
            DevicePoll::Denied => return Err(TokenError::DeviceDenied),
            DevicePoll::Unknown => return Err(GrantProblem::UnknownDeviceCode.into()),
        };
        let user = self.store.user(&grant.authentication.sub).await?;
        let user = user.filter(|user| user.enabled).ok_or(GrantProblem::UserDisabled)?;
        let family = Family::generate(&*self.entropy);
        grant.id = family.grant_id();
        grant.access_token_claims = self.access_token_user_claims(&grant.scope, &user.claims);
        let targets = self.narrowed_targets(client, &grant.targets, resources, &grant.scope)?;
        grant.dpop_jkt = refresh_token_key(client, proof.as_ref());
        let binding = self.use_up(proof).await?;
        let (handle, refresh_token) =
            self.first_refresh_token(client, &grant, &family, now).unzip();
        let end = grant_end(client, refresh_token.as_ref(), now);
        let redeeming = async {
            let redeemed =
                self.store.redeem_device_code(hash, grant.clone(), end, refresh_token, now).await?;
            if redeemed { Ok(handle) } else { Err(GrantProblem::UnknownDeviceCode.into()) }
        };
        let scope = grant.scope.clone();
        let verified = VerifiedGrant {
            client,
            grant: &grant,
            user: &user,
            scope,
            targets,
            nonce: None,
            binding,
        };
        self.issue(redeeming, verified, now).await
    }
}
