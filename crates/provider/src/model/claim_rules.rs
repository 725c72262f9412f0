//! The claims that an operator may give a user.

use serde_json::{Map, Value};

use crate::model::{
    client::is_reserved_claim,
    group::{GROUPS, ROLE},
    settings_error::SettingsError,
    user::{ADMIN_ROLE_CLAIM, UserClaims},
};

/// Claims that give rights, or say that something is known to be the user's. They come from
/// operators, and never from what somebody may have written about themselves.
pub const SAID_BY_OPERATORS: [&str; 6] =
    [ROLE, GROUPS, ADMIN_ROLE_CLAIM, "email", "email_verified", "phone_number_verified"];

/// Refuses claims that a user can't have: the provider itself puts them into tokens, or not every
/// store keeps them.
pub fn check_claims(claims: Map<String, Value>) -> Result<UserClaims, SettingsError> {
    for (name, value) in &claims {
        if is_reserved_claim(name) {
            return Err(SettingsError::new("claims", name, "the provider sets this claim itself"));
        }
        if holds_toml_date(value) {
            return Err(SettingsError::new("claims", name, "write a date as a text, in quotes"));
        }
        if name.contains('\0') || has_nul(value) {
            return Err(SettingsError::new("claims", name, "a text has no character NUL"));
        }
    }
    Ok(UserClaims(claims))
}

/// Whether a text in it, or a name of a member, has the character NUL, which not every store keeps.
pub fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(members) => {
            members.iter().any(|(name, value)| name.contains('\0') || has_nul(value))
        }
        _ => false,
    }
}

/// A TOML date arrives as a table with this one key, which must not get into tokens.
fn holds_toml_date(value: &Value) -> bool {
    match value {
        Value::Object(table) => {
            table.contains_key("$__toml_private_datetime") || table.values().any(holds_toml_date)
        }
        Value::Array(values) => values.iter().any(holds_toml_date),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn no_claim_has_the_character_nul() {
        for claims in [json!({"a": {"b": ["\0"]}}), json!({"a\0": 1}), json!({"a": {"\0": 1}})] {
            let refused = check_claims(claims.as_object().unwrap().clone()).unwrap_err();
            assert!(refused.problem.contains("NUL"), "{claims}");
        }
        assert!(check_claims(Map::from_iter([("a".to_owned(), json!("\\u0000"))])).is_ok());
    }
}
