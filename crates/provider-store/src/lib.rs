//! The provider's store port ([`doorward_provider::store::Store`]) on real databases.
//!
//! [`sqlite`] is the embedded default: one file beside the process, one writer that commits waiting commands together.
//! Every store passes the one suite in `tests/conformance`.

mod measure;
pub mod sqlite;

pub use sqlite::{OpenError, SqliteOptions, SqliteStore, Stats};
