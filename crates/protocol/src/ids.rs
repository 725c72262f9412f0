//! Identifiers: of users, clients, sessions and grants. Each is a type of its own, so that no
//! function can be given one in place of another. A text is checked once, where it comes in.
//!
//! ```
//! use doorward_protocol::ids::{ClientId, InvalidId, Sub};
//!
//! let user = Sub::parse("248289761001")?;
//! assert_eq!(user, "248289761001");
//! assert!(user.starts_with("248"), "it can be read like any text");
//! assert!(Sub::parse("").is_err());
//! assert!(Sub::parse("Zoë").is_err(), "only ASCII");
//! assert!(ClientId::parse("x".repeat(256)).is_err());
//! # Ok::<(), InvalidId>(())
//! ```

use std::{borrow::Borrow, fmt, ops::Deref, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::base64url;

/// The text is not an identifier of its kind. The message says what one looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidId(&'static str);

impl InvalidId {
    /// What an identifier of the kind looks like.
    pub const fn rule(self) -> &'static str {
        self.0
    }
}

/// Whether the text has 1 to `longest` printable characters of ASCII, without spaces.
fn is_graphic(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The longest name of an identity provider.
const LONGEST_PROVIDER_NAME: usize = 32;

/// Whether a text can be the name of an identity provider, which is in addresses: 1 to 32
/// lower-case letters of ASCII, digits and hyphens. Provider and pages share this rule.
///
/// ```
/// use doorward_protocol::ids::is_identity_provider_name;
///
/// assert!(is_identity_provider_name("google-2"));
/// assert!(!is_identity_provider_name("Google"));
/// ```
pub fn is_identity_provider_name(text: &str) -> bool {
    let is_of_a_name =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST_PROVIDER_NAME).contains(&text.len()) && text.bytes().all(is_of_a_name)
}

/// Defines an identifier: its type, which texts it accepts, and what the error says.
macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $accepts:expr, $rule:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks a text that comes from outside.
            ///
            /// # Errors
            /// If the text is too long, empty, or has another character than is allowed.
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
                let (text, accepts): (String, fn(&str) -> bool) = (text.into(), $accepts);
                if accepts(&text) { Ok(Self(text)) } else { Err(InvalidId($rule)) }
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }

        impl PartialEq<$name> for str {
            fn eq(&self, other: &$name) -> bool {
                *self == other.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }

        /// As the text.
        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, formatter)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(String::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    };
}

identifier! {
    /// The subject identifier of a user, as the provider itself knows the user: 1 to 255 ASCII
    /// characters (OIDC Core section 2), of them only printable ones without spaces. A client
    /// with pairwise subjects knows the user by another text, which is no `Sub`.
    Sub, |text| is_graphic(text, 255),
    "a sub has 1 to 255 printable ASCII characters without spaces (OIDC Core section 2)"
}

identifier! {
    /// The identifier of a client: 1 to 255 printable characters of ASCII (RFC 6749 appendix A.1).
    /// It may be the URL of the client's own description.
    ClientId,
    |text| {
        let is_printable = |byte| (0x20..=0x7E).contains(&byte);
        (1..=ClientId::LONGEST).contains(&text.len()) && text.bytes().all(is_printable)
    },
    "a client_id has 1 to 255 printable ASCII characters"
}

impl ClientId {
    /// The length of the longest one.
    pub const LONGEST: usize = 255;
}

identifier! {
    /// The public identifier of a session at the provider (`sid`, OIDC Front-Channel Logout
    /// section 3): 1 to 255 printable ASCII characters without spaces. It is not a secret, and not
    /// the session's cookie.
    SessionId, |text| is_graphic(text, 255),
    "a sid has 1 to 255 printable ASCII characters without spaces"
}

identifier! {
    /// The identifier of a grant: 1 to 255 printable ASCII characters without spaces. Tokens name
    /// the grant that they come from by it, so it is not a secret.
    GrantId, |text| is_graphic(text, 255),
    "a grant has an identifier of 1 to 255 printable ASCII characters without spaces"
}

/// Implements the identifiers that a provider draws at random.
macro_rules! drawn {
    ($($name:ident),+) => {
        $(
            /// The base64url of the bytes: 22 characters.
            impl From<[u8; 16]> for $name {
                fn from(bytes: [u8; 16]) -> Self {
                    Self(base64url::encode(bytes))
                }
            }
        )+
    };
}

drawn!(Sub, SessionId, GrantId);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn what_oidc_core_forbids_is_no_sub() {
        for accepted in ["1", "248289761001", "alice@example.com", &"x".repeat(255)] {
            assert_eq!(Sub::parse(accepted).unwrap(), accepted);
        }
        for refused in ["", "Zo\u{eb}", "a b", "a\0", "a\n", "\u{7f}", &"x".repeat(256)] {
            assert!(Sub::parse(refused).is_err(), "{refused:?}");
            assert!(SessionId::parse(refused).is_err(), "{refused:?}");
            assert!(GrantId::parse(refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn a_client_id_may_have_spaces_and_be_a_url() {
        for accepted in ["page", "my app", "http://localhost:4000/mcp", &"x".repeat(255)] {
            assert_eq!(ClientId::parse(accepted).unwrap(), accepted);
        }
        for refused in ["", "Zo\u{eb}", "a\0", "a\t", "\u{7f}", &"x".repeat(256)] {
            assert!(ClientId::parse(refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn json_is_checked_like_any_text() {
        let sub: Sub = serde_json::from_str("\"alice\"").unwrap();
        assert_eq!(serde_json::to_string(&sub).unwrap(), "\"alice\"");
        let error = serde_json::from_str::<Sub>("\"\"").unwrap_err().to_string();
        assert!(error.contains("a sub has 1 to 255"), "{error}");
        assert!(serde_json::from_str::<ClientId>("17").is_err());
    }

    #[test]
    fn it_is_shown_and_found_as_its_text() {
        let id: ClientId = "page".parse().unwrap();
        assert_eq!((format!("{id}"), format!("{id:?}")), ("page".into(), "\"page\"".into()));
        assert_eq!(format!("{id:>6}"), "  page");
        let known = HashMap::from([(id, 1)]);
        assert_eq!(known.get("page"), Some(&1));
    }
}
