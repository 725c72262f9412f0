//! `GET /connect/checksession`: the page that clients keep in a hidden frame to notice that the
//! user's session has changed (OIDC Session Management 1.0 section 3). It shows nothing; its script
//! answers messages.
//!
//! It is the only page that may be framed, and only by the origins of clients. A site that frames
//! it can compute the `session_state` of a signed-out browser for its own origin, and so learn
//! whether a visitor is signed in here. Clients know that anyway.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{
        HeaderValue,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use doorward_provider::Provider;
use sha2::{Digest as _, Sha256};

use crate::http::cookies::{Cookie, Cookies};

const SCRIPT: &str = include_str!("check_session.js");

/// The page, rendered once.
#[derive(Debug)]
pub(crate) struct CheckSessionPage {
    markup: String,
    /// Base64 of the SHA-256 of its script.
    script_hash: String,
}

impl CheckSessionPage {
    pub(crate) fn new(cookies: &Cookies) -> Self {
        let script = SCRIPT.replace("COOKIE", cookies.name(Cookie::SessionCheck));
        let head = r#"<meta charset="utf-8"><title>Session check · Doorward</title>"#;
        let markup = format!(
            "<!DOCTYPE html><html lang=\"en\"><head>{head}</head>\
             <body><script>{script}</script></body></html>"
        );
        Self { markup, script_hash: STANDARD.encode(Sha256::digest(&script)) }
    }

    /// The Content-Security-Policy. It lets the origins of the current clients frame the page.
    fn policy(&self, provider: &Provider) -> HeaderValue {
        let origins: Vec<String> = provider.clients().origins().into_iter().collect();
        let ancestors = if origins.is_empty() { "'none'".to_owned() } else { origins.join(" ") };
        let policy = format!(
            "default-src 'none'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'; \
             frame-ancestors {ancestors}",
            self.script_hash
        );
        HeaderValue::from_str(&policy)
            .unwrap_or(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"))
    }
}

pub(crate) async fn get(
    State(provider): State<Arc<Provider>>,
    State(page): State<Arc<CheckSessionPage>>,
) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, page.policy(&provider)),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, page.markup.clone()).into_response()
}
