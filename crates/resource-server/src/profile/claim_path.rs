//! Where a claim is found.

use std::{borrow::Cow, fmt, str::FromStr};

use serde_json::{Map, Value};

/// Where a claim is found: its name, or a path into objects.
///
/// Written as text, a path that begins with a slash is a JSON Pointer (RFC 6901), in which `~1`
/// stands for a slash within a name and `~0` for a tilde. Any other text is one name, whatever
/// dots, colons and slashes it has.
///
/// ```
/// use doorward_resource_server::ClaimPath;
///
/// assert_eq!(ClaimPath::parse("/realm_access/roles")?.to_string(), "/realm_access/roles");
/// // One claim, whose name is a URL: both are the same.
/// let url = ClaimPath::parse("https://example.com/roles")?;
/// assert_eq!(url, ClaimPath::parse("/https:~1~1example.com~1roles")?);
/// assert_eq!(url, ClaimPath::name("https://example.com/roles"));
/// # Ok::<(), doorward_resource_server::InvalidClaimPath>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath(Vec<Cow<'static, str>>);

/// The text is not a path to a claim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a path to a claim: give the claim's name, or a JSON Pointer such as \
     /realm_access/roles, in which ~1 stands for a slash within a name and ~0 for a tilde"
)]
pub struct InvalidClaimPath(String);

impl ClaimPath {
    /// The claim with this name.
    pub fn name(name: impl Into<Cow<'static, str>>) -> Self {
        Self(vec![name.into()])
    }

    /// The member at the end of these names, each within the one before.
    pub fn members<N: Into<Cow<'static, str>>>(names: impl IntoIterator<Item = N>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }

    /// Reads a name or a JSON Pointer.
    ///
    /// # Errors
    /// The text is empty, or a pointer that is not well-formed.
    pub fn parse(text: &str) -> Result<Self, InvalidClaimPath> {
        let invalid = || InvalidClaimPath(text.to_owned());
        let Some(pointer) = text.strip_prefix('/') else {
            return if text.is_empty() { Err(invalid()) } else { Ok(Self::name(text.to_owned())) };
        };
        let names = pointer.split('/').map(unescaped).collect::<Option<Vec<_>>>();
        let names = names.filter(|names| names.iter().all(|name| !name.is_empty()));
        Ok(Self::members(names.ok_or_else(invalid)?))
    }

    /// The value at the path.
    pub(crate) fn find<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(claims.get(first.as_ref())?, |value, name| value.get(name.as_ref()))
    }

    /// The texts at the path: a string, the strings of an array, or the members' names of an
    /// object.
    pub(crate) fn values<'a>(&self, claims: &'a Map<String, Value>) -> Vec<&'a str> {
        match self.find(claims) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
            Some(Value::Object(members)) => members.keys().map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

/// The name that a part of a pointer stands for (RFC 6901 section 4).
fn unescaped(part: &str) -> Option<String> {
    let mut pieces = part.split('~');
    let mut name = pieces.next()?.to_owned();
    for piece in pieces {
        name.push(match piece.chars().next()? {
            '0' => '~',
            '1' => '/',
            _ => return None,
        });
        name.push_str(&piece[1..]);
    }
    Some(name)
}

impl FromStr for ClaimPath {
    type Err = InvalidClaimPath;

    fn from_str(text: &str) -> Result<Self, InvalidClaimPath> {
        Self::parse(text)
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [name] = self.0.as_slice()
            && !name.starts_with('/')
        {
            return formatter.write_str(name);
        }
        for name in &self.0 {
            write!(formatter, "/{}", name.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn values(path: &str, claims: &Value) -> Vec<String> {
        let path = ClaimPath::parse(path).unwrap();
        path.values(claims.as_object().unwrap()).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_path_leads_through_objects_and_a_name_may_hold_anything() {
        let claims = json!({
            "role": "admin",
            "realm_access": { "roles": ["a", 7, "b"] },
            "resource_access": { "api.v1/x": { "roles": ["c"] } },
            "https://example.com/roles": ["d"],
            "urn:roles": { "e": { "1": "x" }, "f": {} },
            "~": "tilde",
        });
        assert_eq!(values("role", &claims), ["admin"]);
        assert_eq!(values("/role", &claims), ["admin"]);
        assert_eq!(values("/realm_access/roles", &claims), ["a", "b"]);
        assert_eq!(values("/resource_access/api.v1~1x/roles", &claims), ["c"]);
        assert_eq!(values("https://example.com/roles", &claims), ["d"]);
        assert_eq!(values("/https:~1~1example.com~1roles", &claims), ["d"]);
        assert_eq!(values("urn:roles", &claims), ["e", "f"]);
        assert_eq!(values("/~0", &claims), ["tilde"]);
        assert_eq!(values("/role/admin", &claims), [""; 0]);
        assert_eq!(values("realm_access.roles", &claims), [""; 0], "a dot is part of a name");
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["", "/", "//", "/a/", "/a//b", "/~", "/~2", "/a~"] {
            assert_eq!(ClaimPath::parse(text), Err(InvalidClaimPath(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for names in [vec!["a"], vec!["/a"], vec!["a~b", "c/d"], vec!["https://a/b"]] {
            let path = ClaimPath::members(names);
            assert_eq!(ClaimPath::parse(&path.to_string()), Ok(path));
        }
    }
}
