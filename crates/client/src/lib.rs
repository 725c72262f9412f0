//! OpenID Connect client for browser applications.
//!
//! The core ([`UserManager`], and [`OidcClient`] under it) knows no browser: it works on [`ports`],
//! runs natively and is tested there. On `wasm32`, `browser::user_manager` puts it on the browser's
//! own fetch, storage, locks and cryptography.
//!
//! Features; all but the last are on by default, and a page that does without them is smaller:
//! - `popups`: popups, hidden frames (`prompt=none`, also for renewal without a refresh token) and
//!   the session monitor;
//! - `dpop`: tokens that are bound to a key of the browser (RFC 9449);
//! - `par`: authorization requests that are pushed to the provider (RFC 9126);
//! - `userinfo`: claims of userinfo that join those of the ID token (setting `load_user_info`);
//! - `trace`: each message and each check of a sign-in told as an event, for pages that show the
//!   protocol at work.
//!
//! ```no_run
//! # use doorward_client::{CallbackKind, Error, SigninRequestArgs, UserManager};
//! # async fn page(manager: UserManager, address: &str) -> Result<(), Error> {
//! if manager.callback_kind(address) == CallbackKind::Signin {
//!     manager.signin_redirect_callback(address).await?;
//! }
//! match manager.get_user().await? {
//!     Some(user) => println!("Welcome, {}", user.sub()),
//!     None => manager.signin_redirect(SigninRequestArgs::default()).await?,
//! }
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]
// Large values are boxed, errors (`Fault`) first of all: moving them costs more bytes than the
// pointer.
#![allow(clippy::boxed_local, clippy::unnecessary_box_returns)]

#[cfg(target_arch = "wasm32")]
pub mod browser;
mod client;
mod error;
mod events;
mod flow;
mod id_token;
pub mod in_page;
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
#[cfg_attr(not(feature = "par"), path = "par/off.rs")]
mod par;
#[cfg_attr(not(feature = "popups"), path = "popups/off.rs")]
mod popups;
#[cfg_attr(not(feature = "trace"), path = "trace/off.rs")]
mod trace;
#[cfg_attr(not(feature = "userinfo"), path = "userinfo/off.rs")]
mod userinfo;

pub(crate) use error::Fault;
pub use error::{AuthorizationError, Error, ErrorKind};
pub use events::{AuthEvent, Events, Subscription};
pub use flow::api::{ApiRequest, ApiResponse};
pub use id_token::IdTokenError;
pub use manager::UserManager;
pub use oidc_client::OidcClient;
#[cfg(feature = "popups")]
pub use popups::{PopupArgs, SessionStatus};
pub use requests::{
    CallbackKind, SigninOutcome, SigninRequestArgs, SignoutOutcome, SignoutRequestArgs,
};
pub use settings::Settings;
pub use tabs::lease::StorageLease;
#[cfg(feature = "trace")]
pub use trace::{Check, HttpExchange, Trace, TraceStep};
pub use user::User;
