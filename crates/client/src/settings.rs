//! The settings of a client. The names are those of oidc-client. Durations are seconds.

use doorward_protocol::{
    jose::SigningAlgorithm, jwk::JwkSet, metadata::ProviderMetadata, secret::Secret,
};
use serde::{Deserialize, Serialize};

mod check;
mod values;

pub use values::{
    ClaimsFilter, ClientAuthentication, MergeClaims, ResponseMode, ResponseType, StoreKind,
    TokenType,
};

/// What a client is set up with. All but the first three have defaults.
///
/// [`Settings::new`] has every default. Each field has a method of the same name, which sets it:
///
/// ```
/// use doorward_client::{Settings, settings::StoreKind};
///
/// let settings = Settings::new("https://id.example", "my-page", "https://app.example/")
///     .scope("openid profile offline_access")
///     .user_store(StoreKind::Local);
/// assert!(settings.validate().is_ok());
/// ```
///
/// They can also be read from JSON, for example from a document that the page fetches:
///
/// ```
/// # use doorward_client::Settings;
/// let settings: Settings = serde_json::from_str(
///     r#"{ "authority": "https://id.example", "client_id": "my-page",
///          "redirect_uri": "https://app.example/", "load_user_info": true }"#,
/// )?;
/// assert_eq!(settings.scope, "openid");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools)] // Independent switches under well-known names.
pub struct Settings {
    /// The provider's issuer identifier, a URL without query and fragment.
    pub authority: String,
    /// The client as registered at the provider.
    pub client_id: String,
    /// Where the provider sends the user back to after sign-in.
    pub redirect_uri: String,
    /// Where the provider sends the user back to after sign-out. Default: the provider's own page.
    #[serde(default)]
    pub post_logout_redirect_uri: Option<String>,
    /// How this client authenticates at the token and revocation endpoints. Default: not at all,
    /// only PKCE, because a page cannot keep a secret (RFC 9700 section 2.1.1).
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
    /// The secret for `client_authentication`. Everyone who can load the page can read it.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// Where popups return to after sign-in. Default: `redirect_uri`.
    #[serde(default)]
    pub popup_redirect_uri: Option<String>,
    /// Where popups return to after sign-out. Default: `post_logout_redirect_uri`.
    #[serde(default)]
    pub popup_post_logout_redirect_uri: Option<String>,
    /// Where hidden frames return to. Default: `redirect_uri`.
    #[serde(default)]
    pub silent_redirect_uri: Option<String>,
    /// Only `code` is supported (RFC 9700 section 2.1.2).
    #[serde(default)]
    pub response_type: ResponseType,
    /// Which part of the redirect URI carries the response. Default: `query`.
    #[serde(default)]
    pub response_mode: ResponseMode,
    /// Requested scope. Default: `openid`.
    #[serde(default = "default_scope")]
    pub scope: String,
    /// `prompt` of each sign-in request (OIDC Core section 3.1.2.1).
    #[serde(default)]
    pub prompt: Option<String>,
    /// `display` of each sign-in request.
    #[serde(default)]
    pub display: Option<String>,
    /// `max_age` of each sign-in request: the maximum time since the user authenticated. The ID
    /// token must then contain `auth_time`.
    #[serde(default)]
    pub max_age: Option<u64>,
    /// `ui_locales` of each sign-in request.
    #[serde(default)]
    pub ui_locales: Option<String>,
    /// `acr_values` of each sign-in request.
    #[serde(default)]
    pub acr_values: Option<String>,
    /// Resource indicators of each request (RFC 8707).
    #[serde(default)]
    pub resource: Vec<String>,
    /// Additional parameters of each authorization request.
    #[serde(default)]
    pub extra_query_params: Vec<(String, String)>,
    /// Additional parameters of each token request.
    #[serde(default)]
    pub extra_token_params: Vec<(String, String)>,
    /// Additional headers of each request to the provider.
    #[serde(default)]
    pub extra_headers: Vec<(String, String)>,
    /// The provider's metadata, if it is not fetched.
    #[serde(default)]
    pub metadata: Option<ProviderMetadata>,
    /// The URL of the metadata. Default: `{authority}/.well-known/openid-configuration`.
    #[serde(default)]
    pub metadata_url: Option<String>,
    /// Endpoints to use where the fetched metadata does not name them.
    #[serde(default)]
    pub metadata_seed: Option<ProviderMetadata>,
    /// The provider's signing keys, if they are not fetched.
    #[serde(default)]
    pub signing_keys: Option<JwkSet>,
    /// Which claims of the ID token are left out of the profile. Default: the protocol's.
    #[serde(default)]
    pub filter_protocol_claims: ClaimsFilter,
    /// Whether userinfo is fetched after sign-in and after each renewal, and its claims are added
    /// to the profile. Default: no.
    #[serde(default)]
    pub load_user_info: bool,
    /// How arrays in userinfo are merged with those of the ID token. Default: `replace`.
    #[serde(default)]
    pub merge_claims: MergeClaims,
    /// The age at which a pending request is discarded. Default: 900 s.
    #[serde(default = "default_stale_state_age")]
    pub stale_state_age: u64,
    /// Where pending requests are kept. Default: `local`, so that the provider may return in
    /// another tab.
    #[serde(default = "local")]
    pub state_store: StoreKind,
    /// Where the user is kept. Default: `session`.
    #[serde(default = "session")]
    pub user_store: StoreKind,
    /// The time limit for requests. Default: 10 s.
    #[serde(default = "default_request_timeout")]
    pub request_timeout: u64,
    /// The time limit for hidden frames. Default: `request_timeout`.
    #[serde(default)]
    pub silent_request_timeout: Option<u64>,
    /// How many consecutive time-outs of automatic renewal are retried, with growing pauses.
    /// Default: no limit.
    #[serde(default)]
    pub max_silent_renew_timeout_retries: Option<u32>,
    /// Whether the access token is renewed automatically before it expires and when the page wakes
    /// up. Default: yes.
    #[serde(default = "yes")]
    pub automatic_silent_renew: bool,
    /// Whether a renewal with a different `sub` is refused. Default: yes.
    #[serde(default = "yes")]
    pub validate_sub_on_silent_renew: bool,
    /// Whether a renewal with a different `auth_time` is refused, as OIDC Core section 12.2
    /// demands. Some providers set it to the time of the renewal (Amazon Cognito, Azure AD B2C,
    /// Spring Authorization Server). Default: yes.
    #[serde(default = "yes")]
    pub validate_auth_time_on_silent_renew: bool,
    /// Whether sign-out sends the ID token as `id_token_hint`, which tells the provider whose
    /// session ends. It is left out anyway if it is longer than 6,000 characters, because servers
    /// limit the length of URLs. `client_id` is sent in its place. Default: yes.
    #[serde(default = "yes")]
    pub include_id_token_in_signout: bool,
    /// Whether a renewal in a hidden frame sends the ID token as `id_token_hint`, in a URL.
    /// Default: no.
    #[serde(default)]
    pub include_id_token_in_silent_renew: bool,
    /// Whether the session at the provider is watched (OIDC Session Management section 3). Default:
    /// no.
    #[serde(default)]
    pub monitor_session: bool,
    /// How often the provider's frame is asked about the session. Default: every 2 s.
    #[serde(default = "default_check_session_interval")]
    pub check_session_interval: u64,
    /// How long before expiry [`AuthEvent::AccessTokenExpiring`](crate::AuthEvent) is emitted and
    /// renewal starts. Default: 60 s.
    #[serde(default = "default_notification")]
    pub access_token_expiring_notification_time: u64,
    /// Whether sign-out revokes the tokens first. Default: no.
    #[serde(default)]
    pub revoke_tokens_on_signout: bool,
    /// What `revoke_tokens` revokes, in this order. Default: access token, then refresh token.
    #[serde(default = "default_revoke_token_types")]
    pub revoke_token_types: Vec<TokenType>,
    /// Whether tokens are bound to a key of this browser (RFC 9449). The provider and every API
    /// must support DPoP. Needs https. Default: no.
    #[serde(default)]
    pub dpop: bool,
    /// Whether authorization requests are pushed (RFC 9126) even if the provider's metadata does
    /// not require it. Default: no.
    #[serde(default)]
    pub push_authorization_requests: bool,
    /// The algorithm that the client registered for its ID tokens (`id_token_signed_response_alg`).
    /// An ID token or a logout token that is signed by another one is refused (OIDC Core section
    /// 3.1.3.7 step 7, OIDC Back-Channel Logout section 2.6). Default: every algorithm that the
    /// provider's metadata offers for ID tokens.
    #[serde(default)]
    pub id_token_signed_response_alg: Option<SigningAlgorithm>,
    /// The audiences beside `client_id` that an ID token may have (OIDC Core section 3.1.3.7 step
    /// 3). Default: any, since many providers list the user's APIs or projects there. FAPI 2.0
    /// wants a client that trusts none: an empty list.
    #[serde(default)]
    pub trusted_audiences: Option<Vec<String>>,
    /// The algorithm that the client registered for userinfo (`userinfo_signed_response_alg`).
    /// Userinfo that has no signature, or one by another algorithm, is refused. It needs the
    /// feature `signed-userinfo`. Default: signed or not, as the provider sends it.
    #[serde(default)]
    pub userinfo_signed_response_alg: Option<SigningAlgorithm>,
    /// The tolerated difference between the clocks when the times in an ID token are checked.
    /// Default: 300 s.
    #[serde(default = "default_clock_skew")]
    pub clock_skew: u64,
}

impl Settings {
    /// Creates settings with every default.
    pub fn new(
        authority: impl Into<String>,
        client_id: impl Into<String>,
        redirect_uri: impl Into<String>,
    ) -> Self {
        Self {
            authority: authority.into(),
            client_id: client_id.into(),
            redirect_uri: redirect_uri.into(),
            post_logout_redirect_uri: None,
            client_authentication: ClientAuthentication::default(),
            client_secret: None,
            popup_redirect_uri: None,
            popup_post_logout_redirect_uri: None,
            silent_redirect_uri: None,
            response_type: ResponseType::default(),
            response_mode: ResponseMode::default(),
            scope: default_scope(),
            prompt: None,
            display: None,
            max_age: None,
            ui_locales: None,
            acr_values: None,
            resource: Vec::new(),
            extra_query_params: Vec::new(),
            extra_token_params: Vec::new(),
            extra_headers: Vec::new(),
            metadata: None,
            metadata_url: None,
            metadata_seed: None,
            signing_keys: None,
            filter_protocol_claims: ClaimsFilter::default(),
            load_user_info: false,
            merge_claims: MergeClaims::default(),
            stale_state_age: default_stale_state_age(),
            state_store: local(),
            user_store: session(),
            request_timeout: default_request_timeout(),
            silent_request_timeout: None,
            max_silent_renew_timeout_retries: None,
            automatic_silent_renew: true,
            validate_sub_on_silent_renew: true,
            validate_auth_time_on_silent_renew: true,
            include_id_token_in_signout: true,
            include_id_token_in_silent_renew: false,
            monitor_session: false,
            check_session_interval: default_check_session_interval(),
            access_token_expiring_notification_time: default_notification(),
            revoke_tokens_on_signout: false,
            revoke_token_types: default_revoke_token_types(),
            dpop: false,
            push_authorization_requests: false,
            id_token_signed_response_alg: None,
            trusted_audiences: None,
            userinfo_signed_response_alg: None,
            clock_skew: default_clock_skew(),
        }
    }

    setters! {
        text scope;
        some_text post_logout_redirect_uri;
        some_text popup_redirect_uri;
        some_text popup_post_logout_redirect_uri;
        some_text silent_redirect_uri;
        some_text prompt;
        some_text display;
        some_text ui_locales;
        some_text acr_values;
        some_text metadata_url;
        some client_secret: Secret;
        some max_age: u64;
        some metadata: ProviderMetadata;
        some metadata_seed: ProviderMetadata;
        some signing_keys: JwkSet;
        some id_token_signed_response_alg: SigningAlgorithm;
        some userinfo_signed_response_alg: SigningAlgorithm;
        some trusted_audiences: Vec<String>;
        some silent_request_timeout: u64;
        some max_silent_renew_timeout_retries: u32;
        value client_authentication: ClientAuthentication;
        value response_type: ResponseType;
        value response_mode: ResponseMode;
        value resource: Vec<String>;
        value extra_query_params: Vec<(String, String)>;
        value extra_token_params: Vec<(String, String)>;
        value extra_headers: Vec<(String, String)>;
        value filter_protocol_claims: ClaimsFilter;
        value load_user_info: bool;
        value merge_claims: MergeClaims;
        value stale_state_age: u64;
        value state_store: StoreKind;
        value user_store: StoreKind;
        value request_timeout: u64;
        value automatic_silent_renew: bool;
        value validate_sub_on_silent_renew: bool;
        value validate_auth_time_on_silent_renew: bool;
        value include_id_token_in_signout: bool;
        value include_id_token_in_silent_renew: bool;
        value monitor_session: bool;
        value check_session_interval: u64;
        value access_token_expiring_notification_time: u64;
        value revoke_tokens_on_signout: bool;
        value revoke_token_types: Vec<TokenType>;
        value dpop: bool;
        value push_authorization_requests: bool;
        value clock_skew: u64;
    }
}

fn default_scope() -> String {
    "openid".to_owned()
}

fn default_stale_state_age() -> u64 {
    900
}

fn default_request_timeout() -> u64 {
    10
}

fn default_check_session_interval() -> u64 {
    2
}

fn default_notification() -> u64 {
    60
}

fn default_clock_skew() -> u64 {
    300
}

fn default_revoke_token_types() -> Vec<TokenType> {
    vec![TokenType::AccessToken, TokenType::RefreshToken]
}

fn yes() -> bool {
    true
}

fn local() -> StoreKind {
    StoreKind::Local
}

fn session() -> StoreKind {
    StoreKind::Session
}
