//! Tickets: what a person or their browser carries to finish later what was begun, and what counts
//! once. Links in mails, invitations and challenges of new passkeys are tickets.

use doorward_protocol::ids::Sub;
use serde_json::{Map, Value};

use crate::model::{
    group::GroupName,
    throttle::{ThrottleKey, ThrottlePolicy},
    time::Timestamp,
    token_handle::TokenHash,
};

/// A ticket as the store keeps it. Its handle is a
/// [`TokenHandle`](crate::model::token_handle::TokenHandle), of which only the hash is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Hash of the handle.
    pub hash: TokenHash,
    /// What it is for. It can't be used for anything else.
    pub purpose: TicketPurpose,
    /// The user whom it is about; `None` if there is none yet.
    pub sub: Option<Sub>,
    /// What tickets are counted by against a limit, as a normalized e-mail address.
    pub about: Option<String>,
    /// What was known when it was issued.
    pub data: Map<String, Value>,
    /// It can't be used from this timestamp on.
    pub expires_at: Timestamp,
}

/// How many tickets may be added.
#[derive(Debug, Clone)]
pub struct TicketBound {
    /// How many of one purpose may exist for the same `about` that have not expired.
    pub most: u32,
    /// What each ticket that is added counts for. A ticket for which that asks for a wait is not
    /// added, and does not count.
    pub counted: Option<(ThrottleKey, ThrottlePolicy)>,
}

impl TicketBound {
    /// This many of one purpose for the same `about`, however many there were before.
    pub fn at_once(most: u32) -> Self {
        Self { most, counted: None }
    }
}

/// Where a list of tickets goes on: after the ticket with these values. The next to expire comes
/// first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketCursor {
    /// When it expires.
    pub expires_at: Timestamp,
    /// Hash of its handle.
    pub hash: TokenHash,
}

/// Where a search by what tickets are about goes on: after the ticket with these values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AboutCursor {
    /// What it is about.
    pub about: String,
    /// Hash of its handle.
    pub hash: TokenHash,
}

/// What a ticket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TicketPurpose {
    /// To show that an e-mail address is the user's.
    VerifyEmail,
    /// To change a user's e-mail address to one that is theirs.
    ChangeEmail,
    /// To set another password in place of a forgotten one.
    ResetPassword,
    /// To register under an e-mail address.
    Register,
    /// To register as an operator has arranged.
    Invitation,
    /// To add a passkey.
    PasskeyRegistration,
    /// To make an account for an identity at another provider, or to link it with one.
    ExternalIdentity,
}

impl TicketPurpose {
    /// Every purpose.
    pub const ALL: [Self; 7] = [
        Self::VerifyEmail,
        Self::ChangeEmail,
        Self::ResetPassword,
        Self::Register,
        Self::Invitation,
        Self::PasskeyRegistration,
        Self::ExternalIdentity,
    ];

    /// The name under which the store keeps it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ChangeEmail => "change_email",
            Self::ResetPassword => "reset_password",
            Self::Register => "register",
            Self::Invitation => "invitation",
            Self::PasskeyRegistration => "passkey_registration",
            Self::ExternalIdentity => "external_identity",
        }
    }

    /// The purpose of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == name)
    }
}

/// The member of an invitation's data that names its groups.
pub const GROUPS: &str = "groups";

impl Ticket {
    /// Where the list goes on after this ticket.
    pub fn cursor(&self) -> TicketCursor {
        TicketCursor { expires_at: self.expires_at, hash: self.hash }
    }

    /// Where a search by what tickets are about goes on after this ticket.
    pub fn about_cursor(&self) -> AboutCursor {
        AboutCursor { about: self.about.clone().unwrap_or_default(), hash: self.hash }
    }

    /// The groups of which an invitation makes its user a member.
    pub fn groups(&self) -> Vec<GroupName> {
        let names = self.data.get(GROUPS).filter(|_| self.purpose == TicketPurpose::Invitation);
        let names = names.and_then(Value::as_array).into_iter().flatten();
        names.filter_map(|name| GroupName::parse(name.as_str()?).ok()).collect()
    }

    /// A text of the data.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.data.get(name).and_then(Value::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_has_a_name_of_its_own() {
        for purpose in TicketPurpose::ALL {
            assert_eq!(TicketPurpose::parse(purpose.as_str()), Some(purpose));
        }
        assert_eq!(TicketPurpose::parse("ResetPassword"), None);
    }
}
