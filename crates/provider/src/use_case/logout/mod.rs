//! Telling clients that a session has ended: those that took part in it and gave an address for it.
//!
//! By frames in the user's browser ([`front_channel`], OIDC Front-Channel Logout 1.0), and by
//! requests of this provider ([`back_channel`], OIDC Back-Channel Logout 1.0). The end of a session
//! queues its [`LogoutNotice`](crate::model::logout_notice::LogoutNotice)s in the same transaction,
//! so none is lost, whatever happens to the process. A session that merely expires is not a logout:
//! no client is notified, because the clients' own sessions have their own lifetimes.

pub mod back_channel;
pub(crate) mod front_channel;
mod token;

/// What has to be done in the browser after its session ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignedOut {
    /// The addresses to open in frames, one for each client that wants it.
    pub frames: Vec<String>,
}
