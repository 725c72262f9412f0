//! From the sections of the file to a [`Config`]: what concerns several keys at once.

use std::{path::Path, time::Duration};

use doorward_app::config::AppConfig;
use doorward_protocol::{jose::SigningAlgorithm, scope::OPENID};
use doorward_provider::{
    ProviderSettings,
    keys::MasterKey,
    model::{
        client::Client,
        grant::LONGEST_GRACE,
        resource::{IdentityResource, Resources},
        settings_error::SettingsError,
    },
};
use doorward_provider_store::{PostgresOptions, PostgresUrl};
use doorward_resource_server::{IntrospectionSettings, ResourceServerSettings, TrustedIssuer};

use super::{
    ApiSettings, AppSettings, Config, ConfigError, DatabaseConfig, MasterKeySource, ProviderConfig,
    Role, SettingSources, StopConfig, StoreConfig, demo,
    file::{ApiSection, AppSection, ConfigFile, DEFAULT_STORE_PATH, ProviderSection, StoreSection},
    tls, users,
    values::{self, ListenAddress, WebUrl},
};

/// Checks the settings of these parts. `demo_by_default` is for a start without a file.
pub fn check(
    mut file: ConfigFile,
    sources: SettingSources,
    demo_by_default: bool,
    roles: &[Role],
) -> Result<Config, ConfigError> {
    let demo = file.demo.unwrap_or(demo_by_default);
    if demo {
        refuse_public_demo(&file, roles, &sources)?;
        demo::add_to(&mut file);
    }
    refuse_shared_listeners(&file, roles, &sources)?;
    let tls = tls::check(&file, roles, &sources)?;
    let issuer = WebUrl::from(&file.provider.issuer);
    Ok(Config {
        demo,
        app: app(file.app.clone(), &issuer, &sources)?,
        api: api(file.api.clone(), &file.app, &issuer, &sources)?,
        store: store(file.store.clone(), roles.contains(&Role::Provider), &sources)?,
        tls,
        stop: StopConfig {
            drain_delay: Duration::from_secs(file.stop.drain_delay.into()),
            finishing_time: Duration::from_secs(file.stop.finishing_time.into()),
        },
        management: file.management.listen.clone(),
        traces: traces(&file, &sources)?,
        log: file.log.clone(),
        provider: provider(file, demo, &sources)?,
        sources,
    })
}

/// The collector of traces.
fn traces(file: &ConfigFile, sources: &SettingSources) -> Result<Option<String>, ConfigError> {
    let collector =
        file.telemetry.otlp_endpoint.as_ref().map(|collector| collector.as_str().to_owned());
    match collector {
        Some(collector) if cfg!(not(feature = "otel")) => {
            let problem = "this doorward can't send traces: build it with the feature otel, or leave the key out";
            Err(sources.refuse("telemetry.otlp_endpoint", collector, problem))
        }
        collector => Ok(collector),
    }
}

/// Everyone knows the demo users' passwords, so that only this machine may reach them.
fn refuse_public_demo(
    file: &ConfigFile,
    roles: &[Role],
    sources: &SettingSources,
) -> Result<(), ConfigError> {
    let problem = "demo mode, whose passwords everyone knows, is for this machine only: listen on localhost, or set demo = false";
    for (key, listen) in listeners(file, roles) {
        if !listen.is_loopback() {
            return Err(sources.refuse(key, listen, problem));
        }
    }
    let problem = "demo mode, whose passwords everyone knows, is for this machine only: use a localhost URL, or set demo = false";
    for (key, url) in urls(file, roles) {
        if !values::is_loopback(url) {
            return Err(sources.refuse(key, url, problem));
        }
    }
    Ok(())
}

/// The listeners that these parts need, with their keys.
fn listeners<'a>(file: &'a ConfigFile, roles: &[Role]) -> Vec<(&'static str, &'a ListenAddress)> {
    let all = [
        (Some(Role::Provider), "provider.listen", Some(&file.provider.listen)),
        (Some(Role::App), "app.listen", Some(&file.app.listen)),
        (Some(Role::Api), "api.listen", file.api.listen.as_ref().or(Some(&file.app.listen))),
        (None, "management.listen", file.management.listen.as_ref()),
    ];
    let needed = all.into_iter().filter(|(role, ..)| role.is_none_or(|role| roles.contains(&role)));
    needed.filter_map(|(_, key, listen)| Some((key, listen?))).collect()
}

/// The URLs that browsers reach these parts at, with their keys.
pub(super) fn urls<'a>(file: &'a ConfigFile, roles: &[Role]) -> Vec<(&'static str, &'a str)> {
    let all = [
        (Role::Provider, "provider.issuer", file.provider.issuer.as_str()),
        (Role::App, "app.url", file.app.url.as_str()),
    ];
    all.into_iter()
        .filter(|(role, ..)| roles.contains(role))
        .map(|(_, key, url)| (key, url))
        .collect()
}

/// Each part has a listener of its own, but for two: the API may share that of the application, and
/// so may a provider whose issuer has a path on the application's origin.
fn refuse_shared_listeners(
    file: &ConfigFile,
    roles: &[Role],
    sources: &SettingSources,
) -> Result<(), ConfigError> {
    let needed = listeners(file, roles);
    for (index, (key, listen)) in needed.iter().enumerate() {
        for (other_key, other) in &needed[..index] {
            if !listen.collides_with(other) {
                continue;
            }
            let pair = (*other_key, *key);
            let problem = match pair {
                _ if pair.1 == "management.listen" => {
                    "another part listens there: give it a port of its own"
                }
                ("provider.listen", "app.listen" | "api.listen") if listen == other => {
                    if shares_origin(file) {
                        continue;
                    }
                    "the provider listens there: give each part a port of its own, or the issuer a path under app.url"
                }
                ("app.listen", "api.listen") if listen == other => continue,
                _ => {
                    "another part listens there: give each part a port of its own, or the same address written alike"
                }
            };
            return Err(sources.refuse(key, listen, problem));
        }
    }
    Ok(())
}

/// Whether the provider lies under a path of the application's origin, where the two can be told
/// apart. The API has `/api`.
fn shares_origin(file: &ConfigFile) -> bool {
    let path =
        file.provider.issuer.as_str().strip_prefix(file.app.url.as_str()).unwrap_or_default();
    path.starts_with('/') && path != "/api" && !path.starts_with("/api/")
}

fn provider(
    file: ConfigFile,
    demo: bool,
    sources: &SettingSources,
) -> Result<ProviderConfig, ConfigError> {
    let section = file.provider;
    check_algorithms(&section, sources)?;
    check_grace(&section, sources)?;
    let identity = file.identity_resources.unwrap_or_else(IdentityResource::standard);
    let is_api_scope = |name: &str| file.api_scopes.iter().any(|scope| scope.name == name);
    let of_apis: Vec<String> =
        file.api_resources.iter().flat_map(|api| api.user_claims.clone()).collect();
    let of_identity: Vec<String> =
        identity.iter().flat_map(|own| own.user_claims.clone()).collect();
    let resources = Resources::new(identity, file.api_scopes.clone(), file.api_resources, demo)
        .and_then(|resources| {
            resources.check_algorithms(&section.signing_algorithms).map(|()| resources)
        });
    let resources = resources.map_err(|error| {
        let list = match (error.key, error.problem) {
            ("scopes" | "secrets" | "access_token_signing_algs", _)
            | (_, "this API is defined twice") => "api_resources",
            ("user_claims", _)
                if of_apis.contains(&error.value) && !of_identity.contains(&error.value) =>
            {
                "api_resources"
            }
            _ if is_api_scope(&error.value) => "api_scopes",
            _ => "identity_resources",
        };
        sources.refuse_in(list, &format!("[[{list}]]"), &error)
    })?;
    for (index, settings) in file.clients.iter().enumerate() {
        let label = format!("the client \"{}\"", settings.client_id);
        let again = file.clients[..index].iter().any(|other| other.client_id == settings.client_id);
        let checked = if again {
            Err(SettingsError::new(
                "client_id",
                &settings.client_id,
                "this client is defined twice",
            ))
        } else {
            Client::checked(settings.clone(), demo, &resources, &section.signing_algorithms)
        };
        checked.map_err(|error| sources.refuse_in("clients", &label, &error))?;
    }
    Ok(ProviderConfig {
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
        },
        listen: section.listen,
        signing_algorithms: section.signing_algorithms,
        trusted_proxies: section.trusted_proxies.iter().map(|proxy| proxy.0).collect(),
        clients: file.clients,
        resources,
        users: users::check(file.users, demo, sources)?,
    })
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
            return Err(sources.refuse(
                key,
                algorithm.as_str(),
                "this algorithm stands there twice",
            ));
        }
    }
    if listed.contains(&section.access_token_signing_alg) {
        return Ok(());
    }
    let algorithm = section.access_token_signing_alg.as_str();
    Err(sources.refuse(
        "provider.access_token_signing_alg",
        algorithm,
        "list it under signing_algorithms, too",
    ))
}

fn app(
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
    // What stands under the application's own origin is reached by 'self'; but its page may have
    // been loaded by another name of this machine, under which the provider is another origin.
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
        },
        connect_origins,
        url: section.url.as_str().to_owned(),
    })
}

fn api(
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

/// The API's issuers: the one of `api.issuer`, which may be asked about opaque tokens, and those of
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
            let problem = "this issuer stands there already, or is api.issuer";
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
                let problem =
                    "asking about opaque tokens needs a secret: set api.introspection_secret, too";
                Err(sources.refuse("api.introspection_client_id", client_id, problem))
            }
        };
    };
    let mut asked = IntrospectionSettings::new(client_id.unwrap_or(&section.audience), secret);
    asked.cache = Duration::from_secs(section.introspection_cache.into());
    Ok(Some(asked))
}

fn store(
    section: StoreSection,
    is_used: bool,
    sources: &SettingSources,
) -> Result<StoreConfig, ConfigError> {
    let default_path = Path::new(DEFAULT_STORE_PATH);
    let database = database(&section, is_used, sources)?;
    let master_key = match (section.master_key, section.master_key_file) {
        (Some(_), Some(file)) => {
            let problem = "the key is also given by store.master_key: give one of the two";
            return Err(sources.refuse("store.master_key_file", file.display(), problem));
        }
        (Some(key), None) if MasterKey::parse(key.expose()).is_err() => {
            let problem = "give 32 random bytes as 43 base64url characters, without padding";
            return Err(sources.refuse("store.master_key", "", problem));
        }
        (Some(key), None) => MasterKeySource::Setting(key),
        (None, Some(file)) => MasterKeySource::File(file),
        (None, None) => MasterKeySource::File(section.path.with_extension("key")),
    };
    let keeps_at = |path: &Path| match &database {
        DatabaseConfig::Sqlite { .. } => section.path == path,
        DatabaseConfig::Postgres(_) => {
            matches!(&master_key, MasterKeySource::File(file) if *file == path.with_extension("key"))
        }
    };
    let folder_to_create =
        default_path.parent().filter(|_| keeps_at(default_path)).map(Path::to_owned);
    Ok(StoreConfig { database, folder_to_create, master_key })
}

fn database(
    section: &StoreSection,
    is_used: bool,
    sources: &SettingSources,
) -> Result<DatabaseConfig, ConfigError> {
    let path = &section.path;
    let is_default = path == Path::new(DEFAULT_STORE_PATH);
    if let Some(url) = &section.url {
        if !is_default {
            let problem = "the database is also given by store.url: give one of the two";
            return Err(sources.refuse("store.path", path.display(), problem));
        }
        let url = PostgresUrl::parse(url)
            .map_err(|error| sources.refuse("store.url", "", error.to_string()))?;
        if !(1..=1000).contains(&section.connections) {
            return Err(sources.refuse(
                "store.connections",
                section.connections,
                "give 1 to 1000 connections",
            ));
        }
        let ca_file = section.ca_file.clone();
        if let Some(missing) = ca_file.as_ref().filter(|file| is_used && !file.is_file()) {
            let problem = "there is no such file: give one with certificates in PEM form";
            return Err(sources.refuse("store.ca_file", missing.display(), problem));
        }
        return Ok(DatabaseConfig::Postgres(Box::new(PostgresOptions {
            url,
            ca_file,
            connections: section.connections.into(),
            statement_timeout: Duration::from_secs(section.statement_timeout.get().into()),
        })));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(missing) = folder.filter(|folder| is_used && !is_default && !folder.is_dir()) {
        let problem = format!(
            "the folder {} does not exist: create it, or set another path",
            missing.display()
        );
        return Err(sources.refuse("store.path", path.display(), problem));
    }
    Ok(DatabaseConfig::Sqlite { path: path.clone(), group_commit: section.group_commit })
}
