//! From the sections of the file to a [`Config`]: checks what concerns several keys at once.

mod accounts;
mod admin;
mod api;
mod app;
mod audit;
mod branding;
mod directories;
mod identity_providers;
mod issuers;
mod mail;
mod provider;
mod provider_credentials;
mod registration;
mod scim;
mod second_factor;
mod store;

pub use self::{
    identity_providers::checked as checked_identity_provider,
    provider_credentials::{CREDENTIAL_SETTINGS, CredentialSource},
};

use std::time::Duration;

use doorward_admin::api::{COMMAND_CLIENT, command_client};
use doorward_resource_server::TrustedIssuer;

use super::{
    Config, ConfigError, ConfigErrors, ConnectionsConfig, Role, SettingSources, StopConfig,
    Warning, demo,
    error::Mistakes,
    file::ConfigFile,
    tls,
    values::{self, ListenAddress, Seconds, WebUrl},
};

/// A setting of one table in a list that does not hold.
#[derive(Debug)]
pub struct Wrong {
    /// The setting.
    pub key: &'static str,
    /// Its value. A secret is never told.
    pub value: String,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl Wrong {
    #[allow(clippy::needless_pass_by_value)]
    fn new(key: &'static str, value: impl ToString, problem: impl Into<String>) -> Self {
        Self { key, value: value.to_string(), problem: problem.into() }
    }
}

/// What people call a provider or a directory.
fn title(given: Option<&str>, usual: &str) -> Result<String, Wrong> {
    let title = given.unwrap_or(usual).trim();
    if title.is_empty() || title.chars().count() > 40 || title.chars().any(char::is_control) {
        let problem = "give the name that people know, in 1 to 40 characters";
        return Err(Wrong::new("title", title, problem));
    }
    Ok(title.to_owned())
}

/// Checks the settings of these parts. `demo_by_default` is for a start without a file.
pub fn check(
    mut file: ConfigFile,
    sources: SettingSources,
    demo_by_default: bool,
    roles: &[Role],
) -> Result<Config, ConfigErrors> {
    let mut mistakes = Mistakes::default();
    let demo = file.demo.unwrap_or(demo_by_default);
    if demo {
        mistakes.note(refuse_public_demo(&file, roles, &sources));
        demo::add_to(&mut file);
    }
    if file.admin.enabled && file.admin.command_line {
        add_command_client(&mut file);
    }
    let is_public_demo = demo && !mistakes.is_empty();
    mistakes.note(refuse_shared_listeners(&file, roles, &sources));
    let issuer = WebUrl::from(&file.provider.issuer);
    // A public URL in demo mode is refused already, whatever it says about TLS.
    let tls = tls::check(&file, roles, &sources);
    let tls = if is_public_demo { tls.ok() } else { mistakes.note(tls) };
    let app = mistakes.note(app::check(file.app.clone(), &issuer, &sources));
    let api = mistakes.note(api::check(file.api.clone(), &file.app, &issuer, &sources));
    let admin = mistakes.note(admin::check(&file, &issuer, &sources));
    file.clients.extend(admin::pages_client(&file));
    let mut warnings = Vec::new();
    if roles.contains(&Role::Provider) {
        warnings.extend(admin::warning(&file));
        warnings.extend(identity_providers::warnings(&file));
    }
    let scim = mistakes.note(scim::check(&file.scim, &issuer, &sources));
    let is_used = roles.contains(&Role::Provider);
    let store = mistakes.note(store::check(file.store.clone(), is_used, &sources));
    let mail = mistakes.note(mail::check(file.mail.clone(), demo, is_used, &sources));
    let audit = mistakes.note(audit::check(file.audit.clone(), is_used, &sources));
    let connections = mistakes.note(connections(&file, &sources));
    let traces = mistakes.note(traces(&file, &sources));
    let provider = mistakes.note_all(provider::check(&file, demo, is_used, &sources));
    let section = file.branding.clone();
    let branding = branding::check(section, &file.clients, is_used, &sources);
    let branding = mistakes.note_all(branding);
    let checked = (|| {
        Some(Config {
            demo,
            app: app?,
            api: api?,
            store: store?,
            mail: mail?,
            branding: branding?,
            audit: audit?,
            connections: connections?,
            tls: tls?,
            stop: StopConfig {
                drain_delay: Duration::from_secs(file.stop.drain_delay.into()),
                finishing_time: Duration::from_secs(file.stop.finishing_time.into()),
            },
            management: file.management.listen,
            admin: admin?.filter(|_| is_used),
            scim: scim?.filter(|_| is_used),
            traces: traces?,
            log: file.log,
            provider: provider?,
            warnings: warnings
                .into_iter()
                .map(|text| Warning { of: "configuration", text })
                .collect(),
            sources,
        })
    })();
    mistakes.or(checked)
}

/// The client of `doorward --server URL`, unless the operator has one of this name.
fn add_command_client(file: &mut ConfigFile) {
    let is_there = file.clients.iter().any(|client| client.client_id == COMMAND_CLIENT);
    if !is_there {
        file.clients.extend(command_client(file.admin.fresh_sign_in.get()));
    }
}

fn connections(
    file: &ConfigFile,
    sources: &SettingSources,
) -> Result<ConnectionsConfig, ConfigError> {
    let section = &file.connections;
    for (key, value) in
        [("connections.max", section.max), ("connections.max_per_address", section.max_per_address)]
    {
        if value == 0 {
            return Err(sources.refuse(key, value, "give at least 1: with 0 nobody is served"));
        }
    }
    let seconds = |seconds: Seconds| Duration::from_secs(seconds.get().into());
    Ok(ConnectionsConfig {
        max: section.max,
        max_per_address: section.max_per_address,
        write_timeout: seconds(section.write_timeout),
        answer_time: seconds(section.answer_time),
        max_age: seconds(section.max_age),
    })
}

/// The collector of traces.
fn traces(file: &ConfigFile, sources: &SettingSources) -> Result<Option<String>, ConfigError> {
    let collector =
        file.telemetry.otlp_endpoint.as_ref().map(|collector| collector.as_str().to_owned());
    match collector {
        Some(collector) if cfg!(not(feature = "otel")) => {
            let problem = "this binary can't send traces: build it with the feature otel, or leave \
                           the key out";
            Err(sources.refuse("telemetry.otlp_endpoint", collector, problem))
        }
        collector => Ok(collector),
    }
}

/// The issuer of an API of this server, asked at another address if the section gives one.
fn own_issuer(
    section: &str,
    issuer: &WebUrl,
    audience: &str,
    address: Option<&str>,
    sources: &SettingSources,
) -> Result<TrustedIssuer, ConfigError> {
    let trusted = TrustedIssuer::new(issuer.as_str(), audience);
    let Some(address) = address else { return Ok(trusted) };
    let trusted = trusted.with_address(address);
    let key = format!("{section}.issuer_address");
    trusted.check().map_err(|error| sources.refuse(&key, address, error.to_string()))?;
    Ok(trusted)
}

fn refuse_nobody_served(
    section: &str,
    requests_per_minute: u32,
    sources: &SettingSources,
) -> Result<(), ConfigError> {
    if requests_per_minute > 0 {
        return Ok(());
    }
    let key = format!("{section}.requests_per_minute");
    let problem = "give at least 1: with 0 nobody is served";
    Err(sources.refuse(&key, requests_per_minute, problem))
}

/// Everyone knows the demo users' passwords, so demo mode is for this machine only.
fn refuse_public_demo(
    file: &ConfigFile,
    roles: &[Role],
    sources: &SettingSources,
) -> Result<(), ConfigError> {
    let problem = "demo mode, whose passwords everyone knows, is for this machine only: listen on \
                   localhost, or set demo = false";
    for (key, listen) in listeners(file, roles) {
        if !listen.is_loopback() {
            return Err(sources.refuse(key, listen, problem));
        }
    }
    let problem = "demo mode, whose passwords everyone knows, is for this machine only: use a \
                   localhost URL, or set demo = false";
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
        (
            Some(Role::Provider),
            "admin.listen",
            file.admin.listen.as_ref().filter(|_| file.admin.enabled),
        ),
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

/// Each part needs its own listener, with two exceptions: the API may share the application's, and
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
                _ if ["management.listen", "admin.listen"].contains(&pair.1) => {
                    "another part listens there: give it a port of its own"
                }
                ("provider.listen", "app.listen" | "api.listen") if listen == other => {
                    if shares_origin(file) {
                        continue;
                    }
                    "the provider listens there: give each part a port of its own, or the issuer a \
                     path under app.url"
                }
                ("app.listen", "api.listen") if listen == other => continue,
                _ => {
                    "another part listens there: give each part a port of its own, or the same \
                     address written alike"
                }
            };
            return Err(sources.refuse(key, listen, problem));
        }
    }
    Ok(())
}

/// Whether the issuer has a path on the application's origin, so that requests to the two can be
/// told apart. `/api` is the API's.
fn shares_origin(file: &ConfigFile) -> bool {
    let path =
        file.provider.issuer.as_str().strip_prefix(file.app.url.as_str()).unwrap_or_default();
    path.starts_with('/') && path != "/api" && !path.starts_with("/api/")
}
