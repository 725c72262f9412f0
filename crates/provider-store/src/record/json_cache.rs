//! A cache of parsed JSON columns.

use std::sync::Arc;

use quick_cache::sync::Cache;
use serde::de::DeserializeOwned;

use crate::row::{ColumnError, from_json};

/// Values of JSON columns that were parsed lately, by their text. The same text always parses to
/// the same value, so no entry can be out of date.
pub(super) struct JsonCache<T>(Cache<Box<str>, Arc<T>>);

/// Texts that are kept.
const ENTRIES: usize = 1024;
/// Length of the longest text that is kept, so that their count bounds the memory.
const LONGEST: usize = 4096;

impl<T> Default for JsonCache<T> {
    fn default() -> Self {
        Self(Cache::new(ENTRIES))
    }
}

impl<T: DeserializeOwned> JsonCache<T> {
    pub(super) fn parse(&self, text: &str, column: &'static str) -> Result<Arc<T>, ColumnError> {
        if let Some(known) = self.0.get(text) {
            return Ok(known);
        }
        let value = Arc::new(from_json::<T>(text, column)?);
        if text.len() <= LONGEST {
            self.0.insert(text.into(), Arc::clone(&value));
        }
        Ok(value)
    }
}
