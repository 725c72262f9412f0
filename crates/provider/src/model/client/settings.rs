//! The settings of a client, as the operator writes them.

use std::collections::BTreeSet;

use doorward_protocol::{jose::SigningAlgorithm, secret::Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::request_object::RequestObjectAlgorithm;
use crate::model::{
    acr::AcrLevel, branding::ClientBranding, identity_provider::IdentityProviderName,
    shared_secret::SecretSettings,
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

/// A part of FAPI 2.0 Message Signing that a client is held to (`fapi2_message_signing`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageSigning {
    /// Authorization requests (section 5.3).
    SignedRequests,
    /// Authorization responses (section 5.4).
    SignedResponses,
    /// Answers of introspection (section 5.5).
    SignedIntrospection,
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
    pub policy_uri: Option<String>,
    #[serde(default)]
    pub tos_uri: Option<String>,
    #[serde(default)]
    pub branding: Option<ClientBranding>,
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
    pub request_object_signing_alg: Option<RequestObjectAlgorithm>,
    #[serde(default)]
    pub require_signed_request_object: bool,
    #[serde(default)]
    pub request_uris: Vec<String>,
    #[serde(default)]
    pub authorization_signed_response_alg: Option<SigningAlgorithm>,
    #[serde(default)]
    pub require_signed_response: bool,
    #[serde(default)]
    pub userinfo_signed_response_alg: Option<SigningAlgorithm>,
    #[serde(default)]
    pub introspection_signed_response_alg: Option<SigningAlgorithm>,
    #[serde(default)]
    pub require_signed_introspection: bool,
    #[serde(default)]
    pub fapi2: bool,
    #[serde(default)]
    pub fapi2_message_signing: BTreeSet<MessageSigning>,
    #[serde(default)]
    pub initiate_login_uri: Option<String>,
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    #[serde(default)]
    pub allow_any_localhost_port: bool,
    #[serde(default)]
    pub allow_private_use_schemes: bool,
    #[serde(default)]
    pub allow_http_redirect_uris: bool,
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
    #[serde(default = "yes")]
    pub update_access_token_claims_on_refresh: bool,
    #[serde(default)]
    pub require_consent: bool,
    #[serde(default = "yes")]
    pub allow_remember_consent: bool,
    #[serde(default)]
    pub consent_lifetime: Option<i64>,
    #[serde(default)]
    pub user_sso_lifetime: Option<i64>,
    #[serde(default)]
    pub require_acr: Option<AcrLevel>,
    #[serde(default)]
    pub default_max_age: Option<u32>,
    #[serde(default)]
    pub default_acr_values: Vec<String>,
    #[serde(default = "yes")]
    pub enable_local_login: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_providers: Option<Vec<IdentityProviderName>>,
    #[serde(default)]
    pub pair_wise_subject_salt: Option<Secret>,
    #[serde(default)]
    pub sector_identifier_uri: Option<String>,
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
