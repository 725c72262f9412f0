//! The scope of a request or a token (RFC 6749 section 3.3).
//!
//! ```text
//! scope       = scope-token *( SP scope-token )
//! scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
//! ```

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Signs the user in (OIDC Core section 3.1.2.1).
pub const OPENID: &str = "openid";
/// Asks for refresh tokens (OIDC Core section 11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// More tokens than any request has; it also bounds the work that a hostile request can cause.
const MAX_TOKENS: usize = 100;

/// An ordered set of scope tokens, in the order of the request, each once.
///
/// ```
/// use doorward_protocol::scope::{InvalidScope, Scope};
///
/// let granted: Scope = "openid profile orders.read".parse()?;
/// let asked: Scope = "orders.read openid openid".parse()?;
/// assert!(asked.is_subset_of(&granted));
/// assert_eq!(asked.to_string(), "orders.read openid");
/// assert!("a\"b".parse::<Scope>().is_err());
/// # Ok::<(), InvalidScope>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope(Vec<String>);

/// The text is not a scope by the grammar of RFC 6749 section 3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a scope is a list of tokens of printable ASCII characters without quotes and backslashes, \
     separated by single spaces"
)]
#[non_exhaustive]
pub struct InvalidScope;

impl Scope {
    /// Whether the token belongs to the scope.
    pub fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|own| own == token)
    }

    /// Whether every token of this scope belongs to the other.
    pub fn is_subset_of(&self, other: &Self) -> bool {
        self.0.iter().all(|token| other.contains(token))
    }

    /// Whether no token is there.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tokens in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// This scope and the tokens of the other that it lacks.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let added = other.0.iter().filter(|token| !self.contains(token));
        Self(self.0.iter().chain(added).cloned().collect())
    }

    /// The tokens for which the rule holds, in their order.
    #[must_use]
    pub fn filtered(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|token| keep(token)).cloned().collect())
    }
}

/// Whether the text is one scope token.
pub fn is_scope_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

impl FromStr for Scope {
    type Err = InvalidScope;

    /// Reads a scope; repeated tokens count once, surplus spaces are accepted as separators.
    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        let mut tokens: Vec<String> = Vec::new();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            if !is_scope_token(token) || tokens.len() == MAX_TOKENS {
                return Err(InvalidScope);
            }
            if !tokens.iter().any(|own| own == token) {
                tokens.push(token.to_owned());
            }
        }
        Ok(Self(tokens))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, token) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str(" ")?;
            }
            formatter.write_str(token)?;
        }
        Ok(())
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_union_has_each_token_once() {
        let scope = |text: &str| text.parse::<Scope>().unwrap();
        assert_eq!(scope("a b").union(&scope("b c a")), scope("a b c"));
    }

    #[test]
    fn reads_and_writes_in_order_once() {
        let scope: Scope = "openid  profile openid".parse().unwrap();
        assert_eq!(scope.to_string(), "openid profile");
        assert!(scope.contains("profile"));
        assert!(!scope.contains("pro"));
    }

    #[test]
    fn refuses_characters_outside_the_grammar() {
        for text in ["a\"b", "a\\b", "a\tb", "ä", "a\nb", "\u{7f}"] {
            assert_eq!(text.parse::<Scope>(), Err(InvalidScope), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn writing_then_reading_gives_the_same(
            text in "[!#-\\[\\]-~]{1,8}( [!#-\\[\\]-~]{1,8}){0,5}",
        ) {
            let scope: Scope = text.parse().unwrap();
            prop_assert_eq!(scope.to_string().parse::<Scope>().unwrap(), scope);
        }

        #[test]
        fn any_text_reads_or_is_refused(text in ".*") {
            let _ = text.parse::<Scope>();
        }
    }
}
