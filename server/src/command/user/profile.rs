//! What `user add` and `user set` say about a user.

use doorward_provider::model::{claim_rules::check_claims, user::User};
use serde_json::{Map, Value};

use super::super::{
    CommandError,
    list_option::{changed, values},
};

/// Claims about a user, the usual ones by options of their own.
#[derive(Debug, Clone, clap::Args)]
pub struct Profile {
    /// The e-mail address (claim `email`).
    #[arg(long)]
    email: Option<String>,
    /// Whether the address is known to be the user's (claim `email_verified`).
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    email_verified: Option<bool>,
    /// The full name (claim `name`).
    #[arg(long)]
    name: Option<String>,
    /// The first name (claim `given_name`).
    #[arg(long)]
    given_name: Option<String>,
    /// The last name (claim `family_name`).
    #[arg(long)]
    family_name: Option<String>,
    /// The name that applications show (claim `preferred_username`). Default for a new user: the
    /// user name.
    #[arg(long)]
    preferred_username: Option<String>,
    /// The roles (claim `role`), between commas. Replaces those that are there.
    #[arg(long, conflicts_with_all = ["add_roles", "remove_roles"])]
    roles: Option<Vec<String>>,
    /// Add these roles, between commas.
    #[arg(long, value_name = "ROLES")]
    add_roles: Vec<String>,
    /// Take these roles away, between commas.
    #[arg(long, value_name = "ROLES")]
    remove_roles: Vec<String>,
    /// The groups (claim `groups`), between commas. Replaces those that are there.
    #[arg(long, conflicts_with_all = ["add_groups", "remove_groups"])]
    groups: Option<Vec<String>>,
    /// Add these groups (claim `groups`), between commas.
    #[arg(long, value_name = "GROUPS")]
    add_groups: Vec<String>,
    /// Remove these groups (claim `groups`), between commas.
    #[arg(long, value_name = "GROUPS")]
    remove_groups: Vec<String>,
    /// Any claim; the value is JSON, or text if it is not JSON. May be given several times.
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    claims: Vec<String>,
    /// Remove a claim. May be given several times.
    #[arg(long = "remove-claim", value_name = "NAME")]
    removed_claims: Vec<String>,
}

impl Profile {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.texts().iter().all(|(_, value)| value.is_none())
            && self.email_verified.is_none()
            && self.lists().iter().all(ListChange::is_empty)
            && self.claims.is_empty()
            && self.removed_claims.is_empty()
    }

    /// Changes the user's claims.
    pub fn apply(&self, user: &mut User) -> Result<(), CommandError> {
        let claims = user.claims_mut();
        for name in &self.removed_claims {
            claims.remove(name);
        }
        // Another address is not known to be the user's until that is said.
        let is_new = |email: &String| claims.get("email").and_then(Value::as_str) != Some(email);
        if self.email.as_ref().is_some_and(is_new) && claims.contains_key("email_verified") {
            claims.insert("email_verified".to_owned(), false.into());
        }
        for (name, value) in self.texts() {
            if let Some(value) = value {
                claims.insert(name.to_owned(), value.as_str().into());
            }
        }
        if let Some(verified) = self.email_verified {
            claims.insert("email_verified".to_owned(), verified.into());
        }
        for list in self.lists().iter().filter(|own| !own.is_empty()) {
            let before = list.replaced.map_or_else(|| self::list(claims, list.name), values);
            let after = changed(before, &values(list.added), &values(list.removed));
            set_list(claims, list.name, after);
        }
        for assignment in &self.claims {
            let (name, value) = claim(assignment)?;
            claims.insert(name, value);
        }
        check_claims(claims.clone())
            .map(|_| ())
            .map_err(|error| CommandError::refused(format!("{}: {}", error.value, error.problem)))
    }

    fn lists(&self) -> [ListChange<'_>; 2] {
        [
            ListChange {
                name: "role",
                replaced: self.roles.as_deref(),
                added: &self.add_roles,
                removed: &self.remove_roles,
            },
            ListChange {
                name: "groups",
                replaced: self.groups.as_deref(),
                added: &self.add_groups,
                removed: &self.remove_groups,
            },
        ]
    }

    fn texts(&self) -> [(&'static str, &Option<String>); 5] {
        [
            ("email", &self.email),
            ("name", &self.name),
            ("given_name", &self.given_name),
            ("family_name", &self.family_name),
            ("preferred_username", &self.preferred_username),
        ]
    }
}

/// What becomes of a claim that is a list.
struct ListChange<'a> {
    name: &'static str,
    replaced: Option<&'a [String]>,
    added: &'a [String],
    removed: &'a [String],
}

impl ListChange<'_> {
    fn is_empty(&self) -> bool {
        self.replaced.is_none() && self.added.is_empty() && self.removed.is_empty()
    }
}

/// Sets a claim that is a list. An empty list removes it.
pub fn set_list(claims: &mut Map<String, Value>, name: &str, values: Vec<String>) {
    if values.is_empty() {
        claims.remove(name);
    } else {
        claims.insert(name.to_owned(), values.into());
    }
}

/// The values of a claim that is a list, or the one value of another.
pub fn list(claims: &Map<String, Value>, name: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match claims.get(name) {
        Some(Value::Array(values)) => values.iter().filter_map(text).collect(),
        Some(value) => text(value).into_iter().collect(),
        None => Vec::new(),
    }
}

pub fn claim(assignment: &str) -> Result<(String, Value), CommandError> {
    let named = assignment.split_once('=').filter(|(name, _)| !name.trim().is_empty());
    let Some((name, value)) = named else {
        return Err(CommandError::refused(format!(
            "--claim {assignment:?}: give NAME=VALUE, like department=Sales"
        )));
    };
    let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
    Ok((name.trim().to_owned(), value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_is_json_or_text() {
        assert_eq!(claim("department=Sales").unwrap(), ("department".into(), json!("Sales")));
        assert_eq!(claim("level=3").unwrap(), ("level".into(), json!(3)));
        assert_eq!(claim(r#"group=["a","b"]"#).unwrap(), ("group".into(), json!(["a", "b"])));
        assert_eq!(claim("note=a=b").unwrap(), ("note".into(), json!("a=b")));
        assert!(claim("department").is_err() && claim("=x").is_err());
    }
}
