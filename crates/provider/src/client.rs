//! Clients: the settings an operator writes ([`ClientSettings`]) and what they become when they
//! hold ([`Client`]).

use std::collections::BTreeSet;

use doorward_protocol::{
    jose::SigningAlgorithm,
    scope::{OFFLINE_ACCESS, Scope, is_scope_token},
    secret::Secret,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::{Host, Url};

use crate::{
    client_assertion::ClientKeys,
    fapi2,
    logout::{LogoutUri, logout_uris},
    shared_secret::{SecretSettings, SharedSecrets},
    subject::Pairwise,
    time::Timestamp,
};

/// A grant type that a client may be allowed (`allowed_grant_types`). Refresh tokens come with
/// `allow_offline_access`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// RFC 6749 section 4.1, with PKCE.
    AuthorizationCode,
    /// RFC 6749 section 4.4.
    ClientCredentials,
    /// RFC 6749 section 4.3; RFC 9700 section 2.4 says not to use it.
    Password,
    /// RFC 8628.
    DeviceCode,
}

/// `refresh_token_usage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshTokenUsage {
    /// Each use replaces the token (RFC 9700 section 2.2.2).
    OneTimeOnly,
    /// The token stays the same.
    Reuse,
}

/// `refresh_token_expiration`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshTokenExpiration {
    /// Ends `absolute_refresh_token_lifetime` after the first issue.
    Absolute,
    /// Each use moves the end by `sliding_refresh_token_lifetime`, up to the absolute lifetime
    /// where that is not 0.
    Sliding,
}

/// `access_token_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessTokenType {
    /// A signed JWT, which APIs verify themselves (RFC 9068).
    Jwt,
    /// An opaque handle, about which APIs ask the introspection endpoint (RFC 7662).
    Reference,
}

/// A client as the operator writes it. Lifetimes are in seconds. `doorward.example.toml` documents
/// every key.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, clippy::struct_excessive_bools)]
pub struct ClientSettings {
    pub client_id: String,
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(default)]
    pub client_name: Option<String>,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub client_uri: Option<String>,
    #[serde(default)]
    pub logo_uri: Option<String>,
    #[serde(default)]
    pub client_secrets: Vec<SecretSettings>,
    #[serde(default)]
    pub jwks: Option<Map<String, Value>>,
    #[serde(default)]
    pub jwks_uri: Option<String>,
    #[serde(default = "yes")]
    pub require_client_secret: bool,
    #[serde(default)]
    pub allowed_grant_types: BTreeSet<GrantType>,
    #[serde(default = "yes")]
    pub require_pkce: bool,
    #[serde(default)]
    pub allow_plain_text_pkce: bool,
    #[serde(default)]
    pub require_dpop: bool,
    #[serde(default)]
    pub require_dpop_nonce: bool,
    #[serde(default)]
    pub require_par: bool,
    #[serde(default)]
    pub fapi2: bool,
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    #[serde(default)]
    pub front_channel_logout_uri: Option<String>,
    #[serde(default = "yes")]
    pub front_channel_logout_session_required: bool,
    #[serde(default)]
    pub back_channel_logout_uri: Option<String>,
    #[serde(default = "yes")]
    pub back_channel_logout_session_required: bool,
    #[serde(default)]
    pub allow_offline_access: bool,
    #[serde(default)]
    pub allowed_scopes: Vec<String>,
    #[serde(default)]
    pub always_include_user_claims_in_id_token: bool,
    #[serde(default = "default_identity_token_lifetime")]
    pub identity_token_lifetime: i64,
    #[serde(default = "default_access_token_lifetime")]
    pub access_token_lifetime: i64,
    #[serde(default = "default_access_token_type")]
    pub access_token_type: AccessTokenType,
    #[serde(default = "default_authorization_code_lifetime")]
    pub authorization_code_lifetime: i64,
    #[serde(default = "default_device_code_lifetime")]
    pub device_code_lifetime: i64,
    #[serde(default = "default_id_token_signing_alg")]
    pub id_token_signing_alg: SigningAlgorithm,
    #[serde(default = "default_absolute_refresh_token_lifetime")]
    pub absolute_refresh_token_lifetime: i64,
    #[serde(default = "default_sliding_refresh_token_lifetime")]
    pub sliding_refresh_token_lifetime: i64,
    #[serde(default = "default_refresh_token_usage")]
    pub refresh_token_usage: RefreshTokenUsage,
    #[serde(default = "default_refresh_token_expiration")]
    pub refresh_token_expiration: RefreshTokenExpiration,
    #[serde(default)]
    pub update_access_token_claims_on_refresh: bool,
    #[serde(default)]
    pub require_consent: bool,
    #[serde(default = "yes")]
    pub allow_remember_consent: bool,
    #[serde(default)]
    pub consent_lifetime: Option<i64>,
    #[serde(default)]
    pub user_sso_lifetime: Option<i64>,
    #[serde(default = "yes")]
    pub enable_local_login: bool,
    #[serde(default)]
    pub pair_wise_subject_salt: Option<Secret>,
    #[serde(default)]
    pub require_request_object: bool,
    #[serde(default = "yes")]
    pub include_jwt_id: bool,
    #[serde(default)]
    pub claims: Map<String, Value>,
    #[serde(default)]
    pub always_send_client_claims: bool,
    #[serde(default = "default_client_claims_prefix")]
    pub client_claims_prefix: String,
    #[serde(default)]
    pub allowed_cors_origins: Vec<String>,
}

fn yes() -> bool {
    true
}
fn default_identity_token_lifetime() -> i64 {
    300
}
fn default_access_token_lifetime() -> i64 {
    3600
}
fn default_access_token_type() -> AccessTokenType {
    AccessTokenType::Jwt
}
fn default_authorization_code_lifetime() -> i64 {
    60
}
fn default_device_code_lifetime() -> i64 {
    300
}
fn default_id_token_signing_alg() -> SigningAlgorithm {
    SigningAlgorithm::Rs256
}
fn default_absolute_refresh_token_lifetime() -> i64 {
    2_592_000
}
fn default_sliding_refresh_token_lifetime() -> i64 {
    1_296_000
}
fn default_refresh_token_usage() -> RefreshTokenUsage {
    RefreshTokenUsage::OneTimeOnly
}
fn default_refresh_token_expiration() -> RefreshTokenExpiration {
    RefreshTokenExpiration::Absolute
}
fn default_client_claims_prefix() -> String {
    "client_".to_owned()
}

/// A setting that does not hold. The caller adds which file and which client it stands in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value:?}: {problem}")]
pub struct SettingsError {
    /// The key, as written in the configuration.
    pub key: &'static str,
    /// The value; never a secret.
    pub value: String,
    /// What is wrong and what would be right.
    pub problem: &'static str,
}

impl SettingsError {
    /// A setting that does not hold.
    #[allow(clippy::needless_pass_by_value)]
    pub fn new(key: &'static str, value: impl ToString, problem: &'static str) -> Self {
        Self { key, value: value.to_string(), problem }
    }
}

/// A client of which every setting holds. Lifetimes are in seconds.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)]
pub struct Client {
    /// Identifier, 1 to 100 printable ASCII characters.
    pub client_id: String,
    /// A disabled client is treated as an unknown one.
    pub enabled: bool,
    /// What users see; the identifier where no name is set.
    pub name: String,
    /// A sentence about the client for its users.
    pub description: Option<String>,
    /// The client's home page.
    pub client_uri: Option<String>,
    /// A picture for the consent page.
    pub logo_uri: Option<String>,
    /// Hashes of its secrets.
    secrets: SharedSecrets,
    /// Its public keys, in place of secrets (`private_key_jwt`).
    pub(crate) keys: ClientKeys,
    /// Where it publishes them, in place of both.
    pub(crate) jwks_uri: Option<String>,
    /// Whether the client must authenticate at the token endpoint.
    pub confidential: bool,
    /// The grants it may use.
    pub grant_types: BTreeSet<GrantType>,
    /// Whether a code challenge is required.
    pub require_pkce: bool,
    /// Whether each token must be bound to a key (RFC 9449 section 5.2,
    /// `dpop_bound_access_tokens`).
    pub require_dpop: bool,
    /// Whether proofs must carry a nonce of the provider.
    pub require_dpop_nonce: bool,
    /// Whether authorization requests must be pushed (RFC 9126).
    pub require_par: bool,
    /// Whether the FAPI 2.0 Security Profile holds for it.
    pub fapi2: bool,
    /// Where authorization responses may go.
    pub redirect_uris: Vec<RedirectUri>,
    /// Where users may be sent after signing out.
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// What the browser opens in a frame when a session ends that the client took part in.
    pub front_channel_logout: Option<LogoutUri>,
    /// Where a logout token goes then.
    pub back_channel_logout: Option<LogoutUri>,
    /// Whether `offline_access` may be asked for.
    pub allow_offline_access: bool,
    /// The scope it may ask for; `offline_access` belongs to it where allowed.
    pub allowed_scope: Scope,
    /// Whether user claims go into the ID token, too.
    pub user_claims_in_id_token: bool,
    /// Life of ID tokens.
    pub identity_token_lifetime: u32,
    /// Life of access tokens.
    pub access_token_lifetime: u32,
    /// JWT or reference.
    pub access_token_type: AccessTokenType,
    /// Life of codes.
    pub authorization_code_lifetime: u32,
    /// Life of device codes.
    pub device_code_lifetime: u32,
    /// What signs its ID tokens.
    pub id_token_signing_alg: SigningAlgorithm,
    /// Longest life of a family of refresh tokens; 0: no limit (sliding only).
    pub absolute_refresh_token_lifetime: u32,
    /// Life of a refresh token from its use on.
    pub sliding_refresh_token_lifetime: u32,
    /// One-time or reusable.
    pub refresh_token_usage: RefreshTokenUsage,
    /// Absolute or sliding.
    pub refresh_token_expiration: RefreshTokenExpiration,
    /// Whether a refresh reads the user's claims again.
    pub update_claims_on_refresh: bool,
    /// Whether users must consent.
    pub require_consent: bool,
    /// Whether users may have their consent remembered.
    pub allow_remember_consent: bool,
    /// How long a remembered consent counts; `None`: for ever.
    pub consent_lifetime: Option<u32>,
    /// How old a sign-in may be; `None`: as old as the session.
    pub user_sso_lifetime: Option<u32>,
    /// Whether a sign-in by password counts for this client.
    pub enable_local_login: bool,
    /// What pairwise subjects are made with, if they are.
    pub(crate) pairwise: Option<Pairwise>,
    /// Claims about the client for its access tokens, names already prefixed.
    pub claims: Map<String, Value>,
    /// Whether these claims also go into tokens about a user.
    pub always_send_client_claims: bool,
    /// Origins of its browser code.
    pub cors_origins: Vec<String>,
}

/// A registered URI: absolute, without fragment, and safe to redirect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri(String);

impl Client {
    /// Whether the secret is one of the client's and has not expired; constant time for each.
    pub fn verifies_secret(&self, secret: &Secret, now: Timestamp) -> bool {
        self.secrets.verify(secret, now)
    }

    /// The registered redirect URI that the given one is (RFC 6749 section 3.1.2.3, by simple
    /// string comparison).
    pub fn registered_redirect_uri(&self, uri: &str) -> bool {
        self.redirect_uris.iter().any(|registered| registered.matches(uri))
    }

    /// Checks the settings. `plain_secrets` tells whether secrets may stand in plain text and be
    /// trivial (demo mode).
    pub fn from_settings(
        mut settings: ClientSettings,
        plain_secrets: bool,
    ) -> Result<Self, SettingsError> {
        let id = &settings.client_id;
        if id.is_empty() || id.len() > 100 || !id.bytes().all(|byte| (0x20..=0x7E).contains(&byte))
        {
            return Err(SettingsError::new(
                "client_id",
                id,
                "use 1 to 100 printable ASCII characters",
            ));
        }
        if settings.allowed_grant_types.is_empty() {
            let problem = "allow at least one of authorization_code, client_credentials, password, device_code";
            return Err(SettingsError::new("allowed_grant_types", "[]", problem));
        }
        refuse_what_is_not_served(&settings)?;
        if settings.fapi2 {
            fapi2::apply(&mut settings)?;
        }
        let code = settings.allowed_grant_types.contains(&GrantType::AuthorizationCode);
        if code && settings.redirect_uris.is_empty() {
            return Err(SettingsError::new(
                "redirect_uris",
                "[]",
                "authorization_code needs at least one redirect URI",
            ));
        }
        let needs_secret = settings.allowed_grant_types.contains(&GrantType::ClientCredentials);
        if needs_secret && !settings.require_client_secret {
            let problem =
                "client_credentials is for clients that authenticate (RFC 6749 section 4.4)";
            return Err(SettingsError::new("require_client_secret", false, problem));
        }
        let keys = keys(&settings)?;
        if !settings.require_client_secret && !settings.require_pkce && code {
            let problem = "a client without a secret needs PKCE (RFC 9700 section 2.1.1)";
            return Err(SettingsError::new("require_pkce", false, problem));
        }
        let sliding = settings.refresh_token_expiration == RefreshTokenExpiration::Sliding;
        let absolute = if sliding && settings.absolute_refresh_token_lifetime == 0 {
            0
        } else {
            lifetime("absolute_refresh_token_lifetime", settings.absolute_refresh_token_lifetime)?
        };
        let (front_channel_logout, back_channel_logout) = logout_uris(&settings)?;
        let pairwise = Pairwise::from_settings(&settings)?;
        let claims = client_claims(&settings.client_claims_prefix, settings.claims)?;
        Ok(Self {
            enabled: settings.enabled,
            name: settings.client_name.unwrap_or_else(|| settings.client_id.clone()),
            description: settings.description,
            client_uri: settings.client_uri.map(|uri| web_uri("client_uri", uri)).transpose()?,
            logo_uri: settings.logo_uri.map(|uri| web_uri("logo_uri", uri)).transpose()?,
            secrets: SharedSecrets::from_settings(
                "client_secrets",
                settings.client_secrets,
                plain_secrets,
            )?,
            keys,
            jwks_uri: settings.jwks_uri,
            confidential: settings.require_client_secret,
            grant_types: settings.allowed_grant_types,
            require_pkce: settings.require_pkce,
            require_dpop: settings.require_dpop,
            require_dpop_nonce: settings.require_dpop_nonce,
            require_par: settings.require_par,
            fapi2: settings.fapi2,
            redirect_uris: redirect_uris("redirect_uris", settings.redirect_uris)?,
            post_logout_redirect_uris: redirect_uris(
                "post_logout_redirect_uris",
                settings.post_logout_redirect_uris,
            )?,
            front_channel_logout,
            back_channel_logout,
            allow_offline_access: settings.allow_offline_access,
            allowed_scope: allowed_scope(&settings.allowed_scopes, settings.allow_offline_access)?,
            user_claims_in_id_token: settings.always_include_user_claims_in_id_token,
            identity_token_lifetime: lifetime(
                "identity_token_lifetime",
                settings.identity_token_lifetime,
            )?,
            access_token_lifetime: lifetime(
                "access_token_lifetime",
                settings.access_token_lifetime,
            )?,
            access_token_type: settings.access_token_type,
            authorization_code_lifetime: lifetime(
                "authorization_code_lifetime",
                settings.authorization_code_lifetime,
            )?,
            device_code_lifetime: lifetime("device_code_lifetime", settings.device_code_lifetime)?,
            id_token_signing_alg: settings.id_token_signing_alg,
            absolute_refresh_token_lifetime: absolute,
            sliding_refresh_token_lifetime: lifetime(
                "sliding_refresh_token_lifetime",
                settings.sliding_refresh_token_lifetime,
            )?,
            refresh_token_usage: settings.refresh_token_usage,
            refresh_token_expiration: settings.refresh_token_expiration,
            update_claims_on_refresh: settings.update_access_token_claims_on_refresh,
            require_consent: settings.require_consent,
            allow_remember_consent: settings.allow_remember_consent,
            consent_lifetime: settings
                .consent_lifetime
                .map(|value| lifetime("consent_lifetime", value))
                .transpose()?,
            user_sso_lifetime: settings
                .user_sso_lifetime
                .map(|value| lifetime("user_sso_lifetime", value))
                .transpose()?,
            enable_local_login: settings.enable_local_login,
            pairwise,
            claims,
            always_send_client_claims: settings.always_send_client_claims,
            cors_origins: settings
                .allowed_cors_origins
                .into_iter()
                .map(origin)
                .collect::<Result<_, _>>()?,
            client_id: settings.client_id,
        })
    }
}

/// Settings that other providers have and for which only one value is right here.
fn refuse_what_is_not_served(settings: &ClientSettings) -> Result<(), SettingsError> {
    let refuse = |key, value, problem| Err(SettingsError::new(key, value, problem));
    if settings.allow_plain_text_pkce {
        return refuse(
            "allow_plain_text_pkce",
            true,
            "only S256 is served (RFC 9700 section 2.1.1)",
        );
    }
    if settings.require_request_object {
        return refuse("require_request_object", true, "request objects are not served");
    }
    if !settings.include_jwt_id {
        return refuse(
            "include_jwt_id",
            false,
            "access tokens always have a jti (RFC 9068 section 2.2)",
        );
    }
    if !settings.enable_local_login && settings.allowed_grant_types.contains(&GrantType::Password) {
        return refuse(
            "enable_local_login",
            false,
            "the grant type password is a sign-in by password",
        );
    }
    Ok(())
}

/// A client's own claims under their names in tokens.
fn client_claims(
    prefix: &str,
    claims: Map<String, Value>,
) -> Result<Map<String, Value>, SettingsError> {
    let claims: Map<String, Value> =
        claims.into_iter().map(|(name, value)| (format!("{prefix}{name}"), value)).collect();
    match claims.keys().find(|name| is_reserved_claim(name)) {
        None => Ok(claims),
        Some(reserved) => {
            let problem = "the protocol sets this claim itself; use another name or prefix";
            Err(SettingsError::new("claims", reserved, problem))
        }
    }
}

/// Claims that the protocol sets itself, and that neither users' nor clients' claims may replace.
pub(crate) fn is_reserved_claim(name: &str) -> bool {
    const RESERVED: [&str; 20] = [
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "nbf",
        "jti",
        "auth_time",
        "nonce",
        "acr",
        "amr",
        "azp",
        "at_hash",
        "c_hash",
        "sid",
        "client_id",
        "scope",
        "grant_id",
        "cnf",
        "act",
    ];
    RESERVED.contains(&name)
}

impl RedirectUri {
    /// Checks a URI to be registered: absolute, no fragment (RFC 6749 section 3.1.2), at most 400
    /// characters; `https`, `http` on this machine only (RFC 9700 section 2.6), or an application's
    /// own scheme with a dot in it (RFC 8252 section 7.1).
    pub fn parse(uri: String) -> Result<Self, &'static str> {
        let url = Url::parse(&uri).map_err(|_| "not an absolute URL")?;
        if uri.contains('#') {
            return Err("a redirect URI must not have a fragment");
        }
        if uri.len() > 400 || !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("use at most 400 printable ASCII characters; percent-encode the others");
        }
        match url.scheme() {
            "https" => Ok(Self(uri)),
            "http" if is_this_machine(&url) => Ok(Self(uri)),
            "http" => Err("http is accepted for localhost only; use https (RFC 9700 section 2.6)"),
            scheme if scheme.contains('.') => Ok(Self(uri)),
            _ => Err(
                "use https, http on localhost, or a reversed domain name as scheme (RFC 8252 section 7.1)",
            ),
        }
    }

    /// Whether a presented URI is this one: the same string, or for a loopback address the same but
    /// for the port (RFC 8252 section 7.3).
    pub fn matches(&self, presented: &str) -> bool {
        self.0 == presented
            || loopback_without_port(&self.0).is_some_and(|registered| {
                loopback_without_port(presented).as_ref() == Some(&registered)
            })
    }

    /// The URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The origin of a page at this address (RFC 6454 section 4); none for an application's own
    /// scheme.
    pub fn origin(&self) -> Option<String> {
        let origin = Url::parse(&self.0).ok()?.origin();
        origin.is_tuple().then(|| origin.ascii_serialization())
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// `http://127.0.0.1:PORT/rest` and `http://[::1]:PORT/rest` without the port, by the letter;
/// `None` for any other URI.
fn loopback_without_port(uri: &str) -> Option<(&'static str, &str)> {
    let (host, rest) = ["http://127.0.0.1", "http://[::1]"]
        .into_iter()
        .find_map(|host| uri.strip_prefix(host).map(|rest| (host, rest)))?;
    let Some(after_colon) = rest.strip_prefix(':') else {
        return (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest));
    };
    let end = after_colon
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(after_colon.len());
    let (port, rest) = after_colon.split_at(end);
    let valid_port = port.parse::<u16>().is_ok();
    (valid_port && (rest.is_empty() || rest.starts_with(['/', '?'])) && !rest.contains('#'))
        .then_some((host, rest))
}

/// The keys in place of secrets; a client that must authenticate has one of the two.
fn keys(settings: &ClientSettings) -> Result<ClientKeys, SettingsError> {
    let without_secrets = settings.client_secrets.is_empty();
    if let Some(uri) = &settings.jwks_uri {
        return check_jwks_uri(settings, uri).map(|()| ClientKeys::default());
    }
    let Some(jwks) = settings.jwks.clone() else {
        if settings.require_client_secret && without_secrets {
            let problem = "require_client_secret needs at least one secret, jwks or jwks_uri";
            return Err(SettingsError::new("client_secrets", "[]", problem));
        }
        return Ok(ClientKeys::default());
    };
    if !settings.require_client_secret || !without_secrets {
        let problem = "jwks is for clients with require_client_secret, in place of client_secrets: one method a client";
        return Err(SettingsError::new("jwks", "(not shown)", problem));
    }
    ClientKeys::from_settings(jwks)
}

/// The address is fetched by this server: it is the operator's to choose, and so nothing but its
/// form is checked.
fn check_jwks_uri(settings: &ClientSettings, uri: &str) -> Result<(), SettingsError> {
    let refuse = |problem| Err(SettingsError::new("jwks_uri", uri, problem));
    if !settings.require_client_secret
        || !settings.client_secrets.is_empty()
        || settings.jwks.is_some()
    {
        return refuse(
            "jwks_uri is for clients with require_client_secret, in place of client_secrets and jwks",
        );
    }
    match RedirectUri::parse(uri.to_owned()) {
        Ok(parsed) if parsed.origin().is_some() => Ok(()),
        Ok(_) => refuse("use https, or http on localhost"),
        Err(problem) => refuse(problem),
    }
}

fn redirect_uris(key: &'static str, uris: Vec<String>) -> Result<Vec<RedirectUri>, SettingsError> {
    uris.into_iter()
        .map(|uri| {
            RedirectUri::parse(uri.clone()).map_err(|problem| SettingsError::new(key, uri, problem))
        })
        .collect()
}

fn allowed_scope(scopes: &[String], offline_access: bool) -> Result<Scope, SettingsError> {
    for (index, scope) in scopes.iter().enumerate() {
        if !is_scope_token(scope) {
            return Err(SettingsError::new(
                "allowed_scopes",
                scope,
                "not a scope (RFC 6749 section 3.3)",
            ));
        }
        if scopes[..index].contains(scope) {
            return Err(SettingsError::new(
                "allowed_scopes",
                scope,
                "this scope stands there twice",
            ));
        }
        if scope == OFFLINE_ACCESS {
            let problem = "set allow_offline_access = true instead";
            return Err(SettingsError::new("allowed_scopes", scope, problem));
        }
    }
    let text = scopes.iter().map(String::as_str).chain(offline_access.then_some(OFFLINE_ACCESS));
    text.collect::<Vec<_>>().join(" ").parse().map_err(|_| {
        SettingsError::new("allowed_scopes", scopes.join(" "), "not a scope (RFC 6749 section 3.3)")
    })
}

fn lifetime(key: &'static str, value: i64) -> Result<u32, SettingsError> {
    match u32::try_from(value) {
        Ok(seconds) if seconds > 0 => Ok(seconds),
        _ => Err(SettingsError::new(
            key,
            value,
            "a lifetime is a whole number of seconds, 1 to 4294967295",
        )),
    }
}

fn web_uri(key: &'static str, uri: String) -> Result<String, SettingsError> {
    match Url::parse(&uri) {
        Ok(url) if matches!(url.scheme(), "https" | "http") => Ok(uri),
        _ => Err(SettingsError::new(key, uri, "not an https or http URL")),
    }
}

fn origin(text: String) -> Result<String, SettingsError> {
    let is_origin = Url::parse(&text).is_ok_and(|url| {
        matches!(url.scheme(), "https" | "http") && url.origin().ascii_serialization() == text
    });
    if is_origin {
        Ok(text)
    } else {
        let problem = "an origin is scheme, host and port, like https://app.example.com: no path, no slash at its end";
        Err(SettingsError::new("allowed_cors_origins", text, problem))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn settings(changes: Value) -> ClientSettings {
        let mut settings = json!({
            "client_id": "app", "require_client_secret": false, "allowed_grant_types": ["authorization_code"],
            "redirect_uris": ["https://app.example/callback"], "allowed_scopes": ["openid"],
        });
        let Value::Object(changes) = changes else { unreachable!() };
        settings.as_object_mut().unwrap().extend(changes);
        serde_json::from_value(settings).unwrap()
    }

    fn refusal(changes: Value) -> &'static str {
        Client::from_settings(settings(changes), false).unwrap_err().key
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let client = Client::from_settings(settings(json!({})), false).unwrap();
        assert_eq!(client.identity_token_lifetime, 300);
        assert_eq!(client.access_token_lifetime, 3600);
        assert_eq!(client.authorization_code_lifetime, 60);
        assert_eq!(client.absolute_refresh_token_lifetime, 2_592_000);
        assert_eq!(client.sliding_refresh_token_lifetime, 1_296_000);
        assert_eq!(client.refresh_token_usage, RefreshTokenUsage::OneTimeOnly);
        assert_eq!(client.refresh_token_expiration, RefreshTokenExpiration::Absolute);
        assert!(
            client.require_pkce
                && client.enabled
                && client.allow_remember_consent
                && !client.require_consent
        );
        assert_eq!(client.name, "app");
    }

    #[test]
    fn settings_that_do_not_hold_are_refused_by_key() {
        assert_eq!(refusal(json!({"client_id": ""})), "client_id");
        assert_eq!(refusal(json!({"client_id": "x".repeat(101)})), "client_id");
        assert_eq!(refusal(json!({"allowed_grant_types": []})), "allowed_grant_types");
        assert_eq!(refusal(json!({"redirect_uris": []})), "redirect_uris");
        assert_eq!(refusal(json!({"require_client_secret": true})), "client_secrets");
        let public_with_keys = json!({"jwks": {"keys": []}});
        assert_eq!(refusal(public_with_keys), "jwks");
        assert_eq!(refusal(json!({"require_client_secret": true, "jwks": {"keys": []}})), "jwks");
        for uri in [
            "/jwks",
            "http://app.example/jwks",
            "com.example.app:/jwks",
            "file:///etc/passwd",
            "https://a.example/#x",
        ] {
            assert_eq!(
                refusal(json!({"require_client_secret": true, "jwks_uri": uri})),
                "jwks_uri",
                "{uri}"
            );
        }
        let uri = "https://app.example/jwks";
        assert_eq!(refusal(json!({"jwks_uri": uri})), "jwks_uri", "a public client");
        let two = json!({"require_client_secret": true, "jwks_uri": uri, "client_secrets": [{"sha256": "x"}]});
        assert_eq!(refusal(two), "jwks_uri");
        assert_eq!(refusal(json!({"require_pkce": false})), "require_pkce");
        assert_eq!(refusal(json!({"allow_plain_text_pkce": true})), "allow_plain_text_pkce");
        assert_eq!(refusal(json!({"require_request_object": true})), "require_request_object");
        assert_eq!(refusal(json!({"include_jwt_id": false})), "include_jwt_id");
        let password = json!({"enable_local_login": false, "allowed_grant_types": ["password"]});
        assert_eq!(refusal(password), "enable_local_login");
        assert_eq!(refusal(json!({"claims": {"id": 1}})), "claims");
        assert_eq!(refusal(json!({"claims": {"sub": 1}, "client_claims_prefix": ""})), "claims");
        assert_eq!(
            refusal(json!({"allowed_grant_types": ["client_credentials"]})),
            "require_client_secret"
        );
        assert_eq!(refusal(json!({"access_token_lifetime": 0})), "access_token_lifetime");
        assert_eq!(refusal(json!({"device_code_lifetime": 0})), "device_code_lifetime");
        assert_eq!(refusal(json!({"identity_token_lifetime": -1})), "identity_token_lifetime");
        assert_eq!(
            refusal(json!({"absolute_refresh_token_lifetime": 0})),
            "absolute_refresh_token_lifetime"
        );
        assert_eq!(refusal(json!({"allowed_scopes": ["a", "a"]})), "allowed_scopes");
        assert_eq!(refusal(json!({"allowed_scopes": ["a b"]})), "allowed_scopes");
        assert_eq!(
            refusal(json!({"allowed_cors_origins": ["https://a.example/"]})),
            "allowed_cors_origins"
        );
        assert_eq!(refusal(json!({"allowed_cors_origins": ["*"]})), "allowed_cors_origins");
        for key in ["front_channel_logout_uri", "back_channel_logout_uri"] {
            for uri in [
                "/logout",
                "http://app.example/logout",
                "https://app.example/#x",
                "com.example.app:/logout",
            ] {
                assert_eq!(refusal(json!({key: uri})), key, "{uri}");
            }
        }
        assert_eq!(refusal(json!({"client_secrets": [{"plain": "secret"}]})), "client_secrets");
        assert_eq!(refusal(json!({"client_secrets": [{"sha256": "short"}]})), "client_secrets");
    }

    #[test]
    fn redirect_uris_that_are_not_safe_are_refused() {
        for uri in [
            "/callback",
            "callback",
            "https://app.example/#fragment",
            "http://app.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "https://app.example/ä",
        ] {
            assert!(RedirectUri::parse(uri.to_owned()).is_err(), "{uri}");
        }
        for uri in [
            "https://a.example/cb?x=1",
            "http://localhost:5001/cb",
            "http://127.0.0.1/cb",
            "http://[::1]/cb",
            "com.example.app:/cb",
        ] {
            assert!(RedirectUri::parse(uri.to_owned()).is_ok(), "{uri}");
        }
    }

    #[test]
    fn only_the_same_string_matches() {
        let registered = RedirectUri::parse("https://app.example/callback".into()).unwrap();
        assert!(registered.matches("https://app.example/callback"));
        for other in [
            "https://app.example/callback/",
            "https://app.example/callback?x",
            "https://APP.example/callback",
            "https://app.example:443/callback",
            "https://app.example/a/../callback",
        ] {
            assert!(!registered.matches(other), "{other}");
        }
    }

    #[test]
    fn loopback_addresses_match_with_any_port() {
        let registered = RedirectUri::parse("http://127.0.0.1:5001/callback".into()).unwrap();
        assert!(registered.matches("http://127.0.0.1:61234/callback"));
        assert!(registered.matches("http://127.0.0.1/callback"));
        for other in [
            "http://127.0.0.1:61234/other",
            "http://127.0.0.1:99999/callback",
            "http://127.0.0.1:80@evil.example/callback",
            "http://127.0.0.1.evil.example/callback",
            "http://localhost:5001/callback",
            "http://[::1]:5001/callback",
            "https://127.0.0.1:5001/callback",
        ] {
            assert!(!registered.matches(other), "{other}");
        }
        let localhost = RedirectUri::parse("http://localhost:5001/callback".into()).unwrap();
        assert!(!localhost.matches("http://localhost:5002/callback"));
    }
}
