//! How long the store takes for what, whichever database it is on.

use std::{future::Future, time::Instant};

use doorward_provider::store::StoreError;

/// Runs a command of the port and notes its time and outcome under its name. Names are those of the
/// port's methods, so that there are few.
pub(crate) async fn measured<T>(
    command: &'static str,
    run: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let began = Instant::now();
    let outcome = run.await;
    let label = match &outcome {
        Ok(_) => "done",
        Err(StoreError::Conflict(_)) => "conflict",
        Err(StoreError::Corrupt(_)) => "corrupt",
        Err(StoreError::Unavailable(_) | StoreError::WrongClock(_)) => "unavailable",
    };
    metrics::histogram!("doorward_store_seconds", "command" => command, "outcome" => label)
        .record(began.elapsed());
    outcome
}
