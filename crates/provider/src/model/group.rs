//! Groups of users: what their members get, as one pure rule ([`merged_claims`]).
//!
//! A group has no groups within it.

pub use doorward_protocol::account::{GroupName, InvalidGroupName};
use doorward_protocol::ids::ClientId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::model::{
    claim_rules::{SAID_BY_OPERATORS, has_nul},
    client::is_reserved_claim,
    time::{Entropy, Timestamp},
    user::{ADMIN_ROLE_CLAIM, UserClaims, normalized_username},
};

/// How many groups a user can be in.
pub const MOST_PER_USER: u32 = 100;
/// How many roles, and how many claims, a group can have.
const MOST_ENTRIES: usize = 100;
/// The longest text of a group's claims as JSON, in bytes.
const LONGEST_CLAIMS: usize = 4096;

/// The claim with the names of a user's groups.
pub const GROUPS: &str = "groups";
/// The claim with a user's roles.
pub const ROLE: &str = "role";

/// A name for a group that people call so: what a name may have of the text. If nothing is left,
/// it ends in a hash of the text.
pub fn name_made_of(text: &str) -> Result<GroupName, InvalidGroupName> {
    GroupName::parse(&plain_part(text)).or_else(|_| name_made_apart(text))
}

/// The same, with the hash in any case: another group has the plain name. A name belongs to one
/// text, without regard to its case.
pub fn name_made_apart(text: &str) -> Result<GroupName, InvalidGroupName> {
    let digest = Sha256::digest(normalized_username(text));
    let digest = u64::from_be_bytes(digest[..8].try_into().unwrap_or_default()) >> 24;
    let plain = plain_part(text);
    let plain = if plain.is_empty() { "group" } else { &plain[..plain.len().min(50)] };
    let plain = plain.trim_end_matches(|char: char| !char.is_ascii_alphanumeric());
    GroupName::parse(&format!("{plain}-{digest:010x}"))
}

/// What the name of a group may have of a text, with `-` in place of the rest.
fn plain_part(text: &str) -> String {
    let mut plain = String::new();
    for char in text.trim().chars() {
        if char.is_ascii_alphanumeric() || "._-:/".contains(char) {
            plain.push(char);
        } else if !plain.ends_with('-') {
            plain.push('-');
        }
    }
    plain.trim_matches(|char: char| !char.is_ascii_alphanumeric()).to_owned()
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name, in the claim `groups`.
    pub name: GroupName,
    /// What people call it, if that is not its name. It may change, and is in no token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// For people.
    #[serde(default)]
    pub description: Option<String>,
    /// The roles of its members, in the claim `role`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Further claims of its members.
    #[serde(default)]
    pub claims: UserClaims,
    /// The client that added it by SCIM. That client may change it whatever an operator gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned_by: Option<ClientId>,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned_at: Option<Timestamp>,
}

/// A group can't be kept. The message names the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// The name for people is none.
    #[error("display_name: give 1 to 200 characters, without control characters")]
    DisplayName,
    /// The description is too long.
    #[error("description: give at most 200 characters, without control characters")]
    Description,
    /// A role has spaces, is empty or too long, or there are too many.
    #[error("roles: give at most 100, each of 1 to 100 characters without spaces")]
    Roles,
    /// There are too many claims.
    #[error("claims: give at most 100, and no more than 4096 bytes as JSON")]
    TooManyClaims,
    /// A name or a text of a claim can't be kept.
    #[error("claims: a name has 1 to 100 characters without control characters, and no text a NUL")]
    Claims,
    /// A claim is the provider's own.
    #[error("claims: {0:?} is written by the provider itself, or is a field of its own")]
    Reserved(String),
}

impl Group {
    /// A group that gives nothing but its name.
    pub fn new(name: GroupName) -> Self {
        Self {
            name,
            display_name: None,
            description: None,
            roles: Vec::new(),
            claims: UserClaims::default(),
            provisioned_by: None,
            provisioned_at: None,
        }
    }

    /// What people call it.
    pub fn shown_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.name)
    }

    /// The form in which [`Group::shown_name`] is compared.
    pub fn display_key(&self) -> String {
        normalized_username(self.shown_name())
    }

    /// Checks what somebody made of it.
    pub fn check(&self) -> Result<(), GroupError> {
        let is_name = |text: &str| {
            (1..=200).contains(&text.trim().chars().count()) && !text.contains(char::is_control)
        };
        if !self.display_name.as_deref().is_none_or(is_name) {
            return Err(GroupError::DisplayName);
        }
        let description = self.description.as_deref().unwrap_or_default();
        if description.chars().count() > 200 || description.contains(char::is_control) {
            return Err(GroupError::Description);
        }
        let is_role = |role: &String| {
            (1..=100).contains(&role.chars().count())
                && !role.contains(|char: char| char.is_whitespace() || char.is_control())
        };
        if self.roles.len() > MOST_ENTRIES || !self.roles.iter().all(is_role) {
            return Err(GroupError::Roles);
        }
        let claims = &self.claims.0;
        let is_own =
            |name: &&String| is_reserved_claim(name) || SAID_BY_OPERATORS.contains(&name.as_str());
        if let Some(name) = claims.keys().find(is_own) {
            return Err(GroupError::Reserved(name.clone()));
        }
        let is_name = |name: &String| {
            (1..=100).contains(&name.chars().count()) && !name.contains(char::is_control)
        };
        if !claims.keys().all(is_name) || claims.values().any(has_nul) {
            return Err(GroupError::Claims);
        }
        let length = serde_json::to_string(claims).map_or(usize::MAX, |text| text.len());
        if claims.len() > MOST_ENTRIES || length > LONGEST_CLAIMS {
            return Err(GroupError::TooManyClaims);
        }
        Ok(())
    }
}

/// A group as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredGroup {
    /// The group.
    pub group: Group,
    /// One more with each change.
    pub version: i64,
}

impl StoredGroup {
    /// A group that is added. Its version begins at a random number: a group of the same name that
    /// was removed had others, so a change that was meant for that one is refused.
    pub fn added(group: Group, entropy: &dyn Entropy) -> Self {
        let [first, second, third, fourth, fifth, sixth, ..] = entropy.bytes();
        let version = i64::from_be_bytes([0, 0, first, second, third, fourth, fifth, sixth]);
        Self { group, version }
    }
}

/// The claims of a user to whom identity providers give the claims `mapped`, and who is in these
/// groups, which are in the order of their names.
///
/// - `groups` has the user's own values, those that are mapped, and the names of the groups.
/// - `role` has the user's own roles, those that are mapped, and then those of the groups.
/// - Any other claim that is a list, because `is_list` says so or a value is an array, has the
///   values of the user, then those that are mapped, and then those of the groups.
/// - The role in the administration is the user's own: nothing maps it, and no group gives it.
/// - Of any other claim the user's own value counts, or else the first one that is mapped, or else
///   that of the first group that has one.
///
/// No list has a value twice.
pub fn merged_claims(
    own: &UserClaims,
    mapped: &[UserClaims],
    groups: &[Group],
    is_list: impl Fn(&str) -> bool,
) -> UserClaims {
    let mut merged = own.0.clone();
    for claims in mapped {
        let is_list = |name: &str| [GROUPS, ROLE].contains(&name) || is_list(name);
        merge(&mut merged, claims, is_list);
    }
    let names = groups.iter().map(|group| Value::from(group.name.as_str()));
    add_all(&mut merged, GROUPS, names.collect());
    for group in groups {
        add_all(&mut merged, ROLE, group.roles.iter().map(|role| role.as_str().into()).collect());
        merge(&mut merged, &group.claims, &is_list);
    }
    UserClaims(merged)
}

/// Adds claims to those that are there.
fn merge(merged: &mut Map<String, Value>, more: &UserClaims, is_list: impl Fn(&str) -> bool) {
    for (name, value) in more.0.iter().filter(|(name, _)| *name != ADMIN_ROLE_CLAIM) {
        match (merged.get(name), value) {
            (None, value) => {
                merged.insert(name.clone(), value.clone());
            }
            (Some(_), Value::Array(values)) => add_all(merged, name, values.clone()),
            (Some(Value::Array(_)), value) => add_all(merged, name, vec![value.clone()]),
            (Some(_), _) if is_list(name) => add_all(merged, name, vec![value.clone()]),
            (Some(_), _) => {}
        }
    }
}

/// Adds values to a list, those that it does not have. A single value becomes a list.
fn add_all(claims: &mut Map<String, Value>, name: &str, values: Vec<Value>) {
    if values.is_empty() {
        return;
    }
    let mut list = match claims.remove(name) {
        None => Vec::new(),
        Some(Value::Array(list)) => list,
        Some(single) => vec![single],
    };
    for value in values {
        if !list.contains(&value) {
            list.push(value);
        }
    }
    claims.insert(name.to_owned(), Value::Array(list));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn claims(value: Value) -> UserClaims {
        serde_json::from_value(value).unwrap()
    }

    fn group(value: Value) -> Group {
        serde_json::from_value(value).unwrap()
    }

    fn merged(own: Value, groups: &[Group]) -> Value {
        merged_with(own, &[], groups)
    }

    fn merged_with(own: Value, mapped: &[UserClaims], groups: &[Group]) -> Value {
        let is_list = |name: &str| name == "entitlements";
        Value::Object(merged_claims(&claims(own), mapped, groups, is_list).0)
    }

    #[test]
    fn what_is_mapped_is_added_and_never_replaces_what_is_the_users_own() {
        let mapped = [
            claims(json!({"role": ["a"], "groups": ["x"], "department": "IT", "site": "1"})),
            claims(json!({"role": ["a", "b"], "department": "HR", "site": "2"})),
        ];
        let groups = [group(json!({"name": "g", "roles": ["c"], "claims": {"site": "3"}}))];
        assert_eq!(
            merged_with(json!({"role": "own", "department": "Sales"}), &mapped, &groups),
            json!({
                "role": ["own", "a", "b", "c"], "groups": ["x", "g"], "department": "Sales",
                "site": "1",
            })
        );
    }

    #[test]
    fn lists_are_joined_and_the_users_own_value_counts_first() {
        let groups = [
            group(json!({
                "name": "a", "roles": ["editor", "user"],
                "claims": {
                    "department": "IT", "cost_centre": 7, "entitlements": "x", "sites": ["1"],
                },
            })),
            group(json!({
                "name": "b", "roles": ["editor"],
                "claims": {"cost_centre": 8, "entitlements": "y", "sites": "2"},
            })),
        ];
        let own = json!({"role": "user", "groups": ["staff", "a"], "department": "Sales"});
        let expected = json!({
            "role": ["user", "editor"], "groups": ["staff", "a", "b"], "department": "Sales",
            "cost_centre": 7, "entitlements": ["x", "y"], "sites": ["1", "2"],
        });
        assert_eq!(merged(own, &groups), expected);
    }

    #[test]
    fn no_group_gives_a_role_in_the_administration() {
        let groups = [group(json!({"name": "a", "claims": {"admin_role": "owner"}}))];
        assert_eq!(merged(json!({}), &groups), json!({"groups": ["a"]}));
        let own = json!({"admin_role": "auditor", "groups": ["a"]});
        assert_eq!(merged(own.clone(), &groups), own);
    }

    #[test]
    fn without_groups_nothing_changes() {
        let own = json!({"role": "user", "groups": "staff"});
        assert_eq!(merged(own.clone(), &[]), own);
    }

    #[test]
    fn a_group_without_roles_gives_no_role() {
        let groups = [group(json!({"name": "a"}))];
        assert_eq!(merged(json!({}), &groups), json!({"groups": ["a"]}));
    }

    #[test]
    fn names_are_checked() {
        for name in ["a", "Staff", "team:red", "emea/sales", "a.b_c-d", &"x".repeat(64)] {
            assert!(GroupName::parse(name).is_ok(), "{name}");
        }
        for name in ["", " ", "-a", "a-", "a b", "é", "a\0b", "a,b", &"x".repeat(65)] {
            assert!(GroupName::parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_new_group_gets_a_name_that_one_can_have() {
        for (shown, name) in [
            ("Sales", "Sales"),
            (" Sales & Marketing ", "Sales-Marketing"),
            ("team/red", "team/red"),
            ("(Admins)", "Admins"),
        ] {
            assert_eq!(name_made_of(shown).unwrap().as_str(), name);
        }
        let apart = name_made_apart("Sales").unwrap();
        assert!(apart.starts_with("Sales-") && apart.len() == 16, "{apart}");
        let unwritable = name_made_of("\u{41f}\u{440}\u{43e}\u{434}").unwrap();
        assert!(unwritable.starts_with("group-"), "{unwritable}");
        assert_ne!(unwritable, name_made_of("\u{416}").unwrap());
        let long = |count: usize| name_made_of(&"x".repeat(count)).unwrap();
        assert_eq!(long(64).len(), 64);
        assert_ne!(long(200), long(201));
    }

    #[test]
    fn what_a_group_may_not_give_is_refused() {
        let check = |value: Value| group(value).check();
        assert_eq!(check(json!({"name": "a", "roles": ["r"], "claims": {"x": 1}})), Ok(()));
        for claim in ["sub", "iss", "role", "groups", "email", "email_verified", "admin_role"] {
            let refused = check(json!({"name": "a", "claims": {claim: "x"}}));
            assert_eq!(refused, Err(GroupError::Reserved(claim.to_owned())));
        }
        assert_eq!(check(json!({"name": "a", "roles": ["two words"]})), Err(GroupError::Roles));
        for claims in [json!({"": 1}), json!({"a\u{1}": 1}), json!({"a": [{"b": "\0"}]})] {
            assert_eq!(check(json!({"name": "a", "claims": claims})), Err(GroupError::Claims));
        }
        let long = json!({"name": "a", "claims": {"x": "x".repeat(5000)}});
        assert_eq!(check(long), Err(GroupError::TooManyClaims));
        let control = json!({"name": "a", "description": "a\u{1}b"});
        assert_eq!(check(control), Err(GroupError::Description));
    }
}
