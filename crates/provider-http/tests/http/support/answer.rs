//! An answer of the provider, and what every refusal of one kind has in common.

use axum::http::{HeaderMap, StatusCode};
use doorward_protocol::params::Params;
use serde_json::Value;

use super::{Element, ISSUER, Page};

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// A header's value, empty if the header is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The error code in a JSON body.
    pub fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    pub fn page(&self) -> Page {
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8", "{self:?}");
        Page::parse(&self.body)
    }

    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// A parameter of the redirect, out of its fragment or its query.
    pub fn redirect_param(&self, name: &str) -> Option<String> {
        let url = url::Url::parse(ISSUER).unwrap().join(self.location()).unwrap();
        let encoded = url.fragment().or(url.query()).unwrap_or_default().to_owned();
        Params::parse(encoded).unwrap().get(name).map(str::to_owned)
    }

    /// A 303 to the login page.
    #[track_caller]
    pub fn expect_login(&self) {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{self:?}");
        assert!(self.location().starts_with("/account/login?return_url="), "{self:?}");
        assert_eq!(self.header("cache-control"), "no-store");
    }

    /// An authorization code, sent to this redirect URI (RFC 6749 section 4.1.2, RFC 9207).
    #[track_caller]
    pub fn expect_code(&self, redirect_uri: &str) -> String {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{self:?}");
        assert!(self.location().starts_with(redirect_uri), "{self:?}");
        assert_eq!(self.redirect_param("iss").as_deref(), Some(ISSUER));
        assert_eq!(self.redirect_param("error"), None);
        assert_eq!(self.header("cache-control"), "no-store");
        self.redirect_param("code").expect("a code")
    }

    /// An authorization error, sent to this redirect URI (RFC 6749 section 4.1.2.1, RFC 9207).
    #[track_caller]
    pub fn expect_redirect_error(&self, redirect_uri: &str, code: &str) {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{self:?}");
        assert!(self.location().starts_with(redirect_uri), "{self:?}");
        assert_eq!(self.redirect_param("error").as_deref(), Some(code), "{self:?}");
        assert_eq!(self.redirect_param("iss").as_deref(), Some(ISSUER));
        assert_eq!(self.redirect_param("code"), None);
        assert_description(&self.redirect_param("error_description").expect("a description"));
        assert_eq!(self.header("cache-control"), "no-store");
    }

    /// The provider's own error page, from which nothing leads anywhere.
    #[track_caller]
    pub fn expect_error_page(&self, status: StatusCode) {
        assert_eq!(self.status, status, "{self:?}");
        assert!(!self.headers.contains_key("location"), "{self:?}");
        let page = self.page();
        assert!(
            page.elements.iter().any(|element| element.attribute("role") == Some("alert")),
            "{self:?}"
        );
        let leads_away = |element: &Element| {
            matches!(element.name.as_str(), "a" | "form" | "script")
                || element.attribute("http-equiv").is_some()
        };
        assert!(!page.elements.iter().any(leads_away), "{self:?}");
        assert_eq!(self.header("cache-control"), "no-store");
    }

    /// An error as JSON (RFC 6749 section 5.2).
    #[track_caller]
    pub fn expect_json_error(&self, status: StatusCode, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/json");
        let body = self.json();
        assert_eq!(body["error"], code, "{self:?}");
        assert_description(body["error_description"].as_str().expect("a description"));
        assert_eq!((self.header("cache-control"), self.header("pragma")), ("no-store", "no-cache"));
        assert_eq!(
            self.headers.contains_key("www-authenticate"),
            status == StatusCode::UNAUTHORIZED,
            "{self:?}"
        );
    }
}

/// A sentence in the characters of RFC 6749 section 5.2: `%x20-21 / %x23-5B / %x5D-7E`.
#[track_caller]
fn assert_description(text: &str) {
    assert!(
        text.bytes().all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E)),
        "{text}"
    );
    assert!(text.ends_with('.') && text.contains(' '), "a sentence: {text}");
}
