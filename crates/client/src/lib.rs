//! An OpenID Connect client for browser applications, compiled to WebAssembly.
//!
//! It signs users in and out, keeps their tokens fresh, and calls APIs with them: by redirect, in
//! popups and in hidden frames, in any number of tabs. It works with any OpenID provider.
//!
//! - [`UserManager`] is the whole client. In a browser, `browser::user_manager` creates one.
//! - [`OidcClient`] is the protocol alone, without a window and without a stored user.
//! - [`Settings`] has the names and defaults of oidc-client-ts.
//! - [`Error`] has a sentence for the user ([`Error::user_message`]) and says what to offer next
//!   ([`Error::kind`]).
//! - [`ports`] are the traits through which the client reaches its environment. Nothing else knows
//!   the browser, so the client runs natively with fakes, for example in tests.
//!
//! Leptos applications use the crate `doorward-leptos`, which has all of this as signals and
//! components.
//!
//! ```no_run
//! use doorward_client::{CallbackKind, Error, SigninRequestArgs, UserManager};
//!
//! async fn page(manager: UserManager) -> Result<(), Error> {
//!     let url = manager.take_response();
//!     if manager.callback_kind(&url) == CallbackKind::Signin {
//!         manager.signin_redirect_callback(&url).await?;
//!     }
//!     match manager.get_user().await? {
//!         Some(user) => println!("Welcome, {}", user.sub()),
//!         None => manager.signin_redirect(SigninRequestArgs::default()).await?,
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Cargo features
//!
//! `dpop`, `par`, `popups` and `userinfo` are enabled by default. A page without them is smaller.
//!
//! - `popups`: popups, hidden frames (`prompt=none`, also for renewal without a refresh token) and
//!   the session monitor;
//! - `dpop`: tokens that are bound to a key of the browser (RFC 9449);
//! - `jarm`: authorization responses that the provider signed;
//! - `prompts`: which values of `prompt` the provider names, for servers;
//! - `signed-userinfo`: userinfo that the provider signed;
//! - `par`: authorization requests that are pushed to the provider (RFC 9126);
//! - `userinfo`: claims of userinfo in the user's profile (setting `load_user_info`);
//! - `private-key-jwt`: client authentication by assertions that a key of the client signs (RFC
//!   7523), for servers: a browser can't keep such a key;
//! - `trace`: each message and each check of a sign-in as an event, for pages that show the
//!   protocol.
//!
//! # Minimum supported Rust version
//!
//! 1.88. A raise is a minor release.

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]
#![deny(missing_docs)]
// Large values are boxed, errors (`Fault`) first of all: moving them costs more bytes than the
// pointer.
#![allow(clippy::boxed_local, clippy::unnecessary_box_returns)]

#[macro_use]
mod setters;

#[cfg(target_arch = "wasm32")]
pub mod browser;
mod client;
mod error;
mod events;
mod flow;
mod id_token;
pub mod in_page;
mod kept;
mod lean;
mod manager;
mod metadata;
mod oidc_client;
pub mod ports;
mod requests;
pub mod settings;
mod tabs;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
mod transport;
mod user;
mod user_store;

// Each cargo feature is a folder. Without the feature, the folder's `off.rs` is compiled instead:
// it has the functions that the rest of the client calls, and they do nothing.
#[cfg_attr(not(feature = "dpop"), path = "dpop/off.rs")]
mod dpop;
#[cfg_attr(not(feature = "jarm"), path = "jarm/off.rs")]
mod jarm;
#[cfg_attr(not(feature = "par"), path = "par/off.rs")]
mod par;
#[cfg_attr(not(feature = "popups"), path = "popups/off.rs")]
mod popups;
#[cfg_attr(not(feature = "trace"), path = "trace/off.rs")]
mod trace;
#[cfg_attr(not(feature = "userinfo"), path = "userinfo/off.rs")]
mod userinfo;

pub use doorward_protocol::{
    error::ErrorCode, jose::SigningAlgorithm, jwk::JwkSet, metadata::ProviderMetadata,
    secret::Secret,
};
pub(crate) use error::Fault;
pub use error::{AuthorizationError, Error, ErrorKind};
pub use events::{AuthEvent, Events, Subscription};
pub use flow::{
    api::{ApiRequest, ApiResponse},
    step_up::StepUp,
};
pub use id_token::{IdTokenError, logout_token::LogoutToken};
pub use manager::UserManager;
pub use oidc_client::{CreatedRequest, OidcClient, RedeemedRefreshToken};
#[cfg(feature = "popups")]
pub use popups::{PopupArgs, SessionStatus};
pub use requests::{
    CallbackKind, SigninOutcome, SigninRequestArgs, SignoutOutcome, SignoutRequestArgs,
    SignoutScope,
};
pub use settings::Settings;
pub use tabs::lease::StorageLease;
#[cfg(feature = "trace")]
pub use trace::{Check, HttpExchange, Trace, TraceStep};
pub use user::User;

/// The examples of the README are tested with those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
