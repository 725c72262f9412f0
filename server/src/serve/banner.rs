//! The startup banner: where everything is, and in demo mode who can sign in.

use std::fmt::Write as _;

use super::listeners::Purpose;
use crate::config::{self, Config, Role};

/// The banner. `bound` lists what each listener serves and its addresses; `advice` is one more
/// sentence.
pub fn text(config: &Config, bound: &[(Purpose, String)], advice: Option<&str>) -> String {
    let mut text = format!("Doorward {}\n", env!("CARGO_PKG_VERSION"));
    let mut serves_provider = false;
    for (purpose, addresses) in bound {
        let Purpose::Parts(roles) = purpose else {
            let _ = writeln!(
                text,
                "  {:<12} /metrics and /health  (listening on {addresses})",
                "management"
            );
            continue;
        };
        serves_provider |= roles.contains(&Role::Provider);
        for role in roles {
            let (name, url) = match role {
                Role::Provider => ("provider", config.provider.settings.issuer.as_str()),
                Role::App => ("application", config.app.url.as_str()),
                Role::Api => ("API", config.app.page.api_url.as_str()),
            };
            let _ = writeln!(text, "  {name:<12} {url}  (listening on {addresses})");
        }
    }
    if let Some(advice) = advice {
        let _ = writeln!(text, "{advice}");
    }
    if config.demo && serves_provider {
        text.push_str("Demo mode. Sign in as one of these; each password is the name:\n");
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
    }
    text
}
