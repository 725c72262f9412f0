//! The OpenID provider's use cases and entities, and the store port.
//!
//! There is no HTTP and no SQL in this crate: requests come in as parsed parameters, answers go out
//! as values, and the [`store::Store`] port says what a database must do. Time and randomness are
//! parameters ([`model::time`]).
//!
//! The crate has floors, and imports point downwards only (`tests/floors.rs` checks it):
//!
//! | floor | what is there | imports |
//! |---|---|---|
//! | [`Provider`] | the parts, put together; it hands out the use cases | all floors below |
//! | [`use_case`] | one file for each use case | `store`, `keys`, `model` |
//! | [`keys`] | signing keys and the keys of clients | `store`, `model` |
//! | [`store`] | the port | `model` |
//! | [`model`] | what is stored, and the pure rules on it | nothing above |
//!
//! [`audit`] is the log of security events. Every floor may write to it.

pub mod audit;
pub mod keys;
pub mod model;
mod provider;
pub mod store;
pub mod use_case;

pub use model::provider_settings::ProviderSettings;
pub use provider::{AssembleError, Provider, ProviderParts};
