//! Which listeners a configuration asks for, and what each one serves.

use crate::config::{self, Config, ListenAddress, Role};

/// What a listener serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Parts of Doorward that share it.
    Parts(Vec<Role>),
    /// Metrics and health, for operators.
    Management,
    /// The API for operators, on a listener of its own.
    Admin,
}

impl Purpose {
    /// Whether it serves this part.
    pub fn has(&self, role: Role) -> bool {
        matches!(self, Self::Parts(roles) if roles.contains(&role))
    }

    /// The listener's name in metrics: that of its first part.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Parts(roles) => roles.first().map_or("none", |role| role.label()),
            Self::Management => "management",
            Self::Admin => "admin",
        }
    }
}

/// A listener that is not bound yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerPlan {
    /// The setting of its address.
    pub key: &'static str,
    /// Its address.
    pub listen: ListenAddress,
    /// What it serves.
    pub purpose: Purpose,
}

/// The listeners for these parts. Parts with the same address share one; the configuration has
/// checked which parts may.
pub fn plan(config: &Config, roles: &[Role]) -> Vec<ListenerPlan> {
    let all = [
        (Role::Provider, "provider.listen", &config.provider.listen),
        (Role::App, "app.listen", &config.app.listen),
        (Role::Api, "api.listen", &config.api.listen),
    ];
    let mut plans: Vec<ListenerPlan> = Vec::new();
    for (role, key, listen) in all.into_iter().filter(|(role, ..)| roles.contains(role)) {
        let shared = plans.iter_mut().find(|plan| plan.listen == *listen);
        match shared.map(|plan| &mut plan.purpose) {
            Some(Purpose::Parts(roles)) => roles.push(role),
            _ => plans.push(ListenerPlan {
                key,
                listen: listen.clone(),
                purpose: Purpose::Parts(vec![role]),
            }),
        }
    }
    plans.extend(config.management.iter().cloned().map(|listen| ListenerPlan {
        key: "management.listen",
        listen,
        purpose: Purpose::Management,
    }));
    let admin = config.admin.iter().filter_map(|admin| admin.listen.clone());
    plans.extend(admin.map(|listen| ListenerPlan {
        key: "admin.listen",
        listen,
        purpose: Purpose::Admin,
    }));
    plans
}

/// The public URL of each part, for [`wants_hsts`].
pub fn public_urls(config: &Config) -> Vec<(Role, String)> {
    let provider = (Role::Provider, config.provider.settings.issuer.clone());
    let api = config.api.settings.url.clone().map(|url| (Role::Api, url));
    [provider, (Role::App, config.app.url.clone())].into_iter().chain(api).collect()
}

/// Whether this listener tells browsers to come back by https only. The API's URL may be on another
/// host when the API shares the application's listener, so it counts only for a listener of its
/// own.
pub fn wants_hsts(purpose: &Purpose, urls: &[(Role, String)]) -> bool {
    let counts = |role: Role| match purpose {
        Purpose::Parts(roles) if role == Role::Api => *roles == [Role::Api],
        _ => purpose.has(role),
    };
    urls.iter().any(|(role, url)| counts(*role) && config::wants_hsts(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_listener_sends_hsts_by_its_own_urls() {
        let sent = |purpose: &Purpose, api: &str| {
            let urls =
                [(Role::App, "https://localhost:5001".to_owned()), (Role::Api, api.to_owned())];
            wants_hsts(purpose, &urls)
        };
        let alone = Purpose::Parts(vec![Role::Api]);
        assert!(sent(&alone, "https://api.example.com"));
        assert!(!sent(&alone, "https://localhost:5002") && !sent(&alone, "http://localhost:5002"));
        assert!(!sent(&Purpose::Parts(vec![Role::App, Role::Api]), "https://api.example.com"));
        assert!(!sent(&Purpose::Management, "https://api.example.com"));
    }
}
