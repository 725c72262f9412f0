//! The settings of the provider as a whole.

use doorward_protocol::jose::SigningAlgorithm;

/// What holds for the provider as a whole. Lifetimes are in seconds.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// Issuer identifier: https (http on this machine), no query, no fragment, no slash at its end
    /// (OIDC Core section 2).
    pub issuer: String,
    /// Life of a session whose user did not ask to be remembered.
    pub session_lifetime: u32,
    /// Life of a session whose user did.
    pub remember_me_lifetime: u32,
    /// How long a consumed refresh token is still answered with its unused successor.
    pub refresh_token_grace: u32,
    /// How long a pushed authorization request can be opened.
    pub pushed_authorization_request_lifetime: u32,
    /// Whether every client must push its authorization requests.
    pub require_pushed_authorization_requests: bool,
    /// What signs access tokens.
    pub access_token_signing_alg: SigningAlgorithm,
}
