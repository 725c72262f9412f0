//! Logout notices: what a client is still to be told (OIDC Back-Channel Logout 1.0).

/// What a client is still to be told: a session that it took part in has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutNotice {
    /// The store's identifier.
    pub id: i64,
    /// Who is to be told.
    pub client_id: String,
    /// Whose session it was.
    pub sub: String,
    /// Public identifier of the session.
    pub sid: String,
    /// How many times it was claimed, this time included.
    pub attempts: u32,
}

/// A notice that nobody claims, as of a client that is gone, is dropped after so many seconds.
pub const NOTICE_LIFETIME: u32 = 86_400;
