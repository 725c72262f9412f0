//! What people type about accounts: user names, e-mail addresses, names of groups. Provider and
//! pages share these rules.

use std::{borrow::Borrow, fmt, ops::Deref, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de};

/// The longest user name in bytes.
const LONGEST_USERNAME: usize = 255;
/// The longest address in bytes (RFC 5321 section 4.5.3.1.3, without the angle brackets).
const LONGEST: usize = 254;
/// The longest part before the `@` in bytes (RFC 5321 section 4.5.3.1.1).
const LONGEST_LOCAL_PART: usize = 64;

/// The text is not a user name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a username has 1 to 255 bytes without control characters")]
#[non_exhaustive]
pub struct NoUsername;

/// The user name that somebody typed, without the space around it: 1 to 255 bytes without control
/// characters.
///
/// ```
/// use doorward_protocol::account::checked_username;
///
/// assert_eq!(checked_username(" ada ").as_deref(), Ok("ada"));
/// assert!(checked_username("  ").is_err());
/// ```
///
/// # Errors
/// The text is empty, longer than 255 bytes, or has control characters.
pub fn checked_username(typed: &str) -> Result<String, NoUsername> {
    let username = typed.trim();
    let is_one = !username.is_empty()
        && username.len() <= LONGEST_USERNAME
        && !username.chars().any(char::is_control);
    if is_one { Ok(username.to_owned()) } else { Err(NoUsername) }
}

/// Whether a text in Unicode's composed form (NFC) is an e-mail address: a dot-atom, `@`, and a
/// host name (RFC 5322 section 3.4.1; RFC 6531 for letters beyond ASCII).
///
/// ```
/// use doorward_protocol::account::is_email_address;
///
/// assert!(is_email_address("ada+news@example.com"));
/// assert!(!is_email_address("ada@example.com, bob@example.com"));
/// ```
pub fn is_email_address(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(local, domain)| {
        text.len() <= LONGEST
            && local.len() <= LONGEST_LOCAL_PART
            && !local.starts_with(['-', '/'])
            && local.split('.').all(is_atom)
            && domain.split('.').all(is_label)
    })
}

/// RFC 5322 section 3.2.3, and letters and digits of any script. Left out are `%`, `!`, `|` and the
/// backtick: mail servers read them as a way to another address, or worse.
fn is_atom(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|letter| letter.is_alphanumeric() || "#$&'*+-/=?^_{}~".contains(letter))
}

fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 63
        && text.chars().all(|letter| letter.is_alphanumeric() || letter == '-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// The name of a group: 1 to 64 ASCII letters, digits, and `.`, `_`, `-`, `:` and `/` between them.
///
/// ```
/// use doorward_protocol::account::GroupName;
///
/// let group = GroupName::parse("eu/sales")?;
/// assert_eq!(group.as_str(), "eu/sales");
/// assert!(GroupName::parse("Sales team").is_err());
/// # Ok::<(), doorward_protocol::account::InvalidGroupName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct GroupName(String);

/// The text is not the name of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the name of a group has 1 to 64 letters (a to z), digits, and . _ - : / between them; it \
     begins and ends with a letter or a digit"
)]
#[non_exhaustive]
pub struct InvalidGroupName;

impl GroupName {
    /// Checks a text that comes from outside.
    ///
    /// # Errors
    /// The text is not the name of a group.
    pub fn parse(text: &str) -> Result<Self, InvalidGroupName> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric();
        let bytes = text.as_bytes();
        let ends = bytes.first().zip(bytes.last());
        let is_name = text.len() <= 64
            && ends.is_some_and(|(first, last)| is_plain(*first) && is_plain(*last))
            && bytes.iter().all(|byte| is_plain(*byte) || b"._-:/".contains(byte));
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidGroupName) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GroupName {
    type Err = InvalidGroupName;

    fn from_str(text: &str) -> Result<Self, InvalidGroupName> {
        Self::parse(text)
    }
}

impl Deref for GroupName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for GroupName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for GroupName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_name_has_no_space_around_it_and_no_control_characters() {
        assert_eq!(checked_username(" ada lovelace "), Ok("ada lovelace".to_owned()));
        for typed in ["", "  ", "a\u{0}b", "a\nb", &"x".repeat(256)] {
            assert_eq!(checked_username(typed), Err(NoUsername), "{typed:?}");
        }
    }

    #[test]
    fn an_address_has_one_form() {
        for text in ["ada@example.com", "a.b+c@x", "jos\u{e9}@b\u{fc}cher.example"] {
            assert!(is_email_address(text), "{text}");
        }
        for text in ["", "ada", "@example.com", "ada@", "a b@example.com", "-a@x", "a..b@x"] {
            assert!(!is_email_address(text), "{text}");
        }
    }

    #[test]
    fn a_group_has_a_plain_name() {
        for text in ["a", "sales", "eu/sales:leads.1_2-3"] {
            assert!(GroupName::parse(text).is_ok(), "{text}");
        }
        for text in ["", "-a", "a-", "a b", "\u{e4}", &"x".repeat(65)] {
            assert!(GroupName::parse(text).is_err(), "{text}");
        }
    }
}
