//! The roles of people who administer.

use serde::{Deserialize, Serialize};

use super::Operation;

/// The claim that carries the role. It is one text; a role of an application is another claim.
pub const ROLE_CLAIM: &str = "admin_role";

/// What a person may do in the administration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "api", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AdminRole {
    /// Everything, keys and the configuration included.
    Owner,
    /// Users and clients.
    Admin,
    /// The factors and sessions of users.
    Helpdesk,
    /// Looks at everything and changes nothing.
    Auditor,
}

impl AdminRole {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Helpdesk, Self::Auditor];

    /// The value of [`ROLE_CLAIM`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Helpdesk => "helpdesk",
            Self::Auditor => "auditor",
        }
    }

    /// The role of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether this role may do everything that the other one may. Nobody acts on somebody who may
    /// do more, and nobody gives a role that may do more.
    pub fn covers(self, other: Self) -> bool {
        Operation::ALL.iter().all(|operation| {
            !operation.roles().contains(&other) || operation.roles().contains(&self)
        })
    }
}
