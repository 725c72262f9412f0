//! The provider's store port ([`doorward_provider::store::Store`]) on real databases.
//!
//! The feature `sqlite` (default) is the embedded store: one file beside the process, and one
//! writer that commits waiting commands together. The feature `postgres` is for many processes on
//! one database. Every store passes the one suite in `tests/conformance`. Each file of a table
//! implements the table's trait of the port, and holds its SQL.

#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub mod foreign;
mod left_behind;
mod limits;
mod metrics;
mod pages;
#[cfg(feature = "postgres")]
pub mod postgres;
mod record;
mod row;
mod rules;
mod schema;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod waiting;

pub use limits::Limits;
#[cfg(feature = "postgres")]
pub use postgres::{
    ClientCertificate, PostgresError, PostgresOptions, PostgresStore, PostgresUrl, UrlError,
};
pub use schema::SchemaVersion;
#[cfg(feature = "sqlite")]
pub use sqlite::{OpenError, SqliteOptions, SqliteStore, Stats};
