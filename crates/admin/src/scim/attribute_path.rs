//! The path of an attribute (RFC 7644 section 3.10): `userName`, `name.givenName`, or with the URN
//! of a schema before it.

use std::fmt;

/// A path as it is written. Which attribute it is, a schema says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributePath {
    /// The URN before the name.
    pub schema: Option<String>,
    /// The attribute.
    pub name: String,
    /// The attribute within it.
    pub sub: Option<String>,
}

impl AttributePath {
    /// Reads a path; `None` if it is none. Names have letters, digits, `-`, `_` and `$` (RFC 7643
    /// section 2.1).
    pub fn parse(text: &str) -> Option<Self> {
        let is_urn = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
        let (schema, rest) = match text.rsplit_once(':') {
            Some((schema, rest)) if is_urn => (Some(schema.to_owned()), rest),
            Some(_) => return None,
            None => (None, text),
        };
        let (name, sub) = match rest.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (rest, None),
        };
        if !is_name(name) || !sub.is_none_or(is_name) {
            return None;
        }
        Some(Self { schema, name: name.to_owned(), sub: sub.map(str::to_owned) })
    }
}

/// Whether it is the name of an attribute.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '$')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_$".contains(&byte))
}

impl fmt::Display for AttributePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(formatter, "{schema}:")?;
        }
        formatter.write_str(&self.name)?;
        match &self.sub {
            Some(sub) => write!(formatter, ".{sub}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn paths_are_read() {
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let path = AttributePath::parse(&format!("{enterprise}:manager.value")).unwrap();
        assert_eq!(path.schema.as_deref(), Some(enterprise));
        assert_eq!((path.name.as_str(), path.sub.as_deref()), ("manager", Some("value")));
        for text in ["userName", "name.givenName", "members.$ref", "URN:x:y.z"] {
            assert_eq!(AttributePath::parse(text).unwrap().to_string(), text);
        }
        for text in ["", ".", "a.", ".a", "a.b.c", "a:b", "a b", "é", "1a", "urn:", "urn:x:"] {
            assert_eq!(AttributePath::parse(text), None, "{text}");
        }
    }
}
