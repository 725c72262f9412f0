//! The configuration: one TOML file, overridden by environment variables, checked as a whole before
//! anything starts.
//!
//! [`load`] reads the file into its sections ([`parse`], [`mod@file`]). Each value has a type that
//! can hold only valid values ([`values`]). Then demo mode adds its clients and users ([`demo`]),
//! and [`check`] checks what concerns several keys at once. [`ConfigErrors`] names source, key and
//! value of each mistake.

mod arguments;
mod check;
mod demo;
mod environment;
mod error;
mod file;
mod https;
mod parse;
mod references;
mod role;
mod show;
mod sources;
mod tls;
mod users;
mod values;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use doorward_admin::scim::ScimSettings;
use doorward_app::config::AppConfig;
use doorward_directory::settings::DirectorySettings;
use doorward_mail::Templates;
use doorward_protocol::secret::Secret;
use doorward_provider::{
    ProviderSettings,
    model::{
        client::ClientSettings, configured_user::ConfiguredUser,
        identity_provider::IdentityProviderName, resource::Resources,
    },
    use_case::audit_trail::{AuditSettings, WebhookKey},
};
use doorward_provider_http::{Branding, Network};
use doorward_provider_store::{PostgresOptions, SqliteOptions};
use doorward_relying_party::{ClientKey, SignedSecret};
use doorward_resource_server::ResourceServerSettings;
use figment::{
    Figment,
    providers::{Format as _, Toml},
    value::Dict,
};
use lettre::message::Mailbox;

use self::environment::{CONFIG_VARIABLE, Environment};
pub use self::{
    arguments::{ConfigArgument, ServeArguments},
    check::{CREDENTIAL_SETTINGS, CredentialSource, checked_identity_provider},
    demo::{OWNER as DEMO_OWNER, users as demo_users},
    error::{ConfigError, ConfigErrors},
    file::{IdentityProviderSettings, LogFormat, LogLevel, LogSection, MailTls},
    references::missing_references,
    role::Role,
    show::show,
    sources::{SettingSources, explain},
    values::{ListenAddress, is_loopback, origin_of, wants_hsts},
};
use crate::private_file;

/// The configuration file of a command that names none.
const USUAL_FILE: &str = "doorward.toml";

/// A configuration that was checked.
#[derive(Debug)]
pub struct Config {
    /// Where each setting came from, for refusals at start.
    pub sources: SettingSources,
    /// Whether demo mode is on, with its clients and users.
    pub demo: bool,
    /// The provider.
    pub provider: ProviderConfig,
    /// The application.
    pub app: AppSettings,
    /// The API.
    pub api: ApiSettings,
    /// The database.
    pub store: StoreConfig,
    /// How the provider's messages are sent; `None`: not at all.
    pub mail: Option<MailConfig>,
    /// How the pages and messages look.
    pub branding: Branding,
    /// How the audit records are kept and sent.
    pub audit: AuditConfig,
    /// The limits on connections.
    pub connections: ConnectionsConfig,
    /// The certificate of the listeners, and whom we trust.
    pub tls: TlsConfig,
    /// How the process stops.
    pub stop: StopConfig,
    /// Where `/metrics` and the health of the whole process are served, if anywhere.
    pub management: Option<ListenAddress>,
    /// The API for operators, if it is on.
    pub admin: Option<AdminConfig>,
    /// The endpoint for other systems' users and groups, if it is on.
    pub scim: Option<ScimConfig>,
    /// The collector of traces, if there is one.
    pub traces: Option<String>,
    /// What is logged and how.
    pub log: LogSection,
    /// What is odd and does not stop the start, for the log.
    pub warnings: Vec<Warning>,
}

/// A sentence about what is odd and does not stop the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where it comes from: `environment` or `configuration`.
    pub of: &'static str,
    /// The sentence.
    pub text: String,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// What the provider is made from.
#[derive(Debug)]
pub struct ProviderConfig {
    /// Issuer, lifetimes and the like.
    pub settings: ProviderSettings,
    /// Where it listens.
    pub listen: ListenAddress,
    /// Algorithms for which it keeps keys.
    pub signing_algorithms: Vec<doorward_protocol::jose::SigningAlgorithm>,
    /// Reverse proxies whose `X-Forwarded-For` is believed, and, by every listener, whose
    /// `X-Request-Id`.
    pub trusted_proxies: Vec<Network>,
    /// The clients, checked.
    pub clients: Vec<ClientSettings>,
    /// The resources.
    pub resources: Resources,
    /// Where published passwords are looked up.
    pub breached_passwords: BreachedPasswordsConfig,
    /// The users to import.
    pub users: Vec<ConfiguredUser>,
    /// How the other providers are asked by which users sign in.
    pub upstream: Vec<UpstreamConfig>,
    /// Whether stored providers may be at addresses inside the network.
    pub allow_private_providers: bool,
    /// How the directories are asked by which users sign in.
    pub directory_clients: Vec<DirectorySettings>,
}

/// How another provider is asked.
#[derive(Debug)]
pub struct UpstreamConfig {
    /// Its name.
    pub name: IdentityProviderName,
    /// The issuer of its users, or its template.
    pub issuer: String,
    /// What its client is set up with.
    pub settings: doorward_relying_party::Settings,
    /// The key that authenticates the client, in place of a secret.
    pub client_key: Option<ClientKey>,
    /// The secret that the client signs itself.
    pub signed_secret: Option<SignedSecret>,
    /// The tenants whose users may come; empty: the issuer has no tenants, or one.
    pub tenants: Vec<String>,
    /// Whether it is known to ask the user for `prompt=login`, although it sends no `auth_time`.
    pub asks_again: bool,
    /// The values of `prompt` beside `login` that it is known to take, if its metadata lists none.
    pub prompts: &'static [&'static str],
    /// The claim of the ID token that names its users.
    pub subject_claim: String,
    /// The claim of the ID token that is what a SCIM client calls the user.
    pub scim_claim: Option<String>,
    /// Whether it is Apple, whose responses are posted, and may have `email_verified` as a text.
    pub apple: bool,
    /// Whether it is GitHub, which is not an OpenID provider.
    pub github: bool,
}

/// Where passwords that were published in data breaches are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BreachedPasswordsConfig {
    /// Nowhere.
    None,
    /// A sorted file of SHA-1 hashes.
    File(PathBuf),
    /// A service that answers range requests.
    Url(String),
}

/// What the application is served with.
#[derive(Debug)]
pub struct AppSettings {
    /// Its origin in the browser.
    pub url: String,
    /// Where it listens.
    pub listen: ListenAddress,
    /// The document `/config.json`.
    pub page: AppConfig,
    /// Origins beside its own that the page may talk to.
    pub connect_origins: Vec<String>,
}

/// What the API is made from.
#[derive(Debug)]
pub struct ApiSettings {
    /// Where it listens.
    pub listen: ListenAddress,
    /// Issuers, audience and the like.
    pub settings: ResourceServerSettings,
}

/// What the API for operators is made from.
#[derive(Debug)]
pub struct AdminConfig {
    /// Where it listens; `None`: where the provider does.
    pub listen: Option<ListenAddress>,
    /// The origins of its pages, the usual one first. Empty: there are none.
    pub page_origins: Vec<String>,
    /// What the pages ask for when somebody signs in.
    pub pages_scope: String,
    /// Issuer, audience and the like.
    pub settings: ResourceServerSettings,
    /// How old a sign-in may be that lets somebody do what matters, in seconds.
    pub fresh_sign_in: u32,
    /// How many requests a caller may send in a minute.
    pub requests_per_minute: u32,
}

/// What the endpoint for other systems' users and groups is made from.
#[derive(Debug)]
pub struct ScimConfig {
    /// Issuer, audience and the like.
    pub resource_server: ResourceServerSettings,
    /// How it works.
    pub settings: ScimSettings,
}

/// Where the provider keeps its data.
#[derive(Debug)]
pub struct StoreConfig {
    /// The database.
    pub database: DatabaseConfig,
    /// The folder of the default path, if something is kept there. Only this one is created if it
    /// is missing.
    pub folder_to_create: Option<PathBuf>,
    /// The key that encrypts signing keys, or the file that holds it.
    pub master_key: MasterKeySource,
}

/// Which database it is.
#[derive(Debug)]
pub enum DatabaseConfig {
    /// SQLite, for one process.
    Sqlite {
        /// The file.
        path: PathBuf,
        /// How it is used.
        options: SqliteOptions,
    },
    /// PostgreSQL, for many.
    Postgres(Box<PostgresOptions>),
}

impl std::fmt::Display for DatabaseConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite { path, .. } => path.display().fmt(formatter),
            Self::Postgres(options) => options.url.fmt(formatter),
        }
    }
}

/// Where the master key comes from.
#[derive(Debug)]
pub enum MasterKeySource {
    /// The setting `store.master_key`.
    Setting(Secret),
    /// A file, created if it is missing.
    File(PathBuf),
}

/// How the provider's messages are written and sent.
#[derive(Debug)]
pub struct MailConfig {
    /// The templates, checked.
    pub templates: Arc<Templates>,
    /// The way to the mail server; `None`: the letters are kept and shown (demo mode).
    pub server: Option<MailServer>,
}

/// The way to the mail server.
#[derive(Debug, Clone)]
pub struct MailServer {
    /// Its host name, which its certificate must have.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: MailTls,
    /// The name to sign in with, and where its password comes from.
    pub login: Option<(String, MailPassword)>,
    /// Whom the letters come from.
    pub from: Mailbox,
    /// The limit of each step.
    pub timeout: Duration,
}

/// Where the password for the mail server comes from.
#[derive(Debug, Clone)]
pub enum MailPassword {
    /// The setting.
    Setting(Secret),
    /// A file, read for each letter, so that the password can change while the server runs.
    File(PathBuf),
}

/// How audit records are kept and sent.
#[derive(Debug)]
pub struct AuditConfig {
    /// How they are kept.
    pub settings: AuditSettings,
    /// Where they are sent, if anywhere.
    pub webhook: Option<WebhookConfig>,
}

/// The receiver of audit records.
#[derive(Debug)]
pub struct WebhookConfig {
    /// Its URL: https, or on this machine.
    pub url: String,
    /// The key that signs the requests.
    pub key: WebhookKey,
}

/// TLS as configured. No file of it has been read.
#[derive(Debug, Default)]
pub struct TlsConfig {
    /// The certificate of the listeners. `None`: plain HTTP.
    pub certificate: Option<Certificate>,
    /// Certification authorities that our requests trust beside the machine's.
    pub trusted_ca: Option<PathBuf>,
}

/// A certificate with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    /// In PEM files.
    Files {
        /// The chain.
        certificate: PathBuf,
        /// The private key.
        key: PathBuf,
    },
    /// Made for this machine.
    Development {
        /// Where its authority is kept.
        folder: PathBuf,
    },
}

/// The limits on connections.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionsConfig {
    /// How many there may be, not counting those of the management listener.
    pub max: u32,
    /// How many there may be from one address that is not a proxy's.
    pub max_per_address: u32,
    /// A reader that takes no byte for this time is given up.
    pub write_timeout: Duration,
    /// A reader that is behind with its answers for this time is given up.
    pub answer_time: Duration,
    /// A connection is closed at this age, after the answer in progress.
    pub max_age: Duration,
}

/// How the process stops.
#[derive(Debug, Clone, Copy)]
pub struct StopConfig {
    /// How long it still accepts requests after the signal, while it reports that it is not ready.
    pub drain_delay: Duration,
    /// How long requests that have begun may then take.
    pub finishing_time: Duration,
}

/// Reads and checks the configuration of these parts. The file is the given one, or the one that
/// `DOORWARD_CONFIG` names, or `doorward.toml` in the current folder; without any of them the
/// settings are built-in ones. `development_tls` asks for a certificate for development where none
/// is configured.
pub fn load(
    file: Option<&Path>,
    roles: &[Role],
    development_tls: bool,
) -> Result<Config, ConfigErrors> {
    let file = match file {
        Some(file) => Some(file.to_owned()),
        None => file_by_default()?,
    };
    read(file.as_deref(), std::env::vars_os(), roles, development_tls)
}

fn file_by_default() -> Result<Option<PathBuf>, ConfigError> {
    let named = std::env::var_os(CONFIG_VARIABLE).filter(|name| !name.is_empty());
    if let Some(named) = named {
        return Ok(Some(named.into()));
    }
    let usual = Path::new(USUAL_FILE);
    if !usual.is_file() {
        return Ok(None);
    }
    // Whoever may write in the folder that a command happens to run in must not choose what it
    // works on.
    match private_file::owner_of_another(usual) {
        None => Ok(Some(usual.to_owned())),
        Some(owner) => Err(ConfigError::Unreadable {
            file: USUAL_FILE.to_owned(),
            reason: format!(
                "this file in the current folder belongs to another user (uid {owner}); \
                 if you mean it, name it: --config {USUAL_FILE}"
            ),
        }),
    }
}

fn read(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    roles: &[Role],
    development_tls: bool,
) -> Result<Config, ConfigErrors> {
    let mut figment = Figment::new();
    let mut file_is_empty = false;
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            file: path.display().to_string(),
            reason: format!("the configuration file can't be read: {error}"),
        })?;
        figment = figment.merge(Toml::string(&text));
        file_is_empty = figment.extract::<Dict>().is_ok_and(|settings| settings.is_empty());
    }
    let Environment { settings, unknown } = environment::read(environment)?;
    for variable in settings {
        figment = figment.merge(variable);
    }
    let mut sources = SettingSources::new(figment.clone(), file).with_empty_file(file_is_empty);
    let mut settings = parse::parse(&figment, &sources).map_err(|unreadable| {
        unreadable.with_those_of_the_rest(|rest| {
            // With TLS other defaults count, which the rest does not have.
            if development_tls || rest.tls.development || rest.tls.certificate.is_some() {
                return Ok(());
            }
            let sources = sources.clone();
            check::check(rest, sources, file.is_none(), roles).map(drop)
        })
    })?;
    settings.tls.development |= development_tls && settings.tls.certificate.is_none();
    if settings.tls.development || settings.tls.certificate.is_some() {
        // With TLS some URLs have other defaults. Whatever was set stays.
        let (tls, figment) = (settings.tls, figment.join(https::defaults()));
        sources = SettingSources::new(figment.clone(), file).with_empty_file(file_is_empty);
        settings = parse::parse(&figment, &sources).map_err(|unreadable| unreadable.mistakes)?;
        settings.tls = tls;
    }
    let mut config = check::check(settings, sources, file.is_none(), roles)?;
    config.warnings.extend(unknown.into_iter().map(|name| Warning {
        of: "environment",
        text: format!("the environment variable {name} is not a setting; it is ignored"),
    }));
    Ok(config)
}

/// A configuration for tests of other modules.
#[cfg(test)]
pub fn load_for_tests(text: &str) -> Config {
    tests::load(text, &[]).unwrap_or_else(|error| panic!("{error}"))
}

#[cfg(test)]
mod tests;
