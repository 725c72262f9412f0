//! Clients that registered themselves, and the tokens that they need for it.

use serde::{Deserialize, Serialize};

/// A client that registered itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct RegisteredClientRow {
    /// Its identifier.
    pub client_id: String,
    /// What users see.
    pub name: Option<String>,
    /// Whether tokens were issued to it.
    pub used: bool,
    /// When it registered: seconds since 1970.
    pub issued_at: i64,
    /// When it is removed, unless it is used before.
    pub expires_at: i64,
    /// Its redirect URIs.
    pub redirect_uris: Vec<String>,
}

/// An initial access token (RFC 7591 section 3). The token itself is not kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct RegistrationTokenRow {
    /// Its name.
    pub id: String,
    /// How many clients can still be registered with it.
    pub uses_left: u32,
    /// When it expires: seconds since 1970.
    pub expires_at: i64,
    /// What it is for.
    pub note: Option<String>,
}

/// An initial access token to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewRegistrationToken {
    /// How many clients may be registered with it.
    #[serde(default = "one")]
    #[cfg_attr(feature = "api", schema(minimum = 1, maximum = 9_999))]
    pub uses: u32,
    /// After how many days it expires.
    #[serde(default = "a_week")]
    #[cfg_attr(feature = "api", schema(minimum = 1, maximum = 3_650))]
    pub days: u32,
    /// What it is for.
    pub note: Option<String>,
}

fn one() -> u32 {
    1
}

fn a_week() -> u32 {
    7
}

/// An initial access token that was made.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct CreatedRegistrationToken {
    /// Its name.
    pub id: String,
    /// The token itself. It is not shown again.
    pub token: String,
}
