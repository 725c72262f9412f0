//! Time and randomness. Use cases get both as parameters and never read them by themselves.

use std::{
    fmt,
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
