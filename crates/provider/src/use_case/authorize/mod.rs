//! The authorization endpoint's use case (RFC 6749 section 3.1, OIDC Core section 3.1.2).
//!
//! In order: the client and its redirect URI ([`reply`]; nothing is redirected before these are
//! verified), the rest of the request ([`request`], by its [`parameters`]), whether the user must
//! do something first ([`interaction`]), and the code.

mod interaction;
mod object;
mod parameters;
mod pushed;
mod reply;
mod request;
mod signed_response;

use std::{fmt::Display, sync::Arc};

use aws_lc_rs::hmac;
use doorward_protocol::{
    error::ErrorCode,
    ids::{ClientId, SessionId},
    params::Params,
    scope::{OFFLINE_ACCESS, OPENID, Scope},
};

pub use self::{
    interaction::Interaction,
    parameters::Prompt,
    pushed::{PushError, PushedReference},
    reply::{AuthorizationResponse, ReplyTo, ResponseMode, UnsafeRequest},
    request::{AuthorizeRequest, ExpectedSubject, SIGNED_IN_FOR_IT},
};
use self::{interaction::WaysIn, request::Refusal};
use crate::{
    audit,
    keys::{KeyRing, remote::PublishedKeys},
    model::{
        asked_scope::log_ignored,
        client::Client,
        consent::Consent,
        grant::{AuthorizationCode, Grant, RequestedClaims},
        provider_settings::ProviderSettings,
        resource::Resources,
        session::Session,
        session_state::BrowserState,
        time::{Clock, Entropy},
        token_handle::{Family, TokenHandle, random_id},
        user::UserClaims,
        vouching::Vouching,
    },
    store::{Codes, Consents, PushedRequests, SingleUses, StoreError},
    use_case::{client_directory::ClientDirectory, dpop::ProofVerifier, sign_in::Sessions},
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

impl Outcome {
    /// The request that waits for the user, if it does.
    fn request(&self) -> Option<&AuthorizeRequest> {
        match self {
            Self::SignIn(request) | Self::AskConsent(request, _) => Some(request),
            Self::Respond(_) | Self::Refuse(_) => None,
        }
    }
}

/// What the user answered on the consent page.
#[derive(Debug, Clone)]
pub struct ConsentGiven {
    /// The session that the page was shown to, if the form names one; another one is asked anew.
    pub sid: Option<SessionId>,
    /// What the form posted: the ticked scopes, and those that can't be unticked.
    pub scope: Scope,
    /// Whether to remember the answer.
    pub remember: bool,
}

/// Answers authorization requests: what it reads and changes.
pub struct Authorization<'a> {
    pub(crate) codes: &'a dyn Codes,
    pub(crate) consents: &'a dyn Consents,
    pub(crate) pushed_requests: &'a dyn PushedRequests,
    pub(crate) clients: ClientDirectory<'a>,
    pub(crate) resources: &'a Resources,
    pub(crate) keys: &'a KeyRing,
    /// The keys that clients publish.
    pub(crate) published_keys: PublishedKeys<'a>,
    pub(crate) single_uses: &'a dyn SingleUses,
    pub(crate) settings: &'a ProviderSettings,
    /// The other providers in use.
    pub(crate) vouching: Arc<Vouching>,
    pub(crate) sessions: Sessions<'a>,
    pub(crate) proofs: ProofVerifier<'a>,
    /// Makes families of refresh tokens out of codes.
    pub(crate) families: &'a hmac::Key,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) entropy: &'a dyn Entropy,
}

/// A request with the session of the browser that brought it. Every response to it shows the
/// state of that session.
struct Attempt {
    request: AuthorizeRequest,
    reply_to: ReplyTo,
    session: Option<Session>,
}

impl Attempt {
    fn error(self, code: &ErrorCode, description: &str) -> Outcome {
        Outcome::Respond(self.reply_to.error(code, description))
    }

    fn sign_in(self) -> Outcome {
        Outcome::SignIn(Box::new(self.request))
    }
}

impl Authorization<'_> {
    /// Answers an authorization request. `encoded` is the query or the form body.
    pub async fn authorize(
        &self,
        encoded: &[u8],
        cookie: Option<&TokenHandle>,
        address: &str,
    ) -> Outcome {
        self.answer(encoded, cookie, address, async |request: AuthorizeRequest| {
            // A pushed request was logged at the push. Any other is logged when it arrives. After a
            // sign-in it arrives again, and is logged again. The answer to the consent page is not
            // read here.
            if request.pushed.is_none() {
                log_ignored(&request.client, &request.ignored_scope);
            }
            self.decide(self.attempt(request, cookie).await?).await
        })
        .await
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
        self.answer(encoded, cookie, address, async |request| {
            let attempt = self.attempt(request, cookie).await?;
            self.decide_with_consent(attempt, given, address).await
        })
        .await
    }

    /// The answer for a user who cancelled the sign-in or, with a session to name, denied consent.
    pub async fn deny(&self, encoded: &[u8], session: Option<&Session>, address: &str) -> Outcome {
        self.answer(encoded, None, address, async |request: AuthorizeRequest| {
            let (client_id, peer) = (&request.client.client_id, address);
            match session.map(|session| &session.authentication.sub) {
                Some(sub) => audit::Event::ConsentDenied { sub, client_id, peer }.log(),
                None => audit::Event::SignInCancelled { client_id, peer }.log(),
            }
            let description = "The user cancelled the sign-in or did not consent.";
            Ok(Outcome::Respond(request.reply_to.error(&ErrorCode::AccessDenied, description)))
        })
        .await
    }

    /// The request behind a sign-in or consent page, to show which client asks; `None` if the
    /// request is not valid.
    pub async fn request(&self, encoded: &[u8]) -> Option<AuthorizeRequest> {
        self.read_request(encoded).await.ok()
    }

    /// The frame of every answer: the request is read, `decide` settles it, a signed request is
    /// kept if it must wait, a pushed one is finished, and a failure of the store goes to the
    /// client, whose address is known by then.
    async fn answer<F>(
        &self,
        encoded: &[u8],
        cookie: Option<&TokenHandle>,
        address: &str,
        decide: impl FnOnce(AuthorizeRequest) -> F,
    ) -> Outcome
    where
        F: Future<Output = Result<Outcome, StoreError>>,
    {
        let outcome = match self.read_request(encoded).await {
            Ok(request) => {
                let (reply_to, pushed) = (request.reply_to.clone(), request.pushed);
                let settled = async {
                    let outcome = self.kept_for_later(decide(request).await?, address).await?;
                    let pushed = outcome.request().map_or(pushed, |request| request.pushed);
                    self.finish_pushed_request(pushed, cookie, outcome).await
                };
                settled.await.unwrap_or_else(|error| unavailable(reply_to, &error))
            }
            Err(refusal) => return self.refuse(refusal, encoded, address),
        };
        let outcome = self.signed(outcome);
        if let Outcome::Refuse(cause) = &outcome {
            log_refusal(encoded, address, cause);
        }
        outcome
    }

    /// Answers a posted request that can't be gone on with for its size.
    pub async fn refuse_too_large(&self, encoded: &[u8], address: &str) -> Outcome {
        self.refuse(self.too_large(encoded).await, encoded, address)
    }

    /// The answer to a request that is not valid.
    fn refuse(&self, refusal: Refusal, encoded: &[u8], address: &str) -> Outcome {
        match &refusal {
            Refusal::Page(cause) => log_refusal(encoded, address, cause),
            Refusal::Answer { description, .. } => log_refusal(encoded, address, description),
        }
        self.signed(refusal.into())
    }

    /// The request together with the browser's session.
    async fn attempt(
        &self,
        request: AuthorizeRequest,
        cookie: Option<&TokenHandle>,
    ) -> Result<Attempt, StoreError> {
        let session = self.sessions.find(cookie).await?;
        let reply_to = request.reply_to.clone();
        let reply_to = if request.scope.contains(OPENID) {
            let state = BrowserState::of(cookie, session.as_ref());
            reply_to.showing(state, &request.client.client_id, &random_id(self.entropy))
        } else {
            reply_to
        };
        Ok(Attempt { request, reply_to, session })
    }

    async fn decide(&self, attempt: Attempt) -> Result<Outcome, StoreError> {
        let request = &attempt.request;
        let consented = match &attempt.session {
            Some(session) => self.has_consented(request, session).await?,
            None => false,
        };
        let (ways_in, now) = (self.ways_in(), self.clock.now());
        match interaction::decide(request, attempt.session.as_ref(), consented, ways_in, now) {
            Interaction::Proceed(session) => {
                let session = session.clone();
                // No question bounds single claims here, so the scope that the operator allowed
                // the client does.
                let bound = if request.client.require_consent {
                    &request.scope
                } else {
                    &request.client.allowed_scope
                };
                let claims = request.claims.within(self.resources.identity_claims(bound));
                let scope = request.scope.clone();
                self.grant_code(attempt, session, scope, claims).await
            }
            Interaction::SignIn => Ok(attempt.sign_in()),
            Interaction::Consent(session) => {
                let session = session.clone();
                Ok(Outcome::AskConsent(Box::new(attempt.request), session))
            }
            Interaction::Refuse(code, description) => Ok(attempt.error(&code, description)),
        }
    }

    async fn decide_with_consent(
        &self,
        attempt: Attempt,
        given: ConsentGiven,
        address: &str,
    ) -> Result<Outcome, StoreError> {
        let request = &attempt.request;
        let now = self.clock.now();
        let Some(session) = attempt.session.clone() else { return Ok(attempt.sign_in()) };
        if given.sid.as_ref() != Some(&session.authentication.sid) {
            // The page was shown to another session, so the user of this one is asked.
            return Ok(Outcome::AskConsent(Box::new(attempt.request), session));
        }
        match interaction::decide(request, Some(&session), true, self.ways_in(), now) {
            Interaction::Proceed(_) | Interaction::Consent(_) => {}
            Interaction::SignIn => return Ok(attempt.sign_in()),
            Interaction::Refuse(code, description) => {
                return Ok(attempt.error(&code, description));
            }
        }
        let scope = self.resources.granted(&request.scope, &given.scope);
        if !scope.is_subset_of(&given.scope) {
            // The page has not shown all that is required by now. The client may have changed what
            // it may have since then.
            return Ok(Outcome::AskConsent(Box::new(attempt.request), session));
        }
        let (sub, client) = (&session.authentication.sub, &request.client);
        let (client_id, peer) = (&client.client_id, address);
        if scope.is_empty() {
            audit::Event::ConsentDenied { sub, client_id, peer }.log();
            let description = "The user allowed none of the requested scopes.";
            return Ok(attempt.error(&ErrorCode::AccessDenied, description));
        }
        if given.remember && client.allow_remember_consent {
            let expires_at = client.consent_lifetime.map(|lifetime| now.plus(lifetime));
            let consent = Consent { scope: scope.clone(), expires_at };
            self.consents.remember_consent(sub, client_id, consent).await?;
        }
        audit::Event::ConsentGiven { sub, client_id, peer }.log();
        let claims = request.claims.within(self.resources.identity_claims(&scope));
        self.grant_code(attempt, session, scope, claims).await
    }

    /// By what users can sign in here.
    fn ways_in(&self) -> WaysIn<'_> {
        let (passkeys, providers) = (self.settings.offers_passkeys(), self.vouching.providers());
        WaysIn { passkeys, providers }
    }

    async fn has_consented(
        &self,
        request: &AuthorizeRequest,
        session: &Session,
    ) -> Result<bool, StoreError> {
        if !request.client.require_consent {
            return Ok(true);
        }
        // The user is asked for offline access each time. A remembered consent does not count for a
        // client that may not have it remembered any more.
        if !request.client.allow_remember_consent || request.scope.contains(OFFLINE_ACCESS) {
            return Ok(false);
        }
        let remembered =
            self.consents.consent(&session.authentication.sub, &request.client.client_id).await?;
        Ok(remembered.is_some_and(|consent| consent.covers(&request.scope, self.clock.now())))
    }

    async fn grant_code(
        &self,
        attempt: Attempt,
        session: Session,
        scope: Scope,
        requested_claims: RequestedClaims,
    ) -> Result<Outcome, StoreError> {
        let request = &attempt.request;
        let code = TokenHandle::generate(self.entropy);
        let client: &Client = &request.client;
        let record = AuthorizationCode {
            grant: Grant {
                id: Family::of_code(&code, self.families).grant_id(),
                client_id: client.client_id.clone(),
                subject: Some(client.subject(&session.authentication.sub)),
                authentication: session.authentication,
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
            expires_at: self.clock.now().plus(client.authorization_code_lifetime),
        };
        if self.codes.add_code(code.hash(), record, client.back_channel_logout.is_some()).await? {
            return Ok(Outcome::Respond(attempt.reply_to.code(&code)));
        }
        // The user signed out while this request was under way.
        Ok(match interaction::decide(request, None, false, self.ways_in(), self.clock.now()) {
            Interaction::Refuse(code, description) => attempt.error(&code, description),
            _ => attempt.sign_in(),
        })
    }
}

/// The client's address is known by now, so the client gets the error (RFC 6749 section 4.1.2.1).
fn unavailable(reply_to: ReplyTo, error: &StoreError) -> Outcome {
    tracing::error!(%error, "the store failed at the authorization endpoint");
    let description = "The provider can't answer at the moment. Try again in a minute.";
    Outcome::Respond(reply_to.error(&ErrorCode::TemporarilyUnavailable, description))
}

/// Writes to the log that a request was refused, as the endpoints do that clients call directly.
/// `client_id` is what the request names, proven or not. What is decided about a good request, as
/// `login_required`, is no refusal.
fn log_refusal(encoded: &[u8], peer: &str, cause: &dyn Display) {
    let (params, _) = Params::parse_noting_repeats(encoded, &[]).unwrap_or_default();
    let client_id = params.get("client_id");
    let client_id = client_id.map(|id| id.chars().take(ClientId::LONGEST).collect::<String>());
    tracing::info!(client_id, peer, %cause, "an authorization request was refused");
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Page(unsafe_request) => Self::Refuse(unsafe_request),
            Refusal::Answer { reply_to, code, description } => {
                Self::Respond(reply_to.error(&code, description))
            }
        }
    }
}
