//! `[provider]`, its clients, users and resources.

use doorward_protocol::jose::SigningAlgorithm;
use doorward_provider::{
    ProviderSettings,
    model::{
        client::Client,
        grant::LONGEST_GRACE,
        provider_settings::LongestParameters,
        resource::{IdentityResource, Resources},
        settings_error::SettingsError,
    },
};

use super::super::{
    ConfigError, ConfigErrors, ProviderConfig, SettingSources,
    error::Mistakes,
    file::{ConfigFile, ProviderSection},
    users,
};

/// Checks everything that the provider is made from.
pub fn check(
    file: &ConfigFile,
    demo: bool,
    sources: &SettingSources,
) -> Result<ProviderConfig, ConfigErrors> {
    let mut mistakes = Mistakes::default();
    let section = &file.provider;
    mistakes.note(check_algorithms(section, sources));
    mistakes.note(check_grace(section, sources));
    let users = mistakes.note_all(users::check(file.users.clone(), demo, sources));
    let resources = mistakes.note(resources(file, demo, sources));
    if let Some(resources) = &resources {
        check_clients(file, demo, resources, sources, &mut mistakes);
    }
    let checked = resources.zip(users).map(|(resources, users)| ProviderConfig {
        settings: ProviderSettings {
            issuer: section.issuer.as_str().to_owned(),
            session_lifetime: section.session_lifetime.get(),
            remember_me_lifetime: section.remember_me_lifetime.get(),
            refresh_token_grace: section.refresh_token_grace,
            pushed_authorization_request_lifetime: section
                .pushed_authorization_request_lifetime
                .get(),
            require_pushed_authorization_requests: section.require_pushed_authorization_requests,
            access_token_signing_alg: section.access_token_signing_alg,
            access_token_typ: section.access_token_typ,
            most_waiting_per_address: section.most_waiting_per_address,
            longest_parameters: LongestParameters {
                state: section.longest_state,
                scope: section.longest_scope,
                claims: section.longest_claims,
                ..LongestParameters::default()
            },
        },
        listen: section.listen.clone(),
        signing_algorithms: section.signing_algorithms.clone(),
        trusted_proxies: section.trusted_proxies.iter().map(|proxy| proxy.0).collect(),
        clients: file.clients.clone(),
        min_password_length: section.min_password_length,
        resources,
        users,
    });
    mistakes.or(checked)
}

fn resources(
    file: &ConfigFile,
    demo: bool,
    sources: &SettingSources,
) -> Result<Resources, ConfigError> {
    let identity = file.identity_resources.clone().unwrap_or_else(IdentityResource::standard);
    let algorithms = &file.provider.signing_algorithms;
    Resources::new(identity, file.api_scopes.clone(), file.api_resources.clone(), demo)
        .and_then(|resources| resources.check_algorithms(algorithms).map(|()| resources))
        .map(|resources| resources.with_list_claims(file.provider.list_claims.clone()))
        .map_err(|error| {
            let list = error.list.unwrap_or("identity_resources");
            sources.refuse_in(list, &format!("[[{list}]]"), &error)
        })
}

fn check_clients(
    file: &ConfigFile,
    demo: bool,
    resources: &Resources,
    sources: &SettingSources,
    mistakes: &mut Mistakes,
) {
    for (index, settings) in file.clients.iter().enumerate() {
        let id = &settings.client_id;
        let checked = if file.clients[..index].iter().any(|other| other.client_id == *id) {
            Err(SettingsError::new("client_id", id, "this client is defined twice"))
        } else {
            let algorithms = &file.provider.signing_algorithms;
            Client::checked(settings.clone(), demo, resources, algorithms)
        };
        let label = format!("the client \"{id}\"");
        mistakes.note(checked.map_err(|error| sources.refuse_in("clients", &label, &error)));
    }
}

fn check_grace(section: &ProviderSection, sources: &SettingSources) -> Result<(), ConfigError> {
    if section.refresh_token_grace <= LONGEST_GRACE {
        return Ok(());
    }
    let problem = "give at most 600 seconds: for as long a stolen token could be used unnoticed";
    Err(sources.refuse("provider.refresh_token_grace", section.refresh_token_grace, problem))
}

fn check_algorithms(
    section: &ProviderSection,
    sources: &SettingSources,
) -> Result<(), ConfigError> {
    const MADE: [SigningAlgorithm; 4] = [
        SigningAlgorithm::Rs256,
        SigningAlgorithm::Ps256,
        SigningAlgorithm::Es256,
        SigningAlgorithm::EdDsa,
    ];
    let key = "provider.signing_algorithms";
    let listed = &section.signing_algorithms;
    for (index, algorithm) in listed.iter().enumerate() {
        if !MADE.contains(algorithm) {
            return Err(sources.refuse(
                key,
                algorithm.as_str(),
                "keys are made for RS256, PS256, ES256 and EdDSA only",
            ));
        }
        if listed[..index].contains(algorithm) {
            return Err(sources.refuse(key, algorithm.as_str(), "this algorithm is listed twice"));
        }
    }
    if listed.contains(&section.access_token_signing_alg) {
        return Ok(());
    }
    let algorithm = section.access_token_signing_alg.as_str();
    Err(sources.refuse(
        "provider.access_token_signing_alg",
        algorithm,
        "list it under signing_algorithms as well",
    ))
}
