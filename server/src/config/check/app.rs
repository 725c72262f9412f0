//! `[app]`.

use doorward_app::config::AppConfig;
use doorward_protocol::scope::OPENID;

use super::super::{
    AppSettings, ConfigError, SettingSources,
    file::AppSection,
    values::{self, WebUrl},
};

/// Checks what the application is served with.
pub fn check(
    section: AppSection,
    issuer: &WebUrl,
    sources: &SettingSources,
) -> Result<AppSettings, ConfigError> {
    if section.client_id.is_empty() {
        return Err(sources.refuse(
            "app.client_id",
            "",
            "name the client that the application signs in with",
        ));
    }
    if !section.scope.contains(OPENID) {
        return Err(sources.refuse(
            "app.scope",
            &section.scope,
            "signing in needs the scope openid",
        ));
    }
    let authority = section.authority.unwrap_or_else(|| issuer.clone());
    let api_url = section.api_url.unwrap_or_else(|| WebUrl::from(&section.url));
    let page_url = format!("{}/OpenId/Login/JS", section.url.as_str());
    let page_or = |target: Option<values::RedirectTarget>| {
        target.map_or_else(|| page_url.clone(), |target| target.as_str().to_owned())
    };
    let mut connect_origins = vec![authority.origin(), api_url.origin()];
    connect_origins.extend(section.connect_origins.iter().map(|origin| origin.as_str().to_owned()));
    // 'self' covers the application's own origin. But the page may have been loaded under another
    // name of this machine, and then the provider has another origin.
    connect_origins
        .retain(|origin| origin != section.url.as_str() || *origin == authority.origin());
    connect_origins.sort();
    connect_origins.dedup();
    Ok(AppSettings {
        listen: section.listen,
        page: AppConfig {
            authority: authority.as_str().to_owned(),
            client_id: section.client_id,
            redirect_uri: page_or(section.redirect_uri),
            post_logout_redirect_uri: page_or(section.post_logout_redirect_uri),
            scope: section.scope.to_string(),
            api_url: api_url.as_str().to_owned(),
            user_store: section.user_store,
            load_user_info: section.load_user_info,
            automatic_silent_renew: section.automatic_silent_renew,
        },
        connect_origins,
        url: section.url.as_str().to_owned(),
    })
}
