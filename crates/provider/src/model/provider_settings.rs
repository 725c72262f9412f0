//! The settings of the provider as a whole.

use url::Url;

use doorward_protocol::{jose::SigningAlgorithm, time::Seconds};
use serde::Deserialize;

use crate::model::{
    account_settings::AccountSettings, acr::AcrLevels, directory::Directory,
    identity_provider::IdentityProvider, registration::RegistrationSettings,
    second_factor::SecondFactorSettings,
};

/// The settings of the provider as a whole.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// Issuer identifier: https (http on this machine), no query, no fragment, no slash at its end
    /// (OIDC Core section 2).
    pub issuer: String,
    /// Life of a session whose user did not ask to be remembered.
    pub session_lifetime: Seconds,
    /// Life of a session whose user did.
    pub remember_me_lifetime: Seconds,
    /// How long a consumed refresh token is still answered with its unused successor.
    pub refresh_token_grace: Seconds,
    /// How long a pushed authorization request can be opened.
    pub pushed_authorization_request_lifetime: Seconds,
    /// Whether every client must push its authorization requests.
    pub require_pushed_authorization_requests: bool,
    /// Whether every client must send its authorization requests in signed request objects.
    pub require_signed_request_object: bool,
    /// Whether request objects are fetched from the addresses that clients registered
    /// (`request_uris`).
    pub fetch_request_uris: bool,
    /// What signs access tokens.
    pub access_token_signing_alg: SigningAlgorithm,
    /// `typ` of access tokens, unless an API asks for another one.
    pub access_token_typ: AccessTokenTyp,
    /// How strongly users can sign in, and what it is called.
    pub acr: AcrLevels,
    /// How many pushed requests, and how many device codes, of one public client may wait for one
    /// address. All clients that no operator wrote down have ten times as many there together.
    pub most_waiting_per_address: u32,
    /// How many pushed requests, and how many device codes, of one client may wait in all. At least
    /// 1.
    pub most_waiting_per_client: u32,
    /// Who must sign in with a second factor.
    pub second_factor: SecondFactorSettings,
    /// How long the parameters of an authorization request may be.
    pub longest_parameters: LongestParameters,
    /// What users may do with their accounts by themselves.
    pub accounts: AccountSettings,
    /// What clients may be that no operator wrote down.
    pub registration: RegistrationSettings,
    /// The other providers that the configuration defines, in the order of their buttons. Beside
    /// them there are those of the store: see [`Vouching`](crate::model::vouching::Vouching).
    pub identity_providers: Vec<IdentityProvider>,
    /// The directories by which users sign in, in the order in which they are asked.
    pub directories: Vec<Directory>,
}

/// The default of [`ProviderSettings::most_waiting_per_address`].
pub const MOST_WAITING_PER_ADDRESS: u32 = 100;
/// The default of [`ProviderSettings::most_waiting_per_client`].
pub const MOST_WAITING_PER_CLIENT: u32 = 10_000;

/// How many bytes a parameter of an authorization request may have. A longer one is refused with
/// `invalid_request`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongestParameters {
    /// `state`.
    pub state: u32,
    /// `scope`.
    pub scope: u32,
    /// `claims`.
    pub claims: u32,
    /// `nonce`, `acr_values`, `login_hint`, `ui_locales`, `prompt`, `max_age` and `idp`.
    pub text: u32,
}

impl Default for LongestParameters {
    fn default() -> Self {
        Self { state: 8192, scope: 4000, claims: 4000, text: 300 }
    }
}

/// `access_token_typ`: what the header of a JWT access token says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum AccessTokenTyp {
    /// RFC 9068 section 2.1.
    #[default]
    #[serde(rename = "at+jwt")]
    AtJwt,
    /// For APIs whose library knows no other type, as Spring Security's default decoder.
    #[serde(rename = "JWT")]
    Jwt,
}

impl ProviderSettings {
    /// Whether users can have passkeys: the issuer has a host name (Web Authentication Level 3
    /// section 5.1.2).
    pub fn offers_passkeys(&self) -> bool {
        Url::parse(&self.issuer).is_ok_and(|issuer| issuer.domain().is_some())
    }
}
