//! OpenID Connect client for browser applications.
//!
//! The core ([`UserManager`], and [`OidcClient`] under it) knows no browser: it works on [`ports`],
//! runs natively and is tested there. On `wasm32`, `browser::user_manager` puts it on the browser's
//! own fetch, storage, locks and cryptography.
//!
//! Features; all but the last are on by default, and a page that does without them is smaller:
//! - `windows`: popups, hidden frames (`prompt=none`, also for renewal without a refresh token) and
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
// What is large travels behind a pointer, failures first of all (`Fault`): moving it about weighs
// more than the pointer.
#![allow(clippy::boxed_local, clippy::unnecessary_box_returns)]

mod api;
mod bell;
#[cfg(target_arch = "wasm32")]
pub mod browser;
mod callback;
mod claims;
mod client;
#[cfg_attr(not(feature = "dpop"), path = "dpop/off.rs")]
mod dpop;
mod error;
mod events;
mod exchange;
mod flight;
mod id_token;
pub mod in_page;
mod json;
mod lease;
mod manager;
mod metadata;
mod oidc_client;
mod once;
#[cfg(feature = "par")]
mod par;
mod password;
mod pending;
pub mod ports;
mod provider_http;
mod renewal;
mod requests;
mod response;
pub mod settings;
mod signin;
mod signout;
mod tabs;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
mod tokens;
#[cfg_attr(not(feature = "trace"), path = "trace/off.rs")]
mod trace;
mod url;
mod user;
mod user_store;
#[cfg(feature = "userinfo")]
mod userinfo;
mod watch;
#[cfg(feature = "windows")]
mod windows;

pub use api::{ApiRequest, ApiResponse};
pub(crate) use error::Fault;
pub use error::{AuthorizationError, Error, ErrorKind};
pub use events::{Event, Events, Subscription};
pub use id_token::IdTokenError;
pub use lease::StorageLease;
pub use manager::UserManager;
pub use oidc_client::OidcClient;
pub use requests::{
    CallbackKind, SigninOutcome, SigninRequestArgs, SignoutOutcome, SignoutRequestArgs,
};
pub use settings::Settings;
#[cfg(feature = "trace")]
pub use trace::{Check, Exchange, Step, Trace};
pub use user::User;
#[cfg(feature = "windows")]
pub use windows::{PopupArgs, SessionStatus};
