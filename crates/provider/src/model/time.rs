//! Time and randomness. Use cases get both as parameters and never read them by themselves.

use std::{
    fmt,
    sync::atomic::{AtomicI64, Ordering::Relaxed},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

pub use doorward_protocol::time::{Seconds, Timestamp};

/// A source of time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The timestamp of now.
    fn now(&self) -> Timestamp;

    /// The same in milliseconds, for what only puts things in order.
    fn milliseconds(&self) -> u64 {
        u64::try_from(self.now().seconds()).unwrap_or(0).saturating_mul(1000)
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(i64::try_from(since_epoch().as_secs()).unwrap_or(i64::MAX))
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(since_epoch().as_millis()).unwrap_or(u64::MAX)
    }
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Draws unguessable bytes.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// 32 bytes from a cryptographically secure source.
    fn bytes(&self) -> [u8; 32];
}

/// The thread's cryptographically secure generator, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn bytes(&self) -> [u8; 32] {
        rand::random()
    }
}

/// Says when a message is due that could be logged again and again: once a minute at most.
#[derive(Debug)]
pub struct OnceAMinute(AtomicI64);

impl Default for OnceAMinute {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }
}

impl OnceAMinute {
    /// Whether the message is due. It is then taken for logged.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let (last, now) = (self.0.load(Relaxed), now.seconds());
        let is_due = now.saturating_sub(last).saturating_abs() >= 60;
        is_due && self.0.compare_exchange(last, now, Relaxed, Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_due_once_a_minute() {
        let message = OnceAMinute::default();
        let due = [100, 101, 159, 160, 161, 220, 100]
            .map(|second| message.is_due(Timestamp::from_seconds(second)));
        assert_eq!(due, [true, false, false, true, false, true, true]);
    }
}
