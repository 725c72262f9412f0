//! What tells a user of a change of the account, written by the transaction that makes the change:
//! so nobody is told of what did not happen, and nothing happens of which nobody is told.

use doorward_protocol::ids::SessionId;

use crate::model::{account_event::AccountEvent, outbox::OutboxMail, time::Timestamp};

/// What a change of an account leaves behind for its user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountNotices {
    /// Mails about the change.
    pub mails: Vec<OutboxMail>,
    /// What was changed, for the list of what happened to the account.
    pub events: Vec<AccountEvent>,
}

/// The addition of a factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactorAddition {
    /// The session in which it is added; `None` if it is added before one begins.
    pub session: Option<SessionId>,
    /// What tells of it.
    pub notices: AccountNotices,
    /// When it is added.
    pub at: Timestamp,
}
