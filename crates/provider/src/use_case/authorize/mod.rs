//! The authorization endpoint's use case (RFC 6749 section 3.1, OIDC Core section 3.1.2).
//!
//! In order: the client and its redirect URI ([`reply`]; until these hold nothing is ever
//! redirected), the rest of the request ([`request`]), whether the user must do something first
//! ([`interaction`]), and the code.

mod interaction;
mod pushed;
mod reply;
mod request;

use doorward_protocol::{
    error::ErrorCode,
    scope::{OFFLINE_ACCESS, OPENID, Scope},
};

pub use self::{
    interaction::Interaction,
    pushed::{PushError, PushedReference},
    reply::{AuthorizationResponse, ReplyTo, ResponseMode, UnsafeRequest},
    request::{AuthorizeRequest, ExpectedSubject, Prompt},
};
use crate::{
    Provider, audit,
    model::{
        client::Client,
        consent::Consent,
        grant::{AuthorizationCode, Grant, RequestedClaims},
        session::Session,
        session_state::BrowserState,
        token_handle::{Family, TokenHandle, random_id},
        user::UserClaims,
    },
    store::StoreError,
};

/// What the authorization endpoint does next.
#[derive(Debug)]
pub enum Outcome {
    /// Send the browser back to the client.
    Respond(AuthorizationResponse),
    /// The user has to sign in first.
    SignIn(Box<AuthorizeRequest>),
    /// The user has to consent first.
    AskConsent(Box<AuthorizeRequest>, Session),
    /// Show an error page: there is no verified place to redirect to.
    Refuse(UnsafeRequest),
}

/// What the user answered on the consent page.
#[derive(Debug, Clone)]
pub struct ConsentGiven {
    /// The session that the page was shown to; another one is asked anew.
    pub sid: String,
    /// The ticked scopes.
    pub scope: Scope,
    /// Whether to remember the answer.
    pub remember: bool,
}

impl Provider {
    /// Answers an authorization request. `encoded` is the query or the form body.
    pub async fn authorize(&self, encoded: &[u8], cookie: Option<&TokenHandle>) -> Outcome {
        let request = match self.read_authorize_request(encoded).await {
            Ok(request) => request,
            Err(refusal) => return refusal.into(),
        };
        let (reply_to, pushed) = (request.reply_to.clone(), request.pushed);
        let settled = async {
            let outcome = self.decide(request, cookie).await?;
            self.settle_pushed_request(pushed, cookie, outcome).await
        };
        settled.await.unwrap_or_else(|error| unavailable(reply_to, &error))
    }

    /// The browser's session; every response to the request tells of it from here on.
    async fn observe(
        &self,
        request: &mut AuthorizeRequest,
        cookie: Option<&TokenHandle>,
    ) -> Result<Option<Session>, StoreError> {
        let session = self.session(cookie).await?;
        request.signed_in_for_it =
            request.waiting.is_some_and(|waiting| waiting.signed_in_since(session.as_ref()));
        if request.scope.contains(OPENID) {
            let state = BrowserState::of(cookie, session.as_ref());
            request.reply_to.observe(state, &request.client.client_id, &random_id(&*self.entropy));
        }
        Ok(session)
    }

    async fn decide(
        &self,
        mut request: AuthorizeRequest,
        cookie: Option<&TokenHandle>,
    ) -> Result<Outcome, StoreError> {
        let session = self.observe(&mut request, cookie).await?;
        let consented = match &session {
            Some(session) => self.has_consented(&request, session).await?,
            None => false,
        };
        match interaction::decide(
            &request,
            session.as_ref().map(|session| &session.authentication),
            consented,
            self.now(),
        ) {
            Interaction::Proceed => match session {
                Some(session) => {
                    // Without a question to the user, what the operator allowed the client bounds
                    // single claims, too.
                    let scope = request.scope.clone();
                    let bound = if request.client.require_consent {
                        &scope
                    } else {
                        &request.client.allowed_scope
                    };
                    let claims = request.claims.within(self.resources.identity_claims(bound));
                    self.grant_code(request, &session, scope, claims).await
                }
                None => Ok(Outcome::SignIn(Box::new(request))),
            },
            Interaction::SignIn => Ok(Outcome::SignIn(Box::new(request))),
            Interaction::Consent => match session {
                Some(session) => Ok(Outcome::AskConsent(Box::new(request), session)),
                None => Ok(Outcome::SignIn(Box::new(request))),
            },
            Interaction::Refuse(code, description) => {
                Ok(Outcome::Respond(request.reply_to.error(&code, description)))
            }
        }
    }

    /// Answers an authorization request to which the user has just consented. Everything is checked
    /// again: the request came back through the browser.
    pub async fn authorize_with_consent(
        &self,
        encoded: &[u8],
        cookie: Option<&TokenHandle>,
        given: ConsentGiven,
        address: &str,
    ) -> Outcome {
        let request = match self.read_authorize_request(encoded).await {
            Ok(request) => request,
            Err(refusal) => return refusal.into(),
        };
        let (reply_to, pushed) = (request.reply_to.clone(), request.pushed);
        let settled = async {
            let outcome = self.decide_with_consent(request, cookie, given, address).await?;
            self.settle_pushed_request(pushed, cookie, outcome).await
        };
        settled.await.unwrap_or_else(|error| unavailable(reply_to, &error))
    }

    async fn decide_with_consent(
        &self,
        mut request: AuthorizeRequest,
        cookie: Option<&TokenHandle>,
        given: ConsentGiven,
        address: &str,
    ) -> Result<Outcome, StoreError> {
        let Some(session) = self.observe(&mut request, cookie).await? else {
            return Ok(Outcome::SignIn(Box::new(request)));
        };
        if session.authentication.sid != given.sid {
            return Ok(Outcome::AskConsent(Box::new(request), session));
        }
        match interaction::decide(&request, Some(&session.authentication), true, self.now()) {
            Interaction::Proceed | Interaction::Consent => {}
            Interaction::SignIn => return Ok(Outcome::SignIn(Box::new(request))),
            Interaction::Refuse(code, description) => {
                return Ok(Outcome::Respond(request.reply_to.error(&code, description)));
            }
        }
        let scope = self.granted(&request.scope, &given.scope);
        let event = audit::Event {
            sub: Some(&session.authentication.sub),
            client_id: Some(&request.client.client_id),
            peer: Some(address),
            ..audit::Event::default()
        };
        if scope.is_empty() {
            audit::Event { event: "consent_denied", outcome: audit::Outcome::Denied, ..event }
                .log();
            let description = "The user allowed none of the requested scopes.";
            return Ok(Outcome::Respond(
                request.reply_to.error(&ErrorCode::AccessDenied, description),
            ));
        }
        if given.remember && request.client.allow_remember_consent {
            let expires_at =
                request.client.consent_lifetime.map(|lifetime| self.now().plus(lifetime));
            let consent = Consent { scope: scope.clone(), expires_at };
            self.store
                .remember_consent(&session.authentication.sub, &request.client.client_id, consent)
                .await?;
        }
        audit::Event { event: "consent_given", ..event }.log();
        let claims = request.claims.within(self.resources.identity_claims(&scope));
        self.grant_code(request, &session, scope, claims).await
    }

    /// The answer for a user who cancelled the sign-in or, with a session to name, denied consent.
    pub async fn deny(&self, encoded: &[u8], session: Option<&Session>, address: &str) -> Outcome {
        let request = match self.read_authorize_request(encoded).await {
            Ok(request) => request,
            Err(refusal) => return refusal.into(),
        };
        audit::Event {
            event: if session.is_some() { "consent_denied" } else { "sign_in_cancelled" },
            outcome: audit::Outcome::Denied,
            sub: session.map(|session| session.authentication.sub.as_str()),
            client_id: Some(&request.client.client_id),
            peer: Some(address),
            ..audit::Event::default()
        }
        .log();
        let reply_to = request.reply_to.clone();
        let description = "The user cancelled the sign-in or did not consent.";
        let denied =
            Outcome::Respond(request.reply_to.error(&ErrorCode::AccessDenied, description));
        let settled = self.settle_pushed_request(request.pushed, None, denied).await;
        settled.unwrap_or_else(|error| unavailable(reply_to, &error))
    }

    /// The request behind a sign-in or consent page, to show whom the user deals with; `None` if it
    /// does not hold.
    pub async fn authorize_request(&self, encoded: &[u8]) -> Option<AuthorizeRequest> {
        self.read_authorize_request(encoded).await.ok()
    }

    async fn has_consented(
        &self,
        request: &AuthorizeRequest,
        session: &Session,
    ) -> Result<bool, StoreError> {
        if !request.client.require_consent {
            return Ok(true);
        }
        // Access while the user is away is asked for each time; and what may not be remembered now
        // does not count.
        if !request.client.allow_remember_consent || request.scope.contains(OFFLINE_ACCESS) {
            return Ok(false);
        }
        let remembered =
            self.store.consent(&session.authentication.sub, &request.client.client_id).await?;
        Ok(remembered.is_some_and(|consent| consent.covers(&request.scope, self.now())))
    }

    async fn grant_code(
        &self,
        request: AuthorizeRequest,
        session: &Session,
        scope: Scope,
        requested_claims: RequestedClaims,
    ) -> Result<Outcome, StoreError> {
        let code = TokenHandle::generate(&*self.entropy);
        let client: &Client = &request.client;
        let record = AuthorizationCode {
            grant: Grant {
                id: Family::begun_by(&code, &self.families).grant_id(),
                client_id: client.client_id.clone(),
                authentication: session.authentication.clone(),
                scope,
                targets: request.targets.clone(),
                requested_claims,
                dpop_jkt: None,
                access_token_claims: UserClaims::default(),
            },
            redirect_uri: request.reply_to.redirect_uri().to_owned(),
            redirect_uri_was_sent: request.redirect_uri_was_sent,
            code_challenge: request.code_challenge.clone(),
            dpop_jkt: request.dpop_jkt.clone(),
            nonce: request.nonce.clone(),
            expires_at: self.now().plus(client.authorization_code_lifetime),
        };
        if self.store.add_code(code.hash(), record, client.back_channel_logout.is_some()).await? {
            return Ok(Outcome::Respond(request.reply_to.code(&code)));
        }
        // The user signed out while this request was under way.
        Ok(match interaction::decide(&request, None, false, self.now()) {
            Interaction::Refuse(code, description) => {
                Outcome::Respond(request.reply_to.error(&code, description))
            }
            _ => Outcome::SignIn(Box::new(request)),
        })
    }
}

/// The client's address is known by now, so it is the client that learns of it (RFC 6749 section
/// 4.1.2.1).
fn unavailable(reply_to: ReplyTo, error: &StoreError) -> Outcome {
    tracing::error!(%error, "the store failed at the authorization endpoint");
    let description = "The provider can't answer at the moment. Try again in a minute.";
    Outcome::Respond(reply_to.error(&ErrorCode::TemporarilyUnavailable, description))
}

impl From<request::Refusal> for Outcome {
    fn from(refusal: request::Refusal) -> Self {
        match refusal {
            request::Refusal::Page(unsafe_request) => Self::Refuse(unsafe_request),
            request::Refusal::Answer { reply_to, code, description } => {
                Self::Respond(reply_to.error(&code, description))
            }
        }
    }
}
