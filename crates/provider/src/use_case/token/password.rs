//! `grant_type=password` (RFC 6749 section 4.3), for clients that are allowed it. RFC 9700 section
//! 2.4 says not to use it.

use doorward_protocol::{dpop::Proof, secret::Secret};

use super::{Asked, grant_end};
use crate::{
    Provider,
    model::{
        grant::{Grant, RequestedClaims},
        session::{Authentication, PASSWORD_METHOD},
        target::Targets,
        token_handle::{Family, random_id},
    },
    use_case::{
        authenticate::AuthenticatedClient,
        dpop::refresh_token_key,
        error::{GrantProblem, TokenError},
        sign_in::SignInError,
        token::issue::{Issued, VerifiedGrant},
    },
};

impl Provider {
    pub(super) async fn resource_owner_password(
        &self,
        client: &AuthenticatedClient,
        username: &str,
        password: Secret,
        asked: Asked,
        proof: Option<Proof>,
        address: &str,
    ) -> Result<Issued, TokenError> {
        let scope = asked.scope.unwrap_or_else(|| client.allowed_scope.clone());
        if !scope.is_subset_of(&client.allowed_scope) {
            return Err(TokenError::InvalidScope);
        }
        let targets =
            self.narrowed_targets(client, &Targets::default(), &asked.resources, &scope)?;
        let user = self.verify_password(username, password, address).await?;
        let now = self.now();
        let family = Family::generate(&*self.entropy);
        let grant = Grant {
            id: family.grant_id(),
            client_id: client.client_id.clone(),
            authentication: Authentication {
                sub: user.sub.clone(),
                auth_time: now,
                amr: vec![PASSWORD_METHOD.to_owned()],
                sid: random_id(&*self.entropy),
            },
            access_token_claims: self.access_token_user_claims(&scope, &user.claims),
            requested_claims: RequestedClaims::default(),
            dpop_jkt: refresh_token_key(client, proof.as_ref()),
            scope: scope.clone(),
            targets: targets.clone(),
        };
        let (handle, refresh_token) =
            self.first_refresh_token(client, &grant, &family, now).unzip();
        let end = grant_end(client, refresh_token.as_ref(), now);
        let binding = self.use_up(proof).await?;
        let adding = async {
            let added = self
                .store
                .add_grant(grant.clone(), &user.password_hash, end, refresh_token, now)
                .await?;
            if added { Ok(handle) } else { Err(SignInError::WrongPassword.into()) }
        };
        let verified = VerifiedGrant {
            client,
            grant: &grant,
            user: &user,
            scope,
            targets,
            nonce: None,
            binding,
        };
        self.issue(adding, verified, now).await
    }
}

impl From<SignInError> for TokenError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::WrongPassword => Self::Grant(GrantProblem::WrongPassword),
            SignInError::Throttled(seconds) => Self::Throttled(seconds),
            SignInError::Busy(busy) => Self::Busy(busy),
            SignInError::Store(error) => Self::Store(error),
        }
    }
}
