//! The HTTP target URI that a proof is for (RFC 9449 section 4.2, `htu`), in one spelling.

use url::Url;

/// An http or https URI without query and fragment, normalised by syntax and scheme (RFC 3986
/// section 6.2.2 and 6.2.3), so that two spellings of one address are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetUri(String);

/// The text is no absolute http or https URI, or it names a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an absolute http or https URI")]
pub struct NotATargetUri;

impl TargetUri {
    /// Reads a URI; its query and fragment don't count (RFC 9449 section 4.3, step 9).
    pub fn parse(text: &str) -> Result<Self, NotATargetUri> {
        // URL parsers of browsers repair white space, backslashes and the like; a URI has none of
        // them.
        let is_uri =
            text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\\"<>^`{|}".contains(&byte));
        let authority = text.split_once("://").map(|(_, rest)| rest);
        let has_authority =
            authority.is_some_and(|rest| rest.starts_with(|first: char| first != '/'));
        let url = Url::parse(text).ok().filter(|_| is_uri && has_authority).ok_or(NotATargetUri)?;
        let is_plain = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "https" | "http") || !is_plain {
            return Err(NotATargetUri);
        }
        // The parser has lowered the case of scheme and host, dropped the scheme's own port and the
        // dots of the path.
        let path = normalised(url.path()).ok_or(NotATargetUri)?;
        Ok(Self(format!("{}{path}", url.origin().ascii_serialization())))
    }

    /// The normalised URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The path with each percent-encoded octet in one spelling: unreserved characters as they are,
/// others in upper case (RFC 3986 section 6.2.2.1 and 6.2.2.2). `None` if a percent sign encodes
/// nothing.
fn normalised(path: &str) -> Option<String> {
    let mut parts = path.split('%');
    let mut text = parts.next()?.to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let octet = u8::from_str_radix(digits, 16).ok().filter(|_| is_hexadecimal)?;
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            text.push(char::from(octet));
        } else {
            text.push('%');
            text.push_str(&digits.to_ascii_uppercase());
        }
        text.push_str(rest);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<String> {
        TargetUri::parse(text).ok().map(|uri| uri.0)
    }

    #[test]
    fn spellings_of_one_address_are_equal() {
        let expected = Some("https://server.example.com/a/token".to_owned());
        for text in [
            "https://server.example.com/a/token",
            "HTTPS://Server.EXAMPLE.com/a/token",
            "https://server.example.com:443/a/token",
            "https://server.example.com/a/b/../token",
            "https://server.example.com/./a/token",
            "https://server.example.com/%61/t%6Fken",
            "https://server.example.com/a/token?query=1",
            "https://server.example.com/a/token#fragment",
            "https://server.example.com/a/token?a#b",
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(read("http://localhost:80"), read("http://localhost/"));
        assert_eq!(read("http://a/%2f%c3%a4"), read("http://a/%2F%C3%A4"));
    }

    #[test]
    fn other_addresses_are_not() {
        let token = read("https://server.example.com/token");
        for text in [
            "http://server.example.com/token",
            "https://server.example.com:8443/token",
            "https://server.example.com/token/",
            "https://server.example.com/Token",
            "https://server.example.com/to%2Fken",
            "https://server.example.com.evil.example/token",
            "https://server.example.com/",
        ] {
            assert_ne!(read(text), token, "{text}");
            assert!(read(text).is_some(), "{text}");
        }
    }

    #[test]
    fn what_is_no_http_uri_is_refused() {
        for text in [
            "",
            "/token",
            "server.example.com/token",
            "https:server.example.com/token",
            "https:///token",
            "https:\\\\server.example.com/token",
            " https://server.example.com/token",
            "https://server.example.com/to\nken",
            "https://server.example.com/ä",
            "https://server.example.com/100%",
            "https://server.example.com/%+f",
            "https://user@server.example.com/token",
            "https://user:secret@server.example.com/token",
            "ftp://server.example.com/token",
            "urn:ietf:rfc:9449",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "https?://[a-z]{1,4}(:[0-9]{1,4})?/[ -~]{0,30}") {
            if let Some(once) = read(&text) {
                prop_assert_eq!(read(&once), Some(once));
            }
        }

        #[test]
        fn any_text_reads_or_is_refused(text in ".{0,80}") {
            let _ = TargetUri::parse(&text);
        }
    }
}
