//! The client as a whole, on fake ports: a provider that behaves like one, tabs that share locks
//! and local storage, and time that only the test moves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod callback;
mod documented;
mod dpop;
mod hostile;
mod lease;
mod monitor;
mod oidc_client;
mod par;
mod password;
mod popups;
pub mod provider;
mod renewal;
mod signin;
mod signout;
mod storage;
mod tabs;
#[cfg(feature = "trace")]
mod trace;
pub mod world;
