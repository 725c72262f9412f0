//! The access token in the `Authorization` header (RFC 6750 section 2.1, RFC 9449 section 7.1).

use axum::http::{HeaderMap, header::AUTHORIZATION};
use doorward_protocol::{challenge::Scheme, secret::Secret};

/// An access token and how it was sent: as `Bearer` or `DPoP`.
pub(crate) struct Credentials {
    pub(crate) scheme: Scheme,
    pub(crate) token: Secret,
}

/// Why the header can't be read.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(crate) enum HeaderError {
    /// It is there twice.
    #[error("Send the access token once.")]
    Two,
    /// It is of another scheme, or empty.
    #[error("The Authorization header holds no access token.")]
    NoToken,
}

/// The token in the header, if there is one.
pub(crate) fn in_header(headers: &HeaderMap) -> Result<Option<Credentials>, HeaderError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(HeaderError::Two);
    }
    let credentials =
        value.to_str().ok().and_then(|text| text.split_once(' ')).and_then(|(scheme, token)| {
            let (scheme, token) = (Scheme::from(scheme), token.trim());
            let is_token = matches!(scheme, Scheme::Bearer | Scheme::Dpop)
                && !token.is_empty()
                && !token.contains(' ');
            is_token.then(|| Credentials { scheme, token: Secret::new(token) })
        });
    credentials.map(Some).ok_or(HeaderError::NoToken)
}
