//! Logout notices: logout tokens that are not delivered yet (OIDC Back-Channel Logout 1.0).

/// A client has not been notified yet that a session it took part in has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutNotice {
    /// The store's identifier.
    pub id: i64,
    /// The client to notify.
    pub client_id: String,
    /// Whose session it was.
    pub sub: String,
    /// Public identifier of the session.
    pub sid: String,
    /// How many times it was claimed, this time included.
    pub attempts: u32,
}

/// Seconds after which a notice is dropped that nobody claims, because its client is gone.
pub const NOTICE_LIFETIME: u32 = 86_400;
