//! Clients: the settings an operator writes ([`ClientSettings`]) and what they become when they
//! are valid ([`Client`]).

mod answer_signing;
pub mod assertion;
mod check;
pub(crate) mod fapi2;
pub mod keys;
pub mod logout_uri;
mod redirect_uri;
pub mod request_object;
mod request_uri;
mod settings;
mod subject;

use std::collections::BTreeSet;

use doorward_protocol::{ids::ClientId, jose::SigningAlgorithm, scope::Scope, secret::Secret};
use serde_json::{Map, Value};

pub(crate) use self::check::is_reserved_claim;
pub use self::{
    answer_signing::AnswerSigning,
    redirect_uri::{RedirectUri, RedirectUriRules},
    settings::{
        AccessTokenType, ClientSettings, GrantType, MessageSigning, RefreshTokenExpiration,
        RefreshTokenUsage,
    },
};
use self::{
    keys::ClientKeys, logout_uri::LogoutUri, request_object::RequestObjectRules,
    request_uri::RequestUri, subject::Pairwise,
};
use crate::model::{
    acr::AcrLevel,
    branding::ClientBranding,
    identity_provider::{IdentityProvider, IdentityProviderName},
    session::{Authentication, PASSWORD_METHOD, Session},
    shared_secret::SharedSecrets,
    time::{Seconds, Timestamp},
};

/// Who says what a client is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientOrigin {
    /// An operator, in the configuration or by command.
    Operator,
    /// The client itself, when it registered (RFC 7591).
    Registered {
        /// When it is removed, unless it is used before.
        expires_at: Timestamp,
        /// Whether tokens were issued to it.
        used: bool,
    },
    /// The document at the URL that is its identifier.
    Document {
        /// The host of the URL, which is what users can recognise.
        host: String,
    },
}

/// The client that `doorward --server URL` is. It acts with all rights of an administrator, so the
/// device flow is stricter with it.
pub const COMMAND_CLIENT: &str = "doorward-cli";

/// A client whose settings are all valid.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)]
pub struct Client {
    /// Identifier.
    pub client_id: ClientId,
    /// A disabled client is treated as an unknown one.
    pub enabled: bool,
    /// What users see; the identifier where no name is set.
    pub name: String,
    /// A sentence about the client for its users.
    pub description: Option<String>,
    /// The client's home page.
    pub client_uri: Option<String>,
    /// Where the client lets others begin a sign-in (OIDC Core section 4).
    pub initiate_login_uri: Option<String>,
    /// A picture for the consent page.
    pub logo_uri: Option<String>,
    /// Where it says what it does with users' data.
    pub policy_uri: Option<String>,
    /// Where its terms of service are.
    pub tos_uri: Option<String>,
    /// How its pages look, if an operator says so.
    branding: Option<ClientBranding>,
    /// Who says what it is.
    pub origin: ClientOrigin,
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
    /// Which request objects it may send, and whether it must.
    pub request_objects: RequestObjectRules,
    /// Where it publishes request objects.
    pub(crate) request_uris: Vec<RequestUri>,
    /// What signs the provider's answers to it.
    pub answers: AnswerSigning,
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
    pub identity_token_lifetime: Seconds,
    /// Life of access tokens.
    pub access_token_lifetime: Seconds,
    /// JWT or reference.
    pub access_token_type: AccessTokenType,
    /// Life of codes.
    pub authorization_code_lifetime: Seconds,
    /// Life of device codes.
    pub device_code_lifetime: Seconds,
    /// What signs its ID tokens.
    pub id_token_signing_alg: SigningAlgorithm,
    /// Longest life of a family of refresh tokens; 0: no limit (sliding only).
    pub absolute_refresh_token_lifetime: Seconds,
    /// Life of a refresh token from its use on.
    pub sliding_refresh_token_lifetime: Seconds,
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
    pub consent_lifetime: Option<Seconds>,
    /// How old a sign-in may be; `None`: as old as the session.
    pub user_sso_lifetime: Option<Seconds>,
    /// How strongly its users must have signed in, if it is said.
    pub require_acr: Option<AcrLevel>,
    /// `max_age` of requests that have none (OIDC Registration section 2).
    pub default_max_age: Option<Seconds>,
    /// `acr_values` of requests that have none (OIDC Registration section 2).
    pub default_acr_values: Vec<String>,
    /// Whether a sign-in by password counts for this client.
    pub enable_local_login: bool,
    /// The other providers by which users may sign in for it; `None`: all.
    pub identity_providers: Option<Vec<IdentityProviderName>>,
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
    /// The same client, if this is who says what it is.
    #[must_use]
    pub(crate) fn of_origin(self, origin: ClientOrigin) -> Self {
        Self { origin, ..self }
    }

    /// Whether it is [`COMMAND_CLIENT`].
    pub fn is_command_line(&self) -> bool {
        self.client_id == *COMMAND_CLIENT
    }

    /// Whether no operator wrote it down.
    pub fn is_stranger(&self) -> bool {
        self.origin != ClientOrigin::Operator
    }

    /// What its sign-in pages show in place of the provider's name, logo and colours. Nobody who is
    /// not known to the operator can make our pages look like another's.
    pub fn branding(&self) -> Option<&ClientBranding> {
        self.branding.as_ref().filter(|_| !self.is_stranger())
    }

    /// Whether the secret is one of the client's and has not expired; constant time for each.
    pub fn verifies_secret(&self, secret: &Secret, now: Timestamp) -> bool {
        self.secrets.verify(secret, now)
    }

    /// Whether the client has keys to sign by, here or at its own address.
    pub(crate) fn has_keys(&self) -> bool {
        self.jwks_uri.is_some() || !self.keys.is_empty()
    }

    /// Whether the client authenticates by its keys: it has no secret.
    pub(crate) fn authenticates_by_keys(&self) -> bool {
        self.confidential && self.secrets.is_empty() && self.has_keys()
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

    /// What the client may still have of a granted scope: what the operator has taken from it since
    /// then is granted no more.
    pub(crate) fn still_allowed(&self, granted: &Scope) -> Scope {
        granted.filtered(|token| self.allowed_scope.contains(token))
    }

    /// Whether a user's sign-in is as strong as this client requires.
    pub fn accepts_level(&self, sign_in: &Authentication) -> bool {
        self.require_acr.is_none_or(|level| AcrLevel::of(&sign_in.amr) >= level)
    }

    /// Whether the user signed in by a password, which this client does not take.
    pub fn refuses_password_of(&self, sign_in: &Authentication) -> bool {
        let by_password = sign_in.amr.iter().any(|method| method == PASSWORD_METHOD);
        by_password && !self.enable_local_login
    }

    /// Whether a user's session is good enough for this client now: the one rule for every place
    /// where a session leads to a grant. `max_age` is what a request asks for in place of
    /// `default_max_age`.
    pub fn accepts_sign_in(
        &self,
        session: &Session,
        providers: &[IdentityProvider],
        max_age: Option<Seconds>,
        now: Timestamp,
    ) -> bool {
        let sign_in = &session.authentication;
        if self.refuses_password_of(sign_in) || !self.takes_session(session, providers) {
            return false;
        }
        if !self.accepts_level(sign_in) {
            return false;
        }
        let max_age = max_age.or(self.default_max_age);
        let oldest = [max_age, self.user_sso_lifetime].into_iter().flatten().min();
        oldest.is_none_or(|oldest| sign_in.is_within(oldest, now))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::model::{
        external_identity::ExternalId,
        session::{Device, UpstreamSession},
        token_handle::TokenHandle,
    };

    /// The same rule holds at the authorization endpoint and for devices.
    #[test]
    fn a_sign_in_counts_if_it_is_recent_enough_and_of_a_permitted_kind() {
        let client = |changes: (&str, Value)| {
            let mut settings = json!({
                "client_id": "app", "require_client_secret": false,
                "allowed_grant_types": ["authorization_code"],
                "redirect_uris": ["https://app.example/callback"],
            });
            settings[changes.0] = changes.1;
            Client::from_settings(serde_json::from_value(settings).unwrap(), false).unwrap()
        };
        let sign_in = |method: &str| Authentication {
            sub: "alice".parse().unwrap(),
            auth_time: Timestamp::from_seconds(0),
            amr: vec![method.to_owned()],
            sid: "session".parse().unwrap(),
        };
        let session = |method: &str| Session {
            cookie_hash: TokenHandle::parse("cookie").hash(),
            authentication: sign_in(method),
            device: Device::default(),
            upstream: None,
            expires_at: Timestamp::from_seconds(1000),
        };
        let accepts = |client: &Client, method, max_age: Option<u32>, now| {
            let now = Timestamp::from_seconds(now);
            client.accepts_sign_in(&session(method), &[], max_age.map(Seconds::new), now)
        };
        let strict = client(("user_sso_lifetime", json!(60)));
        assert!(accepts(&strict, "pwd", None, 60) && !accepts(&strict, "pwd", None, 61));
        assert!(accepts(&strict, "pwd", Some(30), 30) && !accepts(&strict, "pwd", Some(30), 31));
        assert!(!accepts(&strict, "pwd", Some(90), 61), "the setting holds, too");
        let by_default = client(("default_max_age", json!(60)));
        assert!(accepts(&by_default, "pwd", None, 60) && !accepts(&by_default, "pwd", None, 61));
        assert!(accepts(&by_default, "pwd", Some(90), 61), "the request's own counts");
        let not_by_password = client(("enable_local_login", json!(false)));
        assert!(!accepts(&not_by_password, "pwd", None, 0));
        assert!(accepts(&not_by_password, "hwk", None, 0));
        let (client, id) = (client(("identity_providers", json!(["two"]))), ExternalId::parse);
        let began_at = |issuer: &str| {
            let upstream = UpstreamSession { id: id(issuer, "1").unwrap(), sid: None };
            Session { upstream: Some(upstream), ..session("external") }
        };
        let providers = ["one", "two"].map(|name| {
            let issuer = format!("https://{name}.example");
            IdentityProvider::new(IdentityProviderName::parse(name).unwrap(), &issuer)
        });
        let accepts = |session: &Session| {
            client.accepts_sign_in(session, &providers, None, Timestamp::from_seconds(0))
        };
        assert!(accepts(&began_at("https://two.example")) && accepts(&session("pwd")));
        assert!(!accepts(&began_at("https://one.example")));
    }
}
