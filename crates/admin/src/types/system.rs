//! The caller, the numbers of the overview, and the configuration.

use serde::{Deserialize, Serialize};

use crate::AdminRole;

/// The caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct MeView {
    /// Whom the access token is about.
    pub sub: String,
    /// The role that the user has now; null for a client.
    pub role: Option<AdminRole>,
    /// What the caller may do, with this token, after another sign-in where that is needed.
    pub operations: Vec<MeOperation>,
}

/// Something that the caller may do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct MeOperation {
    /// Its name.
    pub name: String,
    /// Whether another sign-in is needed first.
    pub needs_sign_in: bool,
}

/// Numbers. Timestamps are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct OverviewView {
    /// The version of the server.
    pub version: String,
    /// The issuer.
    pub issuer: String,
    /// Users.
    pub users: u64,
    /// Users who may not sign in.
    pub disabled_users: u64,
    /// Sessions that have not expired.
    pub sessions: u64,
    /// Whether all sessions were counted. If not, there are more than this number says.
    pub all_sessions_counted: bool,
    /// Mails that wait.
    pub waiting_mails: u64,
    /// Whether the last attempt to send a mail failed for a reason that is not the mail's own.
    pub mail_is_failing: bool,
    /// What else is wrong.
    #[serde(default)]
    pub troubles: Vec<Trouble>,
    /// Since when the key signs that signs for the longest time.
    pub oldest_signing_key: Option<i64>,
}

/// What is wrong and does not keep the server from answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// A directory by which users sign in does not answer.
    DirectoryIsDown,
    /// The ends of the audit chain were altered: records wait, and `doorward audit verify` says
    /// more.
    AuditChainIsBroken,
}

/// The configuration in effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct ConfigurationView {
    /// Where it is written, and so where it is changed.
    pub file: String,
    /// All settings as TOML, defaults included. Secrets are replaced by words.
    pub toml: String,
    /// The keys that were changed in the file and count after a restart. Until then another value
    /// is in effect than the one shown.
    pub needs_restart: Vec<String>,
}

/// Sign-ins of the last day, hour by hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct ActivityView {
    /// The hours, the oldest first. The last one is not over.
    pub hours: Vec<ActivityHour>,
    /// Whether everything was counted. If not, there are more than these numbers say.
    pub is_whole: bool,
}

/// What happened within an hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct ActivityHour {
    /// When it began: seconds since 1970.
    pub from: i64,
    /// Sign-ins.
    pub sign_ins: u64,
    /// Sign-ins that were refused.
    pub refused: u64,
}
