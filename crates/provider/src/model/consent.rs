//! Consents that users asked to be remembered.

use doorward_protocol::scope::Scope;
use serde::{Deserialize, Serialize};

use crate::model::time::Timestamp;

/// A remembered consent of one user to one client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// What was consented to.
    pub scope: Scope,
    /// The user is asked again from this timestamp on; `None`: never.
    pub expires_at: Option<Timestamp>,
}

impl Consent {
    /// Whether the consent spares the user the question for this scope now.
    pub fn covers(&self, requested: &Scope, now: Timestamp) -> bool {
        requested.is_subset_of(&self.scope) && self.expires_at.is_none_or(|end| now < end)
    }
}
