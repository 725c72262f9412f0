//! Time as a parameter, so that every rule about it can be tested at its limit.

use std::{
    pin::Pin,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// Whole seconds since 1970 (UTC): what tokens are measured against (`NumericDate`, RFC 7519
    /// section 2).
    fn now(&self) -> i64;

    /// Time since a fixed moment of the clock's own. It never goes back: what waiting is measured
    /// with.
    fn elapsed(&self) -> Duration;

    /// Returns when [`Clock::elapsed`] has come to the moment. Polled within a Tokio runtime.
    fn sleep_until(&self, moment: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The machine's clocks.
#[derive(Debug, Clone)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        // A machine that believes to live before 1970 finds every token issued in the future, and
        // refuses it.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep_until(&self, moment: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(moment.saturating_sub(self.elapsed())))
    }
}
