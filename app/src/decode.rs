//! Decodes tokens for display. Nothing here is verified, and nothing depends on it.

use doorward_protocol::{base64url, json, jws::MAX_COMPACT_LENGTH};
use serde_json::{Map, Value};

/// A JSON object of a token.
pub type TokenMembers = Map<String, Value>;

/// The token has no readable parts: it is opaque to everyone but its issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("This token is opaque: only the server that issued it can read it.")]
pub struct Opaque;

/// The claims of a JSON Web Token, unverified.
pub fn claims(token: &str) -> Result<TokenMembers, Opaque> {
    parts(token).map(|(_, claims)| claims)
}

/// Indented JSON.
pub fn pretty(value: &Value) -> String {
    // A value that was parsed as JSON can be written as JSON.
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Splits a JSON Web Token into header and claims (RFC 7519 section 3). Unlike the protocol's own
/// parser, it keeps every member of the header.
pub fn parts(token: &str) -> Result<(TokenMembers, TokenMembers), Opaque> {
    if token.len() > MAX_COMPACT_LENGTH {
        return Err(Opaque);
    }
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Opaque);
    };
    Ok((object(header)?, object(claims)?))
}

fn object(part: &str) -> Result<TokenMembers, Opaque> {
    let bytes = base64url::decode(part).map_err(|_| Opaque)?;
    json::object(&bytes).ok_or(Opaque)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        format!("{}.{}.c2ln", base64url::encode(header), base64url::encode(claims))
    }

    #[test]
    fn every_member_is_there() {
        let (header, claims) =
            parts(&token(r#"{"alg":"RS256","x-own":1}"#, r#"{"sub":"alice"}"#)).unwrap();
        assert_eq!(
            (pretty(&header["x-own"]), pretty(&claims["sub"])),
            ("1".to_owned(), "\"alice\"".to_owned())
        );
    }

    #[test]
    fn what_is_no_json_web_token_is_opaque() {
        for text in ["", "opaque", "a.b", "a.b.c", "a.b.c.d", &token("[]", "{}"), &token("{}", "7")]
        {
            assert_eq!(parts(text), Err(Opaque), "{text}");
        }
        assert_eq!(parts(&"a".repeat(MAX_COMPACT_LENGTH + 1)), Err(Opaque));
    }
}
