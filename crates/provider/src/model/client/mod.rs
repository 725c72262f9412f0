//! Clients: the settings an operator writes ([`ClientSettings`]) and what they become when they
//! are valid ([`Client`]).

pub mod assertion;
mod check;
pub(crate) mod fapi2;
pub mod logout_uri;
mod redirect_uri;
mod settings;
mod subject;

use std::collections::BTreeSet;

use doorward_protocol::{jose::SigningAlgorithm, scope::Scope, secret::Secret};
use serde_json::{Map, Value};

pub(crate) use self::check::is_reserved_claim;
use self::{assertion::ClientKeys, logout_uri::LogoutUri, subject::Pairwise};
pub use self::{
    redirect_uri::{RedirectUri, RedirectUriRules},
    settings::{
        AccessTokenType, ClientSettings, GrantType, RefreshTokenExpiration, RefreshTokenUsage,
    },
};
use crate::model::{
    session::{Authentication, PASSWORD_METHOD},
    shared_secret::SharedSecrets,
    time::Timestamp,
};

/// A client whose settings are all valid. Lifetimes are in seconds.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)]
pub struct Client {
    /// Identifier, 1 to 100 printable ASCII characters.
    pub client_id: String,
    /// A disabled client is treated as an unknown one.
    pub enabled: bool,
    /// What users see; the identifier where no name is set.
    pub name: String,
    /// A sentence about the client for its users.
    pub description: Option<String>,
    /// The client's home page.
    pub client_uri: Option<String>,
    /// A picture for the consent page.
    pub logo_uri: Option<String>,
    /// Hashes of its secrets.
    secrets: SharedSecrets,
    /// Its public keys, in place of secrets (`private_key_jwt`).
    pub(crate) keys: ClientKeys,
    /// Where it publishes them, in place of both.
    pub(crate) jwks_uri: Option<String>,
    /// Whether the client must authenticate at the token endpoint.
    pub confidential: bool,
    /// The grants it may use.
    pub grant_types: BTreeSet<GrantType>,
    /// Whether a code challenge is required.
    pub require_pkce: bool,
    /// Whether each token must be bound to a key (RFC 9449 section 5.2,
    /// `dpop_bound_access_tokens`).
    pub require_dpop: bool,
    /// Whether proofs must carry a nonce of the provider.
    pub require_dpop_nonce: bool,
    /// Whether authorization requests must be pushed (RFC 9126).
    pub require_par: bool,
    /// Whether it follows the FAPI 2.0 Security Profile.
    pub fapi2: bool,
    /// Where authorization responses may go.
    pub redirect_uris: Vec<RedirectUri>,
    /// Where users may be sent after signing out.
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// What the browser opens in a frame when a session ends that the client took part in.
    pub front_channel_logout: Option<LogoutUri>,
    /// Where a logout token goes then.
    pub back_channel_logout: Option<LogoutUri>,
    /// Whether `offline_access` may be asked for.
    pub allow_offline_access: bool,
    /// The scope it may ask for; `offline_access` belongs to it where allowed.
    pub allowed_scope: Scope,
    /// Whether user claims go into the ID token, too.
    pub user_claims_in_id_token: bool,
    /// Life of ID tokens.
    pub identity_token_lifetime: u32,
    /// Life of access tokens.
    pub access_token_lifetime: u32,
    /// JWT or reference.
    pub access_token_type: AccessTokenType,
    /// Life of codes.
    pub authorization_code_lifetime: u32,
    /// Life of device codes.
    pub device_code_lifetime: u32,
    /// What signs its ID tokens.
    pub id_token_signing_alg: SigningAlgorithm,
    /// Longest life of a family of refresh tokens; 0: no limit (sliding only).
    pub absolute_refresh_token_lifetime: u32,
    /// Life of a refresh token from its use on.
    pub sliding_refresh_token_lifetime: u32,
    /// One-time or reusable.
    pub refresh_token_usage: RefreshTokenUsage,
    /// Absolute or sliding.
    pub refresh_token_expiration: RefreshTokenExpiration,
    /// Whether a refresh reads the user's claims again.
    pub update_claims_on_refresh: bool,
    /// Whether users must consent.
    pub require_consent: bool,
    /// Whether users may have their consent remembered.
    pub allow_remember_consent: bool,
    /// How long a remembered consent counts; `None`: for ever.
    pub consent_lifetime: Option<u32>,
    /// How old a sign-in may be; `None`: as old as the session.
    pub user_sso_lifetime: Option<u32>,
    /// Whether a sign-in by password counts for this client.
    pub enable_local_login: bool,
    /// What pairwise subjects are made with, if they are.
    pub(crate) pairwise: Option<Pairwise>,
    /// Claims about the client for its access tokens, names already prefixed.
    pub claims: Map<String, Value>,
    /// Whether these claims also go into tokens about a user.
    pub always_send_client_claims: bool,
    /// Origins of its browser code.
    pub cors_origins: Vec<String>,
}

impl Client {
    /// Whether the secret is one of the client's and has not expired; constant time for each.
    pub fn verifies_secret(&self, secret: &Secret, now: Timestamp) -> bool {
        self.secrets.verify(secret, now)
    }

    /// The registered redirect URI that the given one is (RFC 6749 section 3.1.2.3, by simple
    /// string comparison).
    pub fn registered_redirect_uri(&self, uri: &str) -> bool {
        self.redirect_uris.iter().any(|registered| registered.matches(uri))
    }

    /// Whether this client may learn that a user whom another client knows is the same user: they
    /// both know users by the provider's own identifier, or by that of one sector and salt.
    pub fn shares_subjects_with(&self, other: &Self) -> bool {
        self.pairwise == other.pairwise
    }

    /// Whether a user's sign-in is good enough for this client now: the one rule for every place
    /// where a session leads to a grant. `max_age` is what a request asks for beside the settings.
    pub fn accepts_sign_in(
        &self,
        sign_in: &Authentication,
        max_age: Option<u32>,
        now: Timestamp,
    ) -> bool {
        let by_password = sign_in.amr.iter().any(|method| method == PASSWORD_METHOD);
        if by_password && !self.enable_local_login {
            return false;
        }
        let oldest = [max_age, self.user_sso_lifetime].into_iter().flatten().min();
        oldest.is_none_or(|oldest| now.since(sign_in.auth_time) <= i64::from(oldest))
    }
}
