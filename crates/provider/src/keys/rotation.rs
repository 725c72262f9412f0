//! When signing keys are announced, used and retired: pure rules.

use crate::model::{
    signing_key::RETAINED_FOR,
    time::{Seconds, Timestamp},
};

/// The life of a signing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationPolicy {
    /// How long a key signs.
    pub signs_for: Seconds,
    /// How long a key is published before it signs, so that every verifier has fetched it.
    pub announced_for: Seconds,
    /// How long a key stays published after its successor took over, so that its last tokens still
    /// verify: at least [`RETAINED_FOR`], up to which clients' tokens may live.
    pub retained_for: Seconds,
}

const fn days(days: u32) -> Seconds {
    Seconds::new(days * 86_400)
}

impl Default for RotationPolicy {
    /// Signs for 90 days; published 14 days before and 14 days after.
    fn default() -> Self {
        Self { signs_for: days(90), announced_for: days(14), retained_for: RETAINED_FOR }
    }
}

impl RotationPolicy {
    /// When a new key has to take over, if it must be announced now.
    /// `newest` is the latest activation of the algorithm's keys, `None` if there is no key: then
    /// the first one takes over at once.
    pub fn successor_due(self, newest: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        let Some(newest) = newest else { return Some(now) };
        let ends = newest.plus(self.signs_for);
        (now.plus(self.announced_for) >= ends).then(|| ends.max(now.plus(self.announced_for)))
    }

    /// Whether a key has been replaced long enough to be removed. `successor` is the first
    /// activation after its own.
    pub fn is_retired(self, successor: Option<Timestamp>, now: Timestamp) -> bool {
        successor.is_some_and(|took_over| now >= took_over.plus(self.retained_for))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_seconds(day * 86_400)
    }

    #[test]
    fn the_first_key_is_due_at_once() {
        assert_eq!(RotationPolicy::default().successor_due(None, day(5)), Some(day(5)));
    }

    #[test]
    fn a_successor_is_announced_fourteen_days_ahead() {
        let policy = RotationPolicy::default();
        assert_eq!(policy.successor_due(Some(day(0)), day(75)), None);
        assert_eq!(policy.successor_due(Some(day(0)), day(76)), Some(day(90)));
    }

    #[test]
    fn after_a_long_stop_the_successor_is_still_announced_first() {
        assert_eq!(RotationPolicy::default().successor_due(Some(day(0)), day(300)), Some(day(314)));
    }

    #[test]
    fn a_replaced_key_stays_for_fourteen_days() {
        let policy = RotationPolicy::default();
        assert!(!policy.is_retired(None, day(500)));
        assert!(!policy.is_retired(Some(day(90)), day(103)));
        assert!(policy.is_retired(Some(day(90)), day(104)));
    }
}
