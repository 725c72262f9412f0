//! Who calls: the subject and the claims of a token that somebody else has verified.

use serde_json::{Map, Value};

/// The claim that names the caller (RFC 7519 section 4.1.2).
pub const SUBJECT_CLAIM: &str = "sub";
/// The claim that names who vouches for the caller (RFC 7519 section 4.1.1).
pub const ISSUER_CLAIM: &str = "iss";
/// The claim that carries the caller's roles, as one string or an array of strings.
pub const ROLE_CLAIM: &str = "role";
/// The claim that carries the granted scope, as a space-delimited string (RFC 9068 section 2.2.3);
/// some providers write an array of scope tokens instead.
pub const SCOPE_CLAIM: &str = "scope";

/// A caller. Building one verifies nothing: on the API the claims come from a verified access
/// token, in the browser from the signed-in user's own tokens, where a decision only shapes what
/// the page offers.
#[derive(Debug, Clone, PartialEq)]
pub struct Principal {
    sub: String,
    claims: Map<String, Value>,
}

/// The claims name nobody: `sub` is absent, empty, or not a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSubject;

impl std::fmt::Display for NoSubject {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the claims have no `sub` that names the caller")
    }
}

impl std::error::Error for NoSubject {}

impl Principal {
    /// A caller of whom only the subject is known.
    pub fn new(sub: impl Into<String>) -> Self {
        let sub = sub.into();
        let claims = Map::from_iter([(SUBJECT_CLAIM.to_owned(), Value::String(sub.clone()))]);
        Self { sub, claims }
    }

    /// The caller whom the claims describe; `sub` must name them.
    pub fn from_claims(claims: &Value) -> Result<Self, NoSubject> {
        claims.as_object().cloned().ok_or(NoSubject).and_then(Self::from_map)
    }

    /// [`Principal::from_claims`] for claims that are a map already.
    pub fn from_map(claims: Map<String, Value>) -> Result<Self, NoSubject> {
        match claims.get(SUBJECT_CLAIM).and_then(Value::as_str) {
            Some(sub) if !sub.is_empty() => Ok(Self { sub: sub.to_owned(), claims }),
            _ => Err(NoSubject),
        }
    }

    /// Adds or replaces a claim. The subject stays what it is.
    #[must_use]
    pub fn with_claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let name = name.into();
        if name != SUBJECT_CLAIM {
            self.claims.insert(name, value.into());
        }
        self
    }

    /// The subject.
    pub fn sub(&self) -> &str {
        &self.sub
    }

    /// The issuer that vouches for the caller: on the API always the one that the access token was
    /// verified for. Only together with it does the subject name one person, where there are
    /// several issuers.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get(ISSUER_CLAIM).and_then(Value::as_str)
    }

    /// Every claim, `sub` included.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The values of a claim that is a string or an array of strings. Values of another type are
    /// passed over: a policy that wants them reads [`Principal::claims`] in an assertion.
    pub fn claim_values(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = match self.claims.get(name) {
            Some(Value::Array(values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
            None => &[],
        };
        values.iter().filter_map(Value::as_str)
    }

    /// Whether the claim has the value, compared exactly.
    pub fn has_claim(&self, name: &str, value: &str) -> bool {
        self.claim_values(name).any(|own| own == value)
    }

    /// The caller's roles.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.claim_values(ROLE_CLAIM)
    }

    /// Whether the caller has the role.
    pub fn has_role(&self, role: &str) -> bool {
        self.has_claim(ROLE_CLAIM, role)
    }

    /// Whether the scope token was granted.
    pub fn has_scope(&self, token: &str) -> bool {
        self.claim_values(SCOPE_CLAIM).flat_map(|value| value.split(' ')).any(|own| own == token)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_may_be_a_string_or_an_array() {
        let one = Principal::new("carol").with_claim("role", "admin");
        let two = Principal::new("carol").with_claim("role", json!(["admin", 7, "user"]));
        assert_eq!(one.roles().collect::<Vec<_>>(), ["admin"]);
        assert_eq!(two.roles().collect::<Vec<_>>(), ["admin", "user"]);
        assert!(two.has_role("user") && !two.has_role("7") && !two.has_role("User"));
    }

    #[test]
    fn other_types_have_no_values() {
        for value in [json!(null), json!(true), json!(1), json!({"admin": "admin"})] {
            let principal = Principal::new("x").with_claim("role", value);
            assert_eq!(principal.roles().count(), 0);
        }
    }

    #[test]
    fn scope_is_read_by_its_tokens() {
        let text = Principal::new("x").with_claim("scope", "openid MyBackendApi2");
        let array = Principal::new("x").with_claim("scope", json!(["openid", "MyBackendApi2"]));
        for principal in [text, array] {
            assert!(principal.has_scope("MyBackendApi2"));
            assert!(!principal.has_scope("MyBackend"));
        }
    }

    #[test]
    fn claims_without_a_subject_are_nobody() {
        for claims in [json!({}), json!({"sub": ""}), json!({"sub": 7}), json!([])] {
            assert_eq!(Principal::from_claims(&claims), Err(NoSubject));
        }
        let alice = Principal::from_claims(&json!({"sub": "alice"})).unwrap();
        assert_eq!(alice, Principal::new("alice"));
        assert_eq!(alice.with_claim("sub", "bob").sub(), "alice");
    }
}
