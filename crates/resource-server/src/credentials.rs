//! The `Authorization` header (RFC 6750 section 2.1, RFC 9449 section 7.1). Tokens in a query or a
//! form are not accepted, because they would end up in logs and histories (RFC 9700 section 4.3.2).
//!
//! ```text
//! credentials = ( "Bearer" / "DPoP" ) 1*SP b64token
//! b64token    = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
//! ```

use doorward_protocol::challenge::Scheme;
use http::{HeaderMap, header::AUTHORIZATION};

/// An access token and the scheme that it was sent by: `Bearer` or `DPoP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials<'a> {
    pub(crate) scheme: Scheme,
    pub(crate) token: &'a str,
}

/// Why a request has no access token that could be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CredentialsError {
    /// No credentials, or credentials of another scheme.
    Missing,
    /// The header was sent more than once.
    Repeated,
    /// The header is not well-formed.
    Malformed,
}

/// The access token of the request.
pub(crate) fn credentials(headers: &HeaderMap) -> Result<Credentials<'_>, CredentialsError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(CredentialsError::Missing)?;
    if values.next().is_some() {
        return Err(CredentialsError::Repeated);
    }
    let value = value.to_str().map_err(|_| CredentialsError::Malformed)?;
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    let scheme = Scheme::from(scheme);
    if !matches!(scheme, Scheme::Bearer | Scheme::Dpop) {
        return Err(CredentialsError::Missing);
    }
    let token = rest.trim_start_matches(' ');
    if is_b64token(token) {
        Ok(Credentials { scheme, token })
    } else {
        Err(CredentialsError::Malformed)
    }
}

fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty()
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::HeaderValue;

    use super::*;

    fn read(value: &[u8]) -> Result<String, CredentialsError> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        credentials(&headers).map(|own| format!("{} {}", own.scheme.as_str(), own.token))
    }

    #[test]
    fn reads_the_example_of_the_rfc() {
        assert_eq!(read(b"Bearer mF_9.B5f-4.1JqM").unwrap(), "Bearer mF_9.B5f-4.1JqM");
        assert_eq!(read(b"bEARER   a+/~==").unwrap(), "Bearer a+/~==");
        assert_eq!(read(b"dpop Kz~8mXK1EalYznwH").unwrap(), "DPoP Kz~8mXK1EalYznwH");
    }

    #[test]
    fn another_scheme_counts_as_no_credentials() {
        for value in ["Basic YWI=", "Bearerx y", ""] {
            assert_eq!(read(value.as_bytes()), Err(CredentialsError::Missing), "{value}");
        }
        assert_eq!(credentials(&HeaderMap::new()), Err(CredentialsError::Missing));
    }

    #[test]
    fn a_broken_header_is_malformed() {
        let values: [&[u8]; 8] = [
            b"Bearer",
            b"Bearer ",
            b"Bearer a b",
            b"Bearer a=b",
            b"Bearer ==",
            b"Bearer a,b",
            b"Bearer \xff\xfe",
            b"Bearer\ta",
        ];
        for value in values {
            let expected = if value.starts_with(b"Bearer\t") {
                CredentialsError::Missing
            } else {
                CredentialsError::Malformed
            };
            assert_eq!(read(value), Err(expected), "{value:?}");
        }
    }

    #[test]
    fn two_headers_are_one_too_many() {
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        headers.append(AUTHORIZATION, HeaderValue::from_static("Basic YWI="));
        assert_eq!(credentials(&headers), Err(CredentialsError::Repeated));
    }
}
