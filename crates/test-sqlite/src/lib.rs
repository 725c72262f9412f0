//! A SQLite file as another system would have made it, for tests of what reads such files.
#![allow(clippy::unwrap_used)]

use std::path::Path;

/// Makes the file by these statements.
///
/// # Panics
/// If SQLite refuses.
pub fn make(file: &Path, sql: &str) {
    rusqlite::Connection::open(file).unwrap().execute_batch(sql).unwrap();
}
