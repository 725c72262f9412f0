//! How an operator looks for users.

use std::collections::BTreeSet;

use doorward_protocol::ids::Sub;

use crate::model::{
    email::normalized_email,
    provisioning::KEPT_CLAIM,
    user::{User, normalized_username},
};

/// Which users to list, and in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserQuery {
    /// What they are sorted by. The prefix is one of it.
    pub order: UserOrder,
    /// The beginning of what they are sorted by, in its compared form. Empty: any.
    pub prefix: String,
    /// Which of them.
    pub filter: UserFilter,
}

/// What users are sorted by. Users who have none of it are not in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserOrder {
    /// The user name.
    Username,
    /// The e-mail address, verified or not.
    Email,
    /// The claim `name`.
    Name,
}

/// Which users a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserFilter {
    /// All of them.
    All,
    /// Those who may sign in.
    Enabled,
    /// Those who may not.
    Disabled,
    /// Those who have a role in the administration.
    Administrators,
}

/// A user of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundUser {
    /// The user.
    pub user: User,
    /// Where the list goes on after this user.
    pub cursor: UserCursor,
}

/// Where a list of users goes on: after the user with these values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCursor {
    /// What the list is sorted by, in its compared form.
    pub key: String,
    /// The subject identifier, where two have the same.
    pub sub: Sub,
}

/// How many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserCounts {
    /// Users.
    pub users: u64,
    /// Users who may not sign in.
    pub disabled: u64,
}

impl UserOrder {
    /// The form in which texts of this kind are compared.
    pub fn normalized(self, text: &str) -> String {
        match self {
            Self::Username | Self::Name => normalized_username(text),
            Self::Email => normalized_email(text),
        }
    }

    /// The key of a user who has this text, in its compared form.
    pub fn key(self, text: &str) -> String {
        let text = text.trim();
        self.normalized(&text[..text.floor_char_boundary(LONGEST_KEY)])
    }
}

/// The longest text that a list is sorted by, in bytes. What is longer is cut.
const LONGEST_KEY: usize = 255;

/// The e-mail address that a user is found by, verified or not.
pub fn email_key(user: &User) -> Option<String> {
    text(user, "email").map(|text| UserOrder::Email.key(text))
}

/// Further addresses that a user is found by, each once. SCIM clients give them.
pub fn further_email_keys(user: &User) -> BTreeSet<String> {
    let emails = user.claims.0.get(KEPT_CLAIM).and_then(|kept| kept.get("emails")?.as_array());
    let values = emails.into_iter().flatten().filter_map(|email| email.get("value")?.as_str());
    let main = email_key(user);
    let keys = values.map(|text| UserOrder::Email.key(text));
    keys.filter(|key| !key.is_empty() && Some(key) != main.as_ref()).collect()
}

/// The full name that a user is found by.
pub fn name_key(user: &User) -> Option<String> {
    text(user, "name").map(|text| UserOrder::Name.key(text))
}

fn text<'a>(user: &'a User, claim: &str) -> Option<&'a str> {
    let text = user.claims.0.get(claim)?.as_str().map(str::trim)?;
    // Nobody looks for control characters, and PostgreSQL stores no NUL.
    let is_text = !text.is_empty() && !text.chars().any(char::is_control);
    is_text.then_some(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_user_is_found_by_address_and_name_in_any_case() {
        let mut user = User {
            sub: Sub::parse("1").unwrap(),
            username: "ada".to_owned(),
            password_hash: None,
            enabled: true,
            claims: std::sync::Arc::default(),
            groups: std::sync::Arc::default(),
            mapped: std::sync::Arc::default(),
        };
        assert_eq!((email_key(&user), name_key(&user)), (None, None));
        user.claims_mut().insert("email".to_owned(), json!(" Ada@Example.com"));
        user.claims_mut().insert("name".to_owned(), json!("Ada LOVELACE"));
        assert_eq!(email_key(&user).unwrap(), "ada@example.com");
        assert_eq!(name_key(&user).unwrap(), "ada lovelace");
        user.claims_mut().insert("name".to_owned(), json!(["a", "b"]));
        assert_eq!(name_key(&user), None);
        user.claims_mut().insert("name".to_owned(), json!("\u{e9}".repeat(500)));
        assert!(name_key(&user).unwrap().len() <= LONGEST_KEY);
    }
}
