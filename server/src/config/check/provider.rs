//! `[provider]`, its clients, users and resources.

use doorward_admin::AdminScope;
use doorward_protocol::jose::SigningAlgorithm;
use doorward_provider::{
    ProviderSettings,
    model::{
        acr::AcrLevels,
        client::Client,
        grant::LONGEST_GRACE,
        provider_settings::LongestParameters,
        resource::{GROUPS, IdentityResource, Resources},
        settings_error::SettingsError,
    },
};

use super::{
    super::{
        ConfigError, ConfigErrors, ProviderConfig, SettingSources,
        error::Mistakes,
        file::{ConfigFile, ProviderSection},
        users,
    },
    accounts, directories, identity_providers, registration, second_factor,
};

/// Checks everything that the provider is made from. `is_used`: by this process.
pub fn check(
    file: &ConfigFile,
    demo: bool,
    is_used: bool,
    sources: &SettingSources,
) -> Result<ProviderConfig, ConfigErrors> {
    let mut mistakes = Mistakes::default();
    let section = &file.provider;
    mistakes.note(check_algorithms(section, sources));
    mistakes.note(check_grace(section, sources));
    mistakes.note(check_waiting(section, sources));
    let accounts = mistakes.note(accounts::check(file, demo, sources));
    let second_factor = mistakes.note(second_factor::check(&file.accounts, sources));
    let breached_passwords =
        mistakes.note(accounts::breached_passwords(&file.accounts, is_used, sources));
    let acr =
        mistakes
            .note(AcrLevels::named(&section.acr_values).map_err(|error| {
                sources.refuse("provider.acr_values", error.value, error.problem)
            }));
    let identity_providers = mistakes.note_all(identity_providers::check(file, is_used, sources));
    let directories = mistakes.note_all(directories::check(file, is_used, sources));
    let users = mistakes.note_all(users::check(file.users.clone(), demo, sources));
    let resources = mistakes.note_all(resources(file, demo, sources));
    check_clients(file, demo, resources.as_ref(), sources, &mut mistakes);
    let registration = resources
        .as_ref()
        .and_then(|resources| mistakes.note(registration::check(file, resources, sources)));
    let accounts = accounts.zip(breached_passwords).zip(second_factor.zip(registration));
    let parts = resources.zip(users).zip(accounts.zip(acr));
    let parts = parts.zip(identity_providers.zip(directories));
    let checked = parts.map(
        |(
            (
                (resources, users),
                (((accounts, breached_passwords), (second_factor, registration)), acr),
            ),
            ((identity_providers, upstream), (directories, directory_clients)),
        )| {
            ProviderConfig {
                settings: ProviderSettings {
                    issuer: section.issuer.as_str().to_owned(),
                    session_lifetime: section.session_lifetime.get().into(),
                    remember_me_lifetime: section.remember_me_lifetime.get().into(),
                    refresh_token_grace: section.refresh_token_grace.into(),
                    pushed_authorization_request_lifetime: section
                        .pushed_authorization_request_lifetime
                        .get()
                        .into(),
                    require_pushed_authorization_requests: section
                        .require_pushed_authorization_requests,
                    require_signed_request_object: section.require_signed_request_object,
                    fetch_request_uris: section.fetch_request_uris,
                    access_token_signing_alg: section.access_token_signing_alg,
                    access_token_typ: section.access_token_typ,
                    most_waiting_per_address: section.most_waiting_per_address,
                    most_waiting_per_client: section.most_waiting_per_client,
                    longest_parameters: LongestParameters {
                        state: section.longest_state,
                        scope: section.longest_scope,
                        claims: section.longest_claims,
                        ..LongestParameters::default()
                    },
                    acr,
                    accounts,
                    registration,
                    second_factor,
                    identity_providers,
                    directories,
                },
                upstream,
                allow_private_providers: file.admin.allow_private_addresses,
                directory_clients,
                listen: section.listen.clone(),
                signing_algorithms: section.signing_algorithms.clone(),
                trusted_proxies: section.trusted_proxies.iter().map(|proxy| proxy.0).collect(),
                clients: file.clients.clone(),
                breached_passwords,
                resources,
                users,
            }
        },
    );
    mistakes.or(checked)
}

fn resources(
    file: &ConfigFile,
    demo: bool,
    sources: &SettingSources,
) -> Result<Resources, ConfigErrors> {
    let identity = file.identity_resources.clone().unwrap_or_else(|| {
        let mut standard = IdentityResource::standard();
        // A scope of this name that an API has goes on to be the API's.
        let is_of_api = file.api_scopes.iter().any(|scope| scope.name == GROUPS);
        standard.retain(|resource| resource.name != GROUPS || !is_of_api);
        standard
    });
    let algorithms = &file.provider.signing_algorithms;
    let (mut scopes, mut apis) = (file.api_scopes.clone(), file.api_resources.clone());
    if file.admin.enabled {
        scopes.extend(doorward_admin::api::api_scopes());
        apis.push(doorward_admin::api::api_resource());
    }
    if file.scim.enabled {
        scopes.push(doorward_admin::scim::api_scope());
        apis.push(doorward_admin::scim::api_resource());
    }
    Resources::with_every_mistake(identity, scopes, apis, demo)
        .and_then(|resources| {
            let checked = resources.check_algorithms(algorithms);
            checked.map(|()| resources).map_err(|mistake| vec![mistake])
        })
        .map(|resources| resources.with_list_claims(file.provider.list_claims.clone()))
        .map(|resources| resources.with_access_token_typ(file.provider.access_token_typ))
        // Agents ask for all that is advertised, and these are for few clients that know them.
        .map(|resources| {
            let admin = AdminScope::ALL.map(AdminScope::name);
            let own = admin.into_iter().chain([doorward_admin::scim::SCOPE]);
            resources.without_advertising(own.map(str::to_owned))
        })
        .map_err(|errors| {
            let told = errors.iter().map(|error| {
                let list = error.list.unwrap_or("identity_resources");
                sources.refuse_in(list, &format!("[[{list}]]"), error)
            });
            ConfigErrors(told.collect())
        })
}

/// Without the resources, which then have a mistake of their own, each client is checked by itself.
fn check_clients(
    file: &ConfigFile,
    demo: bool,
    resources: Option<&Resources>,
    sources: &SettingSources,
    mistakes: &mut Mistakes,
) {
    for (index, settings) in file.clients.iter().enumerate() {
        let id = &settings.client_id;
        let checked = if file.clients[..index].iter().any(|other| other.client_id == *id) {
            Err(vec![SettingsError::new("client_id", id, "this client is defined twice")])
        } else if let Some(resources) = resources {
            let algorithms = &file.provider.signing_algorithms;
            Client::all_checked(settings.clone(), demo, resources, algorithms)
        } else {
            Client::from_all_settings(settings.clone(), demo)
        };
        let label = format!("the client \"{id}\"");
        for error in checked.err().into_iter().flatten() {
            mistakes.note::<()>(Err(sources.refuse_in("clients", &label, &error)));
        }
    }
}

fn check_grace(section: &ProviderSection, sources: &SettingSources) -> Result<(), ConfigError> {
    if section.refresh_token_grace <= LONGEST_GRACE.get() {
        return Ok(());
    }
    let problem = "give at most 600 seconds: for as long a stolen token could be used unnoticed";
    Err(sources.refuse("provider.refresh_token_grace", section.refresh_token_grace, problem))
}

fn check_waiting(section: &ProviderSection, sources: &SettingSources) -> Result<(), ConfigError> {
    if section.most_waiting_per_client > 0 {
        return Ok(());
    }
    Err(sources.refuse("provider.most_waiting_per_client", 0, "give at least 1"))
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
