//! Who calls, by their present rights, and whom and what they may act on.

use doorward_policy::Principal;
use doorward_protocol::ids::Sub;
use doorward_provider::model::{
    client::{ClientSettings, GrantType},
    user::User,
};

use super::problem::Problem;
use crate::{AdminRole, AdminScope, Operation, scim};

/// What a client with the scope [`scim::SCOPE`] may do, as scopes of this API.
const PROVISIONING: [AdminScope; 4] = [
    AdminScope::UsersRead,
    AdminScope::UsersWrite,
    AdminScope::GroupsRead,
    AdminScope::GroupsWrite,
];

/// The caller of a request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Whom the token is about, with the rights of now.
    pub principal: Principal,
    /// Who that is.
    pub kind: CallerKind,
}

/// A person or a machine.
#[derive(Debug, Clone)]
pub enum CallerKind {
    /// A user who has a role.
    Person {
        /// The user.
        sub: Sub,
        /// The role that the user has now.
        role: AdminRole,
    },
    /// A client that asks for itself. It has the scope of its token.
    Machine,
}

impl Caller {
    /// A name that no other caller has.
    pub fn name(&self) -> String {
        match &self.kind {
            CallerKind::Person { sub, .. } => format!("user {sub}"),
            CallerKind::Machine => format!("client {}", self.principal.sub()),
        }
    }

    /// The role, if it is a person.
    pub fn role(&self) -> Option<AdminRole> {
        match self.kind {
            CallerKind::Person { role, .. } => Some(role),
            CallerKind::Machine => None,
        }
    }

    /// Nobody acts on a user who may do more than they may. A machine acts on no user who has a
    /// role here.
    pub fn may_act_on(&self, user: &User) -> Result<(), Problem> {
        let Some(name) = user.admin_role() else { return Ok(()) };
        // A role that this version does not know may be more than any.
        let covered = AdminRole::parse(name).is_some_and(|theirs| self.covers(theirs));
        if covered {
            return Ok(());
        }
        Err(Problem::forbidden(format!(
            "This user has the role {name} in the administration, which may do what you may not."
        )))
    }

    /// Nobody gives an entry of a directory the name or address of a user who may do more, or,
    /// without the right to change users, of anybody but `linked`, whose entry it is.
    pub fn may_take_name_of(&self, user: &User, linked: Option<&Sub>) -> Result<(), Problem> {
        self.may_act_on(user)?;
        if linked == Some(&user.sub) || self.has_all_of(AdminScope::UsersWrite) {
            return Ok(());
        }
        Err(Problem::forbidden(format!(
            "A user here has this name or address: it takes the scope {}.",
            AdminScope::UsersWrite.name()
        )))
    }

    /// Nobody makes a member of a group by the way, without the scope for it.
    pub fn may_change_groups(&self) -> Result<(), Problem> {
        let scope = AdminScope::GroupsWrite.name();
        if self.principal.has_scope(scope) {
            return Ok(());
        }
        Err(Problem::forbidden(format!("To make somebody a member of a group takes {scope}.")))
    }

    /// Nobody gives a role that may do more than they may, or without the scope for it: whoever
    /// keeps that scope from a client keeps it from making administrators.
    pub fn may_give(&self, role: AdminRole) -> Result<(), Problem> {
        let scope = AdminScope::RolesWrite.name();
        if !self.covers(role) {
            let name = role.name();
            return Err(Problem::forbidden(format!("The role {name} may do what you may not.")));
        }
        if !self.principal.has_scope(scope) {
            return Err(Problem::forbidden(format!("To give or take a role takes {scope}.")));
        }
        Ok(())
    }

    fn covers(&self, role: AdminRole) -> bool {
        self.role().is_some_and(|own| own.covers(role))
    }

    /// Nobody touches a client that may do more than they may: with its secret they would be it.
    /// If users sign in at the client, its tokens have the rights of any of them, so it takes an
    /// owner.
    pub fn may_act_on_client(&self, settings: &ClientSettings) -> Result<(), Problem> {
        let scopes = settings.allowed_scopes.iter().filter_map(|name| AdminScope::parse(name));
        let mut scopes: Vec<AdminScope> = scopes.collect();
        let provisions = settings.allowed_scopes.iter().any(|name| name == scim::SCOPE);
        if scopes.is_empty() && !provisions {
            return Ok(());
        }
        let is_machine =
            settings.allowed_grant_types.iter().all(|grant| *grant == GrantType::ClientCredentials);
        if !scopes.is_empty() && !is_machine && self.role() != Some(AdminRole::Owner) {
            return Err(Problem::forbidden(
                "Users sign in at this client to administer, with the rights of each of them: only \
                 an owner may do this.",
            ));
        }
        // Who provisions changes users and groups, and so takes the rights to do that here.
        if provisions {
            scopes.extend(PROVISIONING);
        }
        match scopes.into_iter().find(|scope| !self.has_all_of(*scope)) {
            Some(scope) => Err(Problem::forbidden(format!(
                "This client may do what the scope {} gives, and you may not.",
                scope.name()
            ))),
            None => Ok(()),
        }
    }

    /// Whether the caller may do everything that a machine with this scope may. A scope that the
    /// client of a person was not given can't be got by way of another client, either.
    fn has_all_of(&self, scope: AdminScope) -> bool {
        let by_role = |role| {
            Operation::ALL
                .iter()
                .filter(|operation| operation.scope() == scope && operation.is_for_machines())
                .all(|operation| operation.roles().contains(&role))
        };
        self.principal.has_scope(scope.name()) && self.role().is_none_or(by_role)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use doorward_provider::model::user::{ADMIN_ROLE_CLAIM, UserClaims};
    use serde_json::{Map, json};

    use super::*;

    fn user(sub: &str, role: Option<&str>) -> User {
        let role = role.map(|role| (ADMIN_ROLE_CLAIM.to_owned(), json!(role)));
        User {
            sub: sub.parse().unwrap(),
            username: sub.to_owned(),
            password_hash: None,
            enabled: true,
            claims: UserClaims(role.into_iter().collect::<Map<_, _>>()).into(),
            groups: Arc::default(),
            mapped: Arc::default(),
        }
    }

    fn caller(scope: &str, role: Option<AdminRole>) -> Caller {
        let kind = match role {
            Some(role) => CallerKind::Person { sub: "caller".parse().unwrap(), role },
            None => CallerKind::Machine,
        };
        Caller { principal: Principal::new("caller").with_claim("scope", scope), kind }
    }

    #[test]
    fn a_name_is_taken_by_who_may_change_its_user() {
        let (alice, adam) = (user("alice", None), user("adam", Some("admin")));
        let few = AdminScope::DirectoryWrite.name();
        let more = format!("{few} {}", AdminScope::UsersWrite.name());
        let may = |scope: &str, role: Option<AdminRole>, of: &User, linked: Option<&Sub>| {
            caller(scope, role).may_take_name_of(of, linked).is_ok()
        };
        for role in [None, Some(AdminRole::Admin), Some(AdminRole::Owner)] {
            assert!(!may(few, role, &alice, None), "{role:?}");
            assert!(!may(few, role, &alice, Some(&adam.sub)), "{role:?}");
            assert!(may(few, role, &alice, Some(&alice.sub)), "{role:?}: it is the own one");
            assert!(may(&more, role, &alice, None), "{role:?}");
        }
        // A link does not make anybody more.
        assert!(!may(&more, None, &adam, Some(&adam.sub)));
        assert!(may(&more, Some(AdminRole::Admin), &adam, None));
        assert!(!may(&more, Some(AdminRole::Admin), &user("olga", Some("owner")), None));
    }
}
