//! `grant_type=client_credentials` (RFC 6749 section 4.4): no user, so no ID token and no refresh
//! token.

use doorward_protocol::{
    dpop::Proof,
    scope::{OFFLINE_ACCESS, Scope},
};

use crate::{
    Provider,
    model::target::Targets,
    use_case::{authenticate::AuthenticatedClient, error::TokenError, token::issue::Issued},
};

impl Provider {
    pub(super) async fn client_credentials(
        &self,
        client: &AuthenticatedClient,
        scope: Option<Scope>,
        resources: &[String],
        proof: Option<Proof>,
    ) -> Result<Issued, TokenError> {
        let is_about_apis =
            |token: &str| token != OFFLINE_ACCESS && !self.resources.is_identity(token);
        let allowed = client.allowed_scope.filtered(is_about_apis);
        let scope = scope.unwrap_or_else(|| allowed.clone());
        if scope.is_empty() || !scope.is_subset_of(&allowed) {
            return Err(TokenError::InvalidScope);
        }
        let targets = self.narrowed_targets(client, &Targets::default(), resources, &scope)?;
        let binding = self.use_up(proof).await?;
        self.issue_client_token(client, &scope, &targets, &binding, self.now()).await
    }
}
