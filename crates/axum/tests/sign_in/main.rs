//! Sign-in through the router, with a provider that does what the test says. `examples/server-side`
//! has the tests with Doorward.

#![allow(clippy::unwrap_used)]

mod back_channel;
mod bad_input;
mod client_key;
mod flow;
mod forged;
mod form_post;
mod pages;
mod policies;
mod proof_key;
mod proxy;
mod pushed;
mod renewal;
mod sessions;
#[cfg(feature = "jarm")]
mod signed_response;
mod signed_userinfo;
mod support;
mod values;
