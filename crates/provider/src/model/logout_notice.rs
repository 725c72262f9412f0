//! Logout notices: logout tokens that are not delivered yet (OIDC Back-Channel Logout 1.0).

use doorward_protocol::{
    ids::{ClientId, SessionId, Sub},
    time::Seconds,
};

/// A client has not been notified yet that a session it took part in has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutNotice {
    /// The store's identifier.
    pub id: i64,
    /// The client to notify.
    pub client_id: ClientId,
    /// Whose session it was.
    pub sub: Sub,
    /// Public identifier of the session.
    pub sid: SessionId,
    /// How many times it was claimed, this time included.
    pub attempts: u32,
}

/// A notice is dropped after this time if nobody claims it, because its client is gone.
pub const NOTICE_LIFETIME: Seconds = Seconds::new(86_400);
