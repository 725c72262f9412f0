//! Work on many rows, one page in each transaction.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use doorward_provider::store::StoreError;
use tokio::time::sleep;

/// Sessions that one transaction ends at most.
pub(crate) const SESSIONS: u32 = 200;
/// Rows that one transaction changes or removes at most.
pub(crate) const ROWS: u32 = 500;

/// The longest pause between two pages. A page that waited long for a lock must not wait as long
/// again.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// How often a page is tried before its command fails. Beside a server that writes all the time,
/// another process may miss the lock of an SQLite database for one page, but hardly for several.
const TRIES: u32 = 5;

/// Runs a command that works on one page of `size` rows, until a page is not full. Rows that others
/// take away meanwhile must not make it so: on PostgreSQL a page picks its rows `FOR UPDATE`, which
/// finds others in their place. A page is tried again while the store is unavailable, since doing
/// it twice changes nothing. Returns the number of rows.
pub(crate) async fn run_all<F>(
    size: u32,
    mut page: impl FnMut() -> F + Send,
) -> Result<u64, StoreError>
where
    F: Future<Output = Result<u64, StoreError>> + Send,
{
    let mut total = 0;
    let mut tries = 1;
    loop {
        // In a box, so that the future of a command does not grow by that of its pages.
        let rows = match paced(Box::pin(page())).await {
            Err(StoreError::Unavailable(_)) if tries < TRIES => {
                tries += 1;
                continue;
            }
            outcome => outcome?,
        };
        tries = 1;
        total += rows;
        if rows < u64::from(size) {
            return Ok(total);
        }
    }
}

/// Runs a page, and pauses for a quarter of the time that it took if it did anything: others get at
/// least a fifth of the database's time.
pub(crate) async fn paced(
    page: impl Future<Output = Result<u64, StoreError>>,
) -> Result<u64, StoreError> {
    let began = Instant::now();
    let rows = page.await?;
    if rows > 0 {
        sleep((began.elapsed() / 4).min(LONGEST_PAUSE)).await;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Runs pages that have these outcomes, one after the other.
    async fn run(outcomes: Vec<Result<u64, StoreError>>) -> (Result<u64, StoreError>, usize) {
        let mut outcomes = outcomes.into_iter();
        let outcome = run_all(10, || {
            let outcome = outcomes.next().unwrap();
            async move { outcome }
        })
        .await;
        (outcome, outcomes.len())
    }

    fn unavailable() -> Result<u64, StoreError> {
        Err(StoreError::Unavailable("database is locked".to_owned()))
    }

    #[tokio::test]
    async fn a_page_that_misses_the_lock_is_tried_again() {
        let (rows, left) = run(vec![Ok(10), unavailable(), unavailable(), Ok(10), Ok(3)]).await;
        assert_eq!(rows.unwrap(), 23);
        assert_eq!(left, 0);
    }

    #[tokio::test]
    async fn a_store_that_stays_away_fails_the_command() {
        let (rows, left) = run((0..9).map(|_| unavailable()).collect()).await;
        assert!(matches!(rows, Err(StoreError::Unavailable(_))), "{rows:?}");
        assert_eq!(left, 4);
    }

    #[tokio::test]
    async fn another_failure_is_not_repeated() {
        let (rows, left) = run(vec![Err(StoreError::Corrupt("a row".to_owned())), Ok(0)]).await;
        assert!(matches!(rows, Err(StoreError::Corrupt(_))), "{rows:?}");
        assert_eq!(left, 1);
    }
}
