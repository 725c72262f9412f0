//! The whole client on fake ports: a provider, tabs that share locks and local storage, and a clock
//! that only the test moves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod callback;
mod coexistence;
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
mod shared_store;
mod signin;
mod signout;
mod storage;
mod tabs;
#[cfg(feature = "trace")]
mod trace;
pub mod world;
