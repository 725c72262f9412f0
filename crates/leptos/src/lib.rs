//! Sign-in with OpenID Connect for Leptos applications.
//!
//! Call [`provide_auth`] once at the root and [`use_auth`] anywhere below. [`RequireAuth`] shows
//! its children to signed-in users only.
//!
//! ```no_run
//! use doorward_leptos::{RequireAuth, Settings, provide_auth};
//! use leptos::prelude::*;
//!
//! #[component]
//! fn App() -> impl IntoView {
//!     let auth = provide_auth(
//!         Settings::new("https://id.example", "my-page", "https://app.example/")
//!             .scope("openid profile offline_access"),
//!     );
//!     let sign_in = move || view! { <button on:click=move |_| auth.sign_in()>"Sign in"</button> };
//!     view! {
//!         <RequireAuth fallback=sign_in>
//!             <p>"Welcome, " {move || auth.user_name()}</p>
//!             <button on:click=move |_| auth.sign_out()>"Sign out"</button>
//!         </RequireAuth>
//!     }
//! }
//! # let _ = App;
//! ```
//!
//! It is a layer over [`doorward_client::UserManager`]: its state as signals, its operations as
//! methods that need not be awaited. Types of that crate that appear here are exported here too.
//!
//! # Server-side rendering
//!
//! With tokens in the browser ([`provide_auth`]), the state on the server is
//! [`AuthStatus::Loading`] and stays so. Everything starts in the browser, after hydration; only
//! [`callback_first`] begins before. Settings that depend on the page's origin must be built there:
//! see [`provide_auth_with`]. Server functions are called with the token by [`WithToken`].
//!
//! With tokens on the server ([`provide_session_auth`]), the user is known on both sides: the
//! server provides a [`ServerUser`].
//!
//! # Cargo features
//!
//! - `popups` (default): popups, hidden frames and the session monitor;
//! - `userinfo` (default): claims of userinfo in the user's profile;
//! - `dpop`: tokens that are bound to a key of the browser;
//! - `par`: pushed authorization requests;
//! - `jarm`: authorization responses that the provider signed;
//! - `signed-userinfo`: userinfo that the provider signed;
//! - `router`: [`ProtectedRoute`] for `leptos_router` 0.8;
//! - `split`: the client is a file of its own, which a page of signed-out users need not load
//!   (`cargo leptos build --split`); only with a build that splits the program;
//! - `axum`, on a server: refused server functions are answered by 401 or 403;
//! - `resource-server`, on a server: server functions know the user by the access token that the
//!   call carries;
//! - `policy`: [`RequirePolicy`] and [`Auth::principal`], with policies of the crate
//!   `doorward-policy`.
//!
//! # Versions
//!
//! This version needs leptos 0.8 and Rust 1.88.

// The component macro generates a struct for the properties of each component, and so structs are
// not checked here.
#![warn(clippy::exhaustive_enums)]
#![allow(clippy::must_use_candidate)]

mod actions;
mod auth;
#[cfg(feature = "policy")]
mod authorized;
mod browser_fetch;
#[cfg(feature = "resource-server")]
mod by_token;
mod call;
mod callback;
mod components;
mod early;
mod engine;
mod live;
mod operations;
mod options;
mod page;
#[cfg(feature = "policy")]
mod policy;
#[cfg(feature = "axum")]
mod refusal;
#[cfg(feature = "router")]
mod router;
mod server_call;
mod server_user;
mod session;
mod start;
mod status;
mod subscription;
#[cfg(test)]
mod tests;

use std::future::Future;

use leptos::prelude::*;

pub use auth::Auth;
#[cfg(feature = "policy")]
pub use authorized::{NotAuthorized, authorized};
pub use components::{
    AuthLoading, AuthLoadingProps, RequireAuth, RequireAuthProps, SignedIn, SignedInProps,
    SignedOut, SignedOutProps,
};
pub use doorward_client;
pub use doorward_client::{
    ApiRequest, ApiResponse, AuthEvent, AuthorizationError, Error, ErrorCode, ErrorKind,
    IdTokenError, Settings, SigninOutcome, SigninRequestArgs, SignoutOutcome, SignoutRequestArgs,
    SignoutScope, StepUp, Subscription, User, UserManager,
    ports::{NetworkFailure, Redirect},
    settings::StoreKind,
};
#[cfg(feature = "popups")]
pub use doorward_client::{PopupArgs, SessionStatus};
#[cfg(feature = "policy")]
pub use doorward_policy::{self, Policy, Principal, RequiredPolicy};
pub use early::callback_first;
pub use options::AuthOptions;
#[cfg(feature = "policy")]
pub use policy::{RequirePolicy, RequirePolicyProps};
#[cfg(feature = "router")]
pub use router::{ProtectedRoute, ProtectedRouteProps};
pub use server_call::WithToken;
pub use server_user::ServerUser;
pub use session::{SessionRoutes, provide_session_auth};
pub use status::{Arrival, AuthFailure, AuthStatus, AuthStep};
pub use subscription::AuthSubscription;

/// Provides sign-in with these settings to all components below. It starts in the browser, after
/// hydration.
///
/// ```
/// use doorward_leptos::{Settings, SignedOut, provide_auth};
/// use leptos::prelude::*;
///
/// #[component]
/// fn App() -> impl IntoView {
///     let auth =
///         provide_auth(Settings::new("https://id.example", "my-page", "https://app.example/"));
///     view! {
///         <SignedOut>"Please sign in."</SignedOut>
///         <p>{move || auth.status().as_str()}</p>
///     }
/// }
///
/// // On the server nobody knows yet who is signed in.
/// Owner::new().with(|| assert!(view! { <App/> }.to_html().contains("loading")));
/// ```
pub fn provide_auth(settings: Settings) -> Auth {
    AuthOptions::new(settings).provide()
}

/// Like [`provide_auth`], with settings that are loaded in the browser first. If `load` returns
/// `None`, it has to tell the user why. [`Auth::try_again`] with [`AuthStep::Start`] calls it
/// again.
///
/// ```no_run
/// use doorward_leptos::{Settings, provide_auth_with};
/// use leptos::prelude::*;
///
/// # fn component() {
/// // The origin is known only in the browser, so the server must not ask for it.
/// let auth = provide_auth_with(|| async {
///     let home = location().origin().ok()? + "/";
///     Some(Settings::new("https://id.example", "my-page", home))
/// });
/// # let _ = auth;
/// # }
/// ```
pub fn provide_auth_with<F>(load: impl Fn() -> F + 'static) -> Auth
where
    F: Future<Output = Option<Settings>> + 'static,
{
    AuthOptions::load(load).provide()
}

/// Returns the sign-in that a component further up provided.
///
/// ```no_run
/// use doorward_leptos::use_auth;
/// use leptos::prelude::*;
///
/// #[component]
/// fn Name() -> impl IntoView {
///     let auth = use_auth();
///     view! { <p>{move || auth.user_name()}</p> }
/// }
/// # let _ = Name;
/// ```
///
/// # Panics
///
/// If no component further up called [`provide_auth`].
pub fn use_auth() -> Auth {
    expect_context()
}

/// Returns the sign-in that a component further up provided under this name, by
/// [`AuthOptions::provide_as`].
///
/// # Panics
///
/// If no component further up did.
pub fn use_auth_of<Name: 'static>() -> Auth {
    expect_context::<options::NamedAuth<Name>>().auth
}

/// Runs a function in the browser once the page is alive, and again whenever signals that it read
/// have changed. It is an [`Effect`] with a boxed function: the program for the browser then has
/// the code of an effect once, and not once for each function.
pub fn boxed_effect(act: impl FnMut() + 'static) {
    fn effect(mut act: Box<dyn FnMut()>) {
        Effect::new(move |_| act());
    }
    effect(Box::new(act));
}

/// The examples of the README are tested with those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
