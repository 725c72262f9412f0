//! How long something that failed waits until it is tried again.

use crate::model::time::Entropy;

/// The waits of one kind of delivery, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    /// The longest wait after the first attempt. Each further attempt doubles it.
    pub(super) first: u32,
    /// No wait is longer.
    pub(super) longest: u32,
}

impl Backoff {
    /// Seconds to wait after this many attempts: at random between half of the doubled time and all
    /// of it, so that deliveries which failed together are not tried together again.
    pub(super) fn wait(self, attempts: u32, entropy: &dyn Entropy) -> u32 {
        let doublings = attempts.saturating_sub(1).min(16);
        let longest = (self.first << doublings).min(self.longest);
        let [a, b, c, d, ..] = entropy.bytes();
        longest - u32::from_le_bytes([a, b, c, d]) % (longest / 2 + 1)
    }
}
