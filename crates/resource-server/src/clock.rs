//! Time as a parameter, so that every rule about it can be tested exactly at its limit.

use std::{
    pin::Pin,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A source of time.
///
#[cfg_attr(feature = "test-util", doc = "```")]
#[cfg_attr(not(feature = "test-util"), doc = "```ignore")]
/// use std::{future::pending, pin::Pin, sync::Arc, time::Duration};
///
/// use doorward_resource_server::{
///     Clock, TokenError, TokenValidator, VerificationError, test_util::TestIssuer,
/// };
///
/// /// A clock that stands still.
/// struct At(i64);
///
/// impl Clock for At {
///     fn now(&self) -> i64 {
///         self.0
///     }
///
///     fn elapsed(&self) -> Duration {
///         Duration::ZERO
///     }
///
///     fn sleep_until(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
///         Box::pin(pending())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let issuer = TestIssuer::with_clock("orders-api", Arc::new(At(1_700_000_000)));
/// let token = issuer.token("alice").expires_in(300).sign();
/// let later = TokenValidator::new(&issuer.settings(), Arc::new(At(1_700_000_300)))?;
/// let refused = later.verify(&token).await.unwrap_err();
/// assert_eq!(refused, VerificationError::Token(TokenError::Expired));
/// # Ok(())
/// # }
/// ```
pub trait Clock: Send + Sync + 'static {
    /// The current time in seconds since 1970 (UTC), which tokens are checked against
    /// (`NumericDate`, RFC 7519 section 2).
    fn now(&self) -> i64;

    /// The time since a fixed point of this clock. It never goes back, and measures intervals.
    fn elapsed(&self) -> Duration;

    /// Returns when [`Clock::elapsed`] reaches `deadline`. It is polled within a Tokio runtime.
    fn sleep_until(&self, deadline: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The clocks of the operating system.
#[derive(Debug, Clone)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        // With a clock before 1970, every token was issued in the future and is refused.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep_until(&self, deadline: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(deadline.saturating_sub(self.elapsed())))
    }
}
