//! `/popup` and `/silent-renew`: the pages to which the provider sends popups and hidden frames
//! back. Their script hands the page's address to the page that opened them. They load nothing
//! else, so there is nothing else to attack.

use axum::{
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName},
    response::Html,
};

/// The paths, registered as redirect URIs of the demo's client.
pub const PATHS: [&str; 2] = ["/popup", "/silent-renew"];

const POLICY: &str = "default-src 'none'; script-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'self'";

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Signing in</title><script src="/callback.js"></script></head>
<body><p>Done. You can close this window.</p></body>
</html>
"#;

/// Returns the page. Only pages of this origin may frame it.
pub async fn get() -> ([(HeaderName, &'static str); 2], Html<&'static str>) {
    ([(CONTENT_SECURITY_POLICY, POLICY), (CACHE_CONTROL, "no-store")], Html(PAGE))
}
