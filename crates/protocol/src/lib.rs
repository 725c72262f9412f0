//! Messages and pure rules of OAuth 2.0 and OpenID Connect.
//!
//! Nothing in this crate does I/O, reads a clock or draws randomness. So a provider, an API and a
//! browser client (compiled to WebAssembly) can share one definition of every message.
//!
//! ```
//! use doorward_protocol::{params::Params, scope::Scope};
//!
//! let params = Params::parse("client_id=page&scope=openid+profile&state=")?;
//! assert_eq!(params.get("client_id"), Some("page"));
//! assert_eq!(params.get("state"), None, "a parameter without a value counts as omitted");
//! let scope: Scope = params.get("scope").unwrap_or_default().parse()?;
//! assert!(scope.contains("profile"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! `verify` adds the module `verification`, which checks signatures. It is for servers: in a
//! browser WebCrypto does that.

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

pub mod account;
pub mod base64url;
pub mod challenge;
pub mod claims;
pub mod dpop;
pub mod error;
pub mod form;
pub mod host;
pub mod ids;
pub mod jose;
pub mod json;
pub mod jwk;
pub mod jws;
pub mod language;
pub mod metadata;
pub mod params;
pub mod pkce;
pub mod scope;
pub mod secret;
pub mod thumbprint;
pub mod time;
pub mod token;
#[cfg(feature = "verify")]
pub mod verification;

/// The examples of the README compile.
#[cfg(all(doctest, feature = "verify"))]
#[doc = include_str!("../README.md")]
struct Readme;
