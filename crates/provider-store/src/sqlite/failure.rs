//! Why a command or a query failed inside the database, and how that looks through the port.

use crate::row::ColumnError;
use doorward_provider::store::StoreError;
use rusqlite::{Error, ErrorCode};

/// A failure on this side of the port.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// SQLite, or the reading of a column, failed.
    #[error(transparent)]
    Sqlite(#[from] Error),
    /// A column does not hold what it should.
    #[error(transparent)]
    Column(#[from] ColumnError),
    /// The command contradicts what is stored.
    #[error("{0}")]
    Conflict(String),
    /// A user is to be enabled, or a client to be added, while more than a page is left of before.
    #[error("what is left of before is still being removed; try again in a moment")]
    LeftBehind,
    /// The writer's thread is gone.
    #[error("the database writer has stopped; restart the server")]
    WriterStopped,
    /// The command panicked; its part of the transaction was undone. The log has the panic.
    #[error("a command failed by a defect")]
    Panicked,
    /// The transaction that this command shared with others was not committed.
    #[error("{0}")]
    NotCommitted(String),
}

impl Failure {
    /// Whether another process held the file's lock for too long.
    pub(super) fn is_locked(&self) -> bool {
        matches!(self, Self::Sqlite(error)
            if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy))
    }

    /// Whether SQLite refused a row because of a constraint.
    pub(super) fn is_constraint(&self) -> bool {
        matches!(self, Self::Sqlite(error)
            if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation))
    }
}

impl From<Failure> for StoreError {
    /// SQLite's messages name tables and columns, never bound values, so that they may be logged.
    fn from(failure: Failure) -> Self {
        let text = failure.to_string();
        match failure {
            Failure::Conflict(_) => Self::Conflict(text),
            Failure::Column(error) => error.into(),
            Failure::LeftBehind | Failure::WriterStopped | Failure::NotCommitted(_) => {
                Self::Unavailable(text)
            }
            Failure::Panicked
            | Failure::Sqlite(
                Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::InvalidColumnType(..)
                | Error::Utf8Error(..),
            ) => Self::Corrupt(text),
            Failure::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(text),
                Some(ErrorCode::ConstraintViolation) => Self::Conflict(text),
                _ => Self::Unavailable(text),
            },
        }
    }
}
