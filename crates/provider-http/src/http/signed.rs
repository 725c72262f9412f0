//! Answers that are a signed token, and who asks for them.

use axum::{
    http::{
        HeaderMap,
        header::{ACCEPT, CONTENT_TYPE},
    },
    response::{IntoResponse as _, Response},
};
use doorward_protocol::secret::Secret;

use crate::http::oauth_error::NO_STORE;

/// An answer that is this token alone.
pub(crate) fn jwt(media_type: &'static str, token: &Secret) -> Response {
    (NO_STORE, [(CONTENT_TYPE, media_type)], token.expose().to_owned()).into_response()
}

/// Whether `Accept` names this media type itself, and does not rule it out by `q=0` (RFC 9110
/// section 12.5.1). `*/*` is no wish for it.
pub(crate) fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let ranges = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    ranges.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|own| own.eq_ignore_ascii_case(media_type));
        let is_ruled_out = parts.any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            name.trim().eq_ignore_ascii_case("q") && value.trim().parse::<f32>() == Ok(0.0)
        });
        is_named && !is_ruled_out
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_media_type_is_asked_for_by_its_name() {
        let accepts = |value: &str| {
            let headers = HeaderMap::from_iter([(ACCEPT, value.parse().unwrap())]);
            super::accepts(&headers, "application/jwt")
        };
        for value in [
            "application/jwt",
            "application/JWT;q=0.5",
            "application/json, application/jwt ; q=1",
            "application/jwt;charset=utf-8",
        ] {
            assert!(accepts(value), "{value}");
        }
        for value in ["*/*", "application/*", "", "application/jwt;q=0", "application/jwt; q=0.000"]
        {
            assert!(!accepts(value), "{value}");
        }
    }
}
