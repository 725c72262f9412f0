//! `[api]`.

use std::time::Duration;

use doorward_resource_server::{IntrospectionSettings, ResourceServerSettings, TrustedIssuer};

use super::super::{
    ApiSettings, ConfigError, SettingSources,
    file::{ApiSection, AppSection},
    values::WebUrl,
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
    let issuers = api_issuers(&section, issuer, sources)?;
    let mut settings = ResourceServerSettings::new(issuer.as_str(), section.audience);
    settings.issuers = issuers;
    settings.max_key_age = Duration::from_secs(section.max_key_age.get().into());
    settings.url = Some(called_at.as_str().to_owned());
    settings.expired_status = section.expired_status.0;
    settings.leeway = Duration::from_secs(section.leeway.into());
    settings.allowed_origins =
        section.allowed_origins.iter().map(|origin| origin.as_str().to_owned()).collect();
    let listen = section.listen.unwrap_or_else(|| app.listen.clone());
    Ok(ApiSettings { listen, settings })
}

/// The API's issuers: that of `api.issuer`, which also answers for opaque tokens, and those of
/// `[[api.issuers]]`.
fn api_issuers(
    section: &ApiSection,
    own: &WebUrl,
    sources: &SettingSources,
) -> Result<Vec<TrustedIssuer>, ConfigError> {
    let main = section.issuer.as_ref().unwrap_or(own).as_str();
    let mut issuers = vec![TrustedIssuer {
        introspection: introspection(section, sources)?,
        ..TrustedIssuer::new(main, &section.audience)
    }];
    for another in &section.issuers {
        let (issuer, audience) =
            (another.issuer.as_str(), another.audience.as_deref().unwrap_or(&section.audience));
        if issuers.iter().any(|known| known.issuer == issuer) {
            let problem = "this issuer is listed twice, or is api.issuer";
            return Err(sources.refuse("api.issuers.issuer", issuer, problem));
        }
        if audience.trim().is_empty() {
            let problem = "give the name that tokens of this issuer for this API carry in aud";
            return Err(sources.refuse("api.issuers.audience", audience, problem));
        }
        issuers.push(TrustedIssuer::new(issuer, audience));
    }
    Ok(issuers)
}

fn introspection(
    section: &ApiSection,
    sources: &SettingSources,
) -> Result<Option<IntrospectionSettings>, ConfigError> {
    if section.introspection_cache > 300 {
        let problem = "give at most 300 seconds: a longer one keeps revoked tokens alive";
        return Err(sources.refuse(
            "api.introspection_cache",
            section.introspection_cache,
            problem,
        ));
    }
    let client_id = section.introspection_client_id.as_ref();
    let Some(secret) = section.introspection_secret.clone() else {
        return match client_id {
            None => Ok(None),
            Some(client_id) => {
                let problem = "asking about opaque tokens needs a secret: set \
                               api.introspection_secret as well";
                Err(sources.refuse("api.introspection_client_id", client_id, problem))
            }
        };
    };
    let mut asked = IntrospectionSettings::new(client_id.unwrap_or(&section.audience), secret);
    asked.cache = Duration::from_secs(section.introspection_cache.into());
    Ok(Some(asked))
}
