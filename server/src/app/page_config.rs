//! `/config.json`: the part of `[app]` in the configuration that the page needs.

use axum::http::{HeaderMap, header::HOST};
use doorward_app::config::AppConfig;
use url::Url;

use crate::config::is_loopback;

/// The document for one request. A machine has several names for itself (`localhost`,
/// `127.0.0.1`). A page that was loaded by another name than that of the configured origin signs in
/// under the name in its address, because browsers keep the session of each name apart.
pub fn for_request(page: &AppConfig, app_origin: &str, headers: &HeaderMap) -> AppConfig {
    let mut page = page.clone();
    if let Some(origin) = other_name_of_this_machine(app_origin, headers) {
        for address in
            [&mut page.redirect_uri, &mut page.post_logout_redirect_uri, &mut page.api_url]
        {
            let rest = address
                .strip_prefix(app_origin)
                .filter(|rest| rest.is_empty() || rest.starts_with('/'));
            if let Some(moved) = rest.map(|rest| format!("{origin}{rest}")) {
                *address = moved;
            }
        }
    }
    page
}

fn other_name_of_this_machine(app_origin: &str, headers: &HeaderMap) -> Option<String> {
    let app = Url::parse(app_origin).ok()?;
    let host = headers.get(HOST)?.to_str().ok()?;
    let asked = Url::parse(&format!("{}://{host}", app.scheme())).ok()?;
    let origin = asked.origin().ascii_serialization();
    let same_port = app.port_or_known_default() == asked.port_or_known_default();
    (origin != app_origin && same_port && is_loopback(app_origin) && is_loopback(&origin))
        .then_some(origin)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn redirect_uri(app_origin: &str, host: &str) -> String {
        let page = AppConfig {
            authority: "http://localhost:6001".into(),
            client_id: "PkceJS".into(),
            redirect_uri: format!("{app_origin}/OpenId/Login/JS"),
            post_logout_redirect_uri: "/".into(),
            scope: "openid".into(),
            api_url: app_origin.into(),
            user_store: doorward_app::config::StoreKind::Session,
            load_user_info: true,
            automatic_silent_renew: true,
        };
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        for_request(&page, app_origin, &headers).redirect_uri
    }

    #[test]
    fn a_page_loaded_by_another_name_of_this_machine_signs_in_under_that_name() {
        let local = "http://localhost:5001";
        assert_eq!(redirect_uri(local, "localhost:5001"), "http://localhost:5001/OpenId/Login/JS");
        assert_eq!(redirect_uri(local, "127.0.0.1:5001"), "http://127.0.0.1:5001/OpenId/Login/JS");
        assert_eq!(redirect_uri(local, "[::1]:5001"), "http://[::1]:5001/OpenId/Login/JS");
    }

    #[test]
    fn no_other_name_counts() {
        for host in [
            "evil.example:5001",
            "127.0.0.1:5002",
            "127.0.0.1:5001/x",
            "user@127.0.0.1:5001@evil.example",
            "?",
        ] {
            let uri = redirect_uri("http://localhost:5001", host);
            assert!(
                uri.starts_with("http://localhost:5001/")
                    || uri.starts_with("http://127.0.0.1:5001/O"),
                "{host} {uri}"
            );
        }
        assert_eq!(
            redirect_uri("https://app.example", "127.0.0.1"),
            "https://app.example/OpenId/Login/JS"
        );
    }
}
