//! The configuration: one TOML file, overridden by environment variables, checked as a whole before
//! anything starts.
//!
//! [`load`] reads the file into its sections ([`file`]), where each value is already of a type that
//! can't be wrong ([`values`]), adds what demo mode brings ([`demo`]), and checks what concerns
//! several keys at once. [`ConfigError`] names place, key and value of what does not hold.

mod arguments;
mod check;
mod demo;
mod environment;
mod error;
mod file;
mod https;
mod role;
mod tls;
mod users;
mod values;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use doorward_app::config::AppConfig;
use doorward_protocol::secret::Secret;
use doorward_provider::{
    ProviderSettings,
    model::{client::ClientSettings, resource::Resources},
};
use doorward_provider_http::Network;
use doorward_provider_store::PostgresOptions;
use doorward_resource_server::ResourceServerSettings;
use figment::{
    Figment,
    providers::{Format as _, Toml},
};

use self::file::ConfigFile;
pub use self::{
    arguments::{ConfigArgument, ServeArguments},
    demo::users as demo_users,
    error::{ConfigError, SettingSources},
    file::{LogFormat, LogSection},
    role::Role,
    users::{ConfiguredUser, Password},
    values::{ListenAddress, is_loopback, wants_hsts},
};

/// A configuration of which everything holds.
#[derive(Debug)]
pub struct Config {
    /// Where each setting came from, for refusals at start.
    pub sources: SettingSources,
    /// Whether demo clients and users are there.
    pub demo: bool,
    /// The provider.
    pub provider: ProviderConfig,
    /// The application.
    pub app: AppSettings,
    /// The API.
    pub api: ApiSettings,
    /// The database.
    pub store: StoreConfig,
    /// The certificate of the listeners, and whom we trust.
    pub tls: TlsConfig,
    /// How the process ends.
    pub stop: StopConfig,
    /// Where `/metrics` and the health of the whole process are told, if anywhere.
    pub management: Option<ListenAddress>,
    /// The collector of traces, if there is one.
    pub traces: Option<String>,
    /// What is logged and how.
    pub log: LogSection,
}

/// What the provider is made from.
#[derive(Debug)]
pub struct ProviderConfig {
    /// Issuer, lifetimes and the like.
    pub settings: ProviderSettings,
    /// Where it listens.
    pub listen: ListenAddress,
    /// Algorithms that it keeps keys for.
    pub signing_algorithms: Vec<doorward_protocol::jose::SigningAlgorithm>,
    /// Reverse proxies whose `X-Forwarded-For` is believed, and by every listener their
    /// `X-Request-Id`.
    pub trusted_proxies: Vec<Network>,
    /// The clients, every setting of which holds.
    pub clients: Vec<ClientSettings>,
    /// The resources.
    pub resources: Resources,
    /// The users to be there after the start.
    pub users: Vec<ConfiguredUser>,
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

/// Where the provider keeps its data.
#[derive(Debug)]
pub struct StoreConfig {
    /// The database.
    pub database: DatabaseConfig,
    /// The folder of the default path, if something is kept there: only that one is created if it
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
        /// Whether waiting commands share a commit.
        group_commit: bool,
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

/// TLS as it is configured; nothing of it is read yet.
#[derive(Debug, Default)]
pub struct TlsConfig {
    /// The certificate of the listeners; without one they speak plain HTTP.
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

/// How the process ends.
#[derive(Debug, Clone, Copy)]
pub struct StopConfig {
    /// How long it goes on when it is told to stop, while it says that it is not ready.
    pub drain_delay: Duration,
    /// How long requests under way may take then.
    pub finishing_time: Duration,
}

/// Reads and checks the configuration of these parts: the file if one is given, and the
/// environment. `development_tls` asks for a certificate for development where none is configured.
pub fn load(
    file: Option<&Path>,
    roles: &[Role],
    development_tls: bool,
) -> Result<Config, ConfigError> {
    read(file, std::env::vars_os(), roles, development_tls)
}

fn read(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    roles: &[Role],
    development_tls: bool,
) -> Result<Config, ConfigError> {
    let mut figment = Figment::new();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            file: path.display().to_string(),
            reason: format!("the configuration file can't be read: {error}"),
        })?;
        figment = figment.merge(Toml::string(&text));
    }
    for variable in environment::settings(environment)? {
        figment = figment.merge(variable);
    }
    let mut sources = SettingSources::new(figment.clone(), file);
    let mut settings: ConfigFile = figment.extract().map_err(|error| sources.explain(error))?;
    settings.tls.development |= development_tls && settings.tls.certificate.is_none();
    if settings.tls.development || settings.tls.certificate.is_some() {
        // With TLS the default URLs are others; whatever was set stays.
        let (asked, figment) = (settings.tls, figment.join(https::defaults()));
        sources = SettingSources::new(figment.clone(), file);
        settings = figment.extract().map_err(|error| sources.explain(error))?;
        settings.tls = asked;
    }
    check::check(settings, sources, file.is_none(), roles)
}

/// A configuration for tests of other modules.
#[cfg(test)]
pub fn load_for_tests(text: &str) -> Config {
    tests::load(text, &[]).unwrap_or_else(|error| panic!("{error}"))
}

#[cfg(test)]
mod tests;
