//! `[[identity_providers]]`.

use std::{collections::BTreeMap, path::PathBuf};

pub use doorward_admin::types::identity_provider_settings::Preset;
use doorward_protocol::{ids::ClientId, jose::SigningAlgorithm, scope::Scope, secret::Secret};
use doorward_provider::model::{
    claim_mapping::ClaimMapping,
    identity_provider::{FirstSignIn, IdentityProviderName, ProviderMark},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::values::WebUrl;

/// `[[identity_providers]]`: another provider by which users sign in. The store has providers with
/// the same settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, clippy::struct_excessive_bools)] // Independent settings.
pub struct IdentityProviderSettings {
    #[serde(skip_serializing)]
    pub name: IdentityProviderName,
    #[serde(default = "yes")]
    pub enabled: bool,
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
    #[serde(default, skip_serializing)]
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
    pub subject_claim: Option<String>,
    #[serde(default)]
    pub first_sign_in: FirstSignIn,
    #[serde(default)]
    pub trusted_email_domains: Vec<String>,
    #[serde(default)]
    pub email_domains: Vec<String>,
    #[serde(default)]
    pub link_scim_client: Option<ClientId>,
    #[serde(default)]
    pub link_scim_by: Option<String>,
    #[serde(default)]
    pub claims: ClaimMapping,
    #[serde(default)]
    pub trusted_mfa: bool,
    #[serde(default)]
    pub mfa_acr: Vec<String>,
    #[serde(default)]
    pub sign_out_upstream: bool,
}

impl IdentityProviderSettings {
    /// The settings without name and secrets, as far as they say something, for people who
    /// administer.
    pub fn shown(&self) -> Map<String, Value> {
        let Ok(Value::Object(mut shown)) = serde_json::to_value(self) else { return Map::new() };
        shown.retain(|_, value| match value {
            Value::Null => false,
            Value::Array(list) => !list.is_empty(),
            Value::Object(members) => !members.is_empty(),
            _ => true,
        });
        shown
    }
}

/// `client_authentication`: how the secret is sent (OIDC Core section 9).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSentBy {
    /// In the `Authorization` header.
    #[default]
    ClientSecretBasic,
    /// In the form.
    ClientSecretPost,
}

fn yes() -> bool {
    true
}

fn default_client_key_alg() -> SigningAlgorithm {
    SigningAlgorithm::Es256
}
