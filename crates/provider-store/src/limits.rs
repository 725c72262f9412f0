//! How much the store keeps of what a user or a client can make again and again.

/// Limits on the rows of one user or client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Sessions of a user. A further sign-in ends the oldest one, and its clients get their logout
    /// notices. At least 1.
    pub sessions_per_user: u32,
    /// Live grants that a user gave to one client. A further one removes the oldest, with its
    /// refresh tokens. At least 1; `u32::MAX` is no limit.
    pub grants_per_user_and_client: u32,
    /// Reference tokens of one grant, or of one client without a grant. A further one removes the
    /// one that expires first. At least 1.
    pub reference_tokens_per_grant: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions_per_user: 100,
            grants_per_user_and_client: 1000,
            reference_tokens_per_grant: 1000,
        }
    }
}

/// Clients that have registered themselves and were never used, in all. A further one is refused.
pub(crate) const UNUSED_REGISTRATIONS: u32 = 10_000;
