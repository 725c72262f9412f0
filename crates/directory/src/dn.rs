//! Distinguished names (RFC 4514), as far as they are compared and made here.

use std::fmt;

use ldap3::dn_escape;

/// A distinguished name, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dn(Vec<Rdn>);

/// The attributes of one level, each with its value. Most have one.
type Rdn = Vec<(String, String)>;

impl Dn {
    /// Takes a name apart; `None` if it is none. A value in the form of `#04…` (section 2.4) is
    /// kept as it is written.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut levels, mut level, mut rest) = (Vec::new(), Rdn::new(), text);
        loop {
            let (attribute, after) = rest.split_once('=')?;
            let attribute = attribute.trim();
            if !crate::template::is_attribute(attribute) {
                return None;
            }
            let (value, end, after) = value(after)?;
            level.push((attribute.to_ascii_lowercase(), value));
            match end {
                Some('+') => {}
                Some(_) => levels.push(std::mem::take(&mut level)),
                None => {
                    levels.push(level);
                    return Some(Self(levels));
                }
            }
            rest = after;
        }
    }

    /// Whether it is the other one, or below it.
    pub fn is_at_or_under(&self, base: &Self) -> bool {
        let is_same_level = |(own, other)| is_same(own, other);
        let is_at = self.0.len() == base.0.len() && self.0.iter().zip(&base.0).all(is_same_level);
        is_at || self.is_under(base)
    }

    /// The name of an entry below this one, which has this attribute with this value.
    #[must_use]
    pub fn child(&self, attribute: &str, value: &str) -> Self {
        let mut levels = vec![vec![(attribute.to_ascii_lowercase(), value.to_owned())]];
        levels.extend_from_slice(&self.0);
        Self(levels)
    }

    /// The lowest level as text, with each value escaped.
    pub fn lowest(&self) -> String {
        self.0.first().map(written).unwrap_or_default()
    }

    /// The same name with another value at its lowest level. `None`: that level has several
    /// attributes, or another one than this.
    pub fn renamed(&self, attribute: &str, value: &str) -> Option<Self> {
        match self.0.first()?.as_slice() {
            [(own, _)] if own.eq_ignore_ascii_case(attribute) => {
                Some(Self(self.0[1..].to_vec()).child(attribute, value))
            }
            _ => None,
        }
    }

    /// Whether it is below the other one. Values are compared without case, and several spaces
    /// between words count as one (RFC 4518 section 2.6.1), as most are by the directory.
    pub fn is_under(&self, base: &Self) -> bool {
        let Some(excess) = self.0.len().checked_sub(base.0.len()) else { return false };
        let pairs = self.0[excess..].iter().zip(&base.0);
        excess > 0 && pairs.into_iter().all(|(own, other)| is_same(own, other))
    }

    /// The value of the lowest level, if it has one attribute.
    pub fn first_value(&self) -> Option<&str> {
        match self.0.first()?.as_slice() {
            [(_, value)] => Some(value),
            _ => None,
        }
    }

    /// How many levels it has.
    #[allow(clippy::len_without_is_empty)] // None is empty.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Dn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let levels: Vec<String> = self.0.iter().map(written).collect();
        formatter.write_str(&levels.join(","))
    }
}

fn written(rdn: &Rdn) -> String {
    let parts = rdn.iter().map(|(name, value)| format!("{name}={}", dn_escape(value.as_str())));
    parts.collect::<Vec<_>>().join("+")
}

fn is_same(one: &Rdn, other: &Rdn) -> bool {
    let value = |text: &str| {
        text.split(' ')
            .filter(|word| !word.is_empty())
            .fold(String::new(), |text, word| text + " " + &word.to_lowercase())
    };
    let folded = |rdn: &Rdn| {
        let mut parts: Vec<_> =
            rdn.iter().map(|(name, text)| (name.clone(), value(text))).collect();
        parts.sort();
        parts
    };
    folded(one) == folded(other)
}

/// The value at the beginning, the sign that ends it, and what follows.
fn value(text: &str) -> Option<(String, Option<char>, &str)> {
    let bytes = text.as_bytes();
    let (mut value, mut kept, mut index) = (Vec::new(), 0, 0);
    // Spaces around a value that are not escaped are none of it.
    while bytes.get(index) == Some(&b' ') {
        index += 1;
    }
    let mut end = None;
    while let Some(&byte) = bytes.get(index) {
        index += 1;
        match byte {
            b',' | b';' | b'+' => {
                end = Some(char::from(byte));
                break;
            }
            b'\\' => {
                let next = *bytes.get(index)?;
                let hex =
                    text.get(index..index + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
                match hex {
                    Some(escaped) if next.is_ascii_hexdigit() => {
                        value.push(escaped);
                        index += 2;
                    }
                    _ if b" \"#+,;<=>\\".contains(&next) => {
                        value.push(next);
                        index += 1;
                    }
                    _ => return None,
                }
                kept = value.len();
            }
            b'"' | b'<' | b'>' | 0 => return None,
            other => {
                value.push(other);
                if other != b' ' {
                    kept = value.len();
                }
            }
        }
    }
    value.truncate(kept);
    Some((String::from_utf8(value).ok()?, end, text.get(index..)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn dn(text: &str) -> Dn {
        Dn::parse(text).unwrap()
    }

    /// The examples of RFC 4514 section 4.
    #[test]
    fn the_examples_of_the_specification_are_taken_apart() {
        for (text, first, levels) in [
            ("UID=jsmith,DC=example,DC=net", Some("jsmith"), 3),
            ("OU=Sales+CN=J.  Smith,DC=example,DC=net", None, 3),
            (
                "CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net",
                Some("James \"Jim\" Smith, III"),
                3,
            ),
            ("CN=Before\\0dAfter,DC=example,DC=net", Some("Before\rAfter"), 3),
            ("1.3.6.1.4.1.1466.0=#04024869", Some("#04024869"), 1),
            ("CN=Lu\\C4\\8Di\\C4\\87", Some("Lu\u{10d}i\u{107}"), 1),
        ] {
            assert_eq!((dn(text).first_value(), dn(text).len()), (first, levels), "{text}");
        }
        for wrong in ["", "a", "cn=a,", "=a", "cn=a,,dc=b", "c n=a", "cn=a\\", "cn=\\zz", "cn=<a>"]
        {
            assert!(Dn::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_name_is_under_another_level_by_level() {
        let base = dn("ou=Groups,dc=example,dc=com");
        for (text, expected) in [
            ("cn=admins,ou=groups,DC=Example,dc=com", true),
            ("cn=a, ou=x, ou=Groups, dc=example, dc=com", true),
            ("ou=Groups,dc=example,dc=com", false),
            ("cn=admins,ou=people,dc=example,dc=com", false),
            ("cn=admins\\,ou=groups,dc=example,dc=com", false),
            ("cn=admins,ou=groups,dc=example,dc=com,dc=evil", false),
            ("cn=admins,ou=\\47roups,dc=example,dc=com", true),
            ("cn=admins,ou=Groups\\,dc=example,dc=com", false),
            ("cn=a+ou=groups,dc=example,dc=com", false),
        ] {
            assert_eq!(dn(text).is_under(&base), expected, "{text}");
        }
        let spaces = dn("ou=Our  People,dc=example");
        assert!(dn("cn=a,ou= our people ,dc=example").is_under(&spaces));
        assert!(!dn("cn=a,ou=ourpeople,dc=example").is_under(&spaces));
        assert!(base.is_at_or_under(&dn("OU=groups,dc=example,dc=com")));
        assert!(!dn("dc=example,dc=com").is_at_or_under(&base));
        assert!(!dn("ou=people,dc=example,dc=com").is_at_or_under(&base));
    }

    #[test]
    fn a_name_is_made_of_a_value_and_another_one() {
        let base = dn("OU=a\\,b,dc=example");
        assert_eq!(base.to_string(), "ou=a\\2cb,dc=example");
        let child = base.child("uid", "#o*,x+y=z ");
        assert_eq!(child.to_string(), "uid=\\23o*\\2cx\\2by\\3dz\\20,ou=a\\2cb,dc=example");
        assert_eq!(dn(&child.to_string()), child);
        assert!(child.is_under(&base));
        assert_eq!(child.lowest(), "uid=\\23o*\\2cx\\2by\\3dz\\20");
        assert_eq!(child.renamed("UID", "b").unwrap().to_string(), "uid=b,ou=a\\2cb,dc=example");
        assert!(
            child.renamed("cn", "b").is_none() && dn("cn=a+uid=b").renamed("cn", "b").is_none()
        );
    }

    proptest! {
        #[test]
        fn a_child_is_a_child_whatever_its_value(value in "\\PC{1,40}") {
            let base = dn("ou=people,dc=example,dc=com");
            let child = base.child("uid", &value);
            let again = Dn::parse(&child.to_string());
            prop_assert_eq!(again.as_ref(), Some(&child));
            prop_assert!(child.is_under(&base));
            prop_assert_eq!(child.len(), 4);
        }
    }
}
