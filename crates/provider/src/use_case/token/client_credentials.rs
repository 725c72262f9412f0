//! `grant_type=client_credentials` (RFC 6749 section 4.4): no user, so no ID token and no refresh
//! token.

use doorward_protocol::scope::{OFFLINE_ACCESS, Scope};

use super::{Asking, TokenEndpoint, issue::Issued};
use crate::{model::target::Targets, use_case::error::TokenError};

impl TokenEndpoint<'_> {
    pub(super) async fn client_credentials(
        &self,
        asking: Asking<'_>,
        scope: Option<Scope>,
    ) -> Result<Issued, TokenError> {
        let Asking { client, resources, proof, .. } = asking;
        let is_about_apis =
            |token: &str| token != OFFLINE_ACCESS && !self.issuer.resources.is_identity(token);
        let allowed = client.allowed_scope.filtered(is_about_apis);
        let scope = scope.unwrap_or_else(|| allowed.clone());
        let scope = self.issuer.resources.asked_scope(client, &allowed, &scope)?.logged(client);
        let targets =
            self.issuer.narrowed_targets(client, &Targets::default(), resources, &scope)?;
        let binding = self.proofs.consume(proof).await?;
        let now = self.clock.now();
        self.issuer.issue_client_token(client, &scope, &targets, &binding, now).await
    }
}
