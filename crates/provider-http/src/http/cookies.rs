//! The cookies: the session, its check value, the form token, the device cookie, the sign-in that
//! waits for its second step, that the browser is remembered for it, and sign-ins that wait for the
//! response of another provider.
//!
//! With https, they are `Secure` and have the prefix `__Host-`, so that no other host and no plain
//! connection can set them (RFC 6265bis section 4.1.3). They are `HttpOnly` and `SameSite=Lax`,
//! except the check value: the script of the page behind `check_session_iframe` reads it, in a
//! frame on another site's page (OIDC Session Management section 3.3). The check value does not
//! name the session, so it may be read.

use axum::http::{HeaderMap, HeaderValue, header::COOKIE};
use doorward_protocol::secret::Secret;
use doorward_provider::{
    model::{time::Seconds, token_handle::TokenHandle},
    use_case::upstream,
};

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
    /// A sign-in that waits for its second step, encrypted.
    SignIn,
    /// Shows that the browser is remembered for the second factor.
    Remembered,
    /// The name of the other provider by which somebody signed in last.
    LastProvider,
    /// An identity at another provider about which its user is to decide.
    ExternalIdentity,
}

/// The cookie of a sign-in that waits for the response of another provider, encrypted. Each has its
/// own, so that several tabs can sign in at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UpstreamCookie(String);

impl UpstreamCookie {
    /// The value in a request, if it is there once.
    pub(crate) fn read(&self, headers: &HeaderMap) -> Option<Secret> {
        let mut values = pairs(headers).filter(|(own, _)| *own == self.0).map(|(_, value)| value);
        let value = values
            .next()
            .filter(|value| value.len() <= upstream::LONGEST && value.bytes().all(is_base64url))?;
        values.next().is_none().then(|| Secret::new(value))
    }
}

impl Cookies {
    pub(crate) fn for_issuer(issuer: &str) -> Self {
        Self { secure: issuer.starts_with("https:") }
    }

    /// The value of the cookie in a request. If there are several of the name, none is taken:
    /// someone may have planted one.
    pub(crate) fn read(&self, headers: &HeaderMap, cookie: Cookie) -> Option<TokenHandle> {
        let name = self.name(cookie);
        let mut values = pairs(headers).filter(|(own, _)| *own == name).map(|(_, value)| value);
        let value = values.next().filter(|value| cookie.may_be(value))?;
        values.next().is_none().then(|| TokenHandle::parse(value))
    }

    /// The cookie of a sign-in at another provider with this `state`.
    pub(crate) fn upstream(&self, state: &str) -> Option<UpstreamCookie> {
        /// So much of `state` tells the cookies of one browser apart.
        const SHOWN: usize = 12;
        let shown = state.get(..SHOWN).filter(|shown| shown.bytes().all(is_base64url))?;
        Some(UpstreamCookie(format!("{}{shown}", self.upstream_prefix())))
    }

    fn upstream_prefix(&self) -> &'static str {
        if self.secure { "__Host-doorward.upstream-" } else { "doorward.upstream-" }
    }

    /// `Set-Cookie` for such a cookie.
    pub(crate) fn set_upstream(&self, cookie: &UpstreamCookie, value: &Secret) -> HeaderValue {
        let max_age = format!("; Max-Age={}", upstream::LIFETIME);
        self.line(&cookie.0, value.expose(), &max_age)
    }

    /// `Set-Cookie` that removes such a cookie.
    pub(crate) fn remove_upstream(&self, cookie: &UpstreamCookie) -> HeaderValue {
        self.line(&cookie.0, "", "; Max-Age=0")
    }

    /// `Set-Cookie` headers that make room for one more such cookie: servers limit the length of a
    /// request's headers, and sign-ins that nobody finished would fill it up.
    pub(crate) fn make_room(&self, headers: &HeaderMap) -> Vec<HeaderValue> {
        /// All such cookies together, in bytes, before there is one more.
        const ROOM: usize = 3000;
        let prefix = self.upstream_prefix();
        let waiting: Vec<_> = pairs(headers).filter(|(own, _)| own.starts_with(prefix)).collect();
        if waiting.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() <= ROOM {
            return Vec::new();
        }
        let is_whole = |name: &&str| name[prefix.len()..].bytes().all(is_base64url);
        let names = waiting.into_iter().map(|(name, _)| name).filter(is_whole);
        names.map(|name| self.line(name, "", "; Max-Age=0")).collect()
    }

    /// `Set-Cookie` with a value. Without `max_age`, the browser forgets the cookie when it is
    /// closed.
    pub(crate) fn set(
        &self,
        cookie: Cookie,
        value: &TokenHandle,
        max_age: Option<Seconds>,
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
        with_access(self.name(cookie), value, access, max_age)
    }

    /// `Set-Cookie` of a cookie that is like most.
    fn line(&self, name: &str, value: &str, max_age: &str) -> HeaderValue {
        let access =
            if self.secure { "HttpOnly; SameSite=Lax; Secure" } else { "HttpOnly; SameSite=Lax" };
        with_access(name, value, access, max_age)
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
            (Cookie::SignIn, true) => "__Host-doorward.sign-in",
            (Cookie::SignIn, false) => "doorward.sign-in",
            (Cookie::Remembered, true) => "__Host-doorward.remembered",
            (Cookie::Remembered, false) => "doorward.remembered",
            (Cookie::ExternalIdentity, true) => "__Host-doorward.external",
            (Cookie::ExternalIdentity, false) => "doorward.external",
            (Cookie::LastProvider, true) => "__Host-doorward.last-provider",
            (Cookie::LastProvider, false) => "doorward.last-provider",
        }
    }
}

fn with_access(name: &str, value: &str, access: &str, max_age: &str) -> HeaderValue {
    let text = format!("{name}={value}; Path=/; {access}{max_age}");
    let mut header = HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

/// The cookies of a request. Pairs are read one by one, so that another application's cookie that
/// is not text does not hide ours.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| std::str::from_utf8(pair).ok()?.trim().split_once('='))
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// The longest sign-in that waits for its second step, encrypted. It may name an identity at
/// another provider: an issuer of 1,000 bytes, a subject and a session of 255 each.
const LONGEST_SIGN_IN: usize = 3072;

impl Cookie {
    /// Whether this can be its value: 43 base64url characters, or more where something encrypted
    /// is in it. Nothing else is looked up.
    fn may_be(self, value: &str) -> bool {
        let is_as_long = match self {
            Self::SignIn => value.len() <= LONGEST_SIGN_IN,
            Self::LastProvider => value.len() <= 32,
            _ => value.len() == 43,
        };
        is_as_long && value.bytes().all(is_base64url)
    }
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
    fn each_sign_in_elsewhere_has_its_cookie_until_there_are_too_many() {
        let cookies = Cookies::for_issuer("https://op.example");
        let own = cookies.upstream("abcdefghijkl-rest").unwrap();
        let set = cookies.set_upstream(&own, &Secret::new("sealed"));
        let set = set.to_str().unwrap();
        assert!(set.starts_with("__Host-doorward.upstream-abcdefghijkl=sealed; Path=/;"), "{set}");
        assert!(set.contains("HttpOnly; SameSite=Lax; Secure; Max-Age=900"), "{set}");
        for state in ["", "short", "abc;def=ghij", "abcdefghijk\u{e9}"] {
            assert_eq!(cookies.upstream(state), None, "{state}");
        }
        let request = |cookies: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, cookies.parse().unwrap());
            headers
        };
        let one = "__Host-doorward.upstream-abcdefghijkl=sealed";
        let read = |text: &str| own.read(&request(text));
        assert_eq!(read(one), Some(Secret::new("sealed")));
        assert_eq!(read(&format!("{one}; {one}")), None, "one of them was planted");
        assert!(cookies.make_room(&request(one)).is_empty());
        let long = format!("{one}; __Host-doorward.upstream-b={}", "x".repeat(3000));
        let removed = cookies.make_room(&request(&long));
        assert_eq!(removed.len(), 2);
        assert!(removed.iter().all(|set| set.to_str().unwrap().contains("=; Path=/")));
    }

    #[test]
    fn under_https_cookies_are_bound_to_the_host() {
        let token = TokenHandle::parse(&"A".repeat(43));
        let header = Cookies::for_issuer("https://op.example").set(
            Cookie::Session,
            &token,
            Some(Seconds::new(5)),
        );
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
