//! Messages and pure rules of OAuth 2.0 and OpenID Connect.
//!
//! Nothing in this crate does I/O, reads a clock or draws randomness, so that the provider, the API
//! and the browser client (compiled to WebAssembly) share one definition of every message.

pub mod base64url;
pub mod challenge;
pub mod claims;
pub mod dpop;
pub mod error;
pub mod form;
pub mod host;
pub mod jose;
pub mod json;
pub mod jwk;
pub mod jws;
pub mod metadata;
pub mod params;
pub mod pkce;
pub mod scope;
pub mod secret;
pub mod thumbprint;
pub mod token;
#[cfg(feature = "verify")]
pub mod verification;
