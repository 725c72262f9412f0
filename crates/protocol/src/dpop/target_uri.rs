//! The HTTP target URI that a proof is for (RFC 9449 section 4.2, `htu`), in one spelling.

use url::Url;

/// An http or https URI without query and fragment, normalised by syntax and scheme (RFC 3986
/// section 6.2.2 and 6.2.3), so that two spellings of one address are equal.
///
/// ```
/// use doorward_protocol::dpop::TargetUri;
///
/// let uri = TargetUri::parse("HTTPS://API.example.com:443/%61?page=1")?;
/// assert_eq!(uri.as_str(), "https://api.example.com/a");
/// # Ok::<(), doorward_protocol::dpop::NotATargetUri>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetUri(String);

/// The text is not an absolute http or https URI, or it names a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an absolute http or https URI")]
#[non_exhaustive]
pub struct NotATargetUri;

impl TargetUri {
    /// Reads a URI. Its query and fragment don't count (RFC 9449 section 4.3, step 9).
    ///
    /// Characters that a URI may not have but that browsers leave in paths (`|`, `^`, a `%` that
    /// encodes nothing …) are read as if they were percent-encoded.
    ///
    /// # Errors
    /// The text is not an absolute http or https URI, or it names a user.
    pub fn parse(text: &str) -> Result<Self, NotATargetUri> {
        // URL parsers of browsers repair white space and backslashes. A URI has none of them.
        let is_uri = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let authority = text.split_once("://").map(|(_, rest)| rest);
        let has_authority =
            authority.is_some_and(|rest| rest.starts_with(|first: char| first != '/'));
        let url = Url::parse(text).ok().filter(|_| is_uri && has_authority).ok_or(NotATargetUri)?;
        let is_plain = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "https" | "http") || !is_plain {
            return Err(NotATargetUri);
        }
        // The parser has lowered the case of scheme and host, and removed the scheme's default port
        // and the dot segments of the path.
        let path = normalised(url.path());
        Ok(Self(format!("{}{path}", url.origin().ascii_serialization())))
    }

    /// The normalised URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The path with each percent-encoded octet in one spelling: unreserved characters as they are,
/// others in upper case (RFC 3986 section 6.2.2.1 and 6.2.2.2). What a URI may not have is encoded.
/// The path is ASCII, as the URL parser writes it.
fn normalised(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    let mut octets = path.bytes().enumerate();
    while let Some((at, octet)) = octets.next() {
        match octet {
            b'%' => match encoded_octet(&path[at + 1..]) {
                Some(octet) => {
                    octets.nth(1);
                    push_octet(&mut text, octet);
                }
                // It encodes nothing, so it means itself.
                None => text.push_str("%25"),
            },
            b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}' | b'[' | b']' => {
                push_encoded(&mut text, octet);
            }
            _ => text.push(char::from(octet)),
        }
    }
    text
}

/// The octet of the two hexadecimal digits that the text begins with.
fn encoded_octet(text: &str) -> Option<u8> {
    let (digits, _) = text.split_at_checked(2)?;
    let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u8::from_str_radix(digits, 16).ok().filter(|_| is_hexadecimal)
}

fn push_octet(text: &mut String, octet: u8) {
    if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
        text.push(char::from(octet));
    } else {
        push_encoded(text, octet);
    }
}

fn push_encoded(text: &mut String, octet: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    text.push('%');
    for digit in [octet >> 4, octet & 15] {
        text.push(char::from(DIGITS[usize::from(digit)]));
    }
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

    /// What browsers leave in a path, raw.
    #[test]
    fn characters_that_a_uri_may_not_have_are_read_as_encoded() {
        for (raw, encoded) in [
            ("https://a/x|y", "https://a/x%7Cy"),
            ("https://a/x^y", "https://a/x%5Ey"),
            ("https://a/100%", "https://a/100%25"),
            ("https://a/100%/x", "https://a/100%25/x"),
            ("https://a/%+f", "https://a/%25+f"),
            ("https://a/[1]{2}", "https://a/%5B1%5D%7B2%7D"),
        ] {
            assert!(read(raw).is_some(), "{raw}");
            assert_eq!(read(raw), read(encoded), "{raw}");
        }
        assert_ne!(read("https://a/x|y"), read("https://a/x/y"));
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
        fn normalising_twice_changes_nothing(
            text in "https?://[a-z]{1,4}(:[0-9]{1,4})?/[ -~]{0,30}",
        ) {
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
