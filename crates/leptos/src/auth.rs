//! What components see of sign-in.

use std::{future::poll_fn, num::NonZeroU64, time::Duration};

use doorward_client::{User, UserManager};
use leptos::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    Arrival, AuthFailure, AuthStatus, SessionRoutes,
    engine::Engine,
    live::{Live, LiveHandle},
    page,
};

/// After this time a navigation counts as failed, and buttons work again: the provider may have
/// answered with a download, or the user may have pressed Stop. No event reports that.
const LEAVING_LIMIT: Duration = Duration::from_secs(5);

/// The state of sign-in and its operations. It is `Copy`, so closures can capture it.
///
/// ```no_run
/// use doorward_leptos::{AuthStatus, use_auth};
/// use leptos::prelude::*;
///
/// #[component]
/// fn Account() -> impl IntoView {
///     let auth = use_auth();
///     let failure = move || auth.failure().map(|failure| failure.error.user_message());
///     view! {
///         <p role="alert">{failure}</p>
///         {move || match auth.status() {
///             AuthStatus::SignedIn(user) => view! {
///                 <p>"Welcome, " {user.sub().to_owned()}</p>
///                 <button on:click=move |_| auth.sign_out()>"Sign out"</button>
///             }
///             .into_any(),
///             AuthStatus::Loading => "One moment …".into_any(),
///             _ => view! { <button on:click=move |_| auth.sign_in()>"Sign in"</button> }
///                 .into_any(),
///         }}
///     }
/// }
/// # let _ = Account;
/// ```
#[derive(Clone, Copy)]
pub struct Auth {
    pub(crate) status: RwSignal<AuthStatus>,
    pub(crate) failure: RwSignal<Option<AuthFailure>>,
    pub(crate) leaving: RwSignal<bool>,
    pub(crate) arrival: RwSignal<Option<Arrival>>,
    pub(crate) brought: RwSignal<Option<Value>>,
    /// Whether the page no longer leaves for a sign-in by itself, but waits for the user to ask.
    pub(crate) waits: RwSignal<bool>,
    pub(crate) live: LiveHandle,
    pub(crate) engine: Engine,
    /// Only for [`crate::session`].
    pub(crate) routes: SessionRoutes,
    /// When the server rendered the page, by its clock. Only for [`crate::session`].
    #[cfg_attr(not(feature = "policy"), allow(dead_code))]
    pub(crate) rendered_at: Option<NonZeroU64>,
}

impl Auth {
    pub(crate) fn new(live: Live, engine: Engine) -> Self {
        Self {
            engine,
            routes: SessionRoutes::default(),
            rendered_at: None,
            status: RwSignal::default(),
            failure: RwSignal::new(None),
            leaving: RwSignal::new(false),
            arrival: RwSignal::new(None),
            brought: RwSignal::new(None),
            waits: RwSignal::new(false),
            live: LiveHandle::new(live),
        }
    }

    /// Who is signed in. Tracked.
    pub fn status(self) -> AuthStatus {
        self.status.get()
    }

    /// The user, also if the access token has expired. Tracked.
    pub fn user(self) -> Option<User> {
        self.with_user(User::clone)
    }

    /// Reads something of the user without a copy of everything, also if the access token has
    /// expired. Tracked.
    pub fn with_user<T>(self, read: impl FnOnce(&User) -> T) -> Option<T> {
        self.status.with(|status| status.user().map(read))
    }

    /// The user's name: the claim `preferred_username`, or `name`, or else `sub`. Tracked.
    pub fn user_name(self) -> Option<String> {
        self.with_user(|user| {
            let name = user.claim("preferred_username").or_else(|| user.claim("name"));
            name.unwrap_or(user.sub()).to_owned()
        })
    }

    /// Whether a user is signed in, and the access token has not expired for good. Tracked.
    pub fn is_signed_in(self) -> bool {
        self.status.with(|status| matches!(status, AuthStatus::SignedIn(_)))
    }

    /// Whether a user is signed in, or `None` while that is not known: the `condition` of the
    /// router's `ProtectedRoute`. Tracked.
    ///
    /// ```ignore (needs leptos_router)
    /// <ProtectedRoute
    ///     path=path!("/orders")
    ///     condition=move || auth.as_condition()
    ///     redirect_path=|| "/"
    ///     view=Orders
    /// />
    /// ```
    pub fn as_condition(self) -> Option<bool> {
        self.status.with(|status| match status {
            AuthStatus::Loading => None,
            status => Some(matches!(status, AuthStatus::SignedIn(_))),
        })
    }

    /// The last failure that was not dismissed. Tracked.
    pub fn failure(self) -> Option<AuthFailure> {
        self.failure.get()
    }

    /// Whether the browser is about to leave for the provider's page. Tracked.
    pub fn is_leaving(self) -> bool {
        self.leaving.get()
    }

    /// From which page of the provider the browser came back when this page was loaded. Tracked.
    pub fn arrival(self) -> Option<Arrival> {
        self.arrival.get()
    }

    /// What the page has to repeat, once after the sign-in that [`Auth::step_up`] began, and only
    /// if the same user came back. It is taken out: the next call gives `None`, so nothing is done
    /// twice. Tracked.
    pub fn take_repeat(self) -> Option<Value> {
        let sub = self.with_user(|user| user.sub().to_owned())?;
        if self.brought.with(Option::is_none) {
            return None;
        }
        let mut state = self.brought.try_update_untracked(Option::take)??;
        let step_up = state.get_mut("step_up")?;
        let is_same = step_up.get("sub").and_then(Value::as_str) == Some(&sub);
        is_same.then(|| step_up.get_mut("again").map(Value::take))?
    }

    /// Seconds until the access token expires, negative afterwards. `None` without a user or a
    /// lifetime. Not tracked, because it changes every second.
    pub fn expires_in(self) -> Option<i64> {
        let client = self.live.client()?;
        self.status.with_untracked(|status| client.expires_in(status.user()?))
    }

    /// The clock of this device, or of the server: seconds since 1970 (UTC).
    pub fn now(self) -> u64 {
        self.live.client().map_or_else(page::now, |client| client.now())
    }

    /// The time for what a component decides at first. Hydration must find what the server
    /// rendered, so until the page is hydrated, it is the server's time of that.
    #[cfg(feature = "policy")]
    pub(crate) fn first_now(self) -> u64 {
        let hydrates =
            || Owner::current_shared_context().is_some_and(|context| context.during_hydration());
        let rendered_at = self.rendered_at.filter(|_| !cfg!(target_arch = "wasm32") || hydrates());
        rendered_at.map_or_else(|| self.now(), NonZeroU64::get)
    }

    /// The claims of the user's profile as a type of the caller's. `None` if nobody is signed in,
    /// or if a claim is missing or of another type ([`User::claims`] says which). Tracked.
    ///
    /// ```no_run
    /// use doorward_leptos::use_auth;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Claims {
    ///     email: String,
    ///     #[serde(default)]
    ///     groups: Vec<String>,
    /// }
    ///
    /// # fn component() {
    /// let groups = move || use_auth().claims::<Claims>().map(|claims| claims.groups);
    /// # let _ = groups;
    /// # }
    /// ```
    pub fn claims<T: DeserializeOwned>(self) -> Option<T> {
        self.with_user(|user| user.claims().ok()).flatten()
    }

    /// Waits until it is known who is signed in. On the server it returns at once, and so it does
    /// if the component that provides sign-in is gone.
    pub async fn ready(self) {
        poll_fn(move |context| {
            let is_known =
                self.status.try_with_untracked(|status| !matches!(status, AuthStatus::Loading));
            // The component that provides the sign-in may be gone by now.
            self.live.poll_ready(is_known != Some(false), context)
        })
        .await;
    }

    /// The client itself, for operations that are not here, such as popups and revocation. `None`
    /// on the server, and until the settings are loaded. With the feature `split`, also `None`
    /// until the client is loaded ([`Auth::prepare`]).
    pub fn manager(self) -> Option<UserManager> {
        Some(self.live.client()?.manager())
    }

    /// The page is about to be left. If it is still there after a while, the navigation failed.
    pub(crate) fn leave(self) {
        self.leaving.set(true);
        let departure = self.live.update(|live| {
            live.departures += 1;
            live.departures
        });
        set_timeout(
            move || {
                if self.live.update(|live| live.departures) == departure {
                    self.stay();
                    self.waits.set(true);
                }
            },
            LEAVING_LIMIT,
        );
    }

    /// The browser stays on this page after all.
    pub(crate) fn stay(self) {
        self.leaving.set(false);
    }
}
