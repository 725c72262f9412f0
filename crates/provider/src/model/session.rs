//! Sessions of users at the provider.

use serde::{Deserialize, Serialize};

use crate::model::{time::Timestamp, token_handle::TokenHash};

/// `amr` of a sign-in by password (RFC 8176).
pub const PASSWORD_METHOD: &str = "pwd";

/// `acr` of a sign-in by password (OIDC Core section 2): the one that is reached here.
pub const PASSWORD_CONTEXT: &str = "urn:doorward:acr:password";

/// How and when a user proved who they are. It goes from the session into every grant made from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// Subject identifier of the user.
    pub sub: String,
    /// When the user signed in, to the `auth_time` claim.
    pub auth_time: Timestamp,
    /// Authentication methods (RFC 8176), to the `amr` claim.
    pub amr: Vec<String>,
    /// Public identifier of the session, to the `sid` claim as the client knows it
    /// ([`Client::session_id`](crate::model::client::Client::session_id)). It is not the cookie.
    pub sid: String,
}

/// Which sessions to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionSelector {
    /// The one with this cookie, expired or not.
    Cookie(TokenHash),
    /// The one with this `sid`, if it is this user's.
    OfUser {
        /// Subject identifier.
        sub: String,
        /// Public identifier of the session.
        sid: String,
    },
}

/// A session that has just ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedSession {
    /// Whose it was.
    pub sub: String,
    /// Public identifier of the session.
    pub sid: String,
    /// The clients that took part in it: each to which a code was sent.
    pub clients: Vec<String>,
}

/// Where a list of sessions goes on: after the session with these values. The latest sign-in comes
/// first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCursor {
    /// When its user signed in.
    pub auth_time: Timestamp,
    /// Its public identifier.
    pub sid: String,
}

impl Session {
    /// Where the list goes on after this session.
    pub fn cursor(&self) -> SessionCursor {
        let Authentication { auth_time, sid, .. } = &self.authentication;
        SessionCursor { auth_time: *auth_time, sid: sid.clone() }
    }
}

/// A session as the store keeps it, found by the hash of its cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Hash of the cookie's value.
    pub cookie_hash: TokenHash,
    /// Who signed in, how and when.
    pub authentication: Authentication,
    /// From where the user signed in.
    pub device: Device,
    /// The session has expired from this timestamp on.
    pub expires_at: Timestamp,
}

/// From where a user signed in, as far as it is known: for the user to recognise the session by,
/// nothing is decided by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// The network address.
    pub address: Option<String>,
    /// The browser and what it runs on, as `Firefox, Linux`.
    pub browser: Option<String>,
}
