//! What happens behind the signals: the client library's operations, and what their outcome does to
//! the state.

use std::{future::Future, pin::Pin, rc::Rc};

use doorward_client::{
    AuthEvent, CallbackKind, Error, ErrorKind, Settings, SigninRequestArgs, SignoutRequestArgs,
    Subscription, UserManager,
};
use leptos::prelude::*;

use super::{Arrival, Auth, AuthStatus, Failure, Step};

/// Gets the settings.
type Load = Rc<dyn Fn() -> Pin<Box<dyn Future<Output = Option<Settings>>>>>;

/// Hears the client's events.
type Listener = Box<dyn FnMut(&AuthEvent)>;

/// The client library's object, which lives on the browser's one thread.
#[derive(Clone, Copy)]
pub(super) struct Session {
    #[cfg(target_arch = "wasm32")]
    live: StoredValue<Live, LocalStorage>,
}

/// What a session consists of.
struct Live {
    load: Load,
    manager: Option<UserManager>,
    subscription: Option<Subscription>,
    /// Who wants to hear events, until there is a manager.
    listeners: Vec<Listener>,
    /// The address that the provider sent the browser to, kept for another try when the first
    /// fails.
    response: Option<String>,
}

impl Session {
    #[cfg(target_arch = "wasm32")]
    pub(super) fn new(
        load: impl Fn() -> Pin<Box<dyn Future<Output = Option<Settings>>>> + 'static,
    ) -> Self {
        let live = Live {
            load: Rc::new(load),
            manager: None,
            subscription: None,
            listeners: Vec::new(),
            response: None,
        };
        Self { live: StoredValue::new_local(live) }
    }

    #[cfg(target_arch = "wasm32")]
    fn update<T>(self, change: impl FnOnce(&mut Live) -> T) -> Option<T> {
        self.live.try_update_value(change)
    }

    /// On the server there is no session, and nothing that could be dropped on another thread.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn new(
        load: impl Fn() -> Pin<Box<dyn Future<Output = Option<Settings>>>> + 'static,
    ) -> Self {
        drop(load);
        Self {}
    }

    #[cfg(not(target_arch = "wasm32"))]
    #[allow(clippy::unused_self)]
    fn update<T>(self, change: impl FnOnce(&mut Live) -> T) -> Option<T> {
        let _ = change;
        None
    }

    pub(super) fn on_event(self, listener: Listener) {
        self.update(|live| match &live.manager {
            Some(manager) => manager.events().subscribe(listener).forever(),
            None => live.listeners.push(listener),
        });
    }

    pub(super) fn manager(self) -> Option<UserManager> {
        self.update(|live| live.manager.clone()).flatten()
    }
}

/// Runs a task of the page to its end.
pub(super) fn spawn(task: impl Future<Output = ()> + 'static) {
    leptos::task::spawn_local(task);
}

fn fail(auth: Auth, step: Step, error: Error) {
    auth.failure.set(Some(Failure { step, error }));
}

/// Finds out who is signed in: the response that the address carries, else the stored user.
pub(super) async fn start(auth: Auth) {
    let Some(manager) = set_up(auth).await else {
        return auth.status.set(AuthStatus::Unavailable);
    };
    let accepted = accept_response(auth, &manager).await;
    match manager.get_user().await {
        Ok(user) => auth.status.set(user.into()),
        Err(error) => {
            auth.status.set(AuthStatus::SignedOut);
            if accepted.is_ok() {
                fail(auth, Step::Start, error);
            }
        }
    }
    if let Err((step, error)) = accepted {
        fail(auth, step, error);
    }
    manager.start_silent_renew();
}

/// The client library's object; made from the settings the first time.
async fn set_up(auth: Auth) -> Option<UserManager> {
    if let Some(manager) = auth.session.manager() {
        return Some(manager);
    }
    let load = auth.session.update(|live| Rc::clone(&live.load))?;
    let settings = load().await?;
    let manager = match user_manager(settings) {
        Ok(manager) => manager,
        Err(error) => {
            fail(auth, Step::Start, error);
            return None;
        }
    };
    let subscription = manager.events().subscribe(move |event| follow(auth, event));
    auth.session.update(|live| {
        for listener in live.listeners.drain(..) {
            manager.events().subscribe(listener).forever();
        }
        live.manager = Some(manager.clone());
        live.subscription = Some(subscription);
    });
    Some(manager)
}

#[cfg(target_arch = "wasm32")]
fn user_manager(settings: Settings) -> Result<UserManager, Error> {
    doorward_client::browser::user_manager(settings)
}

#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::needless_pass_by_value)] // As its other form.
fn user_manager(settings: Settings) -> Result<UserManager, Error> {
    settings.validate()?;
    Err(Error::NotSignedIn)
}

/// Accepts the provider's response, if the address carries one or an earlier try left one behind.
async fn accept_response(auth: Auth, manager: &UserManager) -> Result<(), (Step, Error)> {
    let left_behind = auth.session.update(|live| live.response.take()).flatten();
    // A code or an error in the address must not be reloaded, bookmarked or sent on by a Referer.
    let url = left_behind.unwrap_or_else(|| manager.take_response());
    let (result, arrival, step) = match manager.callback_kind(&url) {
        CallbackKind::Signin => {
            let result = manager.signin_redirect_callback(&url).await.map(drop);
            (result, Arrival::SignIn, Step::FinishSignIn)
        }
        CallbackKind::Signout => {
            let result = manager.signout_redirect_callback(&url).await.map(drop);
            (result, Arrival::SignOut, Step::FinishSignOut)
        }
        #[cfg(feature = "popups")]
        CallbackKind::ChildWindow => {
            return manager
                .signin_popup_callback(&url)
                .map_err(|error| (Step::FinishSignIn, error));
        }
        #[cfg(not(feature = "popups"))]
        CallbackKind::ChildWindow => return Ok(()),
        CallbackKind::None => return Ok(()),
    };
    match result {
        Ok(()) => {
            auth.arrival.set(Some(arrival));
            Ok(())
        }
        Err(error) => {
            if error.kind() == ErrorKind::Retry {
                auth.session.update(|live| live.response = Some(url));
            }
            Err((step, error))
        }
    }
}

/// Takes over what the client library tells, also of other tabs.
fn follow(auth: Auth, event: &AuthEvent) {
    match event {
        AuthEvent::UserLoaded(user) => {
            // A renewal that failed before has succeeded now.
            auth.failure.update(|failure| {
                if failure.as_ref().is_some_and(|failure| failure.step == Step::Renew) {
                    *failure = None;
                }
            });
            auth.status.set(Some(user.clone()).into());
        }
        AuthEvent::UserUnloaded | AuthEvent::UserSignedOut => {
            auth.status.set(AuthStatus::SignedOut);
        }
        AuthEvent::SilentRenewError(error) => fail(auth, Step::Renew, error.clone()),
        _ => {}
    }
}

/// Leaves for the provider's sign-in page.
pub(super) async fn sign_in(auth: Auth) {
    let Some(manager) = auth.session.manager() else {
        return start(auth).await;
    };
    auth.dismiss();
    auth.leaving.set(true);
    if let Err(error) = manager.signin_redirect(SigninRequestArgs::default()).await {
        auth.leaving.set(false);
        fail(auth, Step::SignIn, error);
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
        fail(auth, Step::SignOut, error);
    }
}

/// Renews the access token now.
pub(super) async fn renew(auth: Auth) {
    let Some(manager) = auth.session.manager() else {
        return start(auth).await;
    };
    if let Err(error) = manager.signin_silent().await {
        fail(auth, Step::Renew, error);
    }
}
