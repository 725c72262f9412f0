//! `grant_type=password` (RFC 6749 section 4.3), for clients that are allowed it. RFC 9700 section
//! 2.4 says not to use it.

use doorward_protocol::{scope::Scope, secret::Secret};

use super::{Asking, FirstExchange, Recording, TokenEndpoint, issue::Issued};
use crate::{
    model::{
        grant::{Grant, RequestedClaims},
        session::{Authentication, PASSWORD_METHOD},
        target::Targets,
        token_handle::{Family, draw_id},
        user::UserClaims,
    },
    use_case::{
        error::{GrantProblem, TokenError},
        sign_in::{SignInError, SignInOrigin},
    },
};

impl TokenEndpoint<'_> {
    pub(super) async fn resource_owner_password(
        &self,
        asking: Asking<'_>,
        username: &str,
        password: Secret,
        scope: Option<Scope>,
    ) -> Result<Issued, TokenError> {
        let Asking { client, resources, proof, address } = asking;
        let scope = match scope {
            Some(requested) => {
                let allowed = &client.allowed_scope;
                self.issuer.resources.asked_scope(client, allowed, &requested)?.logged(client)
            }
            None => client.allowed_scope.clone(),
        };
        let targets =
            self.issuer.narrowed_targets(client, &Targets::default(), resources, &scope)?;
        let origin = if client.confidential {
            SignInOrigin::Client { client_id: &client.client_id }
        } else {
            // Anybody can name a public client, from the address of the guesser's choice.
            SignInOrigin::Browser { address, device: None }
        };
        // Only a password of our own can be kept with the grant, which ends when it changes.
        let own = self.passwords.without_directories();
        let user = own.verify(username, password, origin).await?.local();
        let user = &user.ok_or(SignInError::WrongPassword)?;
        let factors = self.factors.factors(&user.sub).await?;
        if factors.has_second_step() || self.require_second_factor.applies_to(user) {
            return Err(TokenError::Grant(GrantProblem::SecondFactorNeeded));
        }
        let now = self.clock.now();
        let family = Family::generate(self.entropy);
        let grant = Grant {
            id: family.grant_id(),
            client_id: client.client_id.clone(),
            subject: Some(client.subject(&user.sub)),
            authentication: Authentication {
                sub: user.sub.clone(),
                auth_time: now,
                amr: vec![PASSWORD_METHOD.to_owned()],
                sid: draw_id(self.entropy),
            },
            access_token_claims: UserClaims::default(),
            requested_claims: RequestedClaims::default(),
            dpop_jkt: None,
            scope,
            targets,
        };
        let exchange =
            FirstExchange { client, grant, user, family, resources, nonce: None, proof, now };
        let record = |Recording { grant, ends, refresh_token }| async move {
            let verified = user.password_hash.as_ref().ok_or(SignInError::WrongPassword)?;
            let added = self.grants.add_grant(grant, verified, ends, refresh_token, now).await?;
            if added { Ok(()) } else { Err(SignInError::WrongPassword.into()) }
        };
        self.first_tokens(exchange, record).await
    }
}

impl From<SignInError> for TokenError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::WrongPassword => Self::Grant(GrantProblem::WrongPassword),
            SignInError::Throttled(seconds) => Self::Throttled(seconds),
            SignInError::Busy(busy) => Self::Busy(busy),
            SignInError::Account(_) | SignInError::DirectoryUnavailable => {
                Self::Grant(GrantProblem::WrongPassword)
            }
            SignInError::Store(error) => Self::Store(error),
        }
    }
}
