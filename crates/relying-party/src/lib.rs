//! An OpenID Connect client for servers: authorization requests, their responses, renewal and
//! logout tokens, with any OpenID provider.
//!
//! The protocol is that of [`doorward_client`], which is written for browsers and stays on one
//! thread. [`RelyingParty`] runs it on a thread of its own, with ports for servers: reqwest, the
//! system's clock and randomness. What lies between a request and its response is the caller's to
//! keep: [`NewRequest::pending`], in a place that only this browser reaches.
//!
//! # Minimum supported Rust version
//!
//! 1.88. A raise is a minor release.

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]
#![deny(missing_docs)]

mod assertions;
mod options;
mod ports;
mod proof_key;
mod relying_party;
mod signed_secret;

pub use assertions::{ClientKey, ClientKeyError};
pub use doorward_client::{
    self as client, Error, LogoutToken, Secret, Settings, SigninOutcome, SigninRequestArgs,
    SignoutRequestArgs, User,
};
pub use doorward_protocol::jose::SigningAlgorithm;
pub use options::ServerOptions;
pub use ports::Admits;
pub use proof_key::{ProofKey, ProofKeyError, ProvenCall};
pub use relying_party::{NewRequest, RelyingParty, RelyingPartyError, StartError};
pub use signed_secret::SignedSecret;

/// Seconds since 1970 (UTC).
pub type Now = dyn Fn() -> u64 + Send + Sync;

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
