//! `[api]`.

use std::time::Duration;

use doorward_resource_server::ResourceServerSettings;

use super::{
    super::{
        ApiSettings, ConfigError, SettingSources,
        file::{ApiSection, AppSection},
        values::WebUrl,
    },
    issuers,
};

/// Checks what the API is made from.
pub fn check(
    section: ApiSection,
    app: &AppSection,
    issuer: &WebUrl,
    sources: &SettingSources,
) -> Result<ApiSettings, ConfigError> {
    if section.audience.trim().is_empty() {
        let problem = "give the name that tokens for this API carry in aud, such as MyBackendApi2";
        return Err(sources.refuse("api.audience", section.audience, problem));
    }
    if section.leeway > 300 {
        let problem = "give at most 300 seconds: a longer one keeps expired tokens alive";
        return Err(sources.refuse("api.leeway", section.leeway, problem));
    }
    let called_at = section
        .url
        .clone()
        .or_else(|| app.api_url.clone())
        .unwrap_or_else(|| WebUrl::from(&app.url));
    let issuers = issuers::api_issuers(&section, issuer, sources)?;
    let mut settings = ResourceServerSettings::new(issuer.as_str(), section.audience);
    settings.issuers = issuers;
    settings.shares_opaque_tokens = section.share_opaque_tokens;
    settings.check_opaque_tokens().map_err(|error| {
        let problem = format!(
            "{error}: set introspection_token_prefix in [api] and in [[api.issuers]], or \
             share_opaque_tokens in [api]"
        );
        sources.refuse("api.issuers.introspection_token_prefix", "", problem)
    })?;
    settings.max_key_age = Duration::from_secs(section.max_key_age.get().into());
    settings.url = Some(called_at.as_str().to_owned());
    settings.expired_status = section.expired_status.0;
    settings.leeway = Duration::from_secs(section.leeway.into());
    if section.dpop_nonce_secret.as_ref().is_some_and(|secret| secret.expose().len() < 32) {
        let problem = "give at least 32 random characters: openssl rand -base64 32 makes some";
        return Err(sources.refuse("api.dpop_nonce_secret", "", problem));
    }
    settings.nonce_secret = section.dpop_nonce_secret;
    settings.remembered_proofs = section.remembered_proofs;
    settings.hides_reasons = section.hide_reasons;
    settings.allowed_origins =
        section.allowed_origins.iter().map(|origin| origin.as_str().to_owned()).collect();
    let listen = section.listen.unwrap_or_else(|| app.listen.clone());
    Ok(ApiSettings { listen, settings })
}
