//! Identities of users at other providers: an issuer and a subject (OIDC Core section 2), and never
//! an e-mail address, which may be somebody else's tomorrow.

use std::{fmt, ops::Deref, str::FromStr};

use doorward_protocol::ids::{SessionId, Sub};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};

use crate::model::{
    claim_mapping::{ClaimMapping, pointer_to},
    identity_provider::{IdentityProvider, IdentityProviderName},
    session::{Authentication, UpstreamSession},
    time::Timestamp,
    user::UserClaims,
};

/// How many identities may be linked with one user.
pub const MOST_IDENTITIES: u32 = 20;
/// The longest issuer in bytes.
const LONGEST_ISSUER: usize = 1000;
/// The longest identifier of a session that is kept, in bytes.
const LONGEST_SID: usize = 255;
/// The longest text by which a user is shown, in characters.
const LONGEST_SHOWN: usize = 100;

/// Who somebody is, as another provider says, after its answer was verified.
#[derive(Debug, Clone)]
pub struct UpstreamUser {
    /// The issuer of the verified answer.
    pub issuer: String,
    /// The subject as it was sent: the `sub`, or the claim that the setting names in its place.
    pub sub: String,
    /// Every claim, of the ID token and of userinfo.
    pub claims: Map<String, Value>,
    /// When the user proved there who they are.
    pub auth_time: Option<Timestamp>,
    /// By what (RFC 8176).
    pub amr: Vec<String>,
    /// How strongly, in the provider's own words.
    pub acr: Option<String>,
    /// The session there.
    pub sid: Option<String>,
    /// What a SCIM client of the same directory calls the user, by the claim of the ID token that
    /// the provider's setting names.
    pub provisioned_as: Option<String>,
}

/// An identity at another provider. Both parts are compared byte by byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExternalId {
    /// Who vouches for it.
    pub issuer: Issuer,
    /// Whom it calls so.
    pub subject: ExternalSubject,
}

/// The identity is none: the issuer or the subject is empty, too long, or not ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the identity has no subject of 1 to 255 ASCII characters, or no issuer (OIDC Core 2)")]
pub struct InvalidExternalId;

/// Defines a text that is checked.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $is_valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Checks a text that comes from outside.
            pub fn parse(text: &str) -> Result<Self, InvalidExternalId> {
                let is_valid: fn(&str) -> bool = $is_valid;
                if is_valid(text) { Ok(Self(text.to_owned())) } else { Err(InvalidExternalId) }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidExternalId;

            fn from_str(text: &str) -> Result<Self, InvalidExternalId> {
                Self::parse(text)
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    };
}

checked_text!(
    /// The issuer identifier of another provider, in ASCII.
    Issuer,
    |text| (1..=LONGEST_ISSUER).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic())
);
checked_text!(
    /// A subject identifier of another provider: 1 to 255 ASCII characters (OIDC Core section 2).
    /// None of them is a control character.
    ExternalSubject,
    |text| (1..=255).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
);

impl ExternalId {
    /// Checks an issuer and a subject that come from outside.
    pub fn parse(issuer: &str, subject: &str) -> Result<Self, InvalidExternalId> {
        Ok(Self { issuer: Issuer::parse(issuer)?, subject: ExternalSubject::parse(subject)? })
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at {}", self.subject, self.issuer)
    }
}

/// An identity that is linked with a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredIdentity {
    /// The identity. No two users have the same one.
    pub id: ExternalId,
    /// The user.
    pub sub: Sub,
    /// The name of the provider in the configuration, when it was used last.
    pub provider: IdentityProviderName,
    /// What the provider called the user last, for people: an address or a name.
    pub shown: Option<String>,
    /// What the claims of the last sign-in gave by the mapping. It is replaced with each sign-in,
    /// and goes with the link.
    pub mapped: UserClaims,
    /// When it was linked.
    pub created_at: Timestamp,
    /// When the provider vouched for the user last: at a sign-in, or when a directory was asked
    /// again.
    pub used_at: Option<Timestamp>,
}

impl StoredIdentity {
    /// Whether the user can sign in by it, where users sign in by these providers.
    pub fn is_at_one_of(&self, providers: &[IdentityProvider]) -> bool {
        providers.iter().any(|provider| provider.issues_as(&self.id.issuer))
    }

    /// The identity as mails and lists call it: the provider, and the user there.
    pub fn called(&self, title: &str) -> String {
        match &self.shown {
            Some(shown) => format!("{title} ({shown})"),
            None => title.to_owned(),
        }
    }
}

/// What a sign-in by an identity leaves behind in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityUse {
    /// The name of the provider in the configuration.
    pub provider: IdentityProviderName,
    /// What the provider calls the user.
    pub shown: Option<String>,
    /// What the claims give by the mapping.
    pub mapped: UserClaims,
    /// When.
    pub at: Timestamp,
}

/// Who wants to link an identity, and in which session: so that nobody's identity is linked with
/// the account of somebody else who is led through the end of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkIntent {
    sub: Sub,
    sid: SessionId,
}

impl LinkIntent {
    /// Of the user of this session.
    pub fn of(session: &Authentication) -> Self {
        Self { sub: session.sub.clone(), sid: session.sid.clone() }
    }

    /// Whether it was this session in which it began.
    pub fn began_in(&self, session: &Authentication) -> bool {
        self.sub == session.sub && self.sid == session.sid
    }
}

impl UpstreamUser {
    /// Who it is, if the provider names them as the specification wants it.
    pub fn id(&self) -> Result<ExternalId, InvalidExternalId> {
        ExternalId::parse(&self.issuer, &self.sub)
    }

    /// The session there, as it is kept.
    pub fn session(&self) -> Result<UpstreamSession, InvalidExternalId> {
        let is_kept = |sid: &String| sid.len() <= LONGEST_SID && !sid.contains(char::is_control);
        Ok(UpstreamSession { id: self.id()?, sid: self.sid.clone().filter(is_kept) })
    }

    /// A text among the claims, on one line and not too long; `None` if there is none.
    pub fn text(&self, name: &str) -> Option<String> {
        let text = self.claims.get(name)?.as_str()?.trim();
        let shown: String =
            text.chars().filter(|letter| !letter.is_control()).take(LONGEST_SHOWN).collect();
        (!shown.is_empty()).then_some(shown)
    }

    /// What people know the user by there: the address, the user name, or the full name.
    pub fn shown(&self) -> Option<String> {
        ["email", "preferred_username", "name"].into_iter().find_map(|name| self.text(name))
    }

    /// A claim that a rule reads, and that the provider has not sent, since it is kept elsewhere.
    /// `_claim_names` says so (OIDC Core section 5.6.2), or `hasgroups`, by which Entra ID says
    /// that a user has more groups than fit. To go on would take away what the rule gives.
    pub fn kept_elsewhere(&self, rules: &ClaimMapping) -> Option<&str> {
        let elsewhere = self.claims.get("_claim_names").and_then(Value::as_object);
        let has_groups = self.claims.get("hasgroups");
        let has_groups = has_groups.is_some_and(|has| *has == true || *has == "true");
        let named = elsewhere.into_iter().flat_map(Map::keys).map(String::as_str);
        let mut absent = named
            .chain(has_groups.then_some("groups"))
            .filter(|name| !self.claims.contains_key(*name));
        absent.find(|name| rules.reads(&pointer_to(name)))
    }

    /// Whether the provider says that the address is the user's. Only the JSON value `true` does
    /// (OIDC Core section 5.1).
    pub fn says_verified(&self) -> bool {
        self.claims.get("email_verified") == Some(&Value::Bool(true))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_subject_is_short_ascii() {
        let issuer = "https://a.example";
        for subject in ["1", "auth0|5f7c8ec7c33c6c004bbafe82", " ", &"x".repeat(255)] {
            assert!(ExternalId::parse(issuer, subject).is_ok(), "{subject}");
        }
        for subject in ["", "\u{e9}", "a\nb", "a\0", &"x".repeat(256), &"x".repeat(10_240)] {
            assert_eq!(ExternalId::parse(issuer, subject), Err(InvalidExternalId));
        }
    }

    #[test]
    fn an_issuer_is_compared_byte_by_byte() {
        let id = |issuer: &str| ExternalId::parse(issuer, "1");
        assert_ne!(id("https://a.example"), id("https://A.example"));
        assert_ne!(id("https://a.example"), id("https://a.example/"));
        assert_eq!(id("https://\u{430}.example"), Err(InvalidExternalId));
        assert_eq!(id(""), Err(InvalidExternalId));
        assert_eq!(id("https://a.example "), Err(InvalidExternalId));
    }

    #[test]
    fn a_claim_that_is_kept_elsewhere_is_missed_if_a_rule_reads_it() {
        let rules = |from: &str| {
            let rules = json!([{"claim": "role", "from": from, "only": ["*"]}]);
            serde_json::from_value::<ClaimMapping>(rules).unwrap()
        };
        let user = |claims: Value| UpstreamUser {
            issuer: "https://a.example".to_owned(),
            sub: "1".to_owned(),
            claims: claims.as_object().cloned().unwrap(),
            auth_time: None,
            amr: Vec::new(),
            acr: None,
            sid: None,
            provisioned_as: None,
        };
        // As Entra ID documents it ("Groups overage claim").
        let overage = json!({
            "_claim_names": {"groups": "src1"},
            "_claim_sources": {"src1": {"endpoint": "https://graph.example/getMemberObjects"}},
        });
        for (claims, from, missed) in [
            (overage.clone(), "/groups", Some("groups")),
            (overage, "/roles", None),
            (json!({"hasgroups": true}), "/groups", Some("groups")),
            (json!({"hasgroups": "true"}), "/groups/0", Some("groups")),
            (json!({"hasgroups": false}), "/groups", None),
            (json!({"hasgroups": true, "groups": ["a"]}), "/groups", None),
            (json!({"_claim_names": {"a/b": "x"}}), "/a~1b", Some("a/b")),
            (json!({"_claim_names": "groups"}), "/groups", None),
            (json!({}), "/groups", None),
        ] {
            let user = user(claims);
            assert_eq!(user.kept_elsewhere(&rules(from)), missed, "{:?} {from}", user.claims);
        }
    }

    #[test]
    fn only_the_value_true_verifies_an_address() {
        for (claims, expected) in [
            (json!({"email_verified": true}), true),
            (json!({"email_verified": "true"}), false),
            (json!({"email_verified": 1}), false),
            (json!({"email_verified": [true]}), false),
            (json!({}), false),
        ] {
            let Value::Object(claims) = claims else { unreachable!() };
            let user = UpstreamUser {
                issuer: "https://a.example".to_owned(),
                sub: "1".to_owned(),
                claims,
                auth_time: None,
                amr: Vec::new(),
                acr: None,
                sid: None,
                provisioned_as: None,
            };
            assert_eq!(user.says_verified(), expected, "{:?}", user.claims);
        }
    }
}
