//! Rows of either database, read in one way.
//!
//! Readers of an entity are written once, for any [`Row`]; the SQL that selects its columns is each
//! database's own. An error names the column, never its content.

use std::{str::FromStr, sync::Arc};

use doorward_provider::{
    model::{grant::Grant, time::Timestamp, token_handle::TokenHash},
    store::StoreError,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::record::read;

/// A column does not hold what it should. Names the column, never its content.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(crate) enum ColumnError {
    /// Its content can't be read.
    #[error("{0} can't be read")]
    Unreadable(&'static str),
    /// A value could not be written as JSON.
    #[error("{0} can't be written as JSON")]
    Unwritable(&'static str),
}

impl From<ColumnError> for StoreError {
    fn from(error: ColumnError) -> Self {
        match error {
            ColumnError::Unreadable(_) => Self::Corrupt(error.to_string()),
            ColumnError::Unwritable(_) => Self::Unavailable(error.to_string()),
        }
    }
}

/// Writes a JSON column. `column` names it in the error.
pub(crate) fn to_json(value: &impl Serialize, column: &'static str) -> Result<String, ColumnError> {
    serde_json::to_string(value).map_err(|_| ColumnError::Unwritable(column))
}

/// Reads the text of a JSON column. The error names the column only: serde's own would quote the
/// content.
pub(crate) fn from_json<T: DeserializeOwned>(
    text: &str,
    column: &'static str,
) -> Result<T, ColumnError> {
    serde_json::from_str(text).map_err(|_| ColumnError::Unreadable(column))
}

/// A row of a result. `index` counts its columns from 0; `column` is the name for the error.
pub(crate) trait Row {
    /// A text, or `None` for NULL.
    fn optional_text(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<&str>, ColumnError>;
    /// A whole number, or `None` for NULL.
    fn optional_integer(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<i64>, ColumnError>;
    /// Bytes, or `None` for NULL.
    fn optional_bytes(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<&[u8]>, ColumnError>;
    /// A truth value.
    fn boolean(&self, index: usize, column: &'static str) -> Result<bool, ColumnError>;

    /// A text where it lies.
    fn text(&self, index: usize, column: &'static str) -> Result<&str, ColumnError> {
        self.optional_text(index, column)?.ok_or(ColumnError::Unreadable(column))
    }

    /// A text of its own.
    fn string(&self, index: usize, column: &'static str) -> Result<String, ColumnError> {
        Ok(self.text(index, column)?.to_owned())
    }

    /// A text of its own, or `None` for NULL.
    fn optional_string(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<String>, ColumnError> {
        Ok(self.optional_text(index, column)?.map(str::to_owned))
    }

    /// A text that is checked: an identifier.
    fn id<T: FromStr>(&self, index: usize, column: &'static str) -> Result<T, ColumnError> {
        self.text(index, column)?.parse().map_err(|_| ColumnError::Unreadable(column))
    }

    /// The same, or `None` for NULL.
    fn optional_id<T: FromStr>(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<T>, ColumnError> {
        let text = self.optional_text(index, column)?;
        text.map(str::parse).transpose().map_err(|_| ColumnError::Unreadable(column))
    }

    /// A whole number.
    fn integer(&self, index: usize, column: &'static str) -> Result<i64, ColumnError> {
        self.optional_integer(index, column)?.ok_or(ColumnError::Unreadable(column))
    }

    /// Bytes where they lie.
    fn bytes(&self, index: usize, column: &'static str) -> Result<&[u8], ColumnError> {
        self.optional_bytes(index, column)?.ok_or(ColumnError::Unreadable(column))
    }

    /// A count.
    fn count(&self, index: usize, column: &'static str) -> Result<u32, ColumnError> {
        u32::try_from(self.integer(index, column)?).map_err(|_| ColumnError::Unreadable(column))
    }

    /// Seconds since 1970-01-01 UTC.
    fn timestamp(&self, index: usize, column: &'static str) -> Result<Timestamp, ColumnError> {
        Ok(Timestamp::from_seconds(self.integer(index, column)?))
    }

    /// Seconds since 1970-01-01 UTC, or `None` for NULL.
    fn optional_timestamp(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<Timestamp>, ColumnError> {
        Ok(self.optional_integer(index, column)?.map(Timestamp::from_seconds))
    }

    /// Exactly 32 bytes, or `None` for NULL.
    fn optional_bytes32(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<[u8; 32]>, ColumnError> {
        self.optional_bytes(index, column)?
            .map(|bytes| bytes.try_into().map_err(|_| ColumnError::Unreadable(column)))
            .transpose()
    }

    /// Exactly 32 bytes.
    fn bytes32(&self, index: usize, column: &'static str) -> Result<[u8; 32], ColumnError> {
        self.optional_bytes32(index, column)?.ok_or(ColumnError::Unreadable(column))
    }

    /// A hash.
    fn hash(&self, index: usize, column: &'static str) -> Result<TokenHash, ColumnError> {
        Ok(TokenHash::from_bytes(self.bytes32(index, column)?))
    }

    /// JSON.
    fn json<T: DeserializeOwned>(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<T, ColumnError> {
        from_json(self.text(index, column)?, column)
    }

    /// A grant's content.
    fn grant(&self, index: usize) -> Result<Arc<Grant>, ColumnError> {
        read::grant(self.text(index, "grants.content")?)
    }
}
