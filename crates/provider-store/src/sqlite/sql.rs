//! Prepared statements of SQLite, and its rows as [`Row`].

use rusqlite::{Connection, Params, types::ValueRef};

use super::failure::Failure;
use crate::row::{ColumnError, Row};

/// Runs a statement that returns no rows; returns how many rows it changed.
pub(super) fn execute(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<usize, Failure> {
    Ok(connection.prepare_cached(sql)?.execute(params)?)
}

/// The first row, if there is one.
pub(super) fn first<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&rusqlite::Row<'_>) -> Result<T, ColumnError>,
) -> Result<Option<T>, Failure> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    Ok(rows.next()?.map(read).transpose()?)
}

/// The number that is the only column of the only row.
pub(super) fn count(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<u64, Failure> {
    let count = first(connection, sql, params, |row| row.integer(0, "count"))?;
    Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
}

/// All rows in their order.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&rusqlite::Row<'_>) -> Result<T, ColumnError>,
) -> Result<Vec<T>, Failure> {
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_and_then(params, |row| Ok(read(row)?))?.collect()
}

impl Row for rusqlite::Row<'_> {
    fn optional_text(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<&str>, ColumnError> {
        value(self, index, column)?.as_str_or_null().map_err(|_| ColumnError::Unreadable(column))
    }

    fn optional_integer(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<i64>, ColumnError> {
        value(self, index, column)?.as_i64_or_null().map_err(|_| ColumnError::Unreadable(column))
    }

    fn optional_bytes(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<&[u8]>, ColumnError> {
        value(self, index, column)?.as_blob_or_null().map_err(|_| ColumnError::Unreadable(column))
    }

    fn boolean(&self, index: usize, column: &'static str) -> Result<bool, ColumnError> {
        Ok(self.integer(index, column)? != 0)
    }
}

fn value<'a>(
    row: &'a rusqlite::Row<'_>,
    index: usize,
    column: &'static str,
) -> Result<ValueRef<'a>, ColumnError> {
    row.get_ref(index).map_err(|_| ColumnError::Unreadable(column))
}
