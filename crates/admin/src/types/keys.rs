//! Signing keys.

use serde::{Deserialize, Serialize};

/// A signing key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct KeyRow {
    /// Its identifier.
    pub kid: String,
    /// The algorithm that it signs by.
    pub algorithm: String,
    /// Since when it signs: seconds since 1970.
    pub since: i64,
    /// `announced`, `signs` or `retained`.
    pub state: String,
}

/// When new keys take over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct Rotated {
    /// Seconds since 1970.
    pub takes_over: i64,
}
