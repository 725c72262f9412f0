//! The access that clients have to a user's data, as the store sums it up.

use doorward_protocol::{ids::ClientId, scope::Scope};

use crate::model::time::Timestamp;

/// Access of one client to one user's data, as the store sums it up: all live grants of one scope,
/// or a remembered consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAccess {
    /// The client.
    pub client_id: ClientId,
    /// What it may have.
    pub scope: Scope,
    /// When the first of the grants was made and the last was used (to the hour); `None` for a
    /// consent by itself.
    pub used: Option<Use>,
}

/// Since when and until when access was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// The first grant.
    pub since: Timestamp,
    /// The last use.
    pub last: Timestamp,
}

impl Use {
    /// Both together.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        Self { since: self.since.min(other.since), last: self.last.max(other.last) }
    }
}
