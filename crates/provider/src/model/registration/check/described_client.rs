//! The client that accepted metadata describe.

use std::collections::BTreeSet;

use doorward_protocol::ids::ClientId;
use serde_json::json;

use super::{GRANT_TYPES, REFRESH_TOKEN, RegistrationPolicy, is_https, signs_objects};
use crate::model::{
    client::{Client, ClientSettings, keys},
    registration::{
        document::DocumentUrl,
        members::MetadataError,
        metadata::{AuthMethod, ClientMetadata, SubjectType},
    },
    settings_error::SettingsError,
    shared_secret::SecretSettings,
    token_handle::TokenHash,
};

/// Where the metadata come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source<'a> {
    /// The client registered, and got a secret or not.
    Registration(Option<TokenHash>),
    /// The client is a document, which names no secret. Its host is what users can recognise.
    Document {
        /// The host of its URL.
        host: &'a str,
    },
}

impl RegistrationPolicy<'_> {
    /// The registered client that these accepted metadata describe.
    pub(crate) fn registered_client(
        &self,
        client_id: &ClientId,
        metadata: &ClientMetadata,
        secret: Option<TokenHash>,
    ) -> Result<Client, MetadataError> {
        self.client(client_id, metadata, Source::Registration(secret))
    }

    /// The client that this document describes, whose metadata are accepted.
    pub(crate) fn document_client(
        &self,
        url: &DocumentUrl,
        metadata: &ClientMetadata,
    ) -> Result<Client, MetadataError> {
        self.client(url.client_id(), metadata, Source::Document { host: url.host() })
    }

    /// The client, by the same rules as that of an operator.
    fn client(
        &self,
        client_id: &ClientId,
        metadata: &ClientMetadata,
        source: Source<'_>,
    ) -> Result<Client, MetadataError> {
        let settings = self.client_settings(client_id, metadata, source);
        let checked = settings
            .and_then(|settings| Client::checked(settings, false, self.resources, self.algorithms));
        checked.map_err(|error| MetadataError::new(member_of(error.key), error.problem))
    }

    fn client_settings(
        &self,
        client_id: &ClientId,
        metadata: &ClientMetadata,
        source: Source<'_>,
    ) -> Result<ClientSettings, SettingsError> {
        let defaults = serde_json::from_value(json!({"client_id": client_id}));
        let mut own: ClientSettings = defaults
            .map_err(|_| SettingsError::new("client_id", client_id, "has no default settings"))?;
        set_what_the_source_says(&mut own, metadata, source);
        self.set_authentication(&mut own, metadata);
        set_signatures(&mut own, metadata);
        self.set_grants(&mut own, metadata);
        self.set_addresses(&mut own, metadata);
        own.default_max_age = metadata.default_max_age;
        own.default_acr_values.clone_from(&metadata.default_acr_values);
        own.require_dpop = metadata.dpop_bound_access_tokens.unwrap_or_default();
        own.require_par = metadata.require_pushed_authorization_requests.unwrap_or_default();
        if metadata.subject_type == Some(SubjectType::Pairwise) {
            own.pair_wise_subject_salt = Some(self.salt.clone());
            own.sector_identifier_uri.clone_from(&metadata.sector_identifier_uri);
        }
        Ok(own)
    }

    /// How the client authenticates, and by which keys.
    fn set_authentication(&self, own: &mut ClientSettings, metadata: &ClientMetadata) {
        let method = metadata.token_endpoint_auth_method.unwrap_or(AuthMethod::None);
        // Any program of the user's machine can take the place of one that has no secret (RFC 8252
        // section 8.6).
        if method == AuthMethod::None && !metadata.redirect_uris.iter().all(|uri| is_https(uri)) {
            own.allow_remember_consent = false;
        }
        own.require_client_secret = method != AuthMethod::None;
        own.require_pkce = method == AuthMethod::None || self.settings.require_pkce;
        let has_use = method == AuthMethod::PrivateKeyJwt || signs_objects(metadata);
        // One that registered before may have other keys than a new client.
        let jwks = metadata.jwks.clone().filter(|_| has_use);
        own.jwks = jwks.and_then(keys::kept_of_a_stranger);
        own.jwks_uri = metadata.jwks_uri.clone().filter(|_| has_use);
    }

    /// The grants and the scopes that the client may ask for.
    fn set_grants(&self, own: &mut ClientSettings, metadata: &ClientMetadata) {
        let is_allowed = |name: &str| metadata.grant_types.iter().any(|own| own == name);
        own.allowed_grant_types = GRANT_TYPES
            .into_iter()
            .filter(|(name, grant_type)| is_allowed(name) && self.allows(*grant_type))
            .map(|(_, grant_type)| grant_type)
            .collect::<BTreeSet<_>>();
        own.allow_offline_access = is_allowed(REFRESH_TOKEN) && self.settings.allow_offline_access;
        // The policy may have become narrower since.
        let scope = metadata.scope.as_deref().unwrap_or_default();
        let scopes = scope.split(' ').filter(|scope| self.offers(scope));
        own.allowed_scopes = scopes.map(str::to_owned).collect();
    }

    /// Where responses go, and the pages that users are shown.
    fn set_addresses(&self, own: &mut ClientSettings, metadata: &ClientMetadata) {
        let kind = metadata.application_type;
        own.redirect_uris = self.taken(&metadata.redirect_uris, kind);
        own.post_logout_redirect_uris = self.taken(&metadata.post_logout_redirect_uris, kind);
        // Programs on the user's machine listen where there is room.
        own.allow_any_localhost_port = true;
        own.allow_private_use_schemes = self.settings.allow_private_use_schemes;
        own.initiate_login_uri.clone_from(&metadata.initiate_login_uri);
        own.client_uri.clone_from(&metadata.client_uri);
        own.logo_uri.clone_from(&metadata.logo_uri);
        own.policy_uri.clone_from(&metadata.policy_uri);
        own.tos_uri.clone_from(&metadata.tos_uri);
    }
}

/// What depends on where the metadata come from. Users are asked for their consent in any case.
fn set_what_the_source_says(
    own: &mut ClientSettings,
    metadata: &ClientMetadata,
    source: Source<'_>,
) {
    match source {
        Source::Registration(secret) => {
            let hashed = |hash: TokenHash| SecretSettings::of_hash(hash.as_bytes());
            own.client_secrets = secret.map(hashed).into_iter().collect();
            own.client_name.clone_from(&metadata.client_name);
        }
        Source::Document { host } => {
            let name = metadata.client_name.clone().unwrap_or_else(|| host.to_owned());
            own.client_name = Some(name);
            // Whoever controls the document can change what it says.
            own.allow_remember_consent = false;
        }
    }
    own.require_consent = true;
}

/// What the client signs, and what is signed for it.
fn set_signatures(own: &mut ClientSettings, metadata: &ClientMetadata) {
    own.request_object_signing_alg = metadata.request_object_signing_alg;
    own.require_signed_request_object = metadata.require_signed_request_object.unwrap_or_default();
    own.request_uris.clone_from(&metadata.request_uris);
    own.userinfo_signed_response_alg = metadata.userinfo_signed_response_alg;
    own.authorization_signed_response_alg = metadata.authorization_signed_response_alg;
    own.introspection_signed_response_alg = metadata.introspection_signed_response_alg;
    if let Some(algorithm) = metadata.id_token_signed_response_alg {
        own.id_token_signing_alg = algorithm;
    }
}

/// The member of the metadata that a setting comes from.
fn member_of(key: &'static str) -> &'static str {
    match key {
        "allowed_grant_types" => "grant_types",
        "allowed_scopes" => "scope",
        "id_token_signing_alg" => "id_token_signed_response_alg",
        "pair_wise_subject_salt" => "sector_identifier_uri",
        "require_client_secret" | "client_secrets" => "token_endpoint_auth_method",
        other => other,
    }
}
