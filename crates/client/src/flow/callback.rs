//! From the authorization response in the page's URL to the signed-in user (RFC 6749 section 4.1.2
//! to 4.1.4, RFC 9207 section 2.4, OIDC Core section 3.1.3).
//!
//! [`AuthorizationResponse`] → [`PendingSignin::accept`] →
//! [`AcceptedResponse`](crate::flow::exchange::AcceptedResponse) → exchange → [`UnverifiedTokens`]
//! → verification, userinfo → [`Profile`] → the user store. Each step needs what the previous one
//! made, so none can be skipped.
//!
//! One URL gives one result and one token request, however often the callback is called. While the
//! page lives, the work is shared. After a reload, the state store knows which code was redeemed,
//! and the user is in the user store. A temporary failure (of the network or the provider) consumes
//! nothing, so the same URL can be tried again.

use std::{cell::RefCell, rc::Rc};

use doorward_protocol::base64url;
use sha2::{Digest as _, Sha256};

use crate::{
    AuthEvent, CallbackKind, Error, ErrorKind, Fault, SigninOutcome,
    client::Client,
    flow::{
        exchange::{Profile, UnverifiedTokens},
        pending::{self, AnsweredSignin, Pending, PendingSignin, PendingSignout, Via},
        response::{self, AuthorizationResponse},
    },
    lean::single_flight::SharedWork,
    ports::{Guard, LocalFuture},
    user_store::StoredUser,
};

/// How many URLs are remembered while the page lives.
const REMEMBERED: usize = 4;

/// The callbacks of this page.
#[derive(Default)]
pub(crate) struct Callbacks {
    /// The work for each URL.
    by_address: RefCell<Vec<(String, SharedWork)>>,
    /// Tokens that were received but not yet verified, because the network failed in between.
    received: RefCell<Option<UnverifiedTokens>>,
}

impl Callbacks {
    /// Forgets everything, because the user was removed.
    pub(crate) fn forget(&self) {
        self.by_address.borrow_mut().clear();
        self.received.borrow_mut().take();
    }
}

impl Client {
    /// Classifies the response in a URL.
    pub(crate) fn callback_kind(&self, url: &str) -> CallbackKind {
        let marks = response::summary(url);
        let known =
            marks.state_id.as_deref().and_then(|id| pending::get(&self.ports, id).ok().flatten());
        match known {
            Some(Pending::Signout(PendingSignout { via: Via::Redirect, .. })) => {
                CallbackKind::Signout
            }
            Some(Pending::Signout(_)) => CallbackKind::ChildWindow,
            Some(Pending::Signin(pending)) if pending.via != Via::Redirect => {
                CallbackKind::ChildWindow
            }
            Some(_) if marks.has_result => CallbackKind::Signin,
            _ if marks.has_result && (marks.state_id.is_some() || self.is_redirect_uri(url)) => {
                CallbackKind::Signin
            }
            _ => CallbackKind::None,
        }
    }

    fn is_redirect_uri(&self, url: &str) -> bool {
        crate::lean::url::split(url).0 == crate::lean::url::split(&self.settings.redirect_uri).0
    }

    /// Finishes a sign-in. All calls with the same URL share one result.
    pub(crate) async fn signin_callback(
        self: &Rc<Self>,
        url: &str,
    ) -> Result<SigninOutcome, Fault> {
        let known = {
            let by_address = self.callbacks.by_address.borrow();
            by_address.iter().find(|(own, _)| own == url).map(|(_, work)| work.clone())
        };
        let work = known.unwrap_or_else(|| self.start_callback(url));
        work.outcome().await?;
        self.outcome_of(url)
    }

    fn start_callback(self: &Rc<Self>, url: &str) -> SharedWork {
        let client = Rc::clone(self);
        let address = url.to_owned();
        let work: LocalFuture<Result<(), Fault>> = Box::pin(async move {
            let outcome = client.finish_signin(&address).await;
            if outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::Retry) {
                // Nothing was consumed: the next call tries again.
                let mut by_address = client.callbacks.by_address.borrow_mut();
                by_address.retain(|(own, _)| *own != address);
            } else {
                client.scrub(&address);
            }
            outcome
        });
        let work = SharedWork::start(&*self.ports.timer, work);
        let mut by_address = self.callbacks.by_address.borrow_mut();
        if by_address.len() == REMEMBERED {
            drop(by_address.remove(0));
        }
        by_address.push((url.to_owned(), work.clone()));
        work
    }

    /// Removes the response from the address bar, so that Reload and Back don't repeat it.
    pub(crate) fn scrub(&self, url: &str) {
        if self.ports.navigator.current_url() == url {
            self.ports.navigator.show_url(&response::scrubbed(url));
        }
    }

    /// Makes sure that the response has been processed, by this call or by an earlier one, perhaps
    /// on a page that is gone.
    async fn finish_signin(&self, url: &str) -> Result<(), Fault> {
        self.tokens.http.trace.authorization_response(url);
        let response = AuthorizationResponse::parse(url)?;
        let _lock = self.lock_callback(&response.state_id).await;
        let begun = self.ports.clock.monotonic();
        let (pending, mark) = loop {
            match pending::get(&self.ports, &response.state_id)? {
                Some(Pending::Signin(pending)) => {
                    let mark = self
                        .ports
                        .locks
                        .mark(&["oidc.answered:", &response.state_id].concat())
                        .await;
                    if mark.is_some() {
                        break (pending, mark);
                    }
                    // Another tab redeemed the code, but its result is not visible here yet. Or
                    // this store is a copy.
                    if !self.waits_for_store(begun).await {
                        return Err(self.no_matching_state());
                    }
                }
                Some(Pending::Answered(_)) => return Ok(()),
                Some(Pending::Signout(_)) | None => {
                    self.tokens.http.trace.check("state", &"", &response.state_id, false);
                    return Err(self.no_matching_state());
                }
            }
        };
        let id = pending.id.clone();
        let code_hash = hash_of_code(&response);
        let stored = self.redeem_and_prove(pending, response).await?;
        self.keep_marked(mark);
        let answered = AnsweredSignin {
            created: self.ports.clock.now(),
            code_hash,
            sub: stored.user.sub().to_owned(),
            data: stored.user.state.clone(),
            url_state: stored.user.url_state.clone(),
        };
        self.user_loaded(&stored)?;
        self.events.emit(&AuthEvent::UserSignedIn);
        pending::replace(&self.ports, &id, &Pending::Answered(answered))
    }

    /// Two tabs may have the same URL (a duplicated tab, or a restored session).
    pub(crate) async fn lock_callback(&self, state_id: &str) -> Guard {
        self.ports.locks.acquire(&["oidc.callback.", state_id].concat()).await
    }

    /// Redeems the code and verifies who signed in. A temporary failure consumes neither the
    /// request nor the received tokens.
    pub(crate) async fn redeem_and_prove(
        &self,
        pending: Box<PendingSignin>,
        response: Box<AuthorizationResponse>,
    ) -> Result<Rc<StoredUser>, Fault> {
        let tokens = match self.take_received(&response) {
            Some(tokens) => tokens,
            None => self.redeem(pending, response).await?,
        };
        match self.prove(&tokens).await {
            Ok(profile) => Ok(Rc::new(Self::new_user(tokens, profile))),
            Err(error) => {
                if error.is_transient() {
                    *self.callbacks.received.borrow_mut() = Some(tokens);
                } else {
                    pending::remove(&self.ports, &tokens.accepted.pending.id)?;
                }
                Err(error)
            }
        }
    }

    /// Verifies the ID token, and loads userinfo if that is set.
    async fn prove(&self, tokens: &UnverifiedTokens) -> Result<Profile, Fault> {
        let id_token = self.verify(tokens).await?;
        self.profile(&tokens.answer, id_token.as_ref()).await
    }

    fn take_received(&self, response: &AuthorizationResponse) -> Option<UnverifiedTokens> {
        let code = response.result.as_ref().ok()?;
        let mut received = self.callbacks.received.borrow_mut();
        received.take_if(|UnverifiedTokens { accepted, .. }| {
            accepted.pending.id == response.state_id && accepted.code == *code
        })
    }

    /// The result of a processed response. Its user is in the store unless they signed out.
    fn outcome_of(&self, url: &str) -> Result<SigninOutcome, Fault> {
        let response = AuthorizationResponse::parse(url)?;
        let code_hash = hash_of_code(&response);
        match (pending::get(&self.ports, &response.state_id)?, self.users.get()?) {
            (Some(Pending::Answered(answered)), Some(session))
                if answered.code_hash == code_hash && answered.sub == session.stored.user.sub() =>
            {
                let user = session.stored.user.clone();
                Ok(SigninOutcome { user, state: answered.data, url_state: answered.url_state })
            }
            _ => Err(self.no_matching_state()),
        }
    }

    pub(crate) fn no_matching_state(&self) -> Fault {
        let session = self.users.get().ok().flatten();
        let lives = |session| self.users.expires_in(&session).is_none_or(|left| left > 0);
        let signed_in = session
            .is_some_and(|session| session.stored.user.refresh_token.is_some() || lives(session));
        Error::NoMatchingState { signed_in }.into()
    }

    /// Accepts the response and redeems its code. The pending request stays in the store until the
    /// provider has given a final answer.
    pub(crate) async fn redeem(
        &self,
        pending: Box<PendingSignin>,
        response: Box<AuthorizationResponse>,
    ) -> Result<UnverifiedTokens, Fault> {
        let metadata = self.retrying(|| self.metadata.metadata()).await?;
        let id = pending.id.clone();
        let accepted = match pending.accept(response, self, &metadata) {
            Ok(accepted) => accepted,
            Err(error) => {
                // An error response ends the request. A response that was not accepted may be
                // forged, so the request stays.
                if matches!(*error, Error::Authorization(_)) {
                    pending::remove(&self.ports, &id)?;
                }
                return Err(error);
            }
        };
        match self.exchange(&accepted).await {
            Ok(answer) => Ok(UnverifiedTokens { accepted, answer }),
            Err(error) => {
                if !error.is_transient() {
                    pending::remove(&self.ports, &id)?;
                }
                Err(error)
            }
        }
    }
}

/// Identifies a redeemed code in the state store.
fn hash_of_code(response: &AuthorizationResponse) -> String {
    response
        .result
        .as_ref()
        .map_or_else(|_| String::new(), |code| base64url::encode(Sha256::digest(code.expose())))
}
