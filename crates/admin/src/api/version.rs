//! Which state of an object a request is about (RFC 9110 sections 8.8.3 and 13.1.1).
//!
//! An entity tag here has a hash of each member of the object. So a request that knows an older
//! state is told which members have changed since.

use doorward_protocol::base64url;
use http::{HeaderMap, HeaderValue, header::IF_MATCH};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::problem::Problem;

/// Characters of each member's hash: 72 bits.
const LENGTH: usize = 12;

/// The state of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(Vec<(String, String)>);

impl Version {
    /// The state with these members. Each has a value that is different after a change, and which
    /// nobody sees.
    pub fn of<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let hashed = |(name, value): (&str, Value)| {
            let mut hash = base64url::encode(Sha256::digest(format!("{name}={value}")));
            hash.truncate(LENGTH);
            (name.to_owned(), hash)
        };
        Self(members.into_iter().map(hashed).collect())
    }

    /// The entity tag.
    pub fn etag(&self) -> HeaderValue {
        let hashes: Vec<&str> = self.0.iter().map(|(_, hash)| hash.as_str()).collect();
        HeaderValue::try_from(format!("\"{}\"", hashes.join(".")))
            .unwrap_or(HeaderValue::from_static("\"\""))
    }

    /// Refuses a request that does not say which state it is about, or names another one. `*` is no
    /// state.
    pub fn require(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let mut given = headers
            .get_all(IF_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|tag| !tag.is_empty() && *tag != "*")
            .peekable();
        let Some(&first) = given.peek() else { return Err(Problem::no_precondition()) };
        let own = self.etag();
        if given.any(|tag| tag.as_bytes() == own.as_bytes()) {
            return Ok(());
        }
        Err(Problem::stale(self.changed_since(first), Some(own)))
    }

    /// The refusal of a change to this state, where another one is there by now.
    pub fn overtaken_by(&self, present: &Self) -> Problem {
        let tag = self.etag();
        let changed = present.changed_since(tag.to_str().unwrap_or_default());
        Problem::stale(changed, Some(present.etag()))
    }

    /// The members that are not as in an older tag. Empty if the tag is not one of such an object.
    fn changed_since(&self, tag: &str) -> Vec<String> {
        let hashes: Vec<&str> = tag.trim_matches('"').split('.').collect();
        if hashes.len() != self.0.len() {
            return Vec::new();
        }
        let changed = self.0.iter().zip(hashes).filter(|((_, own), other)| own != other);
        changed.map(|((name, _), _)| name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn version(name: &str, enabled: bool) -> Version {
        Version::of([("username", json!(name)), ("enabled", json!(enabled))])
    }

    fn require(now: &Version, tag: &str) -> Result<(), Value> {
        let headers = HeaderMap::from_iter([(IF_MATCH, HeaderValue::from_str(tag).unwrap())]);
        now.require(&headers).map_err(|problem| serde_json::to_value(problem).unwrap())
    }

    #[test]
    fn only_the_present_state_will_do() {
        let (before, now) = (version("a", true), version("a", false));
        let etag = |version: &Version| version.etag().to_str().unwrap().to_owned();
        assert_eq!(require(&now, &etag(&now)), Ok(()));
        assert_eq!(require(&now, &format!("\"x\", {}", etag(&now))), Ok(()));
        let stale = require(&now, &etag(&before)).unwrap_err();
        assert_eq!((&stale["status"], &stale["changed"]), (&json!(412), &json!(["enabled"])));
        for other in ["\"x\"", "x", &format!("W/{}", etag(&now))] {
            assert_eq!(require(&now, other).unwrap_err()["status"], json!(412), "{other}");
        }
        for none in ["", "*", " , "] {
            assert_eq!(require(&now, none).unwrap_err()["status"], json!(428), "{none}");
        }
    }

    #[test]
    fn a_tag_shows_no_value() {
        let one = version("alice", true).etag();
        assert!(!one.to_str().unwrap().contains("alice"));
        assert_eq!(one, version("alice", true).etag());
    }
}
