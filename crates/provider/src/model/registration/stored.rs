//! Registered clients and initial access tokens as the store keeps them.

use std::fmt;

use doorward_protocol::ids::{ClientId, InvalidId};
use serde_json::{Map, Value};

use crate::model::{
    throttle::OriginBound,
    time::{Entropy, Timestamp},
    token_handle::{TokenHash, random_id},
};

/// What the identifiers of registered clients begin with, so that no other one is looked for.
const PREFIX: &str = "registered-";

/// Draws the identifier of a client.
pub(crate) fn new_id(entropy: &dyn Entropy) -> Result<ClientId, InvalidId> {
    ClientId::parse(format!("{PREFIX}{}", random_id(entropy)))
}

/// The identifier, if it can be that of a registered client.
pub fn registered_id(client_id: &str) -> Option<ClientId> {
    client_id.strip_prefix(PREFIX).and_then(|_| ClientId::parse(client_id).ok())
}

/// A client that registered itself.
#[derive(Clone, PartialEq)]
pub struct RegisteredClient {
    /// Its identifier.
    pub client_id: ClientId,
    /// Its metadata as it was accepted.
    pub metadata: Map<String, Value>,
    /// SHA-256 of its secret, if it has one.
    pub secret: Option<TokenHash>,
    /// Hash of its registration access token (RFC 7592).
    pub management: TokenHash,
    /// When it registered.
    pub issued_at: Timestamp,
    /// Whether tokens were issued to it.
    pub used: bool,
    /// When it is removed, unless it is used before.
    pub expires_at: Timestamp,
}

/// What a registration must pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// How many clients without use may come from its address.
    pub bound: OriginBound,
    /// The initial access token that it uses once.
    pub token: Option<TokenHash>,
}

/// The outcome of a registration. Only the first one has changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationOutcome {
    /// The client is there.
    Added,
    /// Too many clients without use come from this address.
    TooMany,
    /// The initial access token is unknown, has expired, or is used up.
    NoToken,
}

/// An initial access token (RFC 7591 section 3).
#[derive(Clone, PartialEq, Eq)]
pub struct RegistrationToken {
    /// What it is called, to list and remove it.
    pub id: String,
    /// Hash of its handle.
    pub hash: TokenHash,
    /// What it is for, in the operator's words.
    pub note: Option<String>,
    /// How many clients may be registered with it.
    pub uses_left: u32,
    /// It can't be used from this timestamp on.
    pub expires_at: Timestamp,
}

impl fmt::Debug for RegisteredClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RegisteredClient")
            .field("client_id", &self.client_id)
            .field("used", &self.used)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RegistrationToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RegistrationToken")
            .field("id", &self.id)
            .field("uses_left", &self.uses_left)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
