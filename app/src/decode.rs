//! Tokens taken apart for the reader. Nothing here is verified, and nothing decides by it.

use doorward_protocol::{base64url, json, jws::MAX_COMPACT_LENGTH};
use serde_json::{Map, Value};

use crate::time;

/// Claims that are points in time (RFC 7519 section 4.1, OIDC Core section 2).
const TIMES: [&str; 5] = ["iat", "auth_time", "nbf", "exp", "updated_at"];

/// A JSON Web Token, readable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedToken {
    /// The header as indented JSON.
    pub header: String,
    /// The claims as indented JSON.
    pub claims: String,
    /// Claims that are points in time: name and date.
    pub times: Vec<(&'static str, String)>,
}

/// A JSON object of a token.
pub type Members = Map<String, Value>;

/// The token has no parts to show: it is opaque to everyone but its issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("This token is opaque: only the server that issued it can read it.")]
pub struct Opaque;

/// Takes a JSON Web Token apart (RFC 7519 section 3).
pub fn decode(token: &str) -> Result<DecodedToken, Opaque> {
    let (header, claims) = parts(token)?;
    let times = TIMES.into_iter().filter_map(|name| Some((name, time::utc(claims.get(name)?.as_u64()?)?))).collect();
    Ok(DecodedToken { header: pretty(&Value::Object(header)), claims: pretty(&Value::Object(claims)), times })
}

/// The claims of a JSON Web Token, unverified.
pub fn claims(token: &str) -> Result<Members, Opaque> {
    parts(token).map(|(_, claims)| claims)
}

/// JSON as people read it.
pub fn pretty(value: &Value) -> String {
    // A value that was read as JSON can be written as JSON; the compact form is never reached.
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

/// Header and claims. Unlike the protocol's own reader this one shows every member of the header, known or not.
fn parts(token: &str) -> Result<(Members, Members), Opaque> {
    if token.len() > MAX_COMPACT_LENGTH {
        return Err(Opaque);
    }
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(Opaque);
    };
    Ok((object(header)?, object(claims)?))
}

fn object(part: &str) -> Result<Members, Opaque> {
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
    fn header_claims_and_times_are_shown() {
        let token =
            token(r#"{"alg":"RS256","kid":"k1","x-own":1}"#, r#"{"sub":"alice","exp":1795375553,"iat":"soon"}"#);
        let decoded = decode(&token).unwrap();
        assert!(decoded.header.contains("\"x-own\": 1"), "{}", decoded.header);
        assert!(decoded.claims.contains("  \"sub\": \"alice\""), "{}", decoded.claims);
        assert_eq!(decoded.times, [("exp", "2026-11-22 19:25:53 UTC".to_owned())]);
    }

    #[test]
    fn what_is_no_json_web_token_is_opaque() {
        for text in ["", "opaque", "a.b", "a.b.c", "a.b.c.d", &token("[]", "{}"), &token("{}", "7")] {
            assert_eq!(decode(text), Err(Opaque), "{text}");
        }
        assert_eq!(decode(&"a".repeat(MAX_COMPACT_LENGTH + 1)), Err(Opaque));
    }
}
