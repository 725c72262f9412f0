//! How the provider behaves, endpoint by endpoint, through the real router and the real store.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod authorize;
mod bad_input;
mod check_session;
mod client_settings;
mod clients;
mod clock;
mod concurrency;
mod conformance_table;
mod consent;
mod cors;
mod device;
mod discovery;
mod dpop;
mod end_session;
mod fapi2;
mod flow;
mod foreign_clients;
mod fuzzed;
mod grants;
mod introspection;
mod issuer_path;
mod keys;
mod languages;
mod login;
mod pages;
mod par;
mod reference_tokens;
mod resource_indicators;
mod revocation;
mod secrets;
mod subjects;
mod support;
mod token;
mod userinfo;
