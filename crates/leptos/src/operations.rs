//! The client's operations, and how their results change the state. With the feature `split`, all
//! of it is loaded when it is first needed: only [`crate::engine`] calls it.

use std::rc::Rc;

use doorward_client::{
    AuthEvent, CallbackKind, Error, Settings, SignoutRequestArgs, SignoutScope, User, UserManager,
    ports::LocalFuture,
};
use leptos::prelude::*;

use crate::{
    Auth, AuthStatus, AuthStep,
    callback::accept_response,
    early::{self, Early},
    engine::{Reply, Task, Work},
    live::LoadedClient,
    page,
    start::{fail, set_status, settings},
    subscription::Subscriber,
};

/// Begins a task.
pub(crate) fn begin(auth: Auth, task: Task) -> Work {
    Box::pin(async move {
        let Some(manager) = set_up(auth).await else {
            set_status(auth, AuthStatus::Unavailable);
            auth.stay();
            let has_answer = matches!(task, Task::Call(..) | Task::Token(_));
            return if has_answer { Err(Error::NotSignedIn) } else { Ok(Reply::Done) };
        };
        match task {
            Task::SetUp => {}
            Task::Start => {
                if let Some(opened) = initiation(auth) {
                    leave_for_sign_in(auth, manager.signin_initiated(&opened)).await;
                }
                find_user(auth, &manager).await;
            }
            Task::Prepare => drop(manager.prepare().await),
            Task::SignIn(args) => leave_for_sign_in(auth, manager.signin_redirect(*args)).await,
            Task::SignOut(args) => sign_out(auth, &manager, args).await,
            Task::SignOutHere => report(auth, AuthStep::SignOut, manager.remove_user().await),
            Task::Renew => {
                report(auth, AuthStep::Renew, manager.signin_silent().await.map(drop));
            }
            Task::Call(None, request) => return manager.fetch(request).await.map(Reply::Response),
            Task::Call(Some(http), request) => {
                return manager.fetch_through(http, request).await.map(Reply::Response);
            }
            Task::Token(None) => return manager.get_access_token().await.map(Reply::Token),
            Task::Token(Some(resource)) => {
                return manager.get_access_token_for(&resource).await.map(Reply::Token);
            }
        }
        Ok(Reply::Done)
    })
}

/// Begins with the response in the URL, before there is a page.
pub(crate) fn begin_early(settings: Settings) -> Work {
    Box::pin(async move {
        // The page reports a failure, since it finds the same.
        if early::is_open()
            && let Ok(manager) = user_manager(settings.clone())
            // Everything else in the URL is the page's.
            && manager.callback_kind(&page::url()) == CallbackKind::Signin
        {
            manager.events().hold();
            let response = manager.take_response();
            let client = Rc::new(manager.clone());
            early::begun(Early { settings, client, response: response.clone() });
            manager.begin_signin_redirect_callback(&response).await;
        }
        Ok(Reply::Done)
    })
}

fn report(auth: Auth, step: AuthStep, outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        fail(auth, step, error);
    }
}

impl LoadedClient for UserManager {
    fn manager(&self) -> UserManager {
        self.clone()
    }

    fn expires_in(&self, user: &User) -> Option<i64> {
        Self::expires_in(self, user)
    }

    fn now(&self) -> u64 {
        Self::now(self)
    }

    fn begin(&self, waiting: &Subscriber) {
        waiting.begin(self);
    }
}

/// Returns the client. It is created from the settings the first time.
async fn set_up(auth: Auth) -> Option<UserManager> {
    if let Some(client) = auth.live.client() {
        return Some(client.manager());
    }
    let settings = settings(auth).await?;
    // Another task may have been faster.
    if let Some(client) = auth.live.client() {
        return Some(client.manager());
    }
    let plan = auth.live.plan()?;
    // The application's own client has other ports, even with the same settings.
    let early = if plan.make.is_none() { early::take(&settings) } else { None };
    let made = match (&plan.make, early) {
        (_, Some(early)) => {
            auth.live.update(|live| live.response = Some(early.response));
            Ok(early.client.manager())
        }
        (Some(make), None) => make(Settings::clone(&settings)),
        (None, None) => user_manager(Settings::clone(&settings)),
    };
    let manager = match made {
        Ok(manager) => manager,
        Err(error) => {
            // Other settings may be better.
            auth.live.update(|live| live.settings = None);
            fail(auth, AuthStep::Start, error);
            return None;
        }
    };
    let is_own = |url: &str| manager.callback_kind(url) == CallbackKind::Signin && !plan.skips(url);
    if let Some(Early { client, response, .. }) = early::take_foreign(&settings, is_own) {
        auth.live.update(|live| {
            live.response = Some(response);
            live.before = Some(client);
        });
    }
    let subscription = manager.events().subscribe(move |event| follow(auth, event));
    let waiting = auth.live.update(|live| {
        live.client = Some(Rc::new(manager.clone()));
        live.subscription = Some(subscription);
        std::mem::take(&mut live.waiting)
    });
    for waiting in waiting.unwrap_or_default() {
        if let Some(waiting) = waiting.upgrade() {
            waiting.begin(&manager);
        }
    }
    manager.events().release();
    Some(manager)
}

#[cfg(target_arch = "wasm32")]
fn user_manager(settings: Settings) -> Result<UserManager, Error> {
    doorward_client::browser::user_manager(settings)
}

#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::needless_pass_by_value)] // Like its other form.
fn user_manager(settings: Settings) -> Result<UserManager, Error> {
    settings.validate()?;
    Err(Error::NotSignedIn)
}

/// Finds out who is signed in: processes a response in the page's URL, or reads the stored user.
async fn find_user(auth: Auth, manager: &UserManager) {
    let accepted = accept_response(auth, manager).await;
    let user = match manager.get_user().await {
        Ok(Some(user)) if cannot_be_used(manager, &user) => {
            // A hidden frame may still bring another token.
            match manager.get_access_token().await {
                Ok(_) => manager.get_user().await,
                Err(_) => return set_status(auth, AuthStatus::Expired(Box::new(user))),
            }
        }
        user => user,
    };
    match user {
        Ok(user) => set_status(auth, user.into()),
        Err(error) => {
            set_status(auth, AuthStatus::SignedOut);
            if accepted.is_ok() {
                fail(auth, AuthStep::Start, error);
            }
        }
    }
    if let Err((step, error)) = accepted {
        fail(auth, step, error);
    }
}

/// Whether the access token has expired, and there is no refresh token.
fn cannot_be_used(manager: &UserManager, user: &User) -> bool {
    user.refresh_token.is_none() && manager.expires_in(user).is_some_and(|left| left <= 0)
}

/// Takes over what the client reports, also about other tabs.
fn follow(auth: Auth, event: &AuthEvent) {
    match event {
        AuthEvent::UserLoaded(user) => {
            // A renewal that failed before has succeeded now.
            auth.failure.update(|failure| {
                if failure.as_ref().is_some_and(|failure| failure.step == AuthStep::Renew) {
                    *failure = None;
                }
            });
            // While the page starts, the response in its URL may change the user.
            set_status(auth, Some(user.clone()).into());
        }
        AuthEvent::UserUnloaded | AuthEvent::UserSignedOut => {
            set_status(auth, AuthStatus::SignedOut);
        }
        AuthEvent::AccessTokenExpired => expire(auth, User::clone),
        AuthEvent::SilentRenewError(error) => {
            fail(auth, AuthStep::Renew, error.clone());
            if auth.expires_in().is_some_and(|left| left <= 0) {
                expire(auth, User::clone);
            }
        }
        _ => {}
    }
}

/// The access token has expired. The user stays signed in while there is hope to renew it.
fn expire(auth: Auth, copy: fn(&User) -> User) {
    let gave_up = auth.failure.with_untracked(|failure| {
        failure.as_ref().is_some_and(|failure| failure.step == AuthStep::Renew)
    });
    let user = auth.status.with_untracked(|status| match status {
        AuthStatus::SignedIn(user) if gave_up || user.refresh_token.is_none() => Some(copy(user)),
        _ => None,
    });
    if let Some(user) = user {
        set_status(auth, AuthStatus::Expired(Box::new(user)));
    }
}

/// The page's URL, if somebody else begins a sign-in by it. The page begins no other from then on.
/// The address bar keeps the path alone: who comes back by Back must not be sent away again.
fn initiation(auth: Auth) -> Option<String> {
    let opened = page::path();
    if !auth.live.plan()?.begins_at(&opened) {
        return None;
    }
    auth.leaving.set(true);
    let url = page::url();
    page::show(opened.split('?').next().unwrap_or_default());
    Some(url)
}

/// Leaves for the provider's sign-in page by this request.
async fn leave_for_sign_in(auth: Auth, request: LocalFuture<Result<(), Error>>) {
    match request.await {
        Ok(()) => auth.leave(),
        Err(error) => {
            auth.stay();
            fail(auth, AuthStep::SignIn, error);
        }
    }
}

/// Signs out here and leaves for the provider's sign-out page, if there is one.
async fn sign_out(auth: Auth, manager: &UserManager, args: SignoutRequestArgs) {
    match manager.signout_redirect(args).await {
        Ok(SignoutScope::Provider) => auth.leave(),
        Ok(_) => auth.stay(),
        Err(error) => {
            auth.stay();
            fail(auth, AuthStep::SignOut, error);
        }
    }
}
