//! `[admin]`.

use doorward_admin::api::AUDIENCE;
use doorward_resource_server::{ResourceServerSettings, TrustedIssuer};

use super::super::{
    AdminConfig, ConfigError, SettingSources,
    file::AdminSection,
    values::{WebUrl, origin_of},
};

/// Checks what the API for operators is made from; `None` if it is off.
pub fn check(
    section: &AdminSection,
    issuer: &WebUrl,
    sources: &SettingSources,
) -> Result<Option<AdminConfig>, ConfigError> {
    if !section.enabled {
        return Ok(None);
    }
    if section.requests_per_minute == 0 {
        let problem = "give at least 1: with 0 nobody is served";
        let key = "admin.requests_per_minute";
        return Err(sources.refuse(key, section.requests_per_minute, problem));
    }
    let mut trusted = TrustedIssuer::new(issuer.as_str(), AUDIENCE);
    if let Some(address) = &section.issuer_address {
        trusted = trusted.with_address(address);
        trusted
            .check()
            .map_err(|error| sources.refuse("admin.issuer_address", address, error.to_string()))?;
    }
    let mut settings = ResourceServerSettings::for_issuer(trusted);
    // Proofs name the URL of the request. On a listener of its own nobody knows it unless told.
    let own = section.listen.is_none().then(|| origin_of(issuer.as_str()));
    settings.url = section.url.as_ref().map(|url| url.as_str().to_owned()).or(own);
    settings.allowed_origins =
        section.allowed_origins.iter().map(|origin| origin.as_str().to_owned()).collect();
    Ok(Some(AdminConfig {
        listen: section.listen.clone(),
        settings,
        fresh_sign_in: section.fresh_sign_in.get(),
        requests_per_minute: section.requests_per_minute,
    }))
}
