//! The discovery document (OIDC Discovery section 3, RFC 8414 section 2): exactly what is enabled, no more.

use doorward_protocol::{dpop, metadata::ProviderMetadata, scope::OFFLINE_ACCESS};

use crate::{Provider, client::GrantType, client_assertion, exchange::DEVICE_CODE, sign_in::PASSWORD_CONTEXT};

/// Paths of the endpoints under the issuer.
pub mod paths {
    #![allow(missing_docs)]
    pub const JWKS: &str = "/.well-known/openid-configuration/jwks";
    pub const AUTHORIZE: &str = "/connect/authorize";
    pub const PUSHED_AUTHORIZATION: &str = "/connect/par";
    pub const DEVICE_AUTHORIZATION: &str = "/connect/deviceauthorization";
    pub const DEVICE: &str = "/device";
    pub const TOKEN: &str = "/connect/token";
    pub const USERINFO: &str = "/connect/userinfo";
    pub const REVOCATION: &str = "/connect/revocation";
    pub const INTROSPECTION: &str = "/connect/introspect";
    pub const END_SESSION: &str = "/connect/endsession";
    pub const CHECK_SESSION: &str = "/connect/checksession";
}

impl Provider {
    /// The discovery document.
    pub fn metadata(&self) -> ProviderMetadata {
        let endpoint = |path: &str| Some(format!("{}{path}", self.settings.issuer));
        let list = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
        let authentication = || list(&["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]);
        let assertion_algorithms = || list(&client_assertion::ALGORITHMS);
        ProviderMetadata {
            issuer: self.settings.issuer.clone(),
            authorization_endpoint: endpoint(paths::AUTHORIZE),
            token_endpoint: endpoint(paths::TOKEN),
            userinfo_endpoint: endpoint(paths::USERINFO),
            jwks_uri: endpoint(paths::JWKS),
            revocation_endpoint: endpoint(paths::REVOCATION),
            device_authorization_endpoint: if self.allows(GrantType::DeviceCode) {
                endpoint(paths::DEVICE_AUTHORIZATION)
            } else {
                None
            },
            pushed_authorization_request_endpoint: endpoint(paths::PUSHED_AUTHORIZATION),
            require_pushed_authorization_requests: Some(self.settings.require_pushed_authorization_requests),
            introspection_endpoint: endpoint(paths::INTROSPECTION),
            end_session_endpoint: endpoint(paths::END_SESSION),
            check_session_iframe: endpoint(paths::CHECK_SESSION),
            scopes_supported: self.scopes(),
            response_types_supported: list(&["code"]),
            response_modes_supported: list(&["query", "fragment", "form_post"]),
            grant_types_supported: self.grant_types(),
            acr_values_supported: list(&[PASSWORD_CONTEXT]),
            subject_types_supported: self.subject_types(),
            id_token_signing_alg_values_supported: self.keys.algorithms().iter().map(ToString::to_string).collect(),
            token_endpoint_auth_methods_supported: authentication(),
            token_endpoint_auth_signing_alg_values_supported: assertion_algorithms(),
            revocation_endpoint_auth_methods_supported: authentication(),
            revocation_endpoint_auth_signing_alg_values_supported: assertion_algorithms(),
            // Not `none`: whoever asks about tokens must authenticate (RFC 7662 section 2.1).
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
        let offline = self.clients.values().any(|client| client.enabled && client.allow_offline_access);
        self.resources.scope_names().into_iter().filter(|scope| offline || scope != OFFLINE_ACCESS).collect()
    }

    /// The kinds of subject identifiers that some client gets.
    fn subject_types(&self) -> Vec<String> {
        let pairwise = self.clients.values().any(|client| client.enabled && client.has_pairwise_subjects());
        ["public"].into_iter().chain(pairwise.then_some("pairwise")).map(str::to_owned).collect()
    }

    /// Whether some client may use this grant type.
    fn allows(&self, grant_type: GrantType) -> bool {
        self.clients.values().any(|client| client.enabled && client.grant_types.contains(&grant_type))
    }

    /// The grant types that some client may use.
    fn grant_types(&self) -> Vec<String> {
        let refresh = self.clients.values().any(|client| client.enabled && client.allow_offline_access);
        [
            (self.allows(GrantType::AuthorizationCode), "authorization_code"),
            (refresh, "refresh_token"),
            (self.allows(GrantType::ClientCredentials), "client_credentials"),
            (self.allows(GrantType::Password), "password"),
            (self.allows(GrantType::DeviceCode), DEVICE_CODE),
        ]
        .into_iter()
        .filter(|(enabled, _)| *enabled)
        .map(|(_, name)| name.to_owned())
        .collect()
    }
}
