//! From the authorization response in the page's address to the signed-in user (RFC 6749 section 4.1.2 to 4.1.4,
//! RFC 9207 section 2.4, OIDC Core section 3.1.3).
//!
//! [`AuthorizationResponse`] → [`PendingSignin::accept`] → [`AcceptedResponse`](crate::exchange::AcceptedResponse) → exchange → [`UnverifiedTokens`] →
//! verification → [`VerifiedTokens`] → userinfo → the user store. Each step consumes what the one before made.
//!
//! One address gives one result and one token request, however often it is asked: while the page lives, the work and
//! its result are shared; after a reload the state store remembers which code was redeemed. A failure that may pass
//! (the network, the provider's trouble) consumes nothing, and the address can be tried again.

use std::{cell::RefCell, rc::Rc};

use crate::{
    CallbackKind, Error, Event, SigninOutcome,
    client::Client,
    exchange::{UnverifiedTokens, VerifiedTokens, hash},
    flight::Work,
    id_token::VerifiedIdToken,
    pending::{self, AnsweredSignin, Pending, PendingSignin, PendingSignout, Way},
    ports::LocalFuture,
    response::{self, AuthorizationResponse},
};

/// How many addresses are remembered while the page lives.
const REMEMBERED: usize = 4;

type Outcome = Result<SigninOutcome, Error>;

/// What is known about callbacks while the page lives.
#[derive(Default)]
pub(crate) struct Callbacks {
    /// Work and results by address.
    by_address: RefCell<Vec<(String, Work<Outcome>)>>,
    /// Tokens that were received but could not be verified yet, because the network failed in between.
    received: RefCell<Option<UnverifiedTokens>>,
}

impl Callbacks {
    /// Forgets results: the user that they hold is gone.
    pub(crate) fn forget(&self) {
        self.by_address.borrow_mut().clear();
        self.received.borrow_mut().take();
    }
}

impl Client {
    /// What kind of response the address carries.
    pub(crate) fn callback_kind(&self, url: &str) -> CallbackKind {
        let marks = response::marks(url);
        let known = marks.state_id.as_deref().and_then(|id| pending::get(&self.ports, id).ok().flatten());
        match known {
            Some(Pending::Signout(PendingSignout { way: Way::Redirect, .. })) => CallbackKind::Signout,
            Some(Pending::Signout(_)) => CallbackKind::OfChild,
            Some(Pending::Signin(pending)) if pending.way != Way::Redirect => CallbackKind::OfChild,
            Some(_) if marks.has_result => CallbackKind::Signin,
            _ if marks.has_result && (marks.state_id.is_some() || self.is_redirect_uri(url)) => CallbackKind::Signin,
            _ => CallbackKind::None,
        }
    }

    fn is_redirect_uri(&self, url: &str) -> bool {
        crate::url::split(url).0 == crate::url::split(&self.settings.redirect_uri).0
    }

    /// Finishes a sign-in: shared by all who ask for the same address.
    pub(crate) async fn signin_callback(self: &Rc<Self>, url: &str) -> Outcome {
        let known = {
            let by_address = self.callbacks.by_address.borrow();
            by_address.iter().find(|(own, _)| own == url).map(|(_, work)| work.clone())
        };
        let work = known.unwrap_or_else(|| self.start_callback(url));
        work.result().await
    }

    fn start_callback(self: &Rc<Self>, url: &str) -> Work<Outcome> {
        let client = Rc::clone(self);
        let address = url.to_owned();
        let work: LocalFuture<Outcome> = Box::pin(async move {
            let outcome = client.finish_signin(&address).await;
            if outcome.as_ref().is_err_and(Error::is_transient) {
                // Nothing was consumed: the next call tries again.
                let mut by_address = client.callbacks.by_address.borrow_mut();
                by_address.retain(|(own, _)| *own != address);
            } else {
                client.scrub(&address);
            }
            outcome
        });
        let work = Work::start(&*self.ports.timer, work);
        let mut by_address = self.callbacks.by_address.borrow_mut();
        if by_address.len() == REMEMBERED {
            drop(by_address.remove(0));
        }
        by_address.push((url.to_owned(), work.clone()));
        work
    }

    /// Takes the response out of the address bar, so that reload and Back don't bring it again.
    pub(crate) fn scrub(&self, url: &str) {
        if self.ports.navigator.current_url() == url {
            self.ports.navigator.show_url(&response::scrubbed(url));
        }
    }

    async fn finish_signin(&self, url: &str) -> Outcome {
        let trace = &self.tokens.http.trace;
        trace.authorization_response(url);
        let response = AuthorizationResponse::parse(url)?;
        // Two tabs may hold one address (a duplicated tab, a restored session).
        let _lock = self.ports.locks.acquire(&format!("oidc.callback.{}", response.state_id)).await;
        let received = self.take_received(&response);
        let tokens = match received {
            Some(tokens) => tokens,
            None => match pending::get(&self.ports, &response.state_id)? {
                Some(Pending::Signin(pending)) => self.redeem(*pending, response).await?,
                Some(Pending::Answered(answered)) => return self.same_again(answered, &response),
                Some(Pending::Signout(_)) | None => {
                    trace.check("state", &"", &response.state_id, false);
                    return Err(self.no_matching_state());
                }
            },
        };
        let verified = match self.verify(tokens.clone()).await {
            Err(error) if error.is_transient() => {
                *self.callbacks.received.borrow_mut() = Some(tokens);
                return Err(error);
            }
            other => other,
        };
        match verified {
            Ok(verified) => self.finish_with(verified).await,
            Err(error) => {
                pending::remove(&self.ports, &tokens.pending.id)?;
                Err(error)
            }
        }
    }

    fn take_received(&self, response: &AuthorizationResponse) -> Option<UnverifiedTokens> {
        let code_hash = hash(response.result.as_ref().ok()?);
        self.callbacks
            .received
            .borrow_mut()
            .take_if(|tokens| tokens.pending.id == response.state_id && tokens.code_hash == code_hash)
    }

    /// The answer was dealt with before, by a page that is gone. Its user is in the store, unless they signed out.
    fn same_again(&self, answered: AnsweredSignin, response: &AuthorizationResponse) -> Outcome {
        let same_code = response.result.as_ref().is_ok_and(|code| hash(code) == answered.code_hash);
        match self.users.get()? {
            Some(session) if same_code && session.stored.user.sub() == answered.sub => Ok(SigninOutcome {
                user: session.stored.user.clone(),
                state: answered.data,
                url_state: answered.url_state,
            }),
            _ => Err(self.no_matching_state()),
        }
    }

    pub(crate) fn no_matching_state(&self) -> Error {
        let session = self.users.get().ok().flatten();
        let lives = |session| self.users.expires_in(&session).is_none_or(|left| left > 0);
        Error::NoMatchingState {
            signed_in: session.is_some_and(|session| session.stored.user.refresh_token.is_some() || lives(session)),
        }
    }

    /// Accepts the response and redeems its code. The pending request stays in the store until the provider has
    /// answered for good.
    pub(crate) async fn redeem(
        &self,
        pending: PendingSignin,
        response: AuthorizationResponse,
    ) -> Result<UnverifiedTokens, Error> {
        let metadata = self.retrying(|| self.metadata.metadata()).await?;
        let id = pending.id.clone();
        let accepted = match pending.accept(response, self, &metadata) {
            Ok(accepted) => accepted,
            Err(error) => {
                // An error response ends the request. One that was not accepted may be forged: the request stays.
                if matches!(error, Error::Authorization(_)) {
                    pending::remove(&self.ports, &id)?;
                }
                return Err(error);
            }
        };
        match self.exchange(accepted).await {
            Err(error) if !error.is_transient() => {
                pending::remove(&self.ports, &id)?;
                Err(error)
            }
            other => other,
        }
    }

    /// Adds userinfo if asked for, keeps the user and remembers that the response is used.
    async fn finish_with(&self, verified: VerifiedTokens) -> Outcome {
        let VerifiedTokens { tokens, id_token } = verified;
        let pending = &tokens.pending;
        let profile = match self.profile(&tokens.answer, id_token.as_ref()).await {
            Err(error) if error.is_transient() => {
                *self.callbacks.received.borrow_mut() = Some(tokens);
                return Err(error);
            }
            Err(error) => {
                pending::remove(&self.ports, &pending.id)?;
                return Err(error);
            }
            Ok(profile) => profile,
        };
        let sub = id_token.as_ref().map_or("", VerifiedIdToken::sub).to_owned();
        let answered = AnsweredSignin {
            created: self.ports.clock.now(),
            code_hash: tokens.code_hash.clone(),
            sub,
            data: pending.data.clone(),
            url_state: pending.url_state.clone(),
        };
        let id = pending.id.clone();
        let user = self.user_loaded(Self::new_user(tokens, profile))?;
        self.events.emit(&Event::UserSignedIn);
        let (state, url_state) = (answered.data.clone(), answered.url_state.clone());
        pending::replace(&self.ports, &id, &Pending::Answered(answered))?;
        Ok(SigninOutcome { user, state, url_state })
    }
}
