//! The rows of PostgreSQL as [`Row`], and what its text columns can hold.

use tokio_postgres::types::FromSql;

use crate::row::{ColumnError, Row};

impl Row for tokio_postgres::Row {
    fn optional_text(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<&str>, ColumnError> {
        get(self, index, column)
    }

    fn optional_integer(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<i64>, ColumnError> {
        get(self, index, column)
    }

    fn optional_bytes(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<&[u8]>, ColumnError> {
        get(self, index, column)
    }

    fn boolean(&self, index: usize, column: &'static str) -> Result<bool, ColumnError> {
        get(self, index, column)
    }
}

fn get<'a, T: FromSql<'a>>(
    row: &'a tokio_postgres::Row,
    index: usize,
    column: &'static str,
) -> Result<T, ColumnError> {
    row.try_get(index).map_err(|_| ColumnError::Unreadable(column))
}

/// Whether a text column can hold this text, and so whether a search for it can find anything:
/// PostgreSQL stores no NUL character.
pub(super) fn can_hold(text: &str) -> bool {
    !text.contains('\0')
}
