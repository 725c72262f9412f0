//! Who may do what: roles, scopes, operations, and the policy of each operation.

mod change_event;
mod operation;
mod role;
mod scope;
mod summary;
mod table;

pub use self::{
    change_event::ChangeEvent,
    operation::{Method, Operation, OperationKind},
    role::{AdminRole, ROLE_CLAIM},
    scope::AdminScope,
};

use doorward_policy::{Policy, Principal};
use serde::{Deserialize, Serialize};

/// The sign-in that operations need which matter: strong, and not long ago.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreshSignIn {
    /// The `acr` of a sign-in by two factors or by a passkey.
    pub acr: String,
    /// How old it may be, in seconds.
    pub max_age: u32,
}

impl Default for FreshSignIn {
    fn default() -> Self {
        Self { acr: "urn:doorward:acr:2".to_owned(), max_age: 900 }
    }
}

/// Whether the caller is a client that asks for itself (RFC 6749 section 4.4): its access token is
/// about the client, and nobody has signed in.
pub fn is_machine(caller: &Principal) -> bool {
    let client = caller.claims().get("client_id").and_then(serde_json::Value::as_str);
    client == Some(caller.sub()) && !caller.claims().contains_key("auth_time")
}

impl Operation {
    /// Who may do it: a client that asks for itself and has the scope, or a user who has the scope
    /// and one of the roles, and who has signed in as the operation needs it.
    pub fn policy(self, fresh: &FreshSignIn) -> Policy {
        let scope = Policy::require_scope(self.scope().name());
        let role = Policy::any_of(
            self.roles().iter().map(|role| Policy::require_claim(ROLE_CLAIM, role.name())),
        );
        let mut person = vec![role];
        if self.needs_fresh_sign_in() {
            person.push(Policy::require_acr([fresh.acr.clone()]));
            person.push(Policy::require_recent_sign_in(fresh.max_age));
        }
        let person = Policy::all_of(person);
        let caller = if self.is_for_machines() {
            Policy::any_of([
                person,
                Policy::assert("a client that asks for itself", is_machine).named("Machine"),
            ])
        } else {
            person
        };
        Policy::all_of([scope, caller]).named(self.name())
    }
}

#[cfg(test)]
mod tests;
