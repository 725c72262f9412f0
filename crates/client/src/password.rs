//! Sign-in with the resource owner's password (RFC 6749 section 4.3).

use doorward_protocol::{scope, secret::Secret};

use crate::{
    Error, Event, IdTokenError, User, claims,
    client::Client,
    id_token::{self, Expected, Nonce, VerifiedIdToken},
    tokens::TokenAnswer,
    user_store::StoredUser,
};

impl Client {
    /// Asks for tokens with the password, and keeps the user like one who signed in by redirect.
    pub(crate) async fn signin_with_password(&self, username: &str, password: &Secret) -> Result<User, Error> {
        let settings = &self.settings;
        let mut form = vec![
            ("grant_type", "password"),
            ("username", username),
            ("password", password.expose()),
            ("scope", &settings.scope),
        ];
        form.extend(settings.resource.iter().map(|resource| ("resource", resource.as_str())));
        let extra = settings.extra_token_params.iter();
        form.extend(extra.map(|(name, value)| (name.as_str(), value.as_str())));
        let answer = self.tokens.grant(&form).await?;
        let id_token = self.verify_unasked(&answer).await?;
        let profile = self.profile(&answer, id_token.as_ref()).await?;
        let user = self.user_loaded(StoredUser {
            lifetime: answer.expires_in,
            requested_scope: Some(settings.scope.clone()),
            user: User {
                id_token: answer.unverified_id_token,
                session_state: answer.session_state,
                access_token: answer.access_token,
                refresh_token: answer.refresh_token,
                token_type: answer.token_type,
                scope: answer.scope.or_else(|| Some(settings.scope.clone())),
                profile,
                expires_at: answer.expires_at,
                state: None,
                url_state: None,
                extra: claims::without_user_members(answer.extra),
            },
        })?;
        self.events.emit(&Event::UserSignedIn);
        Ok(user)
    }

    /// Verifies the ID token of a grant without an authorization request, which could not have a nonce.
    async fn verify_unasked(&self, answer: &TokenAnswer) -> Result<Option<VerifiedIdToken>, Error> {
        let Some(id_token) = &answer.unverified_id_token else {
            let asks_for_identity = self.settings.scope.split(' ').any(|token| token == scope::OPENID);
            return if asks_for_identity { Err(IdTokenError::Missing.into()) } else { Ok(None) };
        };
        let metadata = self.metadata.metadata().await?;
        let expected = Expected {
            issuer: &metadata.issuer,
            client_id: &self.settings.client_id,
            nonce: Nonce::AbsentOr(None),
            max_age: self.settings.max_age,
            access_token: &answer.access_token,
            now: answer.provider_time.unwrap_or_else(|| self.ports.clock.now()),
            clock_skew: self.settings.clock_skew,
        };
        id_token::verify(id_token, &expected, &self.metadata, &*self.ports.verifier).await.map(Some)
    }
}
