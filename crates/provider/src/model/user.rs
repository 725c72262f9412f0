//! Users: who may sign in, and what is known about them.

use std::{borrow::Cow, sync::Arc};

use doorward_protocol::ids::Sub;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization as _;

use crate::model::{
    email::{EmailAddress, normalized_email},
    group::{Group, ROLE, merged_claims},
    password::PasswordHash,
};

/// A user as the store keeps them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Subject identifier: unique, never given to anyone else (OIDC Core section 2).
    pub sub: Sub,
    /// What the user types; compared by [`normalized_username`].
    pub username: String,
    /// Argon2id; `None` if the user has no password, and so can't sign in by one.
    pub password_hash: Option<PasswordHash>,
    /// A user who is not enabled can neither sign in nor refresh.
    pub enabled: bool,
    /// The user's own claims by name. A claim with several values is an array. What the user has in
    /// all is told by [`User::all_claims`].
    pub claims: Arc<UserClaims>,
    /// The groups that the user is in, in the order of their names. The store fills them in; they
    /// change by commands of their own only.
    pub groups: Arc<Vec<Group>>,
    /// What the mappings of identity providers give, for each identity that is linked and gives
    /// something. The store fills it in; it changes with sign-ins only.
    pub mapped: Arc<Vec<UserClaims>>,
}

/// The claim that says what its user may do in the administration. It is one text.
pub const ADMIN_ROLE_CLAIM: &str = "admin_role";
/// The value of [`ADMIN_ROLE_CLAIM`] that may do everything. Once there is an enabled user who has
/// it, there always is one.
pub const OWNER: &str = "owner";

/// Claims about a user by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserClaims(pub Map<String, Value>);

impl User {
    /// The claims of this user: the user's own, those of the identities, and those of the groups,
    /// as [`merged_claims`] decides. Tokens, userinfo and policies must see these, and no others.
    pub fn all_claims(&self, is_list: impl Fn(&str) -> bool) -> Cow<'_, UserClaims> {
        if self.groups.is_empty() && self.mapped.is_empty() {
            return Cow::Borrowed(&self.claims);
        }
        Cow::Owned(merged_claims(&self.claims, &self.mapped, &self.groups, is_list))
    }

    /// Whether the user has this role, by themselves, by a group, or by an identity provider.
    pub fn has_role(&self, role: &str) -> bool {
        match self.all_claims(|_| false).0.get(ROLE) {
            Some(Value::Array(roles)) => roles.iter().any(|own| own == role),
            Some(own) => own == role,
            None => false,
        }
    }

    /// The claims, to be changed.
    pub fn claims_mut(&mut self) -> &mut Map<String, Value> {
        &mut Arc::make_mut(&mut self.claims).0
    }

    /// The e-mail address, if there is one.
    pub fn email(&self) -> Option<EmailAddress> {
        EmailAddress::parse(single(self.claims.0.get("email")?)?.as_str()?).ok()
    }

    /// The e-mail address in the form in which addresses are compared, if it is known to be the
    /// user's. No two users have the same one.
    pub fn verified_email(&self) -> Option<String> {
        let is_verified = single(self.claims.0.get("email_verified")?)? == &Value::Bool(true);
        let address = single(self.claims.0.get("email")?)?.as_str()?;
        (is_verified && !address.trim().is_empty()).then(|| normalized_email(address))
    }

    /// The language that the user reads, by the claim `locale`: `de` of `de-AT`. Mails are written
    /// in it, whichever language the browser has that made them: that may be a thief's.
    pub fn language(&self) -> Option<String> {
        let claims = self.all_claims(|_| false);
        let locale = single(claims.0.get("locale")?)?.as_str()?;
        let language = locale.split(['-', '_']).next()?.trim().to_ascii_lowercase();
        (!language.is_empty()).then_some(language)
    }

    /// What the user may do in the administration, by the name of the role.
    pub fn admin_role(&self) -> Option<&str> {
        let role = single(self.claims.0.get(ADMIN_ROLE_CLAIM)?)?.as_str()?;
        let is_name = !role.is_empty() && role.len() <= 32 && role.bytes().all(is_of_a_name);
        is_name.then_some(role)
    }

    /// What an import makes of a stored user: each of the configured values counts if it is another
    /// than at the last import, so that what was changed in the store since stays. A user who is
    /// not there is asked for; of one who was removed, the store refuses the `sub` then.
    pub fn imported(configured: &Self, last: Option<&Self>, stored: Option<Self>) -> Self {
        let Some((last, stored)) = last.zip(stored) else { return configured.clone() };
        Self {
            sub: stored.sub,
            username: pick(&configured.username, &last.username, stored.username),
            password_hash: pick(
                &configured.password_hash,
                &last.password_hash,
                stored.password_hash,
            ),
            enabled: pick(&configured.enabled, &last.enabled, stored.enabled),
            claims: pick(&configured.claims, &last.claims, stored.claims),
            groups: stored.groups,
            mapped: stored.mapped,
        }
    }
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte == b'_'
}

/// The value of a claim that has one.
fn single(claim: &Value) -> Option<&Value> {
    match claim {
        Value::Array(values) if values.len() == 1 => values.first(),
        Value::Array(_) => None,
        value => Some(value),
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

/// The same name with each accent apart (NFD). Names were stored as they were typed before they
/// were composed, and some keyboards type them so. A store looks for both.
pub fn decomposed_username(normalized: &str) -> String {
    normalized.nfd().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn user(password: &str, enabled: bool) -> User {
        let hash = format!("$argon2id$v=19$m=19456,t=2,p=1${}${password}", "A".repeat(22));
        User {
            sub: Sub::parse("1").unwrap(),
            username: "alice".to_owned(),
            password_hash: Some(PasswordHash::parse(&hash).unwrap()),
            enabled,
            claims: Arc::default(),
            groups: Arc::default(),
            mapped: Arc::default(),
        }
    }

    #[test]
    fn an_import_takes_over_what_is_configured_otherwise_than_before() {
        let password = |letter: &str| letter.repeat(43);
        let (first, second) = (user(&password("A"), true), user(&password("E"), true));
        assert_eq!(User::imported(&first, None, None), first);
        assert_eq!(User::imported(&first, None, Some(second.clone())), first);
        // Another password and disabled since: both stay as long as the configuration says the
        // same.
        let changed = user(&password("I"), false);
        assert_eq!(User::imported(&first, Some(&first), Some(changed.clone())), changed);
        let imported = User::imported(&second, Some(&first), Some(changed));
        assert_eq!(imported, user(&password("E"), false), "the new password, and nothing else");
    }

    #[test]
    fn a_user_who_is_not_there_is_asked_for() {
        let first = user(&"A".repeat(43), true);
        assert_eq!(User::imported(&first, Some(&first), None), first);
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
    fn only_a_verified_address_counts_as_the_users() {
        let verified = |claims: Value| {
            let Value::Object(claims) = claims else { unreachable!() };
            User { claims: UserClaims(claims).into(), ..user(&"A".repeat(43), true) }
                .verified_email()
        };
        assert_eq!(
            verified(json!({"email": " Ada@Example.com", "email_verified": true})).as_deref(),
            Some("ada@example.com")
        );
        assert_eq!(
            verified(json!({"email": ["ada@example.com"], "email_verified": [true]})).as_deref(),
            Some("ada@example.com")
        );
        for claims in [
            json!({"email": "ada@example.com"}),
            json!({"email": "ada@example.com", "email_verified": false}),
            json!({"email": "ada@example.com", "email_verified": "true"}),
            json!({"email": ["a@example.com", "b@example.com"], "email_verified": true}),
            json!({"email": " ", "email_verified": true}),
            json!({"email_verified": true}),
        ] {
            assert_eq!(verified(claims.clone()), None, "{claims}");
        }
    }

    #[test]
    fn the_language_is_the_first_part_of_the_locale() {
        let language = |locale: Value| {
            let claims = Map::from_iter([("locale".to_owned(), locale)]);
            User { claims: UserClaims(claims).into(), ..user(&"A".repeat(43), true) }.language()
        };
        for locale in [json!("de"), json!("de-AT"), json!("DE_de"), json!(["de-CH"])] {
            assert_eq!(language(locale.clone()).as_deref(), Some("de"), "{locale}");
        }
        for locale in [json!(""), json!("-de"), json!(7), json!(["de", "en"]), Value::Null] {
            assert_eq!(language(locale.clone()), None, "{locale}");
        }
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
        assert_eq!(decomposed_username("zo\u{eb}"), "zoe\u{308}");
        // Lower case is not folding: these stay two names (RFC 8265 section 3.3.2).
        assert_ne!(normalized_username("stra\u{df}e"), normalized_username("strasse"));
    }
}
