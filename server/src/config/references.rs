//! Names that one part of the configuration uses and another must define. Each part alone is in
//! order, and a sign-in would still fail.

use doorward_protocol::scope::OFFLINE_ACCESS;
use doorward_provider::model::client::{ClientSettings, GrantType};

use super::{Config, ConfigError, Role, values::origin_of};

/// What is missing, as far as these parts are served by this configuration's own provider. `stored`
/// are the clients of the database.
pub fn missing_references(
    config: &Config,
    roles: &[Role],
    stored: &[ClientSettings],
) -> Vec<ConfigError> {
    if !roles.contains(&Role::Provider) {
        return Vec::new();
    }
    let mut missing = Vec::new();
    if roles.contains(&Role::App) && config.app.page.authority == config.provider.settings.issuer {
        of_app(config, stored, &mut missing);
    }
    if roles.contains(&Role::Api) {
        of_api(config, roles, stored, &mut missing);
    }
    missing
}

/// The application's client must allow what its page asks for.
fn of_app(config: &Config, stored: &[ClientSettings], missing: &mut Vec<ConfigError>) {
    let page = &config.app.page;
    let Some(client) = client(config, stored, &page.client_id) else {
        let problem = "no such client: define it under [[clients]], or add it by doorward client \
                       add (if the application is not served here, give --role provider)";
        missing.push(config.sources.refuse("app.client_id", &page.client_id, problem));
        return;
    };
    let mut refuse = |key: &str, value: &str, problem: String| {
        missing.push(config.sources.refuse(key, value, problem));
    };
    let id = &client.client_id;
    if !client.enabled {
        refuse("app.client_id", id, "this client is not enabled".to_owned());
    }
    if client.require_client_secret {
        let problem =
            "a page can't keep a secret: set require_client_secret = false for its client";
        refuse("app.client_id", id, problem.to_owned());
    }
    if !client.allowed_grant_types.contains(&GrantType::AuthorizationCode) {
        let problem = "the client's allowed_grant_types lack authorization_code";
        refuse("app.client_id", id, problem.to_owned());
    }
    for scope in page.scope.split(' ').filter(|scope| *scope != OFFLINE_ACCESS) {
        if !client.allowed_scopes.iter().any(|allowed| allowed == scope) {
            let problem = format!("the client {id} lacks {scope} in allowed_scopes");
            refuse("app.scope", &page.scope, problem);
        }
    }
    if page.scope.split(' ').any(|scope| scope == OFFLINE_ACCESS) && !client.allow_offline_access {
        let problem = format!("the client {id} lacks allow_offline_access = true");
        refuse("app.scope", &page.scope, problem);
    }
    for (key, uri, list, registered) in [
        ("app.redirect_uri", &page.redirect_uri, "redirect_uris", &client.redirect_uris),
        (
            "app.post_logout_redirect_uri",
            &page.post_logout_redirect_uri,
            "post_logout_redirect_uris",
            &client.post_logout_redirect_uris,
        ),
    ] {
        let uri = absolute(&config.app.url, uri);
        if !registered.contains(&uri) {
            refuse(key, &uri, format!("the client {id} lacks it in {list}"));
        }
    }
    let has_own_origin = origin_of(&config.provider.settings.issuer) != config.app.url;
    if has_own_origin && !client.allowed_cors_origins.contains(&config.app.url) {
        let problem = format!("the client {id} lacks it in allowed_cors_origins");
        refuse("app.url", &config.app.url, problem);
    }
}

/// The API must be known to the provider whose tokens it accepts.
fn of_api(
    config: &Config,
    roles: &[Role],
    stored: &[ClientSettings],
    missing: &mut Vec<ConfigError>,
) {
    let issuer = &config.provider.settings.issuer;
    let Some(own) = config.api.settings.issuers.iter().find(|one| one.issuer == *issuer) else {
        return;
    };
    let resources = &config.provider.resources;
    // The first one is `audience`, and the others are `audiences`.
    let keys = ["api.audience"].into_iter().chain(std::iter::repeat("api.audiences"));
    for (audience, key) in own.audiences.iter().zip(keys) {
        if resources.api(audience).is_none() {
            let problem = "no such API: define it under [[api_resources]] with this name";
            missing.push(config.sources.refuse(key, audience, problem));
        }
    }
    if let Some(introspection) = &own.introspection {
        let id = &introspection.client_id;
        let is_known =
            resources.authenticating_api(id).is_some() || client(config, stored, id).is_some();
        if !is_known {
            let problem = "no API with secrets and no client has this name at the provider";
            missing.push(config.sources.refuse("api.introspection_client_id", id, problem));
        }
    }
    let api_origin = origin_of(&config.app.page.api_url);
    let page_calls_api = roles.contains(&Role::App)
        && config.api.settings.url.as_ref() == Some(&config.app.page.api_url);
    let allowed = &config.api.settings.allowed_origins;
    if page_calls_api && api_origin != config.app.url && !allowed.contains(&config.app.url) {
        let problem = "api.allowed_origins lacks it, so the page can't call the API";
        missing.push(config.sources.refuse("app.url", &config.app.url, problem));
    }
}

/// A client of the configuration, or else of the database.
fn client<'a>(
    config: &'a Config,
    stored: &'a [ClientSettings],
    id: &str,
) -> Option<&'a ClientSettings> {
    config.provider.clients.iter().chain(stored).find(|client| client.client_id == id)
}

/// A path is one on the application's origin.
fn absolute(app: &str, uri: &str) -> String {
    if uri.starts_with('/') { format!("{app}{uri}") } else { uri.to_owned() }
}
