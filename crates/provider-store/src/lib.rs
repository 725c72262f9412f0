//! The provider's store port ([`doorward_provider::store::Store`]) on real databases.
//!
//! [`sqlite`] is the embedded default: one file beside the process, one writer that commits waiting
//! commands together. [`postgres`] is for many processes on one database. Every store passes the
//! one suite in `tests/conformance`.

mod columns;
mod measure;
pub mod postgres;
pub mod sqlite;

pub use postgres::{PostgresError, PostgresOptions, PostgresStore, PostgresUrl, UrlError};
pub use sqlite::{OpenError, SqliteOptions, SqliteStore, Stats};
