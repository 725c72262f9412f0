//! What SCIM clients call users and groups (RFC 7643 section 3.1, `externalId`), and whose a user
//! is.

use doorward_protocol::ids::{ClientId, Sub};
use serde::{Deserialize, Serialize};

use crate::model::{group::GroupName, time::Timestamp, user::User};

/// The claim with the [`UserMarks`]. It is in no token unless a resource names it.
pub const MARKS_CLAIM: &str = "scim_state";

/// The claim with what a client gives and no other claim has. It is in no token unless a resource
/// names it.
pub const KEPT_CLAIM: &str = "scim";

/// What is noted of a user who is provisioned. It is kept with the user, so one write changes both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UserMarks {
    /// The client that added the user, or took the user over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// The client that disabled the user, if that was the last word on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_by: Option<ClientId>,
    /// When a client added the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added_at: Option<Timestamp>,
}

impl UserMarks {
    /// The marks of a user. Those that can't be read are none.
    pub fn of(user: &User) -> Self {
        let marks = user.claims.0.get(MARKS_CLAIM);
        marks.and_then(|marks| Self::deserialize(marks).ok()).unwrap_or_default()
    }

    /// Puts the marks in place of those that the user has.
    pub fn put(&self, user: &mut User) {
        if *self == Self::of(user) {
            return;
        }
        match serde_json::to_value(self) {
            Ok(marks) if *self != Self::default() => {
                user.claims_mut().insert(MARKS_CLAIM.to_owned(), marks);
            }
            _ => drop(user.claims_mut().remove(MARKS_CLAIM)),
        }
    }
}

impl User {
    /// What an operator says of whether the user may sign in. No client that provisions lifts a
    /// disablement by an operator, even if the client had disabled the user before.
    pub fn set_enabled(&mut self, enabled: bool) {
        self.enabled = enabled;
        UserMarks { disabled_by: None, ..UserMarks::of(self) }.put(self);
    }

    /// Whether this client added the user, or took the user over.
    pub fn is_provisioned_by(&self, client: &ClientId) -> bool {
        UserMarks::of(self).client.as_ref() == Some(client)
    }

    /// Whether this client added the user, who has no password and no role in the administration.
    pub fn waits_since_added_by(&self, client: &ClientId) -> bool {
        self.is_provisioned_by(client)
            && UserMarks::of(self).added_at.is_some()
            && self.password_hash.is_none()
            && self.admin_role().is_none()
    }
}

/// Whom a client calls so that provisions users here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionedAs {
    /// The client.
    pub client: ClientId,
    /// What it calls the user (`externalId`).
    pub external_id: String,
}

/// A user or a group that clients provision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provisioned {
    /// A user.
    User(Sub),
    /// A group.
    Group(GroupName),
}

/// What a [`Provisioned`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProvisionedKind {
    /// A user.
    User,
    /// A group.
    Group,
}

impl ProvisionedKind {
    /// A short name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }
}

impl Provisioned {
    /// What it is.
    pub fn kind(&self) -> ProvisionedKind {
        match self {
            Self::User(_) => ProvisionedKind::User,
            Self::Group(_) => ProvisionedKind::Group,
        }
    }

    /// The `sub` of a user, or the name of a group.
    pub fn id(&self) -> &str {
        match self {
            Self::User(sub) => sub.as_str(),
            Self::Group(name) => name.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use super::*;

    #[test]
    fn an_operator_has_the_last_word() {
        let mut user = User {
            sub: "1".parse().unwrap(),
            username: "ada".to_owned(),
            password_hash: None,
            enabled: false,
            claims: Arc::default(),
            groups: Arc::default(),
            mapped: Arc::default(),
        };
        assert_eq!(UserMarks::of(&user), UserMarks::default());
        let client = Some(ClientId::parse("entra").unwrap());
        let added_at = Some(Timestamp::from_seconds(7));
        let marks = UserMarks { client: client.clone(), disabled_by: client.clone(), added_at };
        marks.put(&mut user);
        assert_eq!(UserMarks::of(&user), marks);
        user.set_enabled(false);
        assert_eq!(UserMarks::of(&user), UserMarks { client, disabled_by: None, added_at });
        UserMarks::default().put(&mut user);
        assert!(user.claims.0.is_empty());
    }
}
