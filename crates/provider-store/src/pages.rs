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

/// Runs a command that works on one page of `size` rows, until a page is not full. Returns the
/// number of rows.
pub(crate) async fn run_all<F>(
    size: u32,
    mut page: impl FnMut() -> F + Send,
) -> Result<u64, StoreError>
where
    F: Future<Output = Result<u64, StoreError>> + Send,
{
    let mut total = 0;
    loop {
        // In a box, so that the future of a command does not grow by that of its pages.
        let rows = paced(Box::pin(page())).await?;
        total += rows;
        if rows < u64::from(size) {
            return Ok(total);
        }
    }
}

/// Runs a page, and pauses for as long as it took if it did anything: others get at least half of
/// the database's time.
pub(crate) async fn paced(
    page: impl Future<Output = Result<u64, StoreError>>,
) -> Result<u64, StoreError> {
    let began = Instant::now();
    let rows = page.await?;
    if rows > 0 {
        sleep(began.elapsed().min(LONGEST_PAUSE)).await;
    }
    Ok(rows)
}
