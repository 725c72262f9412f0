//! The startup banner: where everything is, and in demo mode who can sign in.

use std::fmt::Write as _;

use super::listeners::Purpose;
use crate::{
    config::{self, Config, Role},
    net::Listener,
};

/// The banner. `listeners` are bound; `advice` is one more sentence.
pub fn text(config: &Config, listeners: &[(Listener, Purpose)], advice: Option<&str>) -> String {
    let mut text =
        format!("Doorward {} with {}\n", env!("CARGO_PKG_VERSION"), config.sources.file());
    let mut serves_provider = false;
    for (listener, purpose) in listeners {
        let roles = match purpose {
            Purpose::Parts(roles) => roles,
            Purpose::Management | Purpose::Admin => {
                let what = match purpose {
                    Purpose::Admin => doorward_admin::api::BASE_PATH,
                    _ => "/metrics and /health",
                };
                let label = purpose.label();
                let _ = writeln!(text, "  {label:<12} {what}  (listening on {listener})");
                continue;
            }
        };
        serves_provider |= roles.contains(&Role::Provider);
        for role in roles {
            let (name, url) = match role {
                Role::Provider => ("provider", config.provider.settings.issuer.clone()),
                Role::App => ("application", config.app.url.clone()),
                Role::Api => ("API", api_url(config, roles, listener)),
            };
            let _ = writeln!(text, "  {name:<12} {url}  (listening on {listener})");
        }
    }
    let pages = config.admin.as_ref().and_then(|admin| admin.page_origins.first());
    if let Some(origin) = pages {
        let (label, path) = ("admin pages", doorward_admin::PAGES_PATH);
        let who = config.demo.then(|| format!("  (sign in as {})", config::DEMO_OWNER));
        let who = who.unwrap_or_default();
        let _ = writeln!(text, "  {label:<12} {origin}{path}{who}");
    }
    if let Some(advice) = advice {
        let _ = writeln!(text, "{advice}");
    }
    if config.demo && serves_provider {
        text.push_str("Demo mode. Sign in as one of these users; each password is the name:\n");
        text.push_str(&demo_users());
    }
    text
}

/// Where the API is called. If no setting says so and the API has its own listener, only that
/// address is known.
fn api_url(config: &Config, roles: &[Role], listener: &Listener) -> String {
    let is_set = config.sources.is_set("api.url") || config.sources.is_set("app.api_url");
    match &config.api.settings.url {
        Some(url) if is_set || roles.contains(&Role::App) => url.clone(),
        _ => {
            let scheme = if config.tls.certificate.is_some() { "https" } else { "http" };
            let addresses = listener.to_string();
            let first = addresses.split(' ').next().unwrap_or_default();
            format!("{scheme}://{first}")
        }
    }
}

/// A line for each demo user.
fn demo_users() -> String {
    let mut text = String::new();
    for user in config::demo_users() {
        let claim = |name: &str| match user.claims.0.get(name) {
            Some(serde_json::Value::Array(values)) => {
                values.iter().filter_map(|value| value.as_str()).collect::<Vec<_>>().join(", ")
            }
            Some(value) => value.as_str().unwrap_or_default().to_owned(),
            None => String::new(),
        };
        let _ = writeln!(
            text,
            "  {:<12} roles: {:<12} department: {:<6} {}",
            user.username,
            claim("role"),
            claim("department"),
            claim("email")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{config::load_for_tests, net::bind};

    /// It showed the application's URL.
    #[tokio::test]
    async fn an_api_of_its_own_is_shown_at_its_own_address() {
        let shown = |settings: &str| {
            let config = load_for_tests(&format!("[api]\nlisten = \"127.0.0.1:0\"\n{settings}"));
            let listener = bind(&config.api.listen).unwrap();
            let address = listener.to_string();
            (text(&config, &[(listener, Purpose::Parts(vec![Role::Api]))], None), address)
        };
        let (banner, address) = shown("");
        assert!(banner.contains(&format!("API          http://{address} ")), "{banner}");
        let (banner, _) = shown("url = \"https://api.example.com\"\n");
        assert!(banner.contains("https://api.example.com "), "{banner}");
    }
}
