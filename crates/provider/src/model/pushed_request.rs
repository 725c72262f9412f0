//! Pushed authorization requests as the store keeps them (RFC 9126).

use doorward_protocol::ids::ClientId;

use crate::model::{time::Timestamp, token_handle::TokenHash};

/// A pushed request as the store keeps it, found by the hash of its reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedRequest {
    /// Hash of the random part of the reference.
    pub hash: TokenHash,
    /// The client that pushed it, which alone may use it.
    pub client_id: ClientId,
    /// The parameters, form-encoded, without those that authenticated the client.
    pub params: String,
    /// It can't be used from this timestamp on.
    pub expires_at: Timestamp,
    /// Whether the user had to do something first; `None` until then.
    pub held: Option<FirstVisit>,
}

/// What was remembered when the user first had to do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstVisit {
    /// The session that the browser came with, by the hash of its cookie.
    pub session: Option<TokenHash>,
}
