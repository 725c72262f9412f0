//! Databases of other systems, opened to be read: what tables there are, and the rows of a table as
//! JSON.
//!
//! Nothing is written: SQLite opens the file for reading only, and PostgreSQL refuses writes of the
//! transaction. What is read is of one moment.

#[cfg(feature = "postgres")]
pub use crate::postgres::foreign::{PostgresRows, PostgresTables};
#[cfg(feature = "sqlite")]
pub use crate::sqlite::foreign::SqliteTables;

/// A table as its database describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignTable {
    /// The name.
    pub name: String,
    /// The names of the columns.
    pub columns: Vec<String>,
}

/// The rows of another table that belong to a row. They become a member of it.
#[derive(Debug, Clone, Copy)]
pub struct ChildRows<'a> {
    /// The name of the member, which is a list: letters only.
    pub member: &'a str,
    /// The other table.
    pub table: &'a ForeignTable,
    /// The column of the other table that says to which row its rows belong.
    pub column: &'a str,
    /// The column of the row itself that has this value.
    pub key: &'a str,
}

/// A database can't be read.
#[derive(Debug, thiserror::Error)]
#[error("the database {place} can't be read: {reason}")]
pub struct ForeignError {
    pub(crate) place: String,
    pub(crate) reason: String,
}

/// A name as both databases take it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
