//! The client's operations, and how their results change the state.

use std::{
    future::Future,
    pin::Pin,
    rc::{Rc, Weak},
    task::{Context, Poll, Waker},
    time::Duration,
};

use doorward_client::{
    AuthEvent, CallbackKind, Error, ErrorKind, Settings, SigninRequestArgs, SignoutRequestArgs,
    SignoutScope, Subscription, User, UserManager,
};
use leptos::prelude::*;

use crate::{
    Arrival, Auth, AuthFailure, AuthStatus, AuthStep, AuthSubscription, subscription::Waiting,
};

/// Loads the settings.
pub(crate) type Load = Rc<dyn Fn() -> Pin<Box<dyn Future<Output = Option<Settings>>>>>;

/// Whether a response in a URL is left to another program.
pub(crate) type SkipCallback = Rc<dyn Fn(&str) -> bool>;

/// After this time a navigation counts as failed, and buttons work again: the provider may have
/// answered with a download, or the user may have pressed Stop. No event reports that.
const LEAVING_LIMIT: Duration = Duration::from_secs(5);

/// The client, which stays on the browser's one thread.
#[derive(Clone, Copy)]
pub(crate) struct ClientHandle {
    #[cfg(target_arch = "wasm32")]
    live: StoredValue<Live, LocalStorage>,
}

/// The client and what belongs to it.
pub(crate) struct Live {
    load: Load,
    skip_callback: Option<SkipCallback>,
    manager: Option<UserManager>,
    subscription: Option<Subscription>,
    /// Subscriptions that wait for the client.
    waiting: Vec<Weak<Waiting>>,
    /// Tasks that wait until it is known who is signed in.
    wakers: Vec<Waker>,
    /// The URL of a response whose processing failed, for the next attempt.
    response: Option<String>,
    /// Counts the attempts to leave the page.
    departures: u32,
}

impl Live {
    pub(crate) fn new(load: Load, skip_callback: Option<SkipCallback>) -> Self {
        Self {
            load,
            skip_callback,
            manager: None,
            subscription: None,
            waiting: Vec::new(),
            wakers: Vec::new(),
            response: None,
            departures: 0,
        }
    }
}

impl ClientHandle {
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn new(live: Live) -> Self {
        Self { live: StoredValue::new_local(live) }
    }

    #[cfg(target_arch = "wasm32")]
    fn update<T>(self, change: impl FnOnce(&mut Live) -> T) -> Option<T> {
        self.live.try_update_value(change)
    }

    /// On the server there is no client, and nothing that could be dropped on another thread.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn new(live: Live) -> Self {
        drop(live);
        Self {}
    }

    #[cfg(not(target_arch = "wasm32"))]
    #[allow(clippy::unused_self)] // Like its other form.
    fn update<T>(self, change: impl FnOnce(&mut Live) -> T) -> Option<T> {
        let _ = change;
        None
    }

    pub(crate) fn subscribe(self, subscription: &AuthSubscription) {
        let waiting = subscription.waiting();
        self.update(|live| match (&live.manager, waiting.upgrade()) {
            (Some(manager), Some(waiting)) => waiting.begin(manager),
            _ => live.waiting.push(waiting),
        });
    }

    pub(crate) fn manager(self) -> Option<UserManager> {
        self.update(|live| live.manager.clone()).flatten()
    }

    /// Remembers the task that waits, if it is not known yet who is signed in.
    pub(crate) fn poll_ready(self, is_known: bool, context: &Context<'_>) -> Poll<()> {
        if is_known {
            return Poll::Ready(());
        }
        match self.update(|live| live.wakers.push(context.waker().clone())) {
            Some(()) => Poll::Pending,
            // On the server, and after the component that provides sign-in was removed.
            None => Poll::Ready(()),
        }
    }
}

/// Runs a task to its end.
pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) {
    leptos::task::spawn_local(task);
}

fn fail(auth: Auth, step: AuthStep, error: Error) {
    auth.failure.set(Some(AuthFailure { step, error }));
}

fn set_status(auth: Auth, status: AuthStatus) {
    auth.status.set(status);
    let wakers = auth.client.update(|live| std::mem::take(&mut live.wakers));
    wakers.unwrap_or_default().into_iter().for_each(Waker::wake);
}

/// Finds out who is signed in: processes a response in the page's URL, or reads the stored user.
pub(crate) async fn start(auth: Auth) {
    let Some(manager) = set_up(auth).await else {
        return set_status(auth, AuthStatus::Unavailable);
    };
    let accepted = accept_response(auth, &manager).await;
    let user = match manager.get_user().await {
        Ok(Some(user)) if cannot_be_used(&manager, &user) => {
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

/// Returns the client. It is created from the settings the first time.
async fn set_up(auth: Auth) -> Option<UserManager> {
    if let Some(manager) = auth.client.manager() {
        return Some(manager);
    }
    let load = auth.client.update(|live| Rc::clone(&live.load))?;
    let settings = load().await?;
    let manager = match user_manager(settings) {
        Ok(manager) => manager,
        Err(error) => {
            fail(auth, AuthStep::Start, error);
            return None;
        }
    };
    let subscription = manager.events().subscribe(move |event| follow(auth, event));
    auth.client.update(|live| {
        for waiting in live.waiting.drain(..) {
            if let Some(waiting) = waiting.upgrade() {
                waiting.begin(&manager);
            }
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
#[allow(clippy::needless_pass_by_value)] // Like its other form.
fn user_manager(settings: Settings) -> Result<UserManager, Error> {
    settings.validate()?;
    Err(Error::NotSignedIn)
}

/// Processes the provider's response in the page's URL, or one whose processing failed before.
async fn accept_response(auth: Auth, manager: &UserManager) -> Result<(), (AuthStep, Error)> {
    let skips = auth.client.update(|live| live.skip_callback.clone()).flatten();
    let left_behind = auth.client.update(|live| live.response.take()).flatten();
    let url = match left_behind {
        Some(url) => url,
        None if skips.is_some_and(|skips| skips(&page::url())) => return Ok(()),
        None => {
            // A code or an error in the URL must not be reloaded, bookmarked or sent as a referrer.
            let before = page::url();
            let url = manager.take_response();
            if page::url() != before {
                page::inform_router();
            }
            url
        }
    };
    let (result, arrival, step) = match manager.callback_kind(&url) {
        CallbackKind::Signin => {
            let result = manager.signin_redirect_callback(&url).await;
            let result = result.map(|outcome| {
                if let Some(path) = outcome.return_to.filter(|path| is_local(path)) {
                    page::show(&path);
                }
            });
            (result, Arrival::SignIn, AuthStep::FinishSignIn)
        }
        CallbackKind::Signout => {
            let result = manager.signout_redirect_callback(&url).await.map(drop);
            (result, Arrival::SignOut, AuthStep::FinishSignOut)
        }
        #[cfg(feature = "popups")]
        CallbackKind::ChildWindow => {
            return manager
                .signin_popup_callback(&url)
                .map_err(|error| (AuthStep::FinishSignIn, error));
        }
        _ => return Ok(()),
    };
    match result {
        Ok(()) => {
            auth.arrival.set(Some(arrival));
            Ok(())
        }
        Err(error) => {
            if matches!(error.kind(), ErrorKind::Retry | ErrorKind::Device) {
                auth.client.update(|live| live.response = Some(url));
            }
            Err((step, error))
        }
    }
}

/// Whether a path stays at this origin.
pub(crate) fn is_local(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && !path.contains('\\')
}

/// The present path with its query and fragment.
pub(crate) fn current_path() -> String {
    page::path()
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

/// The page is about to be left. If it is still there after a while, the navigation failed.
fn leave(auth: Auth) {
    auth.leaving.set(true);
    let departure = auth.client.update(|live| {
        live.departures += 1;
        live.departures
    });
    set_timeout(
        move || {
            if auth.client.update(|live| live.departures) == departure {
                auth.stay();
            }
        },
        LEAVING_LIMIT,
    );
}

/// Leaves for the provider's sign-in page.
pub(crate) async fn sign_in(auth: Auth, args: SigninRequestArgs) {
    let Some(manager) = auth.client.manager() else {
        return start(auth).await;
    };
    auth.dismiss();
    auth.leaving.set(true);
    match manager.signin_redirect(args).await {
        Ok(()) => leave(auth),
        Err(error) => {
            auth.stay();
            fail(auth, AuthStep::SignIn, error);
        }
    }
}

/// Signs out here and leaves for the provider's sign-out page, if there is one.
pub(crate) async fn sign_out(auth: Auth, args: SignoutRequestArgs) {
    let Some(manager) = auth.client.manager() else {
        return start(auth).await;
    };
    auth.dismiss();
    auth.leaving.set(true);
    match manager.signout_redirect(args).await {
        Ok(SignoutScope::Provider) => leave(auth),
        Ok(_) => auth.stay(),
        Err(error) => {
            auth.stay();
            fail(auth, AuthStep::SignOut, error);
        }
    }
}

/// Signs out here. The session at the provider continues.
pub(crate) async fn sign_out_here(auth: Auth) {
    let Some(manager) = auth.client.manager() else {
        return;
    };
    auth.dismiss();
    if let Err(error) = manager.remove_user().await {
        fail(auth, AuthStep::SignOut, error);
    }
}

/// Renews the access token now.
pub(crate) async fn renew(auth: Auth) {
    let Some(manager) = auth.client.manager() else {
        return start(auth).await;
    };
    if let Err(error) = manager.signin_silent().await {
        fail(auth, AuthStep::Renew, error);
    }
}

/// The window's URL.
#[cfg(target_arch = "wasm32")]
mod page {
    use leptos::{prelude::*, wasm_bindgen::JsValue, web_sys};

    pub(super) fn url() -> String {
        doorward_client::browser::current_url()
    }

    pub(super) fn path() -> String {
        let url = url();
        let origin = location().origin().unwrap_or_default();
        url.strip_prefix(&origin).unwrap_or("/").to_owned()
    }

    /// Shows another path of this origin in place of the present one.
    pub(super) fn show(path: &str) {
        if self::path() == path {
            return;
        }
        if let Ok(history) = window().history() {
            let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(path));
            inform_router();
        }
    }

    /// A router reads the URL again after this event. It does not notice changes by others.
    pub(super) fn inform_router() {
        if let Ok(event) = web_sys::Event::new("popstate") {
            let _ = window().dispatch_event(&event);
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod page {
    pub(super) fn url() -> String {
        String::new()
    }

    pub(super) fn path() -> String {
        "/".to_owned()
    }

    pub(super) fn show(_: &str) {}

    pub(super) fn inform_router() {}
}
