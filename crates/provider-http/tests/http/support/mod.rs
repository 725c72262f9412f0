//! The world that tests live in: a provider with the real router and the real store, a clock that
//! stands still until it is moved, and a browser-like client.

mod answer;
mod authenticator;
mod browser;
mod elsewhere;
mod fixtures;
mod page;
mod proof_key;
mod published;
mod requests;
mod world;

pub use self::{
    answer::Answer,
    authenticator::{Authenticator, BACKUP_ELIGIBLE, VERIFIED},
    browser::Browser,
    elsewhere::{Elsewhere, elsewhere, signed_in_at, state_of, user_of},
    fixtures::{alice, client_settings, resources_with, user},
    page::{Element, Page},
    proof_key::ProofKey,
    requests::{
        authorize_url, basic, changed, code_request, form_request, refresh_request, verifier,
        with_header,
    },
    world::{Setup, World},
};

/// The issuer of an ordinary world.
pub const ISSUER: &str = "http://localhost:6001";
/// The redirect URI of the client `PkceJS`.
pub const REDIRECT: &str = "http://localhost:5001/OpenId/Login/JS";
/// The redirect URI of the client `PkceCodeBackend`.
pub const BACKEND_REDIRECT: &str = "http://localhost:5001/signin-oidc";
/// When a world begins: seconds since 1970 (UTC).
pub const START: i64 = 1_800_000_000;

/// The claims of a JWT, unverified.
pub fn claims(token: &serde_json::Value) -> serde_json::Value {
    segment(token, 1)
}

/// The header of a JWT.
pub fn jose_header(token: &serde_json::Value) -> serde_json::Value {
    segment(token, 0)
}

fn segment(token: &serde_json::Value, index: usize) -> serde_json::Value {
    let segment = token.as_str().unwrap().split('.').nth(index).unwrap();
    serde_json::from_slice(&doorward_protocol::base64url::decode(segment).unwrap()).unwrap()
}
