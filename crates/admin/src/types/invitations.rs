//! Invitations.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::AdminRole;

/// The longest life of an invitation in days.
pub const LONGEST_DAYS: u32 = 365;
/// The longest life of an invitation with a role in the administration, in days.
pub const A_WEEK: u32 = 7;

/// An invitation that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct InvitationRow {
    /// Its identifier. It is not the link.
    pub id: String,
    /// The address that the account will have.
    pub email: String,
    /// The full name that was given.
    pub name: Option<String>,
    /// When it expires: seconds since 1970.
    pub expires_at: i64,
    /// The claims that the account will have.
    #[cfg_attr(feature = "api", schema(value_type = Object))]
    pub claims: Value,
    /// The groups whose member the user will be.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// Whom to invite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// The e-mail address of the account.
    pub email: String,
    /// The full name, which the invited person may change.
    pub name: Option<String>,
    /// The roles of the account in applications (claim `role`).
    #[serde(default)]
    pub roles: Vec<String>,
    /// Groups that are there, whose member the user will be. It takes the scope
    /// `admin:groups.write`.
    #[serde(default)]
    pub groups: Vec<String>,
    /// The role in the administration.
    pub admin_role: Option<AdminRole>,
    /// After how many days the invitation expires: with a role in the administration, a week at
    /// most.
    #[serde(default = "a_week")]
    #[cfg_attr(feature = "api", schema(minimum = 1, maximum = 365))]
    pub days: u32,
    /// The language of the mail.
    #[serde(default)]
    pub language: Language,
    /// Send no mail, and answer with the link for you to pass on. You then vouch for the address.
    #[serde(default)]
    pub show_link: bool,
}

fn a_week() -> u32 {
    A_WEEK
}

/// A language of mails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

/// An invitation that was made.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
pub struct CreatedInvitation {
    /// The address.
    pub email: String,
    /// The link, if it was asked for. It is not shown again.
    pub link: Option<String>,
}
