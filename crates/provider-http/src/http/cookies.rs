//! The cookies: the session, its check value, the form token and the device cookie.
//!
//! With https, they are `Secure` and have the prefix `__Host-`, so that no other host and no plain
//! connection can set them (RFC 6265bis section 4.1.3). They are `HttpOnly` and `SameSite=Lax`,
//! except the check value: the script of the page behind `check_session_iframe` reads it, in a
//! frame on another site's page (OIDC Session Management section 3.3). The check value does not
//! name the session, so it may be read.

use axum::http::{HeaderMap, HeaderValue, header::COOKIE};
use doorward_provider::model::token_handle::TokenHandle;

/// The names and attributes of the cookies.
#[derive(Debug, Clone)]
pub(crate) struct Cookies {
    secure: bool,
}

/// One of the cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    Session,
    SessionCheck,
    FormToken,
    /// Shows that the browser has signed an account in before. It outlives the session.
    Device,
}

impl Cookies {
    pub(crate) fn for_issuer(issuer: &str) -> Self {
        Self { secure: issuer.starts_with("https:") }
    }

    /// The value of the cookie in a request. If there are several of the name, none is taken:
    /// someone may have planted one.
    pub(crate) fn read(&self, headers: &HeaderMap, cookie: Cookie) -> Option<TokenHandle> {
        let name = self.name(cookie);
        let mut values = headers
            .get_all(COOKIE)
            .iter()
            // Pairs are read one by one, so that another application's cookie that is not text does
            // not hide ours.
            .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'))
            .filter_map(|pair| std::str::from_utf8(pair).ok()?.trim().split_once('='))
            .filter(|(own, _)| *own == name)
            .map(|(_, value)| value);
        let value = values.next().filter(|value| is_token(value))?;
        values.next().is_none().then(|| TokenHandle::parse(value))
    }

    /// `Set-Cookie` with a value. Without `max_age` (in seconds), the browser forgets the cookie
    /// when it is closed.
    pub(crate) fn set(
        &self,
        cookie: Cookie,
        value: &TokenHandle,
        max_age: Option<u32>,
    ) -> HeaderValue {
        let max_age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        self.header(cookie, value.expose(), &max_age)
    }

    /// `Set-Cookie` that removes the cookie.
    pub(crate) fn remove(&self, cookie: Cookie) -> HeaderValue {
        self.header(cookie, "", "; Max-Age=0")
    }

    fn header(&self, cookie: Cookie, value: &str, max_age: &str) -> HeaderValue {
        let access = match (cookie, self.secure) {
            // Browsers refuse SameSite=None without Secure. Lax is enough for pages of the same
            // site, such as those on localhost.
            (Cookie::SessionCheck, true) => "SameSite=None; Secure",
            (Cookie::SessionCheck, false) => "SameSite=Lax",
            (_, true) => "HttpOnly; SameSite=Lax; Secure",
            (_, false) => "HttpOnly; SameSite=Lax",
        };
        let text = format!("{}={value}; Path=/; {access}{max_age}", self.name(cookie));
        let mut header =
            HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""));
        header.set_sensitive(true);
        header
    }

    pub(crate) fn name(&self, cookie: Cookie) -> &'static str {
        match (cookie, self.secure) {
            (Cookie::Session, true) => "__Host-doorward.session",
            (Cookie::Session, false) => "doorward.session",
            (Cookie::SessionCheck, true) => "__Host-doorward.check",
            (Cookie::SessionCheck, false) => "doorward.check",
            (Cookie::FormToken, true) => "__Host-doorward.form",
            (Cookie::FormToken, false) => "doorward.form",
            (Cookie::Device, true) => "__Host-doorward.device",
            (Cookie::Device, false) => "doorward.device",
        }
    }
}

/// Our values are 43 base64url characters. Nothing else is looked up.
fn is_token(value: &str) -> bool {
    value.len() == 43
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(header: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, header.parse().unwrap());
        let cookies = Cookies::for_issuer("http://localhost:6001");
        cookies.read(&headers, Cookie::Session).map(|token| token.expose().to_owned())
    }

    #[test]
    fn reads_its_own_value_only() {
        let value = "A".repeat(43);
        assert_eq!(read(&format!("a=b; doorward.session={value}; c=d")), Some(value.clone()));
        assert_eq!(read(&format!("xdoorward.session={value}")), None);
        assert_eq!(read("doorward.session=short"), None);
        assert_eq!(read(&format!("doorward.session={value}; doorward.session={value}")), None);
    }

    #[test]
    fn under_https_cookies_are_bound_to_the_host() {
        let token = TokenHandle::parse(&"A".repeat(43));
        let header =
            Cookies::for_issuer("https://op.example").set(Cookie::Session, &token, Some(5));
        let text = header.to_str().unwrap();
        assert!(text.starts_with("__Host-doorward.session="));
        assert!(text.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=5"));
        assert!(header.is_sensitive());
    }

    #[test]
    fn the_check_value_can_be_read_in_a_frame() {
        let token = TokenHandle::parse(&"A".repeat(43));
        let text = |issuer| {
            let header = Cookies::for_issuer(issuer).set(Cookie::SessionCheck, &token, None);
            header.to_str().unwrap().split_once('=').unwrap().1[43..].to_owned()
        };
        assert_eq!(text("https://op.example"), "; Path=/; SameSite=None; Secure");
        assert_eq!(text("http://localhost:6001"), "; Path=/; SameSite=Lax");
    }
}
