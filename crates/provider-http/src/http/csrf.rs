//! Protection of forms against forged requests: a token that is both in a cookie and in the form,
//! and the `Origin` header that browsers send with every POST.

use axum::http::{HeaderMap, HeaderValue, header::ORIGIN};
use doorward_protocol::{params::Params, secret::Secret};
use doorward_provider::{
    Provider,
    model::{
        time::{Entropy as _, SystemEntropy},
        token_handle::TokenHandle,
    },
};
use url::Url;

use crate::http::cookies::{Cookie, Cookies};

/// The name of the form field.
pub(crate) const FIELD: &str = "form_token";

/// The form token of a page, and the cookie to set if the browser has none yet.
pub(crate) struct FormToken {
    pub(crate) value: String,
    pub(crate) set_cookie: Option<HeaderValue>,
}

impl FormToken {
    /// The token from the browser's cookie, or a new one.
    pub(crate) fn for_page(headers: &HeaderMap, cookies: &Cookies) -> Self {
        if let Some(token) = cookies.read(headers, Cookie::FormToken) {
            return Self { value: token.expose().to_owned(), set_cookie: None };
        }
        let token =
            TokenHandle::parse(&doorward_protocol::base64url::encode(SystemEntropy.bytes()));
        let set_cookie = Some(cookies.set(Cookie::FormToken, &token, None));
        Self { value: token.expose().to_owned(), set_cookie }
    }
}

/// Whether a form was posted from a page of this provider in this browser.
pub(crate) fn is_genuine(
    provider: &Provider,
    cookies: &Cookies,
    headers: &HeaderMap,
    form: &Params,
) -> bool {
    comes_from_here(headers, provider.issuer()) && token_matches(cookies, headers, form)
}

fn token_matches(cookies: &Cookies, headers: &HeaderMap, form: &Params) -> bool {
    match (cookies.read(headers, Cookie::FormToken), form.get_secret(FIELD)) {
        (Some(cookie), Some(field)) => Secret::new(cookie.expose()) == field,
        _ => false,
    }
}

/// Whether `Origin` is the origin of this provider. Browsers send it with every POST. If a request
/// has neither `Origin` nor `Sec-Fetch-Site`, the token alone decides.
pub(crate) fn comes_from_here(headers: &HeaderMap, issuer: &str) -> bool {
    if let Some(origin) = headers.get(ORIGIN) {
        let own = Url::parse(issuer).map(|url| url.origin().ascii_serialization());
        return own.is_ok_and(|own| origin.as_bytes() == own.as_bytes());
    }
    headers.get("sec-fetch-site").is_none_or(|site| site.as_bytes() == b"same-origin")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_origin_must_be_ours() {
        let issuer = "http://localhost:6001/path";
        assert!(comes_from_here(&headers(&[("origin", "http://localhost:6001")]), issuer));
        assert!(comes_from_here(&headers(&[]), issuer));
        assert!(comes_from_here(&headers(&[("sec-fetch-site", "same-origin")]), issuer));
        for foreign in [
            "http://localhost:5001",
            "null",
            "https://localhost:6001",
            "http://localhost:6001.evil.example",
        ] {
            assert!(!comes_from_here(&headers(&[("origin", foreign)]), issuer), "{foreign}");
        }
        assert!(!comes_from_here(&headers(&[("sec-fetch-site", "cross-site")]), issuer));
    }

    #[test]
    fn the_field_must_equal_the_cookie() {
        let cookies = Cookies::for_issuer("http://localhost:6001");
        let token = "A".repeat(43);
        let with_cookie = headers(&[("cookie", &format!("doorward.form={token}"))]);
        let form = |value: &str| Params::parse(format!("form_token={value}")).unwrap();
        assert!(token_matches(&cookies, &with_cookie, &form(&token)));
        assert!(!token_matches(&cookies, &with_cookie, &form(&"B".repeat(43))));
        assert!(!token_matches(&cookies, &with_cookie, &form("")));
        assert!(!token_matches(&cookies, &headers(&[]), &form(&token)));
    }
}
