//! The discovery document (OIDC Discovery section 3, RFC 8414 section 2): exactly what is enabled,
//! no more.

use std::sync::Arc;

use doorward_protocol::{
    dpop, jose::SigningAlgorithm, metadata::ProviderMetadata, scope::OFFLINE_ACCESS,
};

use crate::{
    model::{
        client::{GrantType, keys, request_object::RequestObjectAlgorithm},
        device_code::DEVICE_CODE,
        paths,
        provider_settings::ProviderSettings,
        registration::RegistrationMode,
        resource::Resources,
    },
    use_case::client_registry::Clients,
};

/// Describes the provider: what it reads for that.
pub struct Discovery<'a> {
    pub(crate) settings: &'a ProviderSettings,
    pub(crate) clients: Arc<Clients>,
    pub(crate) resources: &'a Resources,
    pub(crate) algorithms: &'a [SigningAlgorithm],
}

impl Discovery<'_> {
    /// The discovery document.
    pub fn metadata(&self) -> ProviderMetadata {
        let mut metadata = ProviderMetadata::new(&self.settings.issuer);
        self.write_endpoints(&mut metadata);
        self.write_values(&mut metadata);
        self.write_algorithms(&mut metadata);
        write_authentication(&mut metadata);
        self.write_features(&mut metadata);
        metadata
    }

    fn write_endpoints(&self, metadata: &mut ProviderMetadata) {
        let endpoint = |path: &str| Some(format!("{}{path}", self.settings.issuer));
        metadata.authorization_endpoint = endpoint(paths::AUTHORIZE);
        metadata.token_endpoint = endpoint(paths::TOKEN);
        metadata.userinfo_endpoint = endpoint(paths::USERINFO);
        metadata.jwks_uri = endpoint(paths::JWKS);
        metadata.revocation_endpoint = endpoint(paths::REVOCATION);
        metadata.introspection_endpoint = endpoint(paths::INTROSPECTION);
        metadata.pushed_authorization_request_endpoint = endpoint(paths::PUSHED_AUTHORIZATION);
        metadata.end_session_endpoint = endpoint(paths::END_SESSION);
        metadata.check_session_iframe = endpoint(paths::CHECK_SESSION);
        if self.allow(GrantType::DeviceCode) {
            metadata.device_authorization_endpoint = endpoint(paths::DEVICE_AUTHORIZATION);
        }
        metadata.registration_endpoint = match self.settings.registration.mode {
            RegistrationMode::Off => None,
            RegistrationMode::Token | RegistrationMode::Open => endpoint(paths::REGISTRATION),
        };
    }

    /// The values that parameters and claims may have.
    fn write_values(&self, metadata: &mut ProviderMetadata) {
        metadata.scopes_supported = self.scopes();
        metadata.response_types_supported = list(&["code"]);
        metadata.response_modes_supported = list(&[
            "query",
            "fragment",
            "form_post",
            "jwt",
            "query.jwt",
            "fragment.jwt",
            "form_post.jwt",
        ]);
        metadata.grant_types_supported = self.grant_types();
        metadata.acr_values_supported = self.settings.acr.supported();
        metadata.subject_types_supported = self.subject_types();
        metadata.code_challenge_methods_supported = list(&["S256"]);
        metadata.claims_supported = self.resources.claim_names();
        metadata.prompt_values_supported = self.prompt_values();
    }

    /// What signs the provider's own messages, and what may sign those of clients.
    fn write_algorithms(&self, metadata: &mut ProviderMetadata) {
        let own = || self.algorithms.iter().map(ToString::to_string).collect::<Vec<_>>();
        metadata.id_token_signing_alg_values_supported = own();
        metadata.authorization_signing_alg_values_supported = own();
        metadata.userinfo_signing_alg_values_supported = own();
        metadata.introspection_signing_alg_values_supported = own();
        metadata.dpop_signing_alg_values_supported = list(&dpop::ALGORITHMS);
        metadata.request_object_signing_alg_values_supported = self.request_object_algorithms();
    }

    /// What else a client may count on, or must do.
    fn write_features(&self, metadata: &mut ProviderMetadata) {
        let settings = self.settings;
        metadata.claims_parameter_supported = Some(true);
        metadata.request_parameter_supported = Some(true);
        metadata.request_uri_parameter_supported = Some(settings.fetch_request_uris);
        metadata.require_request_uri_registration = settings.fetch_request_uris.then_some(true);
        metadata.require_signed_request_object = Some(settings.require_signed_request_object);
        metadata.require_pushed_authorization_requests =
            Some(settings.require_pushed_authorization_requests);
        metadata.client_id_metadata_document_supported =
            settings.registration.metadata_documents.then_some(true);
        metadata.authorization_response_iss_parameter_supported = Some(true);
        metadata.frontchannel_logout_supported = Some(true);
        metadata.frontchannel_logout_session_supported = Some(true);
        metadata.backchannel_logout_supported = Some(true);
        metadata.backchannel_logout_session_supported = Some(true);
    }

    /// What request objects may be signed by. `none` is among them if a client registered it, or
    /// may come that does.
    fn request_object_algorithms(&self) -> Vec<String> {
        let unsigned = Some(RequestObjectAlgorithm::Unsigned);
        let none = !self.settings.require_signed_request_object
            && (self.settings.registration.takes_strangers()
                || self.clients.iter().any(|own| own.request_objects.algorithm == unsigned));
        let signed = keys::ALGORITHMS.into_iter();
        signed.chain(none.then_some("none")).map(str::to_owned).collect()
    }

    /// What a client may ask for. `create` is of Initiating User Registration 1.0.
    fn prompt_values(&self) -> Vec<String> {
        let create = self.settings.accounts.offers_registration().then_some("create");
        let values = ["none", "login", "consent", "select_account"].into_iter().chain(create);
        values.map(str::to_owned).collect()
    }

    /// Every scope that can be had, but those that are for administration alone.
    fn scopes(&self) -> Vec<String> {
        let offline = self.allow_offline_access();
        self.resources
            .scope_names()
            .into_iter()
            .filter(|scope| offline || scope != OFFLINE_ACCESS)
            .collect()
    }

    /// Whether some client may use this grant type, or may come that may.
    fn allow(&self, grant_type: GrantType) -> bool {
        let strangers = &self.settings.registration;
        self.clients.allow(grant_type)
            || strangers.takes_strangers() && strangers.grant_types.contains(&grant_type)
    }

    fn allow_offline_access(&self) -> bool {
        let strangers = &self.settings.registration;
        self.clients.iter().any(|client| client.allow_offline_access)
            || strangers.takes_strangers() && strangers.allow_offline_access
    }

    /// The kinds of subject identifiers that some client gets.
    fn subject_types(&self) -> Vec<String> {
        let pairwise = self.settings.registration.takes_strangers()
            || self.clients.iter().any(|client| client.has_pairwise_subjects());
        ["public"].into_iter().chain(pairwise.then_some("pairwise")).map(str::to_owned).collect()
    }

    /// The grant types that some client may use.
    fn grant_types(&self) -> Vec<String> {
        [
            (self.allow(GrantType::AuthorizationCode), "authorization_code"),
            (self.allow_offline_access(), "refresh_token"),
            (self.allow(GrantType::ClientCredentials), "client_credentials"),
            (self.allow(GrantType::Password), "password"),
            (self.allow(GrantType::DeviceCode), DEVICE_CODE),
        ]
        .into_iter()
        .filter(|(enabled, _)| *enabled)
        .map(|(_, name)| name.to_owned())
        .collect()
    }
}

/// How clients may authenticate, and what may sign their assertions.
fn write_authentication(metadata: &mut ProviderMetadata) {
    // A caller must authenticate to ask about tokens (RFC 7662 section 2.1).
    let methods = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
    let with_none = || list(&[&methods[..], &["none"]].concat());
    metadata.token_endpoint_auth_methods_supported = with_none();
    metadata.revocation_endpoint_auth_methods_supported = with_none();
    metadata.introspection_endpoint_auth_methods_supported = list(&methods);
    let algorithms = || list(&keys::ALGORITHMS);
    metadata.token_endpoint_auth_signing_alg_values_supported = algorithms();
    metadata.revocation_endpoint_auth_signing_alg_values_supported = algorithms();
    metadata.introspection_endpoint_auth_signing_alg_values_supported = algorithms();
}

fn list(values: &[&str]) -> Vec<String> {
    values.iter().map(|&value| value.to_owned()).collect()
}
