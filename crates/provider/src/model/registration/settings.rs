//! What clients may be that no operator wrote down.

use std::collections::BTreeSet;

use doorward_protocol::time::Seconds;
use serde::Deserialize;

use crate::model::client::GrantType;

/// Who may register a client (RFC 7591 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegistrationMode {
    /// Nobody. Clients that registered before stay.
    #[default]
    Off,
    /// Whoever has an initial access token.
    Token,
    /// Everybody.
    Open,
}

/// The settings for such clients.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)]
pub struct RegistrationSettings {
    /// Who may register.
    pub mode: RegistrationMode,
    /// Whether a client may be the document at the URL that is its identifier.
    pub metadata_documents: bool,
    /// The scopes that they may ask for, beside `offline_access`.
    pub scopes: Vec<String>,
    /// The grants that they may use.
    pub grant_types: BTreeSet<GrantType>,
    /// Whether they may have refresh tokens.
    pub allow_offline_access: bool,
    /// Whether those with a secret need PKCE, too, as all others do.
    pub require_pkce: bool,
    /// The hosts that their pages may be at, each with the names below it; empty: any.
    pub redirect_hosts: Vec<String>,
    /// Whether they may be programs on the user's machine, which listen on a loopback address.
    pub allow_loopback_redirect_uris: bool,
    /// Whether they may be applications with a scheme of their own, without a dot, too.
    pub allow_private_use_schemes: bool,
    /// How many clients without use may come from one address.
    pub most_per_address: u32,
    /// How long a client lives that nobody has signed in with.
    pub unused_lifetime: Seconds,
    /// How long a client lives after it was used.
    pub idle_lifetime: Seconds,
    /// Whether addresses inside the network may be asked for what clients publish.
    pub allow_private_addresses: bool,
}

impl Default for RegistrationSettings {
    fn default() -> Self {
        Self {
            mode: RegistrationMode::Off,
            metadata_documents: false,
            scopes: ["openid", "profile", "email"].map(str::to_owned).into(),
            grant_types: BTreeSet::from([GrantType::AuthorizationCode]),
            allow_offline_access: true,
            require_pkce: true,
            redirect_hosts: Vec::new(),
            allow_loopback_redirect_uris: true,
            allow_private_use_schemes: false,
            most_per_address: 20,
            unused_lifetime: Seconds::new(604_800),
            idle_lifetime: Seconds::new(7_776_000),
            allow_private_addresses: false,
        }
    }
}

impl RegistrationSettings {
    /// Whether clients can come that no operator wrote down.
    pub fn takes_strangers(&self) -> bool {
        self.mode != RegistrationMode::Off || self.metadata_documents
    }
}
