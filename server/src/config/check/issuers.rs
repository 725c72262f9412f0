//! The issuers whose access tokens the API accepts: `[api]` and `[[api.issuers]]`.

use std::{fs, path::PathBuf, time::Duration};

use doorward_protocol::{jose::SigningAlgorithm, secret::Secret};
use doorward_resource_server::{
    ClaimPath, IntrospectionSettings, JwkSet, KeySource, SettingsError, TokenProfile, TrustedIssuer,
};

use super::super::{
    ConfigError, SettingSources,
    file::{ApiSection, IssuerSettings},
    values::WebUrl,
};

/// How the tokens and the keys of one issuer are described. The keys are the same in `[api]` and in
/// `[[api.issuers]]`, except for the address.
struct Described<'a> {
    section: &'static str,
    profile: Option<&'a str>,
    audiences: &'a [String],
    token_types: Option<&'a [String]>,
    client_at: Option<&'a [String]>,
    scope_at: Option<&'a [String]>,
    roles_at: Option<&'a [String]>,
    algorithms: Option<&'a [SigningAlgorithm]>,
    address: Option<&'a str>,
    address_key: &'static str,
    jwks_uri: Option<&'a str>,
    jwks_file: Option<&'a PathBuf>,
    allow_insecure: bool,
}

/// The API's issuers: that of `api.issuer`, which may be asked about opaque tokens, and those of
/// `[[api.issuers]]`.
pub fn api_issuers(
    section: &ApiSection,
    own: &WebUrl,
    sources: &SettingSources,
) -> Result<Vec<TrustedIssuer>, ConfigError> {
    let main = section.issuer.as_ref().unwrap_or(own).as_str();
    let mut first = trusted(main, &section.audience, &described(section), sources)?;
    let cache = cache(section, sources)?;
    asked(section).set(&mut first, cache, sources)?;
    let mut issuers = vec![first];
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
        let mut trusted = trusted(issuer, audience, &another_described(another), sources)?;
        another_asked(another).set(&mut trusted, cache, sources)?;
        issuers.push(trusted);
    }
    Ok(issuers)
}

fn described(section: &ApiSection) -> Described<'_> {
    Described {
        section: "api",
        profile: section.profile.as_deref(),
        audiences: &section.audiences,
        token_types: section.token_types.as_deref(),
        client_at: section.client_at.as_deref(),
        scope_at: section.scope_at.as_deref(),
        roles_at: section.roles_at.as_deref(),
        algorithms: section.algorithms.as_deref(),
        address: section.issuer_address.as_deref(),
        address_key: "issuer_address",
        jwks_uri: section.jwks_uri.as_deref(),
        jwks_file: section.jwks_file.as_ref(),
        allow_insecure: section.allow_insecure,
    }
}

fn another_described(another: &IssuerSettings) -> Described<'_> {
    Described {
        section: "api.issuers",
        profile: another.profile.as_deref(),
        audiences: &another.audiences,
        token_types: another.token_types.as_deref(),
        client_at: another.client_at.as_deref(),
        scope_at: another.scope_at.as_deref(),
        roles_at: another.roles_at.as_deref(),
        algorithms: another.algorithms.as_deref(),
        address: another.address.as_deref(),
        address_key: "address",
        jwks_uri: another.jwks_uri.as_deref(),
        jwks_file: another.jwks_file.as_ref(),
        allow_insecure: another.allow_insecure,
    }
}

fn trusted(
    issuer: &str,
    audience: &str,
    described: &Described<'_>,
    sources: &SettingSources,
) -> Result<TrustedIssuer, ConfigError> {
    let key = |name: &str| format!("{}.{name}", described.section);
    let profile = profile(audience, described, sources)?;
    let mut trusted = TrustedIssuer::new(issuer, audience).with_profile(profile);
    trusted.audiences.extend(described.audiences.iter().cloned());
    trusted.allow_insecure = described.allow_insecure;
    if let Some(algorithms) = described.algorithms {
        trusted.algorithms = algorithms.to_vec();
    }
    trusted.address = described.address.map(str::to_owned);
    trusted.keys = match (described.jwks_uri, described.jwks_file) {
        (None, None) => KeySource::Discovered,
        (Some(uri), None) => KeySource::At(uri.to_owned()),
        (None, Some(file)) => KeySource::Fixed(
            keys_in(file)
                .map_err(|problem| sources.refuse(&key("jwks_file"), file.display(), problem))?,
        ),
        (Some(uri), Some(_)) => {
            let problem = "set either jwks_uri or jwks_file";
            return Err(sources.refuse(&key("jwks_uri"), uri, problem));
        }
    };
    trusted.check().map_err(|error| {
        let (name, value) = match &error {
            SettingsError::Endpoint(uri) if Some(uri.as_str()) == described.jwks_uri => {
                ("jwks_uri", uri.clone())
            }
            SettingsError::Endpoint(address) => (described.address_key, address.clone()),
            _ => {
                let names = trusted.algorithms.iter().map(|algorithm| algorithm.as_str());
                ("algorithms", names.collect::<Vec<_>>().join(", "))
            }
        };
        sources.refuse(&key(name), value, error.to_string())
    })?;
    Ok(trusted)
}

fn profile(
    audience: &str,
    described: &Described<'_>,
    sources: &SettingSources,
) -> Result<TokenProfile, ConfigError> {
    let key = |name: &str| format!("{}.{name}", described.section);
    let name = described.profile.unwrap_or("rfc9068");
    let mut profile = TokenProfile::named(name, audience).ok_or_else(|| {
        let problem = format!("give one of {}", TokenProfile::NAMES.join(", "));
        sources.refuse(&key("profile"), name, problem)
    })?;
    let paths = |name: &str, texts: &[String]| {
        let paths = texts.iter().map(|text| ClaimPath::parse(text));
        paths
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| sources.refuse(&key(name), texts.join(", "), error.to_string()))
    };
    if let Some(types) = described.token_types {
        profile.types = types.iter().cloned().map(Into::into).collect();
    }
    if let Some(texts) = described.client_at {
        profile.client = paths("client_at", texts)?;
    }
    if let Some(texts) = described.scope_at {
        profile.scope = paths("scope_at", texts)?;
    }
    if let Some(texts) = described.roles_at {
        profile.roles = Some(paths("roles_at", texts)?);
    }
    Ok(profile)
}

/// The keys of a file that holds a JWK set (RFC 7517 section 5).
fn keys_in(file: &PathBuf) -> Result<JwkSet, String> {
    let text = fs::read(file).map_err(|error| format!("the file can't be read: {error}"))?;
    let keys: JwkSet = serde_json::from_slice(&text)
        .map_err(|_| "the file holds no JSON Web Key Set: {\"keys\": […]}".to_owned())?;
    if keys.keys.is_empty() { Err("the file holds no key".to_owned()) } else { Ok(keys) }
}

/// How an issuer is asked about opaque tokens. The keys are the same in `[api]` and in
/// `[[api.issuers]]`.
struct Asked<'a> {
    section: &'static str,
    client_id: Option<&'a String>,
    secret: Option<&'a Secret>,
    endpoint: Option<&'a String>,
    signed: bool,
    token_prefix: &'a str,
}

fn asked(section: &ApiSection) -> Asked<'_> {
    Asked {
        section: "api",
        client_id: section.introspection_client_id.as_ref(),
        secret: section.introspection_secret.as_ref(),
        endpoint: section.introspection_endpoint.as_ref(),
        signed: section.introspection_signed,
        token_prefix: &section.introspection_token_prefix,
    }
}

fn another_asked(another: &IssuerSettings) -> Asked<'_> {
    Asked {
        section: "api.issuers",
        client_id: another.introspection_client_id.as_ref(),
        secret: another.introspection_secret.as_ref(),
        endpoint: another.introspection_endpoint.as_ref(),
        signed: another.introspection_signed,
        token_prefix: &another.introspection_token_prefix,
    }
}

/// How long answers about opaque tokens count.
fn cache(section: &ApiSection, sources: &SettingSources) -> Result<Duration, ConfigError> {
    let seconds = section.introspection_cache;
    if seconds > 300 {
        let problem = "give at most 300 seconds: a longer one keeps revoked tokens alive";
        return Err(sources.refuse("api.introspection_cache", seconds, problem));
    }
    Ok(Duration::from_secs(seconds.into()))
}

impl Asked<'_> {
    /// Says it to an issuer that is described otherwise.
    fn set(
        &self,
        issuer: &mut TrustedIssuer,
        cache: Duration,
        sources: &SettingSources,
    ) -> Result<(), ConfigError> {
        let key = |name: &str| format!("{}.introspection_{name}", self.section);
        let Some(secret) = self.secret.cloned() else {
            let problem =
                format!("asking about opaque tokens needs a secret: set {} as well", key("secret"));
            return match (self.client_id, self.endpoint) {
                (None, None) => Ok(()),
                (Some(id), _) => Err(sources.refuse(&key("client_id"), id, problem)),
                (None, Some(endpoint)) => Err(sources.refuse(&key("endpoint"), endpoint, problem)),
            };
        };
        let client_id = self.client_id.or(issuer.audiences.first()).cloned().unwrap_or_default();
        let mut asked = IntrospectionSettings::new(client_id, secret)
            .with_cache(cache)
            .with_token_prefix(self.token_prefix);
        asked.endpoint = self.endpoint.cloned();
        asked.signed = self.signed;
        issuer.introspection = Some(asked);
        issuer.check().map_err(|error| {
            let endpoint = self.endpoint.map(String::as_str).unwrap_or_default();
            sources.refuse(&key("endpoint"), endpoint, error.to_string())
        })
    }
}
