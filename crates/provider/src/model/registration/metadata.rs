//! Client metadata (RFC 7591 section 2, OIDC Dynamic Client Registration 1.0 section 2): the
//! members that mean something here.

use doorward_protocol::jose::SigningAlgorithm;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::members::{Members, MetadataError};
use crate::model::client::request_object::RequestObjectAlgorithm;

/// `token_endpoint_auth_method`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum AuthMethod {
    None,
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJwt,
}

/// `application_type` (OIDC Registration section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ApplicationType {
    Web,
    Native,
}

/// `subject_type` (OIDC Core section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum SubjectType {
    Public,
    Pairwise,
}

/// What a client says of itself. Each member is of the right type; whether it may be so is checked
/// by [`RegistrationPolicy`](super::RegistrationPolicy).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct ClientMetadata {
    pub redirect_uris: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<AuthMethod>,
    pub grant_types: Vec<String>,
    pub response_types: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_type: Option<ApplicationType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_type: Option<SubjectType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<SigningAlgorithm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<SigningAlgorithm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_signed_response_alg: Option<SigningAlgorithm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_signed_response_alg: Option<SigningAlgorithm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_signing_alg: Option<RequestObjectAlgorithm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_signed_request_object: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_uris: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiate_login_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_auth_time: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub default_acr_values: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop_bound_access_tokens: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_pushed_authorization_requests: Option<bool>,
}

impl ClientMetadata {
    /// Reads the members that mean something here; others are ignored (RFC 7591 section 2). A
    /// software statement is refused: nobody is trusted here to make one, and a client that sends
    /// one relies on it (section 3.1.1). Addresses that users are only shown are left out if they
    /// can't be read.
    pub fn parse(members: Map<String, Value>) -> Result<Self, MetadataError> {
        let mut members = Members::new(members);
        if members.has("software_statement") {
            let problem = "software statements are not taken here: send the metadata itself";
            return Err(MetadataError::new("software_statement", problem));
        }
        Ok(Self {
            redirect_uris: members.texts("redirect_uris")?.unwrap_or_default(),
            token_endpoint_auth_method: one_of(
                &mut members,
                "token_endpoint_auth_method",
                "give none, client_secret_basic, client_secret_post or private_key_jwt",
            )?,
            grant_types: members.texts("grant_types")?.unwrap_or_default(),
            response_types: members.texts("response_types")?.unwrap_or_default(),
            scope: members.words("scope")?,
            client_name: members.text("client_name")?,
            client_uri: members.shown("client_uri"),
            logo_uri: members.shown("logo_uri"),
            policy_uri: members.shown("policy_uri"),
            tos_uri: members.shown("tos_uri"),
            contacts: members.texts("contacts")?.unwrap_or_default(),
            jwks: members.object("jwks")?,
            jwks_uri: members.text("jwks_uri")?,
            software_id: members.text("software_id")?,
            software_version: members.text("software_version")?,
            application_type: one_of(&mut members, "application_type", "give web or native")?,
            subject_type: one_of(&mut members, "subject_type", "give public or pairwise")?,
            sector_identifier_uri: members.text("sector_identifier_uri")?,
            id_token_signed_response_alg: one_of(
                &mut members,
                "id_token_signed_response_alg",
                "give one of id_token_signing_alg_values_supported: every ID token is signed",
            )?,
            userinfo_signed_response_alg: one_of(
                &mut members,
                "userinfo_signed_response_alg",
                "give one of userinfo_signing_alg_values_supported, or leave it out for plain JSON",
            )?,
            authorization_signed_response_alg: one_of(
                &mut members,
                "authorization_signed_response_alg",
                "give one of authorization_signing_alg_values_supported",
            )?,
            introspection_signed_response_alg: one_of(
                &mut members,
                "introspection_signed_response_alg",
                "give one of introspection_signing_alg_values_supported",
            )?,
            request_object_signing_alg: one_of(
                &mut members,
                "request_object_signing_alg",
                "give one of request_object_signing_alg_values_supported",
            )?,
            require_signed_request_object: members.flag("require_signed_request_object")?,
            request_uris: members.texts("request_uris")?.unwrap_or_default(),
            initiate_login_uri: members.text("initiate_login_uri")?,
            default_max_age: members.seconds("default_max_age")?,
            require_auth_time: members.flag("require_auth_time")?,
            default_acr_values: members.texts("default_acr_values")?.unwrap_or_default(),
            post_logout_redirect_uris: members
                .texts("post_logout_redirect_uris")?
                .unwrap_or_default(),
            dpop_bound_access_tokens: members.flag("dpop_bound_access_tokens")?,
            require_pushed_authorization_requests: members
                .flag("require_pushed_authorization_requests")?,
        })
    }
}

/// A text that is one of a few.
fn one_of<T: serde::de::DeserializeOwned>(
    members: &mut Members,
    name: &'static str,
    problem: &'static str,
) -> Result<Option<T>, MetadataError> {
    let Some(text) = members.text(name)? else { return Ok(None) };
    let value = serde_json::from_value(Value::String(text));
    value.map(Some).map_err(|_| MetadataError::new(name, problem))
}
