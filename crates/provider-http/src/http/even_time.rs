//! Answers that take equally long, whatever was found.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Does what somebody asks for with a name or an address, and waits until the next multiple of
/// `step` has passed since it began. What is done is nearly the same for a user and for nobody,
/// and a stranger who measures the answers does not see the rest.
pub(crate) async fn in_even_time<T>(step: Duration, work: impl Future<Output = T>) -> T {
    let mut answered_at = Instant::now();
    let done = work.await;
    while answered_at <= Instant::now() && !step.is_zero() {
        answered_at += step;
    }
    sleep_until(answered_at).await;
    done
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    /// The milliseconds that an answer takes whose work takes `milliseconds`.
    async fn took(step: u64, milliseconds: u64) -> u128 {
        let began = Instant::now();
        let work = sleep(Duration::from_millis(milliseconds));
        in_even_time(Duration::from_millis(step), work).await;
        began.elapsed().as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_is_not_seen_in_the_time() {
        for milliseconds in [0, 1, 7, 99] {
            assert_eq!(took(100, milliseconds).await, 100, "{milliseconds}");
        }
        for milliseconds in [100, 101, 199] {
            assert_eq!(took(100, milliseconds).await, 200, "{milliseconds}");
        }
        assert_eq!(took(0, 7).await, 7);
    }
}
