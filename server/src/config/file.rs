//! The configuration file as it is written: its sections with their defaults.
//! `doorward.example.toml` documents every key.

use std::{collections::BTreeMap, path::PathBuf};

use doorward_app::config::StoreKind;
use doorward_directory::settings::{DirectoryKind, PasswordChange};
use doorward_protocol::{jose::SigningAlgorithm, scope::Scope, secret::Secret};
use doorward_provider::{
    model::{
        account_settings::{AccountSettings, Registration},
        branding::{DarkAccent, LightAccent, LogoName, ShownName},
        claim_mapping::ClaimMapping,
        client::{ClientSettings, GrantType},
        directory::{Asked, TRUST_WITHOUT_ANSWER},
        editable_claim::EditableClaim,
        identity_provider::{FirstSignIn, IdentityProviderName, ProviderMark},
        provider_settings::{AccessTokenTyp, LongestParameters, MOST_WAITING_PER_ADDRESS},
        registration::{RegistrationMode, RegistrationSettings},
        resource::{ApiResource, ApiScope, IdentityResource, LIST_CLAIMS},
        second_factor::RequireSecondFactor,
    },
    use_case::audit_trail::AuditSettings,
};
use doorward_provider_store::Limits;
use doorward_resource_server::ExpiredStatus;
use serde::Deserialize;
use serde_json::{Map, Value};
use tracing_subscriber::filter::Targets;

use super::values::{
    CollectorUrl, Issuer, ListenAddress, Origin, RedirectTarget, Seconds, TrustedProxy, WebUrl,
};

/// Where the database is by default. Only this path's folder is created if it is missing.
pub const DEFAULT_STORE_PATH: &str = "data/doorward.sqlite3";

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

/// `[provider]`: the OpenID provider.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ProviderSection {
    pub issuer: Issuer,
    pub listen: ListenAddress,
    pub session_lifetime: Seconds,
    pub remember_me_lifetime: Seconds,
    pub refresh_token_grace: u32,
    pub pushed_authorization_request_lifetime: Seconds,
    pub require_pushed_authorization_requests: bool,
    pub require_signed_request_object: bool,
    pub fetch_request_uris: bool,
    pub signing_algorithms: Vec<SigningAlgorithm>,
    pub access_token_signing_alg: SigningAlgorithm,
    pub access_token_typ: AccessTokenTyp,
    pub list_claims: Vec<String>,
    pub acr_values: Vec<String>,
    pub most_waiting_per_address: u32,
    pub longest_state: u32,
    pub longest_scope: u32,
    pub longest_claims: u32,
    pub trusted_proxies: Vec<TrustedProxy>,
    pub min_password_length: u32,
}

/// `[accounts]`: what users may do with their accounts by themselves.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct AccountsSection {
    pub registration: Registration,
    pub allowed_domains: Vec<String>,
    pub sign_in_with: Vec<SignInName>,
    pub reset_link_lifetime: Seconds,
    pub registration_link_lifetime: Seconds,
    pub most_links_per_account: u32,
    pub most_links_per_address: u32,
    pub most_links_per_mailbox: u32,
    pub most_links_per_hour: u32,
    pub most_wrong_attempts: u32,
    pub breached_passwords_file: Option<PathBuf>,
    pub breached_passwords_url: Option<String>,
    pub require_second_factor: RequireSecondFactor,
    pub remember_second_factor_days: u32,
    pub passkey_related_origins: Vec<Origin>,
    pub editable_claims: Vec<EditableClaim>,
    pub allow_deletion: bool,
    pub fresh_sign_in: Seconds,
}

/// `[client_registration]`: clients that no operator wrote down.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, clippy::struct_excessive_bools)]
pub struct ClientRegistrationSection {
    pub mode: RegistrationMode,
    pub metadata_documents: bool,
    pub scopes: Vec<String>,
    pub grant_types: Vec<GrantType>,
    pub allow_offline_access: bool,
    pub require_pkce: bool,
    pub redirect_hosts: Vec<String>,
    pub allow_loopback_redirect_uris: bool,
    pub allow_private_use_schemes: bool,
    pub most_per_address: u32,
    pub unused_lifetime: Seconds,
    pub idle_lifetime: Seconds,
    pub allow_private_addresses: bool,
}

/// A name that users sign in with, of `sign_in_with`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignInName {
    /// The user name.
    Username,
    /// The verified e-mail address.
    Email,
}

/// `[mail]`: the server that sends the provider's letters.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct MailSection {
    pub host: Option<String>,
    pub port: Option<u16>,
    pub tls: MailTls,
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub password_file: Option<PathBuf>,
    pub from: Option<String>,
    pub timeout: Seconds,
    pub templates: Option<PathBuf>,
}

/// `tls` of `[mail]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// From the first byte (RFC 8314 section 3.3).
    #[default]
    Implicit,
    /// From the command `STARTTLS` on (RFC 3207).
    StartTls,
    /// Never: for a server on this machine.
    None,
}

/// `[branding]`: how the pages and messages look.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct BrandingSection {
    pub name: Option<ShownName>,
    pub logos: Option<PathBuf>,
    pub logo: Option<LogoName>,
    pub accent: Option<LightAccent>,
    pub accent_dark: Option<DarkAccent>,
    pub imprint: Option<String>,
    pub privacy: Option<String>,
    pub help: Option<String>,
    pub texts: Option<PathBuf>,
}

/// `[audit]`: the history of who did what.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct AuditSection {
    pub keep_days: u32,
    pub refusals_per_minute: u32,
    pub webhook_url: Option<WebUrl>,
    pub webhook_secret: Option<Secret>,
    pub webhook_secret_file: Option<PathBuf>,
}

/// `[app]`: the single-page application, and what its page is told in `/config.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct AppSection {
    pub url: Origin,
    pub listen: ListenAddress,
    pub authority: Option<WebUrl>,
    pub client_id: String,
    pub redirect_uri: Option<RedirectTarget>,
    pub post_logout_redirect_uri: Option<RedirectTarget>,
    pub scope: Scope,
    pub api_url: Option<WebUrl>,
    pub user_store: StoreKind,
    pub load_user_info: bool,
    pub automatic_silent_renew: bool,
    pub connect_origins: Vec<Origin>,
}

/// `[api]`: the protected API.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, clippy::struct_excessive_bools)] // Independent settings.
pub struct ApiSection {
    pub listen: Option<ListenAddress>,
    pub url: Option<WebUrl>,
    pub issuer: Option<WebUrl>,
    pub audience: String,
    pub audiences: Vec<String>,
    pub profile: Option<String>,
    pub token_types: Option<Vec<String>>,
    pub client_at: Option<Vec<String>>,
    pub scope_at: Option<Vec<String>>,
    pub roles_at: Option<Vec<String>>,
    pub algorithms: Option<Vec<SigningAlgorithm>>,
    pub issuer_address: Option<String>,
    pub jwks_uri: Option<String>,
    pub jwks_file: Option<PathBuf>,
    pub allow_insecure: bool,
    pub introspection_client_id: Option<String>,
    pub introspection_secret: Option<Secret>,
    pub introspection_endpoint: Option<String>,
    pub introspection_cache: u32,
    pub introspection_signed: bool,
    pub introspection_token_prefix: String,
    pub share_opaque_tokens: bool,
    pub max_key_age: Seconds,
    pub expired_status: Expired,
    pub leeway: u32,
    pub allowed_origins: Vec<Origin>,
    pub remembered_proofs: usize,
    pub dpop_nonce_secret: Option<Secret>,
    pub hide_reasons: bool,
    pub issuers: Vec<IssuerSettings>,
}

/// `[[api.issuers]]`: another issuer whose JWTs are accepted.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct IssuerSettings {
    pub issuer: WebUrl,
    #[serde(default)]
    pub audience: Option<String>,
    #[serde(default)]
    pub audiences: Vec<String>,
    #[serde(default)]
    pub profile: Option<String>,
    #[serde(default)]
    pub token_types: Option<Vec<String>>,
    #[serde(default)]
    pub client_at: Option<Vec<String>>,
    #[serde(default)]
    pub scope_at: Option<Vec<String>>,
    #[serde(default)]
    pub roles_at: Option<Vec<String>>,
    #[serde(default)]
    pub algorithms: Option<Vec<SigningAlgorithm>>,
    #[serde(default)]
    pub address: Option<String>,
    #[serde(default)]
    pub jwks_uri: Option<String>,
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
    #[serde(default)]
    pub allow_insecure: bool,
    #[serde(default)]
    pub introspection_client_id: Option<String>,
    #[serde(default)]
    pub introspection_secret: Option<Secret>,
    #[serde(default)]
    pub introspection_endpoint: Option<String>,
    #[serde(default)]
    pub introspection_signed: bool,
    #[serde(default)]
    pub introspection_token_prefix: String,
}

/// `expired_status`, as its number.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "u16")]
pub struct Expired(pub ExpiredStatus);

/// `[store]`: the provider's database.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct StoreSection {
    pub path: PathBuf,
    pub group_commit: bool,
    pub url: Option<Secret>,
    pub ca_file: Option<PathBuf>,
    pub client_certificate: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
    pub password_file: Option<PathBuf>,
    pub connections: u16,
    pub statement_timeout: Seconds,
    pub max_clock_skew: Seconds,
    pub max_sessions_per_user: u32,
    pub max_grants_per_user_and_client: u32,
    pub master_key_file: Option<PathBuf>,
    pub master_key: Option<Secret>,
}

/// `[connections]`: how many connections the listeners accept, and for how long.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ConnectionsSection {
    pub max: u32,
    pub max_per_address: u32,
    pub write_timeout: Seconds,
    pub answer_time: Seconds,
    pub max_age: Seconds,
}

/// `[tls]`: the certificate of the listeners, and whom requests of our own trust.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct TlsSection {
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub development: bool,
    pub trusted_ca: Option<PathBuf>,
}

/// `[stop]`: how the process ends.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct StopSection {
    pub drain_delay: u32,
    pub finishing_time: u32,
}

/// `[management]`: what is for operators only.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ManagementSection {
    pub listen: Option<ListenAddress>,
}

/// `[admin]`: the API for operators.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct AdminSection {
    pub enabled: bool,
    pub listen: Option<ListenAddress>,
    pub url: Option<WebUrl>,
    pub issuer_address: Option<String>,
    pub allowed_origins: Vec<Origin>,
    pub pages: bool,
    pub fresh_sign_in: Seconds,
    pub requests_per_minute: u32,
    pub command_line: bool,
}

/// `[scim]`: users and groups from other systems.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ScimSection {
    pub enabled: bool,
    pub url: Option<WebUrl>,
    pub issuer_address: Option<String>,
    pub emails_are_verified: bool,
    pub may_take_over: bool,
    pub requests_per_minute: u32,
}

/// `[telemetry]`: traces.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct TelemetrySection {
    pub otlp_endpoint: Option<CollectorUrl>,
}

/// `[log]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct LogSection {
    pub level: LogLevel,
    pub format: LogFormat,
}

/// `level`: one for all, or `target=level` for parts, between commas.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct LogLevel(pub Targets);

/// `format`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// `[[users]]`: a user who is imported at the start.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct UserSettings {
    pub username: String,
    #[serde(default)]
    pub sub: Option<String>,
    #[serde(default)]
    pub password: Option<Secret>,
    #[serde(default)]
    pub password_hash: Option<String>,
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(default)]
    pub claims: Map<String, Value>,
}

/// `[[identity_providers]]`: another provider by which users sign in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct IdentityProviderSettings {
    pub name: IdentityProviderName,
    #[serde(default)]
    pub preset: Preset,
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub mark: Option<ProviderMark>,
    #[serde(default)]
    pub issuer: Option<WebUrl>,
    #[serde(default)]
    pub tenants: Vec<String>,
    #[serde(default)]
    pub metadata_url: Option<WebUrl>,
    pub client_id: String,
    #[serde(default)]
    pub client_secret: Option<Secret>,
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    #[serde(default)]
    pub client_authentication: SecretSentBy,
    #[serde(default)]
    pub client_key_file: Option<PathBuf>,
    #[serde(default)]
    pub client_key_id: Option<String>,
    #[serde(default = "default_client_key_alg")]
    pub client_key_alg: SigningAlgorithm,
    #[serde(default)]
    pub id_token_signing_alg: Option<SigningAlgorithm>,
    #[serde(default)]
    pub team_id: Option<String>,
    #[serde(default)]
    pub scopes: Option<Scope>,
    #[serde(default)]
    pub extra_parameters: BTreeMap<String, String>,
    #[serde(default)]
    pub load_user_info: bool,
    #[serde(default)]
    pub first_sign_in: FirstSignIn,
    #[serde(default)]
    pub trusted_email_domains: Vec<String>,
    #[serde(default)]
    pub email_domains: Vec<String>,
    #[serde(default)]
    pub claims: ClaimMapping,
    #[serde(default)]
    pub trusted_mfa: bool,
    #[serde(default)]
    pub mfa_acr: Vec<String>,
    #[serde(default)]
    pub sign_out_upstream: bool,
}

/// `[[directories]]`: a directory (LDAP) by which users sign in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, clippy::struct_excessive_bools)] // Independent settings.
pub struct DirectoryTable {
    pub name: IdentityProviderName,
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub kind: DirectoryKind,
    pub servers: Vec<String>,
    #[serde(default = "yes")]
    pub start_tls: bool,
    #[serde(default)]
    pub allow_plain: bool,
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    #[serde(default)]
    pub bind_dn: Option<String>,
    #[serde(default)]
    pub bind_password: Option<Secret>,
    #[serde(default)]
    pub bind_password_file: Option<PathBuf>,
    pub base: String,
    #[serde(default)]
    pub user_filter: Option<String>,
    #[serde(default)]
    pub user_dn: Option<String>,
    #[serde(default)]
    pub decoy_dn: Option<String>,
    #[serde(default = "every_name")]
    pub names: Vec<String>,
    #[serde(default)]
    pub asked: Asked,
    #[serde(default = "create")]
    pub first_sign_in: FirstSignIn,
    #[serde(default)]
    pub link_by_username: bool,
    #[serde(default)]
    pub trusted_email_domains: Vec<String>,
    #[serde(default)]
    pub id_attribute: Option<String>,
    #[serde(default)]
    pub username_attribute: Option<String>,
    #[serde(default)]
    pub email_attribute: Option<String>,
    #[serde(default)]
    pub name_attribute: Option<String>,
    #[serde(default)]
    pub given_name_attribute: Option<String>,
    #[serde(default)]
    pub family_name_attribute: Option<String>,
    #[serde(default)]
    pub attributes: Vec<String>,
    #[serde(default)]
    pub groups: GroupsFrom,
    #[serde(default)]
    pub group_base: Option<String>,
    #[serde(default)]
    pub group_filter: Option<String>,
    #[serde(default = "default_group_name")]
    pub group_name_attribute: String,
    #[serde(default)]
    pub nested_groups: bool,
    #[serde(default)]
    pub claims: ClaimMapping,
    #[serde(default)]
    pub password_change: PasswordChange,
    #[serde(default = "default_refresh_interval")]
    pub refresh_interval: u32,
    #[serde(default = "default_trust_without_answer")]
    pub trust_without_answer: u32,
    #[serde(default = "default_connect_timeout")]
    pub connect_timeout: Seconds,
    #[serde(default = "default_answer_timeout")]
    pub answer_timeout: Seconds,
    #[serde(default = "default_directory_connections")]
    pub max_connections: u32,
    #[serde(default = "default_most_groups")]
    pub max_groups: u32,
    #[serde(default)]
    pub management: Option<DirectoryManagementTable>,
}

/// `[directories.management]`: how the users of a directory are managed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct DirectoryManagementTable {
    pub bind_dn: String,
    #[serde(default)]
    pub bind_password: Option<Secret>,
    #[serde(default)]
    pub bind_password_file: Option<PathBuf>,
    pub base: String,
    #[serde(default)]
    pub create_in: Option<String>,
    #[serde(default)]
    pub user_filter: Option<String>,
    #[serde(default)]
    pub object_classes: Option<Vec<String>>,
    #[serde(default)]
    pub naming_attribute: Option<String>,
    #[serde(default)]
    pub editable_attributes: Option<Vec<String>>,
    #[serde(default)]
    pub disable_attribute: Option<String>,
    #[serde(default)]
    pub disabled_value: Option<String>,
    #[serde(default)]
    pub group_base: Option<String>,
    #[serde(default)]
    pub group_filter: Option<String>,
    #[serde(default)]
    pub member_attribute: Option<String>,
}

/// `groups`: how the groups of a directory's user are found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupsFrom {
    /// Not at all.
    #[default]
    None,
    /// By the attribute `memberOf` of the user's entry.
    MemberOf,
    /// By a search.
    Search,
}

fn every_name() -> Vec<String> {
    vec!["*".to_owned()]
}

fn create() -> FirstSignIn {
    FirstSignIn::Create
}

fn default_group_name() -> String {
    "cn".to_owned()
}

fn default_refresh_interval() -> u32 {
    300
}

fn default_trust_without_answer() -> u32 {
    TRUST_WITHOUT_ANSWER.get()
}

fn default_connect_timeout() -> Seconds {
    Seconds::new(3)
}

fn default_answer_timeout() -> Seconds {
    Seconds::new(5)
}

fn default_directory_connections() -> u32 {
    8
}

fn default_most_groups() -> u32 {
    1000
}

/// `preset`: what is known of a provider beforehand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Any OpenID provider.
    #[default]
    Generic,
    /// Google.
    Google,
    /// Microsoft Entra ID.
    Entra,
    /// Apple.
    Apple,
    /// `GitHub`.
    GitHub,
    /// `GitLab`.
    GitLab,
    /// Keycloak.
    Keycloak,
    /// Another Doorward.
    Doorward,
}

/// `client_authentication`: how the secret is sent (OIDC Core section 9).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSentBy {
    /// In the `Authorization` header.
    #[default]
    ClientSecretBasic,
    /// In the form.
    ClientSecretPost,
}

fn default_client_key_alg() -> SigningAlgorithm {
    SigningAlgorithm::Es256
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

impl Default for ProviderSection {
    fn default() -> Self {
        Self {
            issuer: known("http://localhost:6001"),
            listen: known("localhost:6001"),
            session_lifetime: Seconds::new(36_000),
            remember_me_lifetime: Seconds::new(2_592_000),
            refresh_token_grace: 10,
            pushed_authorization_request_lifetime: Seconds::new(60),
            require_pushed_authorization_requests: false,
            require_signed_request_object: false,
            fetch_request_uris: false,
            signing_algorithms: vec![SigningAlgorithm::Rs256, SigningAlgorithm::Es256],
            access_token_signing_alg: SigningAlgorithm::Rs256,
            access_token_typ: AccessTokenTyp::default(),
            list_claims: LIST_CLAIMS.map(str::to_owned).into(),
            acr_values: ["urn:doorward:acr:1", "urn:doorward:acr:2"].map(str::to_owned).into(),
            most_waiting_per_address: MOST_WAITING_PER_ADDRESS,
            longest_state: LongestParameters::default().state,
            longest_scope: LongestParameters::default().scope,
            longest_claims: LongestParameters::default().claims,
            trusted_proxies: Vec::new(),
            min_password_length: AccountSettings::default().min_password_length,
        }
    }
}

impl Default for AccountsSection {
    fn default() -> Self {
        let settings = AccountSettings::default();
        Self {
            registration: settings.registration,
            allowed_domains: settings.allowed_domains,
            sign_in_with: vec![SignInName::Username],
            reset_link_lifetime: Seconds::new(settings.reset_link_lifetime),
            registration_link_lifetime: Seconds::new(settings.registration_link_lifetime),
            most_links_per_account: settings.most_links_per_account,
            most_links_per_address: settings.most_links_per_address,
            most_links_per_mailbox: settings.most_links_per_mailbox,
            most_links_per_hour: settings.most_links_per_hour,
            most_wrong_attempts: settings.most_wrong_attempts,
            breached_passwords_file: None,
            breached_passwords_url: None,
            require_second_factor: RequireSecondFactor::default(),
            remember_second_factor_days: 0,
            passkey_related_origins: Vec::new(),
            editable_claims: settings.editable_claims,
            allow_deletion: settings.allow_deletion,
            fresh_sign_in: Seconds::new(settings.fresh_sign_in),
        }
    }
}

impl Default for ClientRegistrationSection {
    fn default() -> Self {
        let settings = RegistrationSettings::default();
        Self {
            mode: settings.mode,
            metadata_documents: settings.metadata_documents,
            scopes: settings.scopes,
            grant_types: settings.grant_types.into_iter().collect(),
            allow_offline_access: settings.allow_offline_access,
            require_pkce: settings.require_pkce,
            redirect_hosts: settings.redirect_hosts,
            allow_loopback_redirect_uris: settings.allow_loopback_redirect_uris,
            allow_private_use_schemes: settings.allow_private_use_schemes,
            most_per_address: settings.most_per_address,
            unused_lifetime: Seconds::new(settings.unused_lifetime.get()),
            idle_lifetime: Seconds::new(settings.idle_lifetime.get()),
            allow_private_addresses: settings.allow_private_addresses,
        }
    }
}

impl Default for AdminSection {
    fn default() -> Self {
        Self {
            enabled: false,
            listen: None,
            url: None,
            issuer_address: None,
            allowed_origins: Vec::new(),
            pages: true,
            fresh_sign_in: Seconds::new(900),
            requests_per_minute: 600,
            command_line: false,
        }
    }
}

impl Default for ScimSection {
    fn default() -> Self {
        Self {
            enabled: false,
            url: None,
            issuer_address: None,
            emails_are_verified: false,
            may_take_over: false,
            requests_per_minute: 3000,
        }
    }
}

impl Default for MailSection {
    fn default() -> Self {
        Self {
            host: None,
            port: None,
            tls: MailTls::default(),
            username: None,
            password: None,
            password_file: None,
            from: None,
            timeout: Seconds::new(30),
            templates: None,
        }
    }
}

impl Default for AuditSection {
    fn default() -> Self {
        Self {
            keep_days: 365,
            refusals_per_minute: AuditSettings::default().refusals_per_minute,
            webhook_url: None,
            webhook_secret: None,
            webhook_secret_file: None,
        }
    }
}

impl Default for AppSection {
    fn default() -> Self {
        Self {
            url: known("http://localhost:5001"),
            listen: known("localhost:5001"),
            authority: None,
            client_id: "PkceJS".to_owned(),
            redirect_uri: None,
            post_logout_redirect_uri: None,
            scope: "openid profile offline_access MyBackendApi2".parse().unwrap_or_default(),
            api_url: None,
            user_store: StoreKind::Session,
            load_user_info: true,
            automatic_silent_renew: true,
            connect_origins: Vec::new(),
        }
    }
}

impl Default for ApiSection {
    fn default() -> Self {
        Self {
            listen: None,
            url: None,
            issuer: None,
            audience: "MyBackendApi2".to_owned(),
            audiences: Vec::new(),
            profile: None,
            token_types: None,
            client_at: None,
            scope_at: None,
            roles_at: None,
            algorithms: None,
            issuer_address: None,
            jwks_uri: None,
            jwks_file: None,
            allow_insecure: false,
            introspection_client_id: None,
            introspection_secret: None,
            introspection_endpoint: None,
            introspection_cache: 10,
            introspection_signed: false,
            introspection_token_prefix: String::new(),
            share_opaque_tokens: false,
            max_key_age: Seconds::new(86_400),
            expired_status: Expired(ExpiredStatus::default()),
            leeway: 0,
            allowed_origins: Vec::new(),
            remembered_proofs: 256 * 1024,
            dpop_nonce_secret: None,
            hide_reasons: false,
            issuers: Vec::new(),
        }
    }
}

impl Default for StoreSection {
    fn default() -> Self {
        Self {
            path: DEFAULT_STORE_PATH.into(),
            group_commit: true,
            url: None,
            ca_file: None,
            client_certificate: None,
            client_key: None,
            password_file: None,
            connections: 10,
            statement_timeout: Seconds::new(5),
            max_clock_skew: Seconds::new(5),
            max_sessions_per_user: Limits::default().sessions_per_user,
            max_grants_per_user_and_client: Limits::default().grants_per_user_and_client,
            master_key_file: None,
            master_key: None,
        }
    }
}

impl Default for ConnectionsSection {
    fn default() -> Self {
        Self {
            max: 10_000,
            max_per_address: 256,
            write_timeout: Seconds::new(30),
            answer_time: Seconds::new(120),
            max_age: Seconds::new(3600),
        }
    }
}

impl Default for StopSection {
    fn default() -> Self {
        Self { drain_delay: 0, finishing_time: 10 }
    }
}

impl TryFrom<u16> for Expired {
    type Error = &'static str;

    fn try_from(status: u16) -> Result<Self, Self::Error> {
        ExpiredStatus::try_from(status)
            .map(Self)
            .map_err(|_| "give 401, the registered status, or 498")
    }
}

impl TryFrom<String> for LogLevel {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let problem =
            "give error, warn, info, debug or trace, and target=level for parts, between commas";
        let filter: Targets = text.parse().map_err(|_| problem)?;
        // A word that is not a level would be taken as the name of a part to be logged in full.
        let bare_words_are_levels =
            text.split(',').map(str::trim).filter(|part| !part.contains('=')).all(|part| {
                ["error", "warn", "info", "debug", "trace", "off"]
                    .contains(&part.to_ascii_lowercase().as_str())
            });
        if bare_words_are_levels { Ok(Self(filter)) } else { Err(problem) }
    }
}

impl Default for LogLevel {
    fn default() -> Self {
        known("info")
    }
}
