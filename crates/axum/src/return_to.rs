//! Where the browser goes after a sign-in: a path of this application and nothing else.

use url::Url;

/// The longest path that is kept. A longer one is replaced by the start page.
const LONGEST: usize = 2048;

/// A path of this application with its query. It can't hold another origin, so a redirect to it is
/// never an open redirect.
///
/// ```
/// use doorward_axum::ReturnTo;
///
/// assert_eq!(ReturnTo::parse("/orders?page=2").unwrap().as_str(), "/orders?page=2");
/// for hostile in ["//evil.example", "/\\evil.example", "https://evil.example"] {
///     assert!(ReturnTo::parse(hostile).is_none());
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// Reads a path. Returns `None` for whatever a browser could take for another origin.
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = text.len() <= LONGEST
            && text.starts_with('/')
            && !text.starts_with("//")
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        // Browsers remove `..` and the like before they look at the slashes.
        let base = Url::parse("http://base.invalid").ok()?;
        let joined = base.join(text).ok()?;
        let stays = joined.origin() == base.origin() && !joined.path().starts_with("//");
        (is_plain && stays).then(|| Self(text.to_owned()))
    }

    /// The path, or the start page if it can't be used.
    pub fn or_start(text: Option<&str>) -> Self {
        text.and_then(Self::parse).unwrap_or_else(|| Self("/".to_owned()))
    }

    /// The path with its query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_application_are_taken() {
        for local in ["/", "/a", "/a?b=c&d=%2F%2Fevil", "/a#b", "/%2F%2Fevil", "/a//b"] {
            assert_eq!(ReturnTo::or_start(Some(local)).as_str(), local);
        }
        for hostile in [
            "",
            "a",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https:",
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\r\nlocation: https://evil.example",
            "/..//evil.example",
            "/.//evil.example",
            "/%2e//evil.example",
            "/\u{2215}",
            " /a",
        ] {
            assert_eq!(ReturnTo::parse(hostile), None, "{hostile:?}");
        }
        assert_eq!(ReturnTo::parse(&format!("/{}", "a".repeat(LONGEST))), None);
    }
}
