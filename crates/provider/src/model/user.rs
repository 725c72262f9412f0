//! Users: who may sign in, and what is known about them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization as _;

use crate::model::password::PasswordHash;

/// A user as the store keeps them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Subject identifier: unique, never given to anyone else (OIDC Core section 2), at most 255
    /// ASCII characters.
    pub sub: String,
    /// What the user types; compared by [`normalized_username`].
    pub username: String,
    /// Argon2id.
    pub password_hash: PasswordHash,
    /// A user who is not enabled can neither sign in nor refresh.
    pub enabled: bool,
    /// Claims by name. A claim with several values is an array.
    pub claims: Arc<UserClaims>,
}

/// Claims about a user by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserClaims(pub Map<String, Value>);

impl User {
    /// The claims, to be changed.
    pub fn claims_mut(&mut self) -> &mut Map<String, Value> {
        &mut Arc::make_mut(&mut self.claims).0
    }

    /// What an import makes of a stored user: each of the configured values counts if it is another
    /// than at the last import, so that what was changed in the store since stays. A user who was
    /// imported before and is gone was removed there, and comes back when something else is
    /// configured. `None`: no user.
    pub fn imported(configured: &Self, last: Option<&Self>, stored: Option<Self>) -> Option<Self> {
        let (last, stored) = match (last, stored) {
            (None, _) => return Some(configured.clone()),
            (Some(last), None) => return (last != configured).then(|| configured.clone()),
            (Some(last), Some(stored)) => (last, stored),
        };
        Some(Self {
            sub: stored.sub,
            username: pick(&configured.username, &last.username, stored.username),
            password_hash: pick(
                &configured.password_hash,
                &last.password_hash,
                stored.password_hash,
            ),
            enabled: pick(&configured.enabled, &last.enabled, stored.enabled),
            claims: pick(&configured.claims, &last.claims, stored.claims),
        })
    }
}

/// The configured value where it is another than at the last import.
fn pick<T: PartialEq + Clone>(configured: &T, last: &T, stored: T) -> T {
    if configured == last { stored } else { configured.clone() }
}

impl UserClaims {
    /// The claims with these names, those that the user has. A claim that `is_list` says to be a
    /// list is always an array. Any other array of one value is written as that value, as
    /// `IdentityServer4` does.
    pub fn select<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        is_list: impl Fn(&str) -> bool,
    ) -> Map<String, Value> {
        let selected = names.into_iter().filter_map(|name| {
            let value = match self.0.get(name)? {
                Value::Array(values) if values.len() == 1 && !is_list(name) => values[0].clone(),
                array @ Value::Array(_) => array.clone(),
                value if is_list(name) => Value::Array(vec![value.clone()]),
                value => value.clone(),
            };
            Some((name.to_owned(), value))
        });
        selected.collect()
    }
}

/// The form in which usernames are compared: without surrounding space, in lower case, and in
/// Unicode's composed form (NFC), so that it does not matter how a keyboard writes an accent (RFC
/// 8265 section 3.3).
pub fn normalized_username(typed: &str) -> String {
    typed.trim().to_lowercase().nfc().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn user(password: &str, enabled: bool) -> User {
        let hash = format!("$argon2id$v=19$m=19456,t=2,p=1${}${password}", "A".repeat(22));
        User {
            sub: "1".to_owned(),
            username: "alice".to_owned(),
            password_hash: PasswordHash::parse(&hash).unwrap(),
            enabled,
            claims: Arc::default(),
        }
    }

    #[test]
    fn an_import_takes_over_what_is_configured_otherwise_than_before() {
        let password = |letter: &str| letter.repeat(43);
        let (first, second) = (user(&password("A"), true), user(&password("E"), true));
        assert_eq!(User::imported(&first, None, None), Some(first.clone()));
        assert_eq!(User::imported(&first, None, Some(second.clone())), Some(first.clone()));
        // Another password and disabled since: both stay as long as the configuration says the
        // same.
        let changed = user(&password("I"), false);
        assert_eq!(
            User::imported(&first, Some(&first), Some(changed.clone())),
            Some(changed.clone())
        );
        let imported = User::imported(&second, Some(&first), Some(changed));
        assert_eq!(
            imported,
            Some(user(&password("E"), false)),
            "the new password, and nothing else"
        );
    }

    #[test]
    fn a_removed_user_comes_back_when_something_else_is_configured() {
        let (first, second) = (user(&"A".repeat(43), true), user(&"E".repeat(43), true));
        assert_eq!(User::imported(&first, Some(&first), None), None);
        assert_eq!(User::imported(&second, Some(&first), None), Some(second.clone()));
    }

    #[test]
    fn selects_what_is_there_and_unwraps_single_values() {
        let Value::Object(claims) =
            json!({"role": ["admin"], "group": ["a", "b"], "email": "x@y.z"})
        else {
            unreachable!()
        };
        let selected = UserClaims(claims).select(["role", "group", "phone_number"], |_| false);
        assert_eq!(Value::Object(selected), json!({"role": "admin", "group": ["a", "b"]}));
    }

    #[test]
    fn a_list_is_an_array_however_many_values_it_has() {
        let Value::Object(claims) = json!({"groups": ["staff"], "roles": "admin", "none": []})
        else {
            unreachable!()
        };
        let selected = UserClaims(claims).select(["groups", "roles", "none"], |_| true);
        assert_eq!(
            Value::Object(selected),
            json!({"groups": ["staff"], "roles": ["admin"], "none": []})
        );
    }

    #[test]
    fn usernames_compare_without_case_and_space() {
        assert_eq!(normalized_username(" Alice "), "alice");
    }

    #[test]
    fn usernames_compare_however_their_accents_are_written() {
        let (composed, decomposed) = ("Zo\u{eb}", "Zoe\u{308}");
        assert_eq!(normalized_username(composed), "zo\u{eb}");
        assert_eq!(normalized_username(decomposed), "zo\u{eb}");
        // Lower case is not folding: these stay two names (RFC 8265 section 3.3.2).
        assert_ne!(normalized_username("stra\u{df}e"), normalized_username("strasse"));
    }
}
