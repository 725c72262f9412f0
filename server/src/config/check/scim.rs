//! `[scim]`.

use doorward_admin::scim::{AUDIENCE, BASE_PATH, ScimSettings};
use doorward_resource_server::{ResourceServerSettings, TrustedIssuer};

use super::super::{
    ConfigError, ScimConfig, SettingSources,
    file::ScimSection,
    values::{WebUrl, origin_of},
};

/// Checks what the endpoint is made from; `None` if it is off.
pub fn check(
    section: &ScimSection,
    issuer: &WebUrl,
    sources: &SettingSources,
) -> Result<Option<ScimConfig>, ConfigError> {
    if !section.enabled {
        return Ok(None);
    }
    if section.requests_per_minute == 0 {
        let problem = "give at least 1: with 0 nobody is served";
        let key = "scim.requests_per_minute";
        return Err(sources.refuse(key, section.requests_per_minute, problem));
    }
    let mut trusted = TrustedIssuer::new(issuer.as_str(), AUDIENCE);
    if let Some(address) = &section.issuer_address {
        trusted = trusted.with_address(address);
        trusted
            .check()
            .map_err(|error| sources.refuse("scim.issuer_address", address, error.to_string()))?;
    }
    let mut resource_server = ResourceServerSettings::for_issuer(trusted);
    let own = section.url.as_ref().map(|url| url.as_str().to_owned());
    let url = own.unwrap_or_else(|| origin_of(issuer.as_str()));
    let settings = ScimSettings {
        url: format!("{}{BASE_PATH}", url.trim_end_matches('/')),
        requests_per_minute: section.requests_per_minute,
        emails_are_verified: section.emails_are_verified,
        may_take_over: section.may_take_over,
    };
    resource_server.url = Some(url);
    Ok(Some(ScimConfig { resource_server, settings }))
}
