//! Short forms for reading columns. An error names the column, never its content.

use std::sync::Arc;

use doorward_provider::model::{grant::Grant, time::Timestamp, token_handle::TokenHash};
use serde::de::DeserializeOwned;
use tokio_postgres::{Row, types::FromSql};

use super::failure::Failure;
use crate::columns::{self, ColumnError};

/// Reads a column.
pub(super) fn get<'a, T: FromSql<'a>>(
    row: &'a Row,
    index: usize,
    what: &'static str,
) -> Result<T, Failure> {
    Ok(row.try_get(index).map_err(|_| ColumnError::Unreadable(what))?)
}

/// Reads a JSON column.
pub(super) fn from_json<T: DeserializeOwned>(
    row: &Row,
    index: usize,
    what: &'static str,
) -> Result<T, Failure> {
    Ok(columns::from_json(get(row, index, what)?, what)?)
}

/// Reads a grant's column.
pub(super) fn grant(row: &Row, index: usize) -> Result<Arc<Grant>, Failure> {
    Ok(columns::grant(get(row, index, "grants.content")?)?)
}

/// Reads a column of seconds.
pub(super) fn moment(row: &Row, index: usize, what: &'static str) -> Result<Timestamp, Failure> {
    Ok(Timestamp::from_seconds(get(row, index, what)?))
}

/// Reads a column of seconds that may be NULL.
pub(super) fn optional_moment(
    row: &Row,
    index: usize,
    what: &'static str,
) -> Result<Option<Timestamp>, Failure> {
    Ok(get::<Option<i64>>(row, index, what)?.map(Timestamp::from_seconds))
}

/// Reads a column of a count.
pub(super) fn number(row: &Row, index: usize, what: &'static str) -> Result<u32, Failure> {
    Ok(u32::try_from(get::<i64>(row, index, what)?).map_err(|_| ColumnError::Unreadable(what))?)
}

/// Reads a column of 32 bytes.
pub(super) fn bytes(row: &Row, index: usize, what: &'static str) -> Result<[u8; 32], Failure> {
    Ok(get::<&[u8]>(row, index, what)?.try_into().map_err(|_| ColumnError::Unreadable(what))?)
}

/// Reads a column of a hash.
pub(super) fn hash(row: &Row, index: usize, what: &'static str) -> Result<TokenHash, Failure> {
    Ok(TokenHash::from_bytes(bytes(row, index, what)?))
}

/// Whether a text column can hold this, and so whether a look for it can find anything: the
/// database knows no NUL character.
pub(super) fn can_hold(text: &str) -> bool {
    !text.contains('\0')
}
