//! From an accepted response to tokens whose ID token is verified (RFC 6749 section 4.1.3, RFC 9207 section 2.4,
//! OIDC Core section 3.1.3.3 to 3.1.3.7, 5.3).

use std::time::Duration;

use doorward_protocol::{base64url, scope, secret::Secret};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::{
    AuthorizationError, Error, IdTokenError, User, claims,
    client::Client,
    id_token::{self, Expected, Nonce, VerifiedIdToken},
    metadata::{Endpoint, Metadata},
    pending::PendingSignin,
    provider_http::{json, refusal},
    response::AuthorizationResponse,
    tokens::{TokenAnswer, add_params},
    user_store::StoredUser,
};

/// Pauses between attempts to redeem a code. Codes live a minute or so; a user waits for less.
const RETRY_PAUSES: [Duration; 3] = [Duration::from_millis(500), Duration::from_millis(1500), Duration::from_secs(3)];
/// No further attempt begins this long after the first.
const RETRY_WITHIN: Duration = Duration::from_secs(20);

/// A response that a pending request accepts as its answer.
pub(crate) struct AcceptedResponse {
    pending: PendingSignin,
    code: Secret,
    session_state: Option<String>,
}

/// Tokens for a redeemed code, the ID token not verified.
pub(crate) struct UnverifiedTokens {
    pub pending: PendingSignin,
    pub code_hash: String,
    pub session_state: Option<String>,
    pub answer: TokenAnswer,
}

/// The claims of a user, of which those of the ID token were verified. Only [`Client::profile`] makes one.
pub(crate) struct Profile(Map<String, Value>);

impl PendingSignin {
    /// Accepts the response to this very request: same authority and client, the right issuer, a code.
    pub(crate) fn accept(
        self,
        response: AuthorizationResponse,
        client: &Client,
        metadata: &Metadata,
    ) -> Result<AcceptedResponse, Error> {
        let trace = &client.tokens.http.trace;
        trace.check("state", &self.id, &response.state_id, true);
        if self.authority != client.settings.authority {
            return Err(Error::StateMismatch("authority"));
        }
        if self.client_id != client.settings.client_id {
            return Err(Error::StateMismatch("client_id"));
        }
        let issuer = &metadata.issuer;
        // RFC 9207 section 2.4: a response from another provider must not reach this one's token endpoint.
        let names_issuer = response.iss.as_ref().map_or(!metadata.responses_carry_iss, |iss| iss == issuer);
        let found = response.iss.as_deref().unwrap_or_default();
        if !trace.check("iss", issuer, &found, names_issuer) {
            return Err(match response.iss {
                Some(iss) => Error::IssuerMismatch { expected: issuer.clone(), found: iss.chars().take(200).collect() },
                None => Error::InvalidResponse(
                    "the response does not name its issuer (iss), although the provider always does".to_owned(),
                ),
            });
        }
        match response.result {
            Ok(code) => Ok(AcceptedResponse { pending: self, code, session_state: response.session_state }),
            Err(error) => Err(Error::Authorization(Box::new(AuthorizationError {
                code: error.code,
                description: error.description,
                uri: error.uri,
                session_state: response.session_state,
                state: self.data,
                url_state: self.url_state,
            }))),
        }
    }
}

impl Client {
    /// Redeems the code, again after failures that may pass. The keys are fetched meanwhile.
    pub(crate) async fn exchange(&self, accepted: AcceptedResponse) -> Result<UnverifiedTokens, Error> {
        let AcceptedResponse { pending, code, session_state } = accepted;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", &pending.redirect_uri),
            ("code_verifier", pending.code_verifier.expose()),
        ];
        add_params(&mut form, &pending.resource, &pending.extra_token_params);
        self.metadata.expect_keys();
        let answer = self.retrying(|| self.tokens.grant(&form)).await?;
        let code_hash = hash(&code);
        Ok(UnverifiedTokens { pending, code_hash, session_state, answer })
    }

    /// Tries again after failures that may pass, a few times within a short while.
    pub(crate) async fn retrying<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let begun = self.ports.clock.monotonic();
        let mut failures = 0;
        loop {
            match attempt().await {
                Err(error) if self.tries_again(&error, failures, begun).await => failures += 1,
                other => return other,
            }
        }
    }

    /// Waits before the next attempt, if there is to be one.
    async fn tries_again(&self, error: &Error, failures: usize, begun: Duration) -> bool {
        let spent = self.ports.clock.monotonic().saturating_sub(begun);
        match RETRY_PAUSES.get(failures) {
            Some(pause) if error.is_transient() && spent < RETRY_WITHIN => {
                self.ports.timer.sleep(*pause).await;
                true
            }
            _ => false,
        }
    }

    /// Verifies the ID token. `None`: there is none, and the scope has no `openid`.
    pub(crate) async fn verify(&self, tokens: &UnverifiedTokens) -> Result<Option<VerifiedIdToken>, Error> {
        let pending = &tokens.pending;
        if tokens.answer.unverified_id_token.is_some() {
            self.retrying(|| self.metadata.keys()).await?;
        }
        let nonce = Nonce::Exactly(&pending.nonce);
        let id_token = self.verify_id_token(&tokens.answer, nonce, pending.max_age).await?;
        if id_token.is_none() && pending.scope.split(' ').any(|token| token == scope::OPENID) {
            return Err(IdTokenError::Missing.into());
        }
        Ok(id_token)
    }

    /// Verifies the ID token of an answer, if it has one. What brought the answer is used up: where the keys can't be got,
    /// that is tried again.
    pub(crate) async fn verify_id_token(
        &self,
        answer: &TokenAnswer,
        nonce: Nonce<'_>,
        max_age: Option<u64>,
    ) -> Result<Option<VerifiedIdToken>, Error> {
        let Some(id_token) = &answer.unverified_id_token else {
            return Ok(None);
        };
        let metadata = self.metadata.metadata().await?;
        let expected = Expected {
            issuer: &metadata.issuer,
            client_id: &self.settings.client_id,
            nonce,
            max_age,
            access_token: &answer.access_token,
            now: answer.provider_time.unwrap_or_else(|| self.ports.clock.now()),
            clock_skew: self.settings.clock_skew,
        };
        let verify = || id_token::verify(id_token, &expected, &metadata, &self.metadata, &*self.ports.verifier);
        self.retrying(verify).await.map(Some)
    }

    pub(crate) async fn profile(
        &self,
        answer: &TokenAnswer,
        id_token: Option<&VerifiedIdToken>,
    ) -> Result<Profile, Error> {
        let Some(id_token) = id_token else {
            return Ok(Profile(Map::new()));
        };
        let filter = &self.settings.filter_protocol_claims;
        let mut profile = claims::filtered(id_token.claims.clone(), filter);
        if self.settings.load_user_info {
            let user_info = self.retrying(|| self.user_info(&answer.access_token, id_token.sub())).await?;
            let user_info = claims::filtered(user_info, filter);
            claims::join_user_info(&mut profile, user_info, self.settings.merge_claims);
        }
        Ok(Profile(profile))
    }

    /// Fetches userinfo, which must be about the same user (OIDC Core section 5.3.2).
    async fn user_info(&self, access_token: &str, sub: &str) -> Result<Map<String, Value>, Error> {
        let url = self.metadata.endpoint(Endpoint::Userinfo).await?;
        let response = self.tokens.http.get_with_token(&url, access_token).await?;
        if !response.is_success() {
            return Err(refusal(Endpoint::Userinfo.name(), &url, &response));
        }
        let claims = json(&url, &response.body)?.0;
        let found = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        if self.tokens.http.trace.check("sub", &sub, &found, found == sub) {
            Ok(claims)
        } else {
            Err(Error::UserInfoSubject)
        }
    }

    /// The user that a sign-in request brought.
    pub(crate) fn new_user(tokens: UnverifiedTokens, profile: Profile) -> StoredUser {
        let UnverifiedTokens { pending, session_state, answer, .. } = tokens;
        let mut stored = Self::user_of(answer, pending.scope, profile);
        stored.user.session_state = session_state.or(stored.user.session_state);
        stored.user.state = pending.data;
        stored.user.url_state = pending.url_state;
        stored
    }

    /// The user of an answer to a request for this scope.
    pub(crate) fn user_of(answer: TokenAnswer, requested_scope: String, profile: Profile) -> StoredUser {
        StoredUser {
            lifetime: answer.expires_in,
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
        }
    }
}

/// What stands for a code in the state store once it is redeemed.
pub(crate) fn hash(code: &Secret) -> String {
    base64url::encode(Sha256::digest(code.expose()))
}
