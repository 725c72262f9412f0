//! The resource server through its real router, with an issuer that answers over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

mod bad_input;
mod claims;
mod cors;
mod dpop;
mod extractor;
mod introspection;
mod issuer_keys;
mod issuer_settings;
mod issuers;
mod layer;
mod metadata;
mod profiles;
mod refusals;
mod step_up;
mod test_tokens;
