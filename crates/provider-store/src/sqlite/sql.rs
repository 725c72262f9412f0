//! Short forms for running prepared statements and reading columns.

use std::sync::Arc;

use doorward_provider::model::{grant::Grant, time::Timestamp};
use rusqlite::{Connection, Params, Row};
use serde::de::DeserializeOwned;

use super::failure::Failure;
use crate::columns::{self, ColumnError};

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
    read: impl FnOnce(&Row<'_>) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

/// All rows in their order.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    connection.prepare_cached(sql)?.query_and_then(params, read)?.collect()
}

/// Reads a column of text where it lies.
pub(super) fn text<'a>(
    row: &'a Row<'_>,
    index: usize,
    what: &'static str,
) -> Result<&'a str, Failure> {
    Ok(row.get_ref(index)?.as_str().map_err(|_| ColumnError::Unreadable(what))?)
}

/// Reads a JSON column.
pub(super) fn from_json<T: DeserializeOwned>(
    row: &Row<'_>,
    index: usize,
    what: &'static str,
) -> Result<T, Failure> {
    Ok(columns::from_json(text(row, index, what)?, what)?)
}

/// Reads a grant's column.
pub(super) fn grant(row: &Row<'_>, index: usize) -> Result<Arc<Grant>, Failure> {
    Ok(columns::grant(text(row, index, "grants.content")?)?)
}

/// Reads a column of seconds.
pub(super) fn moment(row: &Row<'_>, index: usize) -> Result<Timestamp, Failure> {
    Ok(Timestamp::from_seconds(row.get(index)?))
}

/// Reads a column of seconds that may be NULL.
pub(super) fn optional_moment(row: &Row<'_>, index: usize) -> Result<Option<Timestamp>, Failure> {
    Ok(row.get::<_, Option<i64>>(index)?.map(Timestamp::from_seconds))
}
