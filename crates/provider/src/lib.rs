//! The OpenID provider's use cases and entities, and the store port.
//!
//! No HTTP and no SQL: requests come in as parsed parameters, answers go out as values, and the
//! [`store::Store`] port says what a database must do. Time and randomness are handed in
//! ([`time`]).

pub mod access;
mod access_token;
pub mod audit;
pub mod authenticate;
pub mod authorize;
pub mod client;
pub mod client_assertion;
pub mod clients;
pub mod consent;
pub mod device;
pub mod discovery;
pub mod dpop;
pub mod end_session;
pub mod exchange;
mod fapi2;
pub mod grant;
pub mod introspection;
pub mod keys;
pub mod logout;
pub mod opaque;
pub mod password;
mod provider;
pub mod remote_keys;
pub mod resource;
pub mod revocation;
pub mod session;
pub mod session_state;
pub mod shared_secret;
pub mod sign_in;
pub mod single_use;
pub mod store;
mod subject;
pub mod target;
pub mod throttle;
pub mod time;
mod tokens;
pub mod user;
pub mod userinfo;

pub use provider::{AssembleError, Provider, ProviderParts, ProviderSettings};
