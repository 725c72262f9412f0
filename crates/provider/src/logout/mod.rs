//! Telling clients that a session has ended: those that took part in it and gave an address for it.
//!
//! By frames in the user's browser ([`front_channel`], OIDC Front-Channel Logout 1.0), and by
//! requests of this provider ([`back_channel`], OIDC Back-Channel Logout 1.0). The end of a session
//! queues its [`LogoutNotice`]s in the same transaction; so none is lost, whatever happens to the
//! process. A session that merely expires is no logout: nobody is told, the clients' own sessions
//! have their own lifetimes.

pub mod back_channel;
mod front_channel;
mod token;
mod uri;

pub use self::uri::LogoutUri;
pub(crate) use self::uri::logout_uris;

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

/// What has to be done in the browser after its session ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignedOut {
    /// The addresses to open in frames, one for each client that wants it.
    pub frames: Vec<String>,
}
