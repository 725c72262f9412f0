//! Mails that wait.

use serde::{Deserialize, Serialize};

/// A mail that waits. Timestamps are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct MailRow {
    /// Its identifier.
    pub id: String,
    /// The address that it goes to.
    pub to: String,
    /// What it tells.
    pub kind: String,
    /// The language.
    pub language: String,
    /// The user whom it is about.
    pub sub: Option<String>,
    /// When it was written.
    pub created_at: i64,
    /// When it is given up.
    pub expires_at: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub due_at: i64,
    /// Why the last attempt failed.
    pub error: Option<String>,
}
