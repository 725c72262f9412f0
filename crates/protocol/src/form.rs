//! Writes names and values as `application/x-www-form-urlencoded` (RFC 6749 appendix B).

use form_urlencoded::byte_serialize;

/// Appends a name and its value.
///
/// ```
/// let mut body = String::new();
/// doorward_protocol::form::append(&mut body, "grant_type", "refresh_token");
/// doorward_protocol::form::append(&mut body, "scope", "openid profile");
/// assert_eq!(body, "grant_type=refresh_token&scope=openid+profile");
/// ```
pub fn append(encoded: &mut String, name: &str, value: &str) {
    if !encoded.is_empty() {
        encoded.push('&');
    }
    append_text(encoded, name);
    encoded.push('=');
    append_text(encoded, value);
}

/// Appends one text, encoded for a name or a value.
pub fn append_text(encoded: &mut String, text: &str) {
    encoded.extend(byte_serialize(text.as_bytes()));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 6749 appendix B.
    #[test]
    fn the_rfc_example_holds() {
        let mut encoded = String::new();
        append_text(&mut encoded, " %&+£€");
        assert_eq!(encoded, "+%25%26%2B%C2%A3%E2%82%AC");
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(
            pairs in proptest::collection::vec(("\\PC{0,8}", "\\PC{0,20}"), 0..4),
        ) {
            let mut encoded = String::new();
            for (name, value) in &pairs {
                append(&mut encoded, name, value);
            }
            let read: Vec<_> = form_urlencoded::parse(encoded.as_bytes()).into_owned().collect();
            prop_assert_eq!(read, pairs);
        }
    }
}
