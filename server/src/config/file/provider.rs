//! `[provider]`.

use doorward_protocol::jose::SigningAlgorithm;
use doorward_provider::model::{
    account_settings::AccountSettings,
    provider_settings::{
        AccessTokenTyp, LongestParameters, MOST_WAITING_PER_ADDRESS, MOST_WAITING_PER_CLIENT,
    },
    resource::LIST_CLAIMS,
};
use serde::Deserialize;

use super::known;
use crate::config::values::{Issuer, ListenAddress, Seconds, TrustedProxy};

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
    pub most_waiting_per_client: u32,
    pub longest_state: u32,
    pub longest_scope: u32,
    pub longest_claims: u32,
    pub trusted_proxies: Vec<TrustedProxy>,
    pub min_password_length: u32,
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
            most_waiting_per_client: MOST_WAITING_PER_CLIENT,
            longest_state: LongestParameters::default().state,
            longest_scope: LongestParameters::default().scope,
            longest_claims: LongestParameters::default().claims,
            trusted_proxies: Vec::new(),
            min_password_length: AccountSettings::default().min_password_length,
        }
    }
}
