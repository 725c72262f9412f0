//! The whole client on fake ports: a provider, tabs that share locks and local storage, and a clock
//! that only the test moves.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod callback;
mod coexistence;
mod dpop;
mod hostile;
#[cfg(feature = "jarm")]
mod jarm;
mod kept;
mod lease;
mod monitor;
mod oidc_client;
mod par;
mod password;
mod popups;
pub mod provider;
mod renewal;
mod resource;
mod shared_store;
#[cfg(feature = "signed-userinfo")]
mod signed_userinfo;
mod signin;
mod signout;
mod step_up;
mod storage;
mod tabs;
#[cfg(feature = "trace")]
mod trace;
pub mod world;
