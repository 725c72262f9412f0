//! What happens behind the signals: the client library's operations, and what their outcome does to the state.

use std::future::Future;

use doorward_client::{
    CallbackKind, Error, ErrorKind, Event, SigninRequestArgs, SignoutRequestArgs, Subscription, UserManager,
};
use leptos::prelude::*;

use super::{Arrival, Auth, AuthStatus};
use crate::{
    browser,
    config::{AppConfig, ConfigError},
    problem::{Problem, Task},
};

/// The client library's object, which lives on the browser's one thread.
#[derive(Clone, Copy)]
pub(super) struct Session {
    #[cfg(target_arch = "wasm32")]
    live: StoredValue<Live, LocalStorage>,
}

/// What a session consists of. Empty on the server and until the configuration arrived.
#[derive(Default)]
struct Live {
    manager: Option<UserManager>,
    subscription: Option<Subscription>,
    /// The address that the provider sent the browser to, kept for another try when the first fails.
    response: Option<String>,
}

impl Session {
    #[cfg(target_arch = "wasm32")]
    pub(super) fn new() -> Self {
        Self { live: StoredValue::new_local(Live::default()) }
    }

    #[cfg(target_arch = "wasm32")]
    fn update<T>(self, change: impl FnOnce(&mut Live) -> T) -> Option<T> {
        self.live.try_update_value(change)
    }

    /// On the server there is no session, and nothing that could be dropped on another thread.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn new() -> Self {
        Self {}
    }

    #[cfg(not(target_arch = "wasm32"))]
    #[allow(clippy::unused_self)]
    fn update<T>(self, change: impl FnOnce(&mut Live) -> T) -> Option<T> {
        let _ = change;
        None
    }

    pub(super) fn manager(self) -> Option<UserManager> {
        self.update(|live| live.manager.clone()).flatten()
    }
}

/// Runs a task of the page to its end.
pub(super) fn spawn(task: impl Future<Output = ()> + 'static) {
    leptos::task::spawn_local(task);
}

/// Finds out who is signed in: the response that the address carries, else the stored user.
pub(super) async fn start(auth: Auth) {
    let manager = match set_up(auth).await {
        Ok(manager) => manager,
        Err(problem) => {
            auth.status.set(AuthStatus::Unavailable);
            return auth.report(problem);
        }
    };
    let problem = accept_response(auth, &manager).await;
    match manager.get_user().await {
        Ok(user) => auth.status.set(user.into()),
        Err(error) => {
            auth.status.set(AuthStatus::SignedOut);
            if problem.is_none() {
                auth.report(Problem::of_client(&error, Task::Start));
            }
        }
    }
    if let Some(problem) = problem {
        auth.report(problem);
    }
    manager.start_silent_renew();
}

/// The client library's object; made from the configuration the first time.
async fn set_up(auth: Auth) -> Result<UserManager, Problem> {
    if let Some(manager) = auth.session.manager() {
        return Ok(manager);
    }
    let text = browser::fetch_text(auth.config_path).await.map_err(ConfigError::Unreachable);
    let config = text
        .and_then(|text| AppConfig::parse(&text, &browser::origin()))
        .map_err(|error| Problem::of_config(&error))?;
    let manager = user_manager(&config).map_err(|error| Problem::of_client(&error, Task::Start))?;
    let subscription = manager.events().subscribe(move |event| follow(auth, event));
    auth.session.update(|live| {
        live.manager = Some(manager.clone());
        live.subscription = Some(subscription);
    });
    auth.config.set(Some(config));
    Ok(manager)
}

#[cfg(target_arch = "wasm32")]
fn user_manager(config: &AppConfig) -> Result<UserManager, Error> {
    doorward_client::browser::user_manager(config.settings())
}

#[cfg(not(target_arch = "wasm32"))]
fn user_manager(config: &AppConfig) -> Result<UserManager, Error> {
    config.settings().validate()?;
    Err(Error::NotSignedIn)
}

/// Accepts the provider's response, if the address carries one or an earlier try left one behind.
async fn accept_response(auth: Auth, manager: &UserManager) -> Option<Problem> {
    let left_behind = auth.session.update(|live| live.response.take()).flatten();
    let url = left_behind.unwrap_or_else(browser::current_url);
    let kind = manager.callback_kind(&url);
    if matches!(kind, CallbackKind::OfChild | CallbackKind::None) {
        return None;
    }
    // A code or an error in the address must not be reloaded, bookmarked or sent on by a Referer.
    browser::scrub_url();
    let (result, arrival, task) = match kind {
        CallbackKind::Signin => {
            let result = manager.signin_redirect_callback(&url).await.map(drop);
            (result, Arrival::SignIn, Task::FinishSignIn)
        }
        CallbackKind::Signout => {
            let result = manager.signout_redirect_callback(&url).await.map(drop);
            (result, Arrival::SignOut, Task::FinishSignOut)
        }
        CallbackKind::OfChild | CallbackKind::None => return None,
    };
    match result {
        Ok(()) => {
            auth.arrival.set(Some(arrival));
            None
        }
        Err(error) => {
            if error.kind() == ErrorKind::Retry {
                auth.session.update(|live| live.response = Some(url));
            }
            Some(Problem::of_client(&error, task))
        }
    }
}

/// Takes over what the client library tells, also of other tabs.
fn follow(auth: Auth, event: &Event) {
    match event {
        Event::UserLoaded(user) => {
            // A renewal that failed before has succeeded now.
            auth.problem.update(|problem| {
                if problem.as_ref().is_some_and(|problem| problem.task == Task::Renew) {
                    *problem = None;
                }
            });
            auth.status.set(Some(user.clone()).into());
        }
        Event::UserUnloaded | Event::UserSignedOut => auth.status.set(AuthStatus::SignedOut),
        Event::SilentRenewError(error) => auth.report(Problem::of_client(error, Task::Renew)),
        _ => {}
    }
}

/// Leaves for the provider's sign-in page.
pub(super) async fn sign_in(auth: Auth) {
    let Some(manager) = auth.session.manager() else {
        return start(auth).await;
    };
    if let Some(config) = auth.config.get_untracked()
        && !config.returns_to(&browser::origin())
    {
        return auth.report(Problem::of_other_origin(&config.redirect_uri));
    }
    auth.dismiss();
    auth.leaving.set(true);
    if let Err(error) = manager.signin_redirect(SigninRequestArgs::default()).await {
        auth.leaving.set(false);
        auth.report(Problem::of_client(&error, Task::SignIn));
    }
}

/// Signs out here and leaves for the provider's sign-out page.
pub(super) async fn sign_out(auth: Auth) {
    let Some(manager) = auth.session.manager() else {
        return start(auth).await;
    };
    auth.dismiss();
    auth.leaving.set(true);
    if let Err(error) = manager.signout_redirect(SignoutRequestArgs::default()).await {
        auth.leaving.set(false);
        auth.report(Problem::of_client(&error, Task::SignOut));
    }
}

/// Renews the access token now.
pub(super) async fn renew(auth: Auth) {
    let Some(manager) = auth.session.manager() else {
        return start(auth).await;
    };
    if let Err(error) = manager.signin_silent().await {
        auth.report(Problem::of_client(&error, Task::Renew));
    }
}
