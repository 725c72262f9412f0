//! `[api]` and `[[api.issuers]]`.

use std::path::PathBuf;

use doorward_protocol::{jose::SigningAlgorithm, secret::Secret};
use doorward_resource_server::ExpiredStatus;
use serde::Deserialize;

use crate::config::values::{ListenAddress, Origin, Seconds, WebUrl};

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

/// `expired_status`, as its number.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "u16")]
pub struct Expired(pub ExpiredStatus);

impl TryFrom<u16> for Expired {
    type Error = &'static str;

    fn try_from(status: u16) -> Result<Self, Self::Error> {
        ExpiredStatus::try_from(status)
            .map(Self)
            .map_err(|_| "give 401, the registered status, or 498")
    }
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
