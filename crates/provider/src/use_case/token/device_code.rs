//! `grant_type=urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 sections 3.4 and 3.5).

use super::{Asking, FirstExchange, Recording, TokenEndpoint, issue::Issued};
use crate::{
    model::{
        device_code::DevicePoll,
        token_handle::{Family, TokenHandle},
    },
    use_case::error::{GrantProblem, TokenError},
};

impl TokenEndpoint<'_> {
    pub(super) async fn poll_device_code(
        &self,
        asking: Asking<'_>,
        device_code: &TokenHandle,
    ) -> Result<Issued, TokenError> {
        let Asking { client, resources, proof, .. } = asking;
        let now = self.clock.now();
        let hash = device_code.hash();
        let grant = match self.device_codes.poll_device_code(hash, &client.client_id, now).await? {
            DevicePoll::Allowed(grant) => *grant,
            DevicePoll::Pending => return Err(TokenError::AuthorizationPending),
            DevicePoll::SlowDown => return Err(TokenError::SlowDown),
            DevicePoll::Expired => return Err(TokenError::ExpiredDeviceCode),
            DevicePoll::Denied => return Err(TokenError::DeviceDenied),
            DevicePoll::Unknown => return Err(GrantProblem::UnknownDeviceCode.into()),
        };
        let user = self.users.user(&grant.authentication.sub).await?;
        let user = user.filter(|user| user.enabled).ok_or(GrantProblem::UserDisabled)?;
        let exchange = FirstExchange {
            client,
            grant,
            user: &user,
            family: Family::generate(self.entropy),
            resources,
            nonce: None,
            proof,
            now,
        };
        let record = |Recording { grant, ends, refresh_token }| async move {
            let redeemed =
                self.device_codes.redeem_device_code(hash, grant, ends, refresh_token, now).await?;
            if redeemed { Ok(()) } else { Err(GrantProblem::UnknownDeviceCode.into()) }
        };
        self.first_tokens(exchange, record).await
    }
}
