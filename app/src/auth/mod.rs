//! Sign-in for Leptos applications: [`provide_auth`] once at the root, [`use_auth`] anywhere below.
//!
//! A thin layer over [`doorward_client::UserManager`]: its state as signals, its operations as actions. On the server
//! the state is [`AuthStatus::Loading`] and stays so; everything from the browser comes in after hydration.

mod session;

use doorward_client::{ApiRequest, ApiResponse, Error, User};
use leptos::prelude::*;

use crate::{
    browser,
    config::AppConfig,
    derived::derived,
    problem::{NextStep, Problem, Task},
};
use session::Session;

/// Who is signed in, as far as the page knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum AuthStatus {
    /// It is being found out. The only state on the server.
    #[default]
    Loading,
    /// It can't be found out, as the configuration is not there; [`Auth::problem`] says why.
    Unavailable,
    /// Nobody.
    SignedOut,
    /// This user.
    SignedIn(Box<User>),
}

impl AuthStatus {
    /// The value of the attribute `data-auth` on `<html>`.
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

/// The state of sign-in and what can be done about it. Copy it into closures freely.
#[derive(Clone, Copy)]
pub struct Auth {
    config_path: &'static str,
    config: RwSignal<Option<AppConfig>>,
    status: RwSignal<AuthStatus>,
    problem: RwSignal<Option<Problem>>,
    leaving: RwSignal<bool>,
    arrival: RwSignal<Option<Arrival>>,
    session: Session,
}

/// Provides sign-in to everything below, set up from the JSON document at `config_path` ([`AppConfig`]). It starts by
/// itself in the browser, after hydration.
pub fn provide_auth(config_path: &'static str) -> Auth {
    let auth = Auth {
        config_path,
        config: RwSignal::new(None),
        status: RwSignal::default(),
        problem: RwSignal::new(None),
        leaving: RwSignal::new(false),
        arrival: RwSignal::new(None),
        session: Session::new(),
    };
    provide_context(auth);
    Effect::new(move |_| {
        session::spawn(session::start(auth));
        // The browser may keep this page alive while it is away and show it again as it was.
        let shown = window_event_listener_untyped("pageshow", move |_| auth.leaving.set(false));
        on_cleanup(move || shown.remove());
    });
    auth
}

/// Sign-in, as a component further up provided it with [`provide_auth`]; without that it panics, naming the type.
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
        self.status.with(|status| match status {
            AuthStatus::SignedIn(user) => Some(User::clone(user)),
            _ => None,
        })
    }

    /// Reads something of the signed-in user without copying all. Tracked.
    pub fn with_user<T>(self, read: impl FnOnce(&User) -> T) -> Option<T> {
        self.status.with(|status| match status {
            AuthStatus::SignedIn(user) => Some(read(user)),
            _ => None,
        })
    }

    /// Whether somebody is signed in. Tracked.
    pub fn is_signed_in(self) -> bool {
        self.with_user(|_| ()).is_some()
    }

    /// The configuration, once it arrived. Tracked.
    pub fn config(self) -> Option<AppConfig> {
        self.config.get()
    }

    /// What went wrong last and was not dismissed. Tracked.
    pub fn problem(self) -> Option<Problem> {
        self.problem.get()
    }

    /// Whether the browser is about to leave for the provider's page. Tracked.
    pub fn is_leaving(self) -> bool {
        self.leaving.get()
    }

    /// From where the browser came back when this page was loaded. Tracked.
    pub fn arrival(self) -> Option<Arrival> {
        self.arrival.get()
    }

    /// Seconds until the access token expires, negative afterwards; a clock set wrong does not mislead it. `None`
    /// without a user or without a lifetime. Not tracked: it changes every second.
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

    /// Calls an API with the user's access token, which is renewed first if need be.
    pub async fn call(self, request: ApiRequest) -> Result<ApiResponse, Error> {
        match self.session.manager() {
            Some(manager) => manager.fetch(request).await,
            None => Err(Error::NotSignedIn),
        }
    }

    /// Tells the user of a problem; it takes the place of the one before.
    pub fn report(self, problem: Problem) {
        self.problem.set(Some(problem));
    }

    /// Takes the message away.
    pub fn dismiss(self) {
        self.problem.set(None);
    }

    /// Takes the step that a problem offers. A call of the API is the page's to repeat: its path comes back.
    pub fn take(self, step: NextStep) -> Option<String> {
        self.dismiss();
        match step {
            NextStep::SignIn { .. } | NextStep::TryAgain(Task::SignIn) => self.sign_in(),
            NextStep::TryAgain(Task::SignOut) => self.sign_out(),
            NextStep::TryAgain(Task::Renew) => session::spawn(session::renew(self)),
            NextStep::TryAgain(Task::Start | Task::FinishSignIn | Task::FinishSignOut) => {
                session::spawn(session::start(self));
            }
            NextStep::TryAgain(Task::Call(path)) => return Some(path),
            NextStep::GoTo(url) => browser::go(&url),
            NextStep::Nothing => {}
        }
        None
    }
}

/// Shows its children to a signed-in user only, and the fallback to everyone else. A matter of presentation: what must
/// not be seen is protected by the API.
#[component]
pub fn RequireAuth(
    /// What the signed-in user sees.
    children: ChildrenFn,
    /// What everyone else sees.
    #[prop(optional, into)]
    fallback: ViewFn,
) -> impl IntoView {
    let auth = use_auth();
    let signed_in = derived(move || auth.is_signed_in());
    view! {
        <Show when=move || signed_in.get() fallback=move || fallback.run()>
            {children()}
        </Show>
    }
}
