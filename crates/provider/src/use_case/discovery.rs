//! The discovery document (OIDC Discovery section 3, RFC 8414 section 2): exactly what is enabled,
//! no more.

use doorward_protocol::{
    dpop, jose::SigningAlgorithm, metadata::ProviderMetadata, scope::OFFLINE_ACCESS,
};

use crate::{
    model::{
        client::{GrantType, assertion},
        device_code::DEVICE_CODE,
        paths,
        resource::Resources,
        session::PASSWORD_CONTEXT,
    },
    use_case::client_registry::Clients,
};

/// Describes the provider: what it reads for that.
pub(crate) struct Discovery<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) par_required: bool,
    pub(crate) clients: &'a Clients,
    pub(crate) resources: &'a Resources,
    pub(crate) algorithms: &'a [SigningAlgorithm],
}

impl Discovery<'_> {
    /// The discovery document.
    pub(crate) fn metadata(&self) -> ProviderMetadata {
        let clients = self.clients;
        let endpoint = |path: &str| Some(format!("{}{path}", self.issuer));
        let list =
            |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
        let authentication =
            || list(&["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]);
        let assertion_algorithms = || list(&assertion::ALGORITHMS);
        ProviderMetadata {
            issuer: self.issuer.to_owned(),
            authorization_endpoint: endpoint(paths::AUTHORIZE),
            token_endpoint: endpoint(paths::TOKEN),
            userinfo_endpoint: endpoint(paths::USERINFO),
            jwks_uri: endpoint(paths::JWKS),
            revocation_endpoint: endpoint(paths::REVOCATION),
            device_authorization_endpoint: if clients.allow(GrantType::DeviceCode) {
                endpoint(paths::DEVICE_AUTHORIZATION)
            } else {
                None
            },
            pushed_authorization_request_endpoint: endpoint(paths::PUSHED_AUTHORIZATION),
            require_pushed_authorization_requests: Some(self.par_required),
            introspection_endpoint: endpoint(paths::INTROSPECTION),
            end_session_endpoint: endpoint(paths::END_SESSION),
            check_session_iframe: endpoint(paths::CHECK_SESSION),
            scopes_supported: self.scopes(),
            response_types_supported: list(&["code"]),
            response_modes_supported: list(&["query", "fragment", "form_post"]),
            grant_types_supported: grant_types(clients),
            acr_values_supported: list(&[PASSWORD_CONTEXT]),
            subject_types_supported: subject_types(clients),
            id_token_signing_alg_values_supported: self
                .algorithms
                .iter()
                .map(ToString::to_string)
                .collect(),
            token_endpoint_auth_methods_supported: authentication(),
            token_endpoint_auth_signing_alg_values_supported: assertion_algorithms(),
            revocation_endpoint_auth_methods_supported: authentication(),
            revocation_endpoint_auth_signing_alg_values_supported: assertion_algorithms(),
            // Not `none`: a caller must authenticate to ask about tokens (RFC 7662 section 2.1).
            introspection_endpoint_auth_methods_supported: list(&[
                "client_secret_basic",
                "client_secret_post",
                "private_key_jwt",
            ]),
            introspection_endpoint_auth_signing_alg_values_supported: assertion_algorithms(),
            dpop_signing_alg_values_supported: list(&dpop::ALGORITHMS),
            code_challenge_methods_supported: list(&["S256"]),
            claims_supported: self.resources.claim_names(),
            prompt_values_supported: list(&["none", "login", "consent", "select_account"]),
            claims_parameter_supported: Some(true),
            request_parameter_supported: Some(false),
            request_uri_parameter_supported: Some(false),
            authorization_response_iss_parameter_supported: Some(true),
            frontchannel_logout_supported: Some(true),
            frontchannel_logout_session_supported: Some(true),
            backchannel_logout_supported: Some(true),
            backchannel_logout_session_supported: Some(true),
            ..ProviderMetadata::default()
        }
    }

    /// Every scope that can be had.
    fn scopes(&self) -> Vec<String> {
        let offline = self.clients.iter().any(|client| client.allow_offline_access);
        self.resources
            .scope_names()
            .into_iter()
            .filter(|scope| offline || scope != OFFLINE_ACCESS)
            .collect()
    }
}

/// The kinds of subject identifiers that some client gets.
fn subject_types(clients: &Clients) -> Vec<String> {
    let pairwise = clients.iter().any(|client| client.has_pairwise_subjects());
    ["public"].into_iter().chain(pairwise.then_some("pairwise")).map(str::to_owned).collect()
}

/// The grant types that some client may use.
fn grant_types(clients: &Clients) -> Vec<String> {
    let refresh = clients.iter().any(|client| client.allow_offline_access);
    [
        (clients.allow(GrantType::AuthorizationCode), "authorization_code"),
        (refresh, "refresh_token"),
        (clients.allow(GrantType::ClientCredentials), "client_credentials"),
        (clients.allow(GrantType::Password), "password"),
        (clients.allow(GrantType::DeviceCode), DEVICE_CODE),
    ]
    .into_iter()
    .filter(|(enabled, _)| *enabled)
    .map(|(_, name)| name.to_owned())
    .collect()
}
