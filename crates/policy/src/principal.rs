//! The caller: the subject and the claims of a token that somebody else has verified.

use serde_json::{Map, Value};

/// The claim that names the caller (RFC 7519 section 4.1.2).
pub const SUBJECT_CLAIM: &str = "sub";
/// The claim that names the issuer (RFC 7519 section 4.1.1).
pub const ISSUER_CLAIM: &str = "iss";
/// The claim that carries the caller's roles, as one string or an array of strings.
pub const ROLE_CLAIM: &str = "role";
/// The claim that carries the granted scope, as a space-delimited string (RFC 9068 section 2.2.3)
/// or, from some providers, as an array.
pub const SCOPE_CLAIM: &str = "scope";
/// The claim that says how strongly the user signed in (OIDC Core section 2, RFC 9470 section 6).
pub const ACR_CLAIM: &str = "acr";
/// The claim that says when the user signed in: seconds since 1970, UTC (OIDC Core section 2, RFC
/// 9470 section 6).
pub const AUTH_TIME_CLAIM: &str = "auth_time";

/// A caller. Building one verifies nothing. On an API the claims come from a verified access token.
/// In a browser they come from the user's own tokens, and a decision only shapes what the page
/// offers.
///
/// ```
/// use doorward_policy::Principal;
/// use serde_json::json;
///
/// let claims = json!({ "sub": "alice", "role": ["admin", "user"], "scope": "openid orders" });
/// let alice = Principal::from_claims(&claims)?;
/// assert_eq!(alice.sub(), "alice");
/// assert!(alice.has_role("user") && alice.has_scope("orders"));
/// # Ok::<(), doorward_policy::NoSubject>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Principal {
    sub: String,
    claims: Map<String, Value>,
}

/// The claims name no caller: `sub` is absent, empty, or not a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoSubject;

impl std::fmt::Display for NoSubject {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the claims have no `sub` that names the caller")
    }
}

impl std::error::Error for NoSubject {}

impl Principal {
    /// A caller with no claim but the subject.
    pub fn new(sub: impl Into<String>) -> Self {
        let sub = sub.into();
        let claims = Map::from_iter([(SUBJECT_CLAIM.to_owned(), Value::String(sub.clone()))]);
        Self { sub, claims }
    }

    /// The caller whom these claims describe.
    ///
    /// # Errors
    /// [`NoSubject`] if `sub` is absent, empty or not a string.
    pub fn from_claims(claims: &Value) -> Result<Self, NoSubject> {
        claims.as_object().cloned().ok_or(NoSubject).and_then(Self::from_map)
    }

    /// As [`Principal::from_claims`], by value.
    ///
    /// # Errors
    /// As [`Principal::from_claims`].
    pub fn from_map(claims: Map<String, Value>) -> Result<Self, NoSubject> {
        match claims.get(SUBJECT_CLAIM).and_then(Value::as_str) {
            Some(sub) if !sub.is_empty() => Ok(Self { sub: sub.to_owned(), claims }),
            _ => Err(NoSubject),
        }
    }

    /// As [`Principal::from_map`], of claims as a provider writes them. The roles are where the
    /// paths say, in place of `role`, if there are any. Each path is the name of a claim, or a JSON
    /// Pointer (RFC 6901) if it begins with a slash; of an object, the names of its members count.
    /// The scope is in `scope`, or else in `scp`.
    ///
    /// ```
    /// use doorward_policy::Principal;
    /// use serde_json::json;
    ///
    /// // Keycloak.
    /// let claims = json!({ "sub": "alice", "realm_access": { "roles": ["admin"] } });
    /// let claims = claims.as_object().cloned().unwrap_or_default();
    /// assert!(Principal::from_provider(claims, &["/realm_access/roles"])?.has_role("admin"));
    /// # Ok::<(), doorward_policy::NoSubject>(())
    /// ```
    ///
    /// # Errors
    /// As [`Principal::from_claims`].
    pub fn from_provider<P: AsRef<str>>(
        mut claims: Map<String, Value>,
        roles_at: &[P],
    ) -> Result<Self, NoSubject> {
        if let Some(scope) = claims.get("scp").filter(|_| !claims.contains_key(SCOPE_CLAIM)) {
            claims.insert(SCOPE_CLAIM.to_owned(), scope.clone());
        }
        if !roles_at.is_empty() {
            let whole = Value::Object(claims.clone());
            let roles: Vec<Value> =
                roles_at.iter().flat_map(|path| roles_in(&whole, path.as_ref())).collect();
            claims.insert(ROLE_CLAIM.to_owned(), roles.into());
        }
        Self::from_map(claims)
    }

    /// Adds or replaces a claim. The subject can't be replaced.
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

    /// The issuer that vouches for the caller. On an API it is the one whose keys verified the
    /// token. Where several issuers are trusted, only issuer and subject together name one person.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get(ISSUER_CLAIM).and_then(Value::as_str)
    }

    /// Every claim, `sub` included.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The values of a claim that is a string or an array of strings. Values of other types are
    /// skipped; an assertion can read them from [`Principal::claims`].
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

    /// How strongly the user signed in: the claim `acr`, if it is a string.
    pub fn acr(&self) -> Option<&str> {
        self.claims.get(ACR_CLAIM)?.as_str()
    }

    /// When the user signed in, in seconds since 1970 (UTC): the claim `auth_time`, if it is a
    /// number. A fraction is cut off.
    #[allow(clippy::cast_possible_truncation)] // What is out of range saturates.
    pub fn auth_time(&self) -> Option<i64> {
        let value = self.claims.get(AUTH_TIME_CLAIM)?;
        value.as_i64().or_else(|| Some(value.as_f64()? as i64))
    }

    /// Whether the scope token was granted.
    pub fn has_scope(&self, token: &str) -> bool {
        self.claim_values(SCOPE_CLAIM).flat_map(|value| value.split(' ')).any(|own| own == token)
    }
}

/// The roles at this place in the claims.
fn roles_in(claims: &Value, path: &str) -> Vec<Value> {
    let found = if path.starts_with('/') { claims.pointer(path) } else { claims.get(path) };
    match found {
        Some(Value::Array(values)) => values.clone(),
        // Zitadel: an object whose members are named by the roles.
        Some(Value::Object(members)) => members.keys().cloned().map(Value::from).collect(),
        one => one.cloned().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    /// As the presets of the API library find them.
    #[test]
    fn roles_and_scope_are_found_where_the_provider_has_them() {
        let keycloak = json!({
            "sub": "1", "role": "no role of this provider", "scope": "openid orders",
            "realm_access": { "roles": ["admin"] },
            "resource_access": { "orders": { "roles": ["clerk"] } },
        });
        let entra = json!({ "sub": "1", "scp": "orders", "roles": ["admin", "clerk"] });
        let zitadel = json!({
            "sub": "1", "scope": "orders",
            "urn:zitadel:iam:org:project:roles": { "admin": { "1": "x" }, "clerk": { "1": "x" } },
        });
        let one = json!({
            "sub": "1", "scp": ["openid", "orders"], "a/b": ["admin"], "group": "clerk",
        });
        let paths: [(_, &[&str]); 4] = [
            (keycloak, &["/realm_access/roles", "/resource_access/orders/roles"]),
            (entra, &["roles"]),
            (zitadel, &["urn:zitadel:iam:org:project:roles"]),
            (one, &["a/b", "group", "/not/there"]),
        ];
        for (claims, roles_at) in paths {
            let principal = |roles_at: &[&str]| {
                Principal::from_provider(claims.as_object().unwrap().clone(), roles_at).unwrap()
            };
            let found = principal(roles_at);
            assert_eq!(found.roles().collect::<Vec<_>>(), ["admin", "clerk"], "{claims}");
            assert!(found.has_scope("orders"), "{claims}");
            assert!(!principal(&[]).has_role("admin"), "{claims}");
        }
    }

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
