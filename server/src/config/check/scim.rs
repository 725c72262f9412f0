//! `[scim]`.

use doorward_admin::scim::{AUDIENCE, BASE_PATH, ScimSettings};
use doorward_resource_server::ResourceServerSettings;

use super::super::{
    ConfigError, ScimConfig, SettingSources,
    file::ScimSection,
    values::{WebUrl, origin_of},
};
use super::{own_issuer, refuse_nobody_served};

/// Checks what the endpoint is made from; `None` if it is off.
pub fn check(
    section: &ScimSection,
    issuer: &WebUrl,
    sources: &SettingSources,
) -> Result<Option<ScimConfig>, ConfigError> {
    if !section.enabled {
        return Ok(None);
    }
    refuse_nobody_served("scim", section.requests_per_minute, sources)?;
    let address = section.issuer_address.as_deref();
    let trusted = own_issuer("scim", issuer, AUDIENCE, address, sources)?;
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
