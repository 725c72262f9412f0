//! The numbers and pure rules that both stores share and that SQL does not express.

use doorward_provider::{
    model::{time::Timestamp, token_handle::SuccessorSeed},
    store::Rotation,
};

/// Seconds that a redeemed code is kept beyond its expiry, so that a replay is noticed.
pub(crate) const REPLAY_MEMORY: i64 = 3600;
/// Minimum age, in seconds, of a grant's `used_at` before it is updated.
pub(crate) const USED_AT_RESOLUTION: i64 = 3600;
/// Seconds that an expired device code is kept, so that the device learns that it has expired.
pub(crate) const EXPIRED_DEVICE_CODE_KEPT: u32 = 3600;

/// A refresh token that was consumed.
pub(crate) struct Consumed {
    pub(crate) at: Timestamp,
    pub(crate) seed: SuccessorSeed,
    /// When the successor expires; `None` if it was used.
    pub(crate) unused_successor: Option<Timestamp>,
}

impl Consumed {
    /// Judges a second presentation: a repetition within the grace time, or a replay, for which the
    /// caller revokes the grant. Consumption is judged before expiry: a client that lost the answer
    /// just before the token expired may still repeat.
    pub(crate) fn presented_again(self, grace: u32, now: Timestamp) -> Rotation {
        match self.unused_successor {
            Some(expires_at) if within(grace, self.at, now) && now < expires_at => {
                Rotation::Repeated { seed: self.seed, expires_at }
            }
            Some(_) if within(grace, self.at, now) => Rotation::Unknown,
            _ => Rotation::Replayed,
        }
    }
}

/// Whether a repetition is still answered. Timestamps are whole seconds, so a grace of 0 needs a
/// rule of its own.
fn within(grace: u32, consumed_at: Timestamp, now: Timestamp) -> bool {
    grace > 0 && now.since(consumed_at).abs() <= i64::from(grace)
}

/// The new interval for a device that polls before its interval is over (RFC 8628 section 3.5);
/// `None` if this poll is in time.
pub(crate) fn slowed_down(
    interval: u32,
    polled_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<u32> {
    const SLOWER_BY: u32 = 5;
    // Timestamps are whole seconds: a device that waits exactly the interval may seem a second
    // early.
    const TOLERANCE: i64 = 1;
    let early = polled_at
        .is_some_and(|before| (0..i64::from(interval) - TOLERANCE).contains(&now.since(before)));
    early.then(|| interval.saturating_add(SLOWER_BY))
}
