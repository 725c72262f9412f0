//! Claims of ID tokens (OIDC Core section 2) and of access tokens (RFC 9068 section 2.2).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    ids::{ClientId, GrantId},
    scope::Scope,
    thumbprint::Thumbprint,
};

/// `aud`: one recipient or several (RFC 7519 section 4.1.3).
///
/// ```
/// use doorward_protocol::claims::Audience;
///
/// let audience = Audience::from(vec!["orders".to_owned()]);
/// assert!(audience.contains("orders"));
/// assert_eq!(serde_json::to_string(&audience).unwrap(), r#""orders""#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(clippy::exhaustive_enums, reason = "RFC 7519 has these two forms")]
pub enum Audience {
    /// Written as a string.
    One(String),
    /// Written as an array.
    Many(Vec<String>),
}

impl Audience {
    /// Whether the recipient is named.
    pub fn contains(&self, recipient: &str) -> bool {
        self.iter().any(|own| own == recipient)
    }

    /// Every recipient.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many.as_slice(),
        }
        .iter()
        .map(String::as_str)
    }
}

impl From<Vec<String>> for Audience {
    /// A single recipient becomes a string, which every verifier reads.
    fn from(mut recipients: Vec<String>) -> Self {
        if recipients.len() == 1 { Self::One(recipients.remove(0)) } else { Self::Many(recipients) }
    }
}

/// The claims of an ID token as the provider writes them (OIDC Core section 2). Times are seconds
/// since 1970 (UTC).
///
/// ```
/// use doorward_protocol::claims::IdTokenClaims;
/// use serde_json::json;
///
/// // OpenID Connect Core section 2, the example.
/// let claims: IdTokenClaims = serde_json::from_value(json!({
///     "iss": "https://server.example.com", "sub": "24400320", "aud": "s6BhdRkqt3",
///     "nonce": "n-0S6_WzA2Mj", "exp": 1311281970, "iat": 1311280970, "auth_time": 1311280969,
///     "acr": "urn:mace:incommon:iap:silver", "email": "janedoe@example.com",
/// }))?;
/// assert!(claims.aud.contains("s6BhdRkqt3"));
/// assert_eq!(claims.nonce.as_deref(), Some("n-0S6_WzA2Mj"));
/// assert_eq!(claims.extra["email"], "janedoe@example.com");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a provider decides about each claim")]
pub struct IdTokenClaims {
    /// Issuer identifier.
    pub iss: String,
    /// The user, unique at the issuer.
    pub sub: String,
    /// The client.
    pub aud: Audience,
    /// Not to be accepted from this time on.
    pub exp: i64,
    /// Issued at.
    pub iat: i64,
    /// When the user authenticated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// The request's `nonce`, unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Authentication context class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Authentication methods (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Left half of the access token's hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    /// The session at the provider (OIDC Front-Channel Logout section 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Claims about the user.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The claims of a JWT access token (RFC 9068 section 2.2). Times are seconds since 1970 (UTC).
///
/// ```
/// use doorward_protocol::claims::AccessTokenClaims;
/// use serde_json::json;
///
/// let claims: AccessTokenClaims = serde_json::from_value(json!({
///     "iss": "https://id.example", "sub": "alice", "aud": ["orders", "invoices"],
///     "client_id": "shop", "jti": "1", "iat": 1700000000, "exp": 1700000300,
///     "scope": "orders.read", "role": "clerk",
/// }))?;
/// assert!(claims.aud.contains("orders") && claims.scope.contains("orders.read"));
/// assert_eq!(claims.extra["role"], "clerk");
/// assert!(claims.cnf.is_none(), "a bearer token: it is bound to no key");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a provider decides about each claim")]
pub struct AccessTokenClaims {
    /// Issuer identifier.
    pub iss: String,
    /// Not to be accepted from this time on.
    pub exp: i64,
    /// The APIs that the token is for.
    pub aud: Audience,
    /// The user, or the client where there is no user.
    pub sub: String,
    /// The client that asked for the token.
    pub client_id: ClientId,
    /// Issued at.
    pub iat: i64,
    /// Not to be accepted before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// Unique to the token.
    pub jti: String,
    /// The granted scope.
    #[serde(default, skip_serializing_if = "Scope::is_empty")]
    pub scope: Scope,
    /// When the user authenticated (RFC 9470 section 6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// How strongly the user authenticated (RFC 9470 section 6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The grant that the token was issued from; with it the provider's userinfo endpoint notices a
    /// revoked grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<GrantId>,
    /// The session at the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The key that the sender of the token must prove to have. Without it, the token is a bearer
    /// token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// Claims about the user (`role`, `department`, `email` …).
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A `NumericDate`: seconds since 1970 (UTC). A fraction is allowed and dropped (RFC 7519 section
/// 2).
///
/// ```
/// use doorward_protocol::claims::numeric_date;
/// use serde_json::json;
///
/// assert_eq!(numeric_date(&json!(1_800_000_000.9)), Some(1_800_000_000));
/// assert_eq!(numeric_date(&json!("1800000000")), None);
/// ```
pub fn numeric_date(value: &Value) -> Option<i64> {
    #[allow(clippy::cast_possible_truncation)]
    // The conversion saturates, far from every time of interest.
    value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
}

/// `cnf`: the key that a token is bound to (RFC 7800 section 3.1).
///
/// ```
/// use doorward_protocol::claims::Confirmation;
///
/// // Bound to a certificate, of which a DPoP proof says nothing (RFC 8705 section 3.1).
/// let certificate: Confirmation =
///     serde_json::from_str(r#"{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}"#)?;
/// assert_eq!(certificate.sole_key(), None);
///
/// let key = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
/// let bound: Confirmation = serde_json::from_str(&format!(r#"{{"jkt":"{key}"}}"#))?;
/// assert_eq!(bound.sole_key().map(|jkt| jkt.as_str()), Some(key));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Confirmation {
    /// Thumbprint of the key of which DPoP proofs show possession (RFC 9449 section 6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jkt: Option<Thumbprint>,
    /// Other methods of confirmation.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Confirmation {
    /// Bound to this key.
    pub fn by_key(jkt: Thumbprint) -> Self {
        Self { jkt: Some(jkt), other: Map::new() }
    }

    /// The key, if the proof of it is all that is required; `None` if something else is required
    /// that DPoP can't prove.
    pub fn sole_key(&self) -> Option<&Thumbprint> {
        self.jkt.as_ref().filter(|_| self.other.is_empty())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 9068 section 2.2.4, the example claims.
    #[test]
    fn reads_the_access_token_example_of_rfc_9068() {
        let claims: AccessTokenClaims = serde_json::from_str(
            r#"{"iss":"https://authorization-server.example.com/","sub":"5ba552d67",
                "aud":"https://rs.example.com/","exp":1639528912,"iat":1618354090,
                "jti":"dbe39bf3a3ba4238a513f51d6e1691c4","client_id":"s6BhdRkqt3",
                "scope":"openid profile reademail"}"#,
        )
        .unwrap();
        assert!(claims.aud.contains("https://rs.example.com/"));
        assert!(claims.scope.contains("reademail"));
        assert_eq!(claims.exp, 1_639_528_912);
    }

    /// RFC 9449 section 6.1, the `cnf` of the example; and RFC 8705 section 3.1, which DPoP can't
    /// confirm.
    #[test]
    fn a_confirmation_names_the_key() {
        let read = |json: &str| serde_json::from_str::<Confirmation>(json).unwrap();
        let example = r#"{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"#;
        assert_eq!(serde_json::to_string(&read(example)).unwrap(), example);
        assert_eq!(
            read(example).sole_key().unwrap().as_str(),
            "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
        );
        let certificate = r#"{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}"#;
        assert_eq!(read(certificate).sole_key(), None);
        assert!(serde_json::from_str::<Confirmation>(r#"{"jkt":"short"}"#).is_err());
    }

    #[test]
    fn one_recipient_is_written_as_a_string() {
        assert_eq!(serde_json::to_string(&Audience::from(vec!["a".to_owned()])).unwrap(), "\"a\"");
        let two = Audience::from(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(serde_json::to_string(&two).unwrap(), r#"["a","b"]"#);
        assert!(two.contains("b") && !two.contains("c"));
    }
}
