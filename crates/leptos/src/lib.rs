//! Sign-in for Leptos applications: [`provide_auth`] once at the root, [`use_auth`] anywhere below,
//! [`RequireAuth`] around what is for signed-in users.
//!
//! A thin layer over [`doorward_client::UserManager`]: its state as signals, its operations as
//! methods that need no waiting for. On the server the state is [`AuthStatus::Loading`] and stays
//! so; everything from the browser comes in after hydration. The guide `docs/guides/leptos.md`
//! starts from nothing.

// The macro for components makes a struct of each component's properties; the documentation stands
// on those.
#![allow(clippy::must_use_candidate)]

mod session;
#[cfg(test)]
mod tests;

use std::future::Future;

use doorward_client::{ApiRequest, ApiResponse, AuthEvent};
use leptos::prelude::*;

pub use doorward_client::{Error, ErrorKind, Settings, User, UserManager};

use session::Session;

/// Who is signed in, as far as the page knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum AuthStatus {
    /// It is being found out. The only state on the server.
    #[default]
    Loading,
    /// It can't be found out, as there are no settings, or none that could be used.
    Unavailable,
    /// Nobody.
    SignedOut,
    /// This user.
    SignedIn(Box<User>),
}

impl AuthStatus {
    /// One word: `loading`, `unavailable`, `signed-out` or `signed-in`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Unavailable => "unavailable",
            Self::SignedOut => "signed-out",
            Self::SignedIn(_) => "signed-in",
        }
    }
}

impl From<Option<User>> for AuthStatus {
    fn from(user: Option<User>) -> Self {
        user.map_or(Self::SignedOut, |user| Self::SignedIn(Box::new(user)))
    }
}

/// From where the browser just came back to this page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// From the provider's sign-in page.
    SignIn,
    /// From the provider's sign-out page.
    SignOut,
}

/// A piece of work that can fail and be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Getting the settings and finding out who is signed in.
    Start,
    /// Leaving for the provider's sign-in page.
    SignIn,
    /// Turning the provider's answer, which the address bar no longer shows, into a signed-in user.
    FinishSignIn,
    /// Leaving for the provider's sign-out page.
    SignOut,
    /// Coming back from the provider's sign-out page.
    FinishSignOut,
    /// Renewing the access token.
    Renew,
}

/// What went wrong, and doing what.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// What was being done.
    pub step: Step,
    /// Why it failed; [`Error::user_message`] is for the user, [`Error::kind`] says what to offer
    /// next.
    pub error: Error,
}

/// The state of sign-in and what can be done about it. Copy it into closures freely.
#[derive(Clone, Copy)]
pub struct Auth {
    status: RwSignal<AuthStatus>,
    failure: RwSignal<Option<Failure>>,
    leaving: RwSignal<bool>,
    arrival: RwSignal<Option<Arrival>>,
    session: Session,
}

/// Provides sign-in with these settings to everything below. It starts by itself in the browser,
/// after hydration.
pub fn provide_auth(settings: Settings) -> Auth {
    provide_auth_with(move || {
        let settings = settings.clone();
        async move { Some(settings) }
    })
}

/// As [`provide_auth`], with settings that first have to be got, in the browser. `None`: they can't
/// be, which `load` itself tells the user; [`Auth::try_again`] with [`Step::Start`] calls it again.
pub fn provide_auth_with<F>(load: impl Fn() -> F + 'static) -> Auth
where
    F: Future<Output = Option<Settings>> + 'static,
{
    let auth = Auth {
        status: RwSignal::default(),
        failure: RwSignal::new(None),
        leaving: RwSignal::new(false),
        arrival: RwSignal::new(None),
        session: Session::new(move || Box::pin(load())),
    };
    provide_context(auth);
    follow(move || {
        session::spawn(session::start(auth));
        // The browser may keep this page alive while it is away and show it again as it was.
        let shown = window_event_listener_untyped("pageshow", move |_| auth.leaving.set(false));
        on_cleanup(move || shown.remove());
    });
    auth
}

/// Sign-in, as a component further up provided it with [`provide_auth`]; without that it panics,
/// naming the type.
pub fn use_auth() -> Auth {
    expect_context()
}

impl Auth {
    /// Who is signed in. Tracked.
    pub fn status(self) -> AuthStatus {
        self.status.get()
    }

    /// The signed-in user. Tracked.
    pub fn user(self) -> Option<User> {
        self.with_user(User::clone)
    }

    /// Reads something of the signed-in user without copying all. Tracked.
    pub fn with_user<T>(self, read: impl FnOnce(&User) -> T) -> Option<T> {
        self.status.with(|status| match status {
            AuthStatus::SignedIn(user) => Some(read(user)),
            _ => None,
        })
    }

    /// What to call the signed-in user: the claim `name`, else `preferred_username`, else `sub`.
    /// Tracked.
    pub fn user_name(self) -> Option<String> {
        self.with_user(|user| {
            let name = user.claim("name").or_else(|| user.claim("preferred_username"));
            name.unwrap_or(user.sub()).to_owned()
        })
    }

    /// Whether somebody is signed in. Tracked.
    pub fn is_signed_in(self) -> bool {
        self.with_user(|_| ()).is_some()
    }

    /// What went wrong last and was not dismissed. Tracked.
    pub fn failure(self) -> Option<Failure> {
        self.failure.get()
    }

    /// Whether the browser is about to leave for the provider's page. Tracked.
    pub fn is_leaving(self) -> bool {
        self.leaving.get()
    }

    /// From where the browser came back when this page was loaded. Tracked.
    pub fn arrival(self) -> Option<Arrival> {
        self.arrival.get()
    }

    /// Seconds until the access token expires, negative afterwards; a clock set wrong does not
    /// mislead it. `None` without a user or without a lifetime. Not tracked: it changes every
    /// second.
    pub fn expires_in(self) -> Option<i64> {
        let manager = self.session.manager()?;
        self.status.with_untracked(|status| match status {
            AuthStatus::SignedIn(user) => manager.expires_in(user),
            _ => None,
        })
    }

    /// Leaves for the provider's sign-in page.
    pub fn sign_in(self) {
        if !self.leaving.get_untracked() {
            session::spawn(session::sign_in(self));
        }
    }

    /// Signs out here and leaves for the provider's sign-out page.
    pub fn sign_out(self) {
        if !self.leaving.get_untracked() {
            session::spawn(session::sign_out(self));
        }
    }

    /// Does again what failed.
    pub fn try_again(self, step: Step) {
        self.dismiss();
        match step {
            Step::SignIn => self.sign_in(),
            Step::SignOut => self.sign_out(),
            Step::Renew => session::spawn(session::renew(self)),
            Step::Start | Step::FinishSignIn | Step::FinishSignOut => {
                session::spawn(session::start(self));
            }
        }
    }

    /// Forgets what went wrong.
    pub fn dismiss(self) {
        self.failure.set(None);
    }

    /// Calls an API with the user's access token, which is renewed first if need be.
    pub async fn call(self, request: ApiRequest) -> Result<ApiResponse, Error> {
        match self.session.manager() {
            Some(manager) => manager.fetch(request).await,
            None => Err(Error::NotSignedIn),
        }
    }

    /// Hears the client's events for as long as the page lives, from the very first if this is
    /// called where sign-in is provided.
    pub fn on_event(self, handler: impl FnMut(&AuthEvent) + 'static) {
        self.session.on_event(Box::new(handler));
    }

    /// The client itself, for what is not here: popups, revocation. `None` on the server and until
    /// the settings are there.
    pub fn manager(self) -> Option<UserManager> {
        self.session.manager()
    }
}

/// Does something in the browser once the page is alive, and again whenever signals that it read
/// have changed: an [`Effect`] whose function is boxed. A program for the browser then has its
/// machinery once, and not once for each function.
pub fn follow(act: impl FnMut() + 'static) {
    fn effect(mut act: Box<dyn FnMut()>) {
        Effect::new(move |_| act());
    }
    effect(Box::new(act));
}

/// Shows its children to a signed-in user only, and the fallback to everyone else. A matter of
/// presentation: what must not be seen is protected by the API.
#[component]
pub fn RequireAuth(
    /// What the signed-in user sees.
    children: ChildrenFn,
    /// What everyone else sees.
    #[prop(optional, into)]
    fallback: ViewFn,
) -> impl IntoView {
    let auth = use_auth();
    let signed_in = Memo::new(move |_| auth.is_signed_in());
    view! {
        <Show when=move || signed_in.get() fallback=move || fallback.run()>
            {children()}
        </Show>
    }
}
