//! Repeats operations after temporary failures.

use std::time::Duration;

use crate::{Error, Fault, ports::Ports};

/// Pauses between attempts to redeem a code. A code lives about a minute, and users wait less long.
const RETRY_PAUSES: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_millis(1500), Duration::from_secs(3)];
/// No attempt starts later than this after the first.
const RETRY_WITHIN: Duration = Duration::from_secs(20);

impl Ports {
    /// Repeats an operation after temporary failures, a few times within a short period.
    pub(crate) async fn retrying<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let begun = self.clock.monotonic();
        let mut failures = 0;
        loop {
            match attempt().await {
                Err(error) if self.tries_again(&error, failures, begun).await => failures += 1,
                other => return other,
            }
        }
    }

    /// Waits before the next attempt. Returns `false` if there is none.
    async fn tries_again(&self, error: &Error, failures: usize, begun: Duration) -> bool {
        let spent = self.clock.monotonic().saturating_sub(begun);
        match RETRY_PAUSES.get(failures) {
            Some(pause) if error.is_transient() && spent < RETRY_WITHIN => {
                self.timer.sleep(*pause).await;
                true
            }
            _ => false,
        }
    }
}
