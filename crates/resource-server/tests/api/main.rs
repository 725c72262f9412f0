//! The resource server through its real router, with an issuer that answers over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

mod cors;
mod demo_users;
mod dpop;
mod extractor;
mod issuer_keys;
mod refusals;
