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

use std::{
    cell::{Cell, RefCell},
    pin::pin,
    rc::Rc,
};

use doorward_protocol::base64url;
use futures::future::select;
use sha2::{Digest as _, Sha256};

use crate::{
    AuthEvent, CallbackKind, Error, ErrorKind, Fault, SigninOutcome,
    client::Client,
    flow::{
        exchange::{Profile, UnverifiedTokens},
        pending::{self, AnsweredSignin, Owner, Pending, PendingSignin, PendingSignout, Via},
        response::{self, AuthorizationResponse},
    },
    lean::{notify::Notify, single_flight::SharedWork, url},
    ports::{Guard, LocalFuture},
    user_store::{self, StoredUser},
};

/// How many URLs are remembered while the page lives.
const REMEMBERED: usize = 4;
/// The prefix of the key under which a tab keeps the URL of a response until it is processed.
pub(crate) const RESPONSE: &str = "oidc-response:";

/// The callbacks of this page.
#[derive(Default)]
pub(crate) struct Callbacks {
    /// The work for each URL.
    by_address: RefCell<Vec<(String, SharedWork)>>,
    /// Tokens that were received but not yet verified, because the network failed in between.
    received: RefCell<Option<UnverifiedTokens>>,
    /// A user who was verified but not yet stored, because the storage failed, and the identifier
    /// of the request.
    verified: RefCell<Option<(String, Rc<StoredUser>)>>,
    /// Whether this page has taken a response already.
    has_taken: Cell<bool>,
    /// Tells that a code is on its way to the provider.
    pub code_sent: Notify,
}

impl Callbacks {
    /// Forgets everything, because the user was removed.
    pub(crate) fn forget(&self) {
        self.by_address.borrow_mut().clear();
        self.received.borrow_mut().take();
        self.verified.borrow_mut().take();
    }
}

/// Whether the same response may be processed again. After a failure of the device (storage, clock)
/// the user can change something and try again.
fn may_try_again(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Retry | ErrorKind::Device)
}

impl Client {
    /// Classifies the response in a URL. Parameters of the page itself, and responses to another
    /// client of this origin, are none of this client's.
    pub(crate) fn callback_kind(&self, url: &str) -> CallbackKind {
        let summary = response::summary(url);
        // Every request has a state. An error without one can't be told from the page's own
        // parameter: which tab waits for a response is not known.
        let Some(id) = summary.state_id else {
            return CallbackKind::None;
        };
        match pending::get(&self.ports, &id).ok().flatten() {
            Some(pending) if !pending.belongs_to(&self.settings) => CallbackKind::None,
            Some(Pending::Signout(PendingSignout { via: Via::Redirect, .. })) => {
                CallbackKind::Signout
            }
            Some(Pending::Signout(_)) => CallbackKind::ChildWindow,
            Some(Pending::Signin(pending)) if pending.via != Via::Redirect => {
                CallbackKind::ChildWindow
            }
            Some(_) if summary.has_result => CallbackKind::Signin,
            Some(_) => CallbackKind::None,
            None => self.kind_of_unknown(url, &id, summary.has_result),
        }
    }

    /// Classifies a response whose request is not in the state store: it was sent by another page,
    /// whose store is not visible here, or the entry is gone.
    fn kind_of_unknown(&self, url: &str, id: &str, has_result: bool) -> CallbackKind {
        let settings = &self.settings;
        let is_at = |address: &Option<String>| {
            address.as_ref().is_some_and(|own| url::split(own).0 == url::split(url).0)
        };
        let is_redirect_uri = url::split(url).0 == url::split(&settings.redirect_uri).0
            || is_at(&settings.popup_redirect_uri)
            || is_at(&settings.silent_redirect_uri);
        let is_post_logout_uri = is_at(&settings.post_logout_redirect_uri)
            || is_at(&settings.popup_post_logout_redirect_uri);
        match pending::via_of(id) {
            Some(Via::Redirect) if is_redirect_uri && has_result => CallbackKind::Signin,
            Some(Via::Popup | Via::Frame)
                if is_redirect_uri && has_result || is_post_logout_uri =>
            {
                CallbackKind::ChildWindow
            }
            _ => CallbackKind::None,
        }
    }

    /// Takes the response out of the address bar and returns the URL that had it. Until the sign-in
    /// is finished, session storage keeps the URL, so that a reload meanwhile does not lose it.
    pub(crate) fn take_response(&self) -> String {
        let url = self.ports.navigator.current_url();
        let kind = self.callback_kind(&url);
        let has_taken = self.callbacks.has_taken.replace(true);
        if kind == CallbackKind::None {
            return if has_taken { url } else { self.kept_response().unwrap_or(url) };
        }
        if kind == CallbackKind::Signin {
            // Without it, a reload loses the response.
            let _ = self.ports.tab_store.set(&self.response_key(), &url);
        }
        self.scrub(&url);
        url
    }

    /// The URL of a response that an earlier page of this tab took, and did not finish.
    fn kept_response(&self) -> Option<String> {
        let url = self.ports.tab_store.get(&self.response_key()).ok().flatten()?;
        let id = response::summary(&url).state_id?;
        let is_pending = matches!(pending::get(&self.ports, &id), Ok(Some(Pending::Signin(_))));
        if !is_pending || self.callback_kind(&url) != CallbackKind::Signin {
            self.forget_response();
            return None;
        }
        Some(url)
    }

    fn forget_response(&self) {
        let (store, key) = (&self.ports.tab_store, self.response_key());
        if let Ok(Some(_)) = store.get(&key) {
            let _ = store.remove(&key);
        }
    }

    fn response_key(&self) -> String {
        [RESPONSE, &user_store::key(&self.settings)].concat()
    }

    /// Finishes a sign-in. All calls with the same URL share one result.
    pub(crate) async fn signin_callback(
        self: &Rc<Self>,
        url: &str,
    ) -> Result<SigninOutcome, Fault> {
        self.callback_work(url).outcome().await?;
        self.outcome_of(url)
    }

    /// Begins to finish a sign-in, and waits until the code is on its way or nothing is left to do.
    pub(crate) async fn begin_callback(self: &Rc<Self>, url: &str) {
        let work = self.callback_work(url);
        select(pin!(self.callbacks.code_sent.notified()), pin!(work.outcome())).await;
    }

    fn callback_work(self: &Rc<Self>, url: &str) -> SharedWork {
        let known = {
            let by_address = self.callbacks.by_address.borrow();
            by_address.iter().find(|(own, _)| own == url).map(|(_, work)| work.clone())
        };
        known.unwrap_or_else(|| self.start_callback(url))
    }

    fn start_callback(self: &Rc<Self>, url: &str) -> SharedWork {
        let client = Rc::clone(self);
        let address = url.to_owned();
        let work: LocalFuture<Result<(), Fault>> = Box::pin(async move {
            let outcome = client.finish_signin(&address).await;
            if outcome.is_err() {
                client.metadata.forget_kept();
            }
            if outcome.as_ref().is_err_and(|error| may_try_again(error)) {
                // Nothing was consumed: the next call tries again.
                let mut by_address = client.callbacks.by_address.borrow_mut();
                by_address.retain(|(own, _)| *own != address);
            } else {
                client.forget_response();
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
        let response = self.read_response(url).await?;
        let _lock = self.lock_callback(&response.state_id).await;
        let begun = self.ports.clock.monotonic();
        let (pending, mark) = loop {
            match pending::get(&self.ports, &response.state_id)? {
                Some(Pending::Signin(pending)) => {
                    let mark = self.mark(&["oidc.answered:", &response.state_id].concat()).await;
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
        let (id, return_to) = (pending.id.clone(), pending.return_to.clone());
        let code_hash = hash_of_code(&response);
        let verified = self.callbacks.verified.take();
        let stored = match verified.filter(|(own, _)| *own == id) {
            Some((_, stored)) => stored,
            None => self.redeem_and_prove(pending, response).await?,
        };
        if let Err(error) = self.user_loaded(&stored) {
            *self.callbacks.verified.borrow_mut() = Some((id, stored));
            return Err(error);
        }
        self.keep_marked(mark);
        let session = self.users.get()?.map(|session| session.stored.session_id());
        let answered = AnsweredSignin {
            created: self.ports.clock.now(),
            code_hash,
            sub: stored.user.sub().to_owned(),
            session: session.unwrap_or_default(),
            owner: Owner::of(&self.settings),
            data: stored.user.state.clone(),
            url_state: stored.user.url_state.clone(),
            return_to,
        };
        self.events.emit(&AuthEvent::UserSignedIn);
        pending::replace(&self.ports, &id, &Pending::Answered(answered))
    }

    /// Two tabs may have the same URL (a duplicated tab, or a restored session).
    pub(crate) async fn lock_callback(&self, state_id: &str) -> Option<Guard> {
        self.lock(&["oidc.callback.", state_id].concat()).await
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
            Ok(profile) => Ok(Rc::new(StoredUser::of_signin(tokens, profile))),
            Err(error) => {
                if may_try_again(&error) {
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
                let AnsweredSignin { data: state, url_state, return_to, .. } = answered;
                Ok(SigninOutcome { user, state, url_state, return_to })
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
        let metadata = self.ports.retrying(|| self.metadata.metadata()).await?;
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
