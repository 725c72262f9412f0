//! Users: who may sign in, and what is known about them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::password::PasswordHash;

/// A user as the store keeps them.
#[derive(Debug, Clone)]
pub struct User {
    /// Subject identifier: unique, never given to anyone else (OIDC Core section 2), at most 255 ASCII characters.
    pub sub: String,
    /// What the user types; compared by [`normalized_username`].
    pub username: String,
    /// Argon2id.
    pub password_hash: PasswordHash,
    /// A user who is not enabled can neither sign in nor refresh.
    pub enabled: bool,
    /// Claims by name. A claim with several values is an array.
    pub claims: UserClaims,
}

/// Claims about a user by their names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserClaims(pub Map<String, Value>);

impl UserClaims {
    /// The claims with these names, those that the user has. An array of one value is written as that value.
    pub fn select<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Map<String, Value> {
        let mut selected = Map::new();
        for name in names {
            if let Some(value) = self.0.get(name) {
                selected.insert(name.to_owned(), single_or_array(value));
            }
        }
        selected
    }
}

fn single_or_array(value: &Value) -> Value {
    match value {
        Value::Array(values) if values.len() == 1 => values[0].clone(),
        other => other.clone(),
    }
}

/// The form in which usernames are compared: without surrounding space, in lower case.
pub fn normalized_username(typed: &str) -> String {
    typed.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selects_what_is_there_and_unwraps_single_values() {
        let Value::Object(claims) = json!({"role": ["admin"], "group": ["a", "b"], "email": "x@y.z"}) else {
            unreachable!()
        };
        let selected = UserClaims(claims).select(["role", "group", "phone_number"]);
        assert_eq!(Value::Object(selected), json!({"role": "admin", "group": ["a", "b"]}));
    }

    #[test]
    fn usernames_compare_without_case_and_space() {
        assert_eq!(normalized_username(" Alice "), "alice");
    }
}
