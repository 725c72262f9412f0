//! From an accepted response to tokens with a verified ID token (RFC 6749 section 4.1.3, RFC 9207
//! section 2.4, OIDC Core section 3.1.3.3 to 3.1.3.7, 5.3).

use doorward_protocol::{scope, secret::Secret};
use serde_json::{Map, Value};

use crate::{
    Error, Fault, IdTokenError, User,
    client::Client,
    flow::{
        claims,
        pending::PendingSignin,
        response::AuthorizationResponse,
        tokens::{ReceivedTokens, add_params},
    },
    id_token::{self, ExpectedIdToken, Nonce, RequiredSignIn, VerifiedIdToken},
    jarm,
    lean::url,
    metadata::Metadata,
    user_store::{SessionBegin, StoredUser},
};

/// A response that a pending request accepted.
pub(crate) struct AcceptedResponse {
    pub pending: Box<PendingSignin>,
    pub code: Secret,
    pub session_state: Option<String>,
}

/// The tokens for a redeemed code. The ID token is not verified yet.
pub(crate) struct UnverifiedTokens {
    pub accepted: Box<AcceptedResponse>,
    pub answer: Box<ReceivedTokens>,
}

/// The claims of a user. Those of the ID token were verified. Only [`Client::profile`] makes one.
pub(crate) struct Profile(Map<String, Value>);

impl PendingSignin {
    /// Accepts the response to this request: it needs the same authority and client, the right
    /// issuer, and a code.
    pub(crate) fn accept(
        self: Box<Self>,
        response: Box<AuthorizationResponse>,
        client: &Client,
        metadata: &Metadata,
    ) -> Result<Box<AcceptedResponse>, Fault> {
        let trace = &client.tokens.http.trace;
        trace.check("state", &self.id, &response.state_id, true);
        if self.owner.authority != client.settings.authority {
            return Err(Error::StateMismatch("authority").into());
        }
        if self.owner.client_id != client.settings.client_id {
            return Err(Error::StateMismatch("client_id").into());
        }
        jarm::check_form(&self, &response)?;
        let issuer = &metadata.issuer;
        // RFC 9207 section 2.4: the code of another provider must not be sent to this provider's
        // token endpoint.
        let names_issuer = response
            .iss
            .as_ref()
            .map_or(!metadata.responses_carry_iss, |iss| id_token::is_issuer(issuer, iss, None));
        let found = response.iss.as_deref().unwrap_or_default();
        if !trace.check("iss", issuer, &found, names_issuer) {
            let error = match response.iss {
                Some(iss) => Error::IssuerMismatch {
                    expected: issuer.clone(),
                    found: iss.chars().take(200).collect(),
                },
                None => Error::InvalidResponse(
                    "the response does not name its issuer (iss), although the provider always \
                        does"
                        .to_owned(),
                ),
            };
            return Err(error.into());
        }
        match response.result {
            Ok(code) => Ok(Box::new(AcceptedResponse {
                pending: self,
                code,
                session_state: response.session_state,
            })),
            Err(error) => Err(error.into_error(response.session_state, self.data, self.url_state)),
        }
    }
}

impl Client {
    /// Redeems the code, with retries after temporary failures. The keys are fetched at the same
    /// time.
    pub(crate) async fn exchange(
        &self,
        accepted: &AcceptedResponse,
    ) -> Result<Box<ReceivedTokens>, Fault> {
        let pending = &accepted.pending;
        let mut form = url::encoded(&[
            ("grant_type", "authorization_code"),
            ("code", accepted.code.expose()),
            ("redirect_uri", &pending.redirect_uri),
            ("code_verifier", pending.code_verifier.expose()),
        ]);
        add_params(&mut form, &pending.resource, &pending.extra_token_params);
        self.metadata.expect_keys();
        // Whoever waits for it runs after the request below was sent.
        self.callbacks.code_sent.notify();
        self.ports.retrying(|| self.tokens.grant(&form)).await
    }

    /// Verifies the ID token. Returns `None` if there is none and the scope has no `openid`.
    pub(crate) async fn verify(
        &self,
        tokens: &UnverifiedTokens,
    ) -> Result<Option<VerifiedIdToken>, Fault> {
        let pending = &tokens.accepted.pending;
        if tokens.answer.unverified_id_token.is_some() {
            self.ports.retrying(|| self.metadata.keys()).await?;
        }
        let nonce = Nonce::Exactly(&pending.nonce);
        let asked =
            RequiredSignIn { max_age: pending.max_age, acr: pending.required_acr.as_deref() };
        let id_token = self.verify_id_token(&tokens.answer, nonce, asked).await?;
        if id_token.is_none() && pending.scope.split(' ').any(|token| token == scope::OPENID) {
            return Err(IdTokenError::Missing.into());
        }
        Ok(id_token)
    }

    /// Verifies the ID token of a response, if it has one. It must have one if something was asked
    /// for that only an ID token proves. The code or refresh token is used up, so fetching the keys
    /// is retried.
    pub(crate) async fn verify_id_token(
        &self,
        answer: &ReceivedTokens,
        nonce: Nonce<'_>,
        asked: RequiredSignIn<'_>,
    ) -> Result<Option<VerifiedIdToken>, Fault> {
        let Some(id_token) = &answer.unverified_id_token else {
            let needs_proof = asked.acr.is_some() || asked.max_age.is_some();
            return if needs_proof { Err(IdTokenError::Missing.into()) } else { Ok(None) };
        };
        let metadata = self.metadata.metadata().await?;
        let expected = ExpectedIdToken {
            issuer: &metadata.issuer,
            client_id: &self.settings.client_id,
            algorithm: self.settings.id_token_signed_response_alg,
            trusted_audiences: self.settings.trusted_audiences.as_deref(),
            nonce,
            asked,
            access_token: &answer.access_token,
            now: answer.provider_time.unwrap_or_else(|| self.ports.clock.now()),
            clock_skew: self.settings.clock_skew,
        };
        let verify = || {
            id_token::verify(id_token, &expected, &metadata, &self.metadata, &*self.ports.verifier)
        };
        self.ports.retrying(verify).await.map(Some)
    }

    /// Builds the profile from the claims of an ID token, with userinfo if that is set.
    pub(crate) async fn profile(
        &self,
        answer: &ReceivedTokens,
        id_token: Option<&VerifiedIdToken>,
    ) -> Result<Profile, Fault> {
        let Some(id_token) = id_token else {
            return Ok(Profile(Map::new()));
        };
        let profile =
            claims::filtered(id_token.claims.clone(), &self.settings.filter_protocol_claims);
        let profile = self.with_user_info(profile, &answer.access_token, id_token.sub()).await?;
        Ok(Profile(profile))
    }
}

impl StoredUser {
    /// Builds the user of a sign-in.
    pub(crate) fn of_signin(tokens: UnverifiedTokens, profile: Profile) -> Self {
        let AcceptedResponse { pending, session_state, .. } = *tokens.accepted;
        let mut stored = Self::of_response(*tokens.answer, pending.scope, profile);
        stored.requested_resource = Some(pending.resource).filter(|all| !all.is_empty());
        let user = &mut stored.user;
        user.session_state = session_state.or(user.session_state.take());
        user.state = pending.data;
        user.url_state = pending.url_state;
        stored
    }

    /// Builds the user of a token response for this scope.
    pub(crate) fn of_response(
        answer: ReceivedTokens,
        requested_scope: String,
        profile: Profile,
    ) -> Self {
        Self {
            lifetime: answer.expires_in,
            began: SessionBegin::default(),
            user: User {
                id_token: answer.unverified_id_token,
                session_state: answer.session_state,
                access_token: answer.access_token,
                refresh_token: answer.refresh_token,
                token_type: answer.token_type,
                scope: answer.scope.or_else(|| Some(requested_scope.clone())),
                profile: profile.0,
                expires_at: answer.expires_at,
                state: None,
                url_state: None,
                extra: answer.extra,
            },
            requested_scope: Some(requested_scope),
            requested_resource: None,
        }
    }
}
