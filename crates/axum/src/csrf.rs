//! Protection against requests that another site's page makes the browser send.
//!
//! Browsers say where a request comes from: `Origin` on each one that may change something, and
//! `Sec-Fetch-Site` (Fetch Metadata). What says nothing needs a token that only the application's
//! own pages know.

use axum::{
    body::{Body, to_bytes},
    extract::Request,
};
use doorward_protocol::{base64url, secret::Secret};
use http::{
    HeaderMap, HeaderValue, Method,
    header::{CONTENT_TYPE, ORIGIN, UPGRADE},
};
use url::form_urlencoded;

use crate::session::{SessionRecord, form_token_mac};

/// The form field with the token.
const FIELD: &str = "csrf_token";
/// The header with the token.
const HEADER: &str = "x-csrf-token";
/// The longest form that is searched for a token, in bytes.
const LONGEST_FORM: usize = 64 * 1024;

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A page of the application, or the user.
    Own,
    /// A page of another origin.
    Foreign,
    /// The request does not say.
    Unknown,
}

/// Whether a request may change something: by its method (RFC 9110 section 9.2.1), or because it
/// opens a WebSocket, which browsers let any page do (RFC 6455 section 10.2).
pub(crate) fn may_change(method: &Method, headers: &HeaderMap) -> bool {
    !method.is_safe() || headers.contains_key(UPGRADE)
}

/// Where a request comes from. `origin` is that of the application.
pub(crate) fn source(headers: &HeaderMap, origin: &str) -> Source {
    let own_if = |is_own| if is_own { Source::Own } else { Source::Foreign };
    let from = headers.get(ORIGIN).map(HeaderValue::as_bytes);
    if let Some(from) = from.filter(|from| *from != b"null") {
        return own_if(from == origin.as_bytes());
    }
    // A page with `Referrer-Policy: no-referrer` sends its forms with the origin `null` (Fetch,
    // "append a request Origin header"), and so does a sandboxed frame of anybody.
    let (site, is_hidden) = (headers.get("sec-fetch-site"), from.is_some());
    match site.map(HeaderValue::as_bytes) {
        Some(b"same-origin") => Source::Own,
        Some(b"none") => own_if(!is_hidden),
        Some(_) => Source::Foreign,
        None => Source::Unknown,
    }
}

/// The token of a session. It stays the same while the session lasts.
pub(crate) fn form_token(session: &SessionRecord) -> Secret {
    Secret::new(base64url::encode(form_token_mac(session)))
}

/// Whether a request has the session's token, in the header or in a form. Returns the request,
/// whose form was read.
pub(crate) async fn has_token(request: Request, session: &SessionRecord) -> (Request, bool) {
    let expected = form_token(session);
    if let Some(sent) = request.headers().get(HEADER).and_then(|value| value.to_str().ok()) {
        let fits = Secret::new(sent) == expected;
        return (request, fits);
    }
    let is_form = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|media| media.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return (request, false);
    }
    let (parts, body) = request.into_parts();
    let Ok(form) = to_bytes(body, LONGEST_FORM).await else {
        return (Request::from_parts(parts, Body::empty()), false);
    };
    let sent = form_urlencoded::parse(&form).find(|(name, _)| name == FIELD);
    let fits = sent.is_some_and(|(_, sent)| Secret::new(sent) == expected);
    (Request::from_parts(parts, Body::from(form)), fits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn from(pairs: &[(&'static str, &str)]) -> Source {
        let headers = pairs.iter().map(|(name, value)| {
            (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap())
        });
        source(&headers.collect(), "https://shop.example")
    }

    #[test]
    fn browsers_say_where_a_request_comes_from() {
        assert_eq!(from(&[("origin", "https://shop.example")]), Source::Own);
        assert_eq!(from(&[("sec-fetch-site", "same-origin")]), Source::Own);
        assert_eq!(from(&[("sec-fetch-site", "none")]), Source::Own);
        assert_eq!(from(&[]), Source::Unknown);
        for foreign in [
            ("origin", "https://shop.example.evil.example"),
            ("origin", "http://shop.example"),
            ("origin", "https://shop.example:444"),
            ("origin", ""),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "cross-site"),
        ] {
            assert_eq!(from(&[foreign]), Source::Foreign, "{foreign:?}");
        }
        let both = [("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")];
        assert_eq!(from(&both), Source::Foreign);
    }

    #[test]
    fn a_page_that_hides_its_origin_is_known_by_the_site() {
        let hidden = ("origin", "null");
        assert_eq!(from(&[hidden]), Source::Unknown);
        assert_eq!(from(&[hidden, ("sec-fetch-site", "same-origin")]), Source::Own);
        for site in ["none", "same-site", "cross-site"] {
            assert_eq!(from(&[hidden, ("sec-fetch-site", site)]), Source::Foreign, "{site}");
        }
    }

    #[test]
    fn reading_changes_nothing() {
        let none = HeaderMap::new();
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            assert!(!may_change(&method, &none));
        }
        for method in ["POST", "PUT", "PATCH", "DELETE", "CONNECT", "INVENTED"] {
            assert!(may_change(&method.parse().unwrap(), &none));
        }
        let opens = HeaderMap::from_iter([(UPGRADE, "websocket".parse().unwrap())]);
        assert!(may_change(&Method::GET, &opens));
    }
}
