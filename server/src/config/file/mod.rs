//! The configuration file as it is written: its sections with their defaults.
//! `doorward.example.toml` documents every key.

mod accounts;
mod admin;
mod api;
mod app;
mod audit;
mod branding;
mod directories;
mod identity_providers;
mod listeners;
mod log;
mod mail;
mod provider;
mod registration;
mod scim;
mod store;
mod users;

use doorward_provider::model::{
    client::ClientSettings,
    resource::{ApiResource, ApiScope, IdentityResource},
};
use serde::Deserialize;

pub use self::{
    accounts::{AccountsSection, SignInName},
    admin::AdminSection,
    api::{ApiSection, IssuerSettings},
    app::AppSection,
    audit::AuditSection,
    branding::BrandingSection,
    directories::{DirectoryManagementTable, DirectoryTable, GroupsFrom},
    identity_providers::{IdentityProviderSettings, Preset, SecretSentBy},
    listeners::{ConnectionsSection, ManagementSection, StopSection, TlsSection},
    log::{LogFormat, LogLevel, LogSection, TelemetrySection},
    mail::{MailSection, MailTls},
    provider::ProviderSection,
    registration::ClientRegistrationSection,
    scim::ScimSection,
    store::{DEFAULT_STORE_PATH, StoreSection},
    users::UserSettings,
};

/// The sections: the tables of the file that are not lists.
pub const SECTIONS: [&str; 17] = [
    "provider",
    "accounts",
    "client_registration",
    "mail",
    "branding",
    "audit",
    "app",
    "api",
    "store",
    "connections",
    "tls",
    "stop",
    "management",
    "admin",
    "scim",
    "telemetry",
    "log",
];

/// The whole file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfigFile {
    /// Demo clients, users and resources, and plain secrets. `None`: only without a file.
    pub demo: Option<bool>,
    /// `[provider]`.
    pub provider: ProviderSection,
    /// `[accounts]`.
    pub accounts: AccountsSection,
    /// `[client_registration]`.
    pub client_registration: ClientRegistrationSection,
    /// `[mail]`.
    pub mail: MailSection,
    /// `[branding]`.
    pub branding: BrandingSection,
    /// `[audit]`.
    pub audit: AuditSection,
    /// `[app]`.
    pub app: AppSection,
    /// `[api]`.
    pub api: ApiSection,
    /// `[store]`.
    pub store: StoreSection,
    /// `[connections]`.
    pub connections: ConnectionsSection,
    /// `[tls]`.
    pub tls: TlsSection,
    /// `[stop]`.
    pub stop: StopSection,
    /// `[management]`.
    pub management: ManagementSection,
    /// `[admin]`.
    pub admin: AdminSection,
    /// `[scim]`.
    pub scim: ScimSection,
    /// `[telemetry]`.
    pub telemetry: TelemetrySection,
    /// `[log]`.
    pub log: LogSection,
    /// `[[clients]]`.
    pub clients: Vec<ClientSettings>,
    /// `[[users]]`.
    pub users: Vec<UserSettings>,
    /// `[[identity_providers]]`.
    pub identity_providers: Vec<IdentityProviderSettings>,
    /// `[[directories]]`.
    pub directories: Vec<DirectoryTable>,
    /// `[[identity_resources]]`; `None`: the standard ones.
    pub identity_resources: Option<Vec<IdentityResource>>,
    /// `[[api_scopes]]`.
    pub api_scopes: Vec<ApiScope>,
    /// `[[api_resources]]`.
    pub api_resources: Vec<ApiResource>,
}

fn yes() -> bool {
    true
}

/// A default that is written in the source; a test proves that it can be read.
fn known<T: TryFrom<String>>(text: &str) -> T
where
    T::Error: std::fmt::Debug,
{
    T::try_from(text.to_owned()).unwrap_or_else(|problem| unreachable!("{text}: {problem:?}"))
}
