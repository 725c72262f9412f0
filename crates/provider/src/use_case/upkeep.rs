//! What keeps a provider well beside the requests: keys rotate, expired rows go, and the clock and
//! the database are looked at.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, time::sleep};

use crate::{
    audit,
    keys::{KeyRing, KeyRingError, remote::PublishedKeys},
    model::time::{Clock, Entropy},
    store::{Maintenance, SigningKeys, StoreError},
    use_case::{audit_trail::AuditTrail, client_documents::ClientDocuments},
};

/// A request that arrives meanwhile waits for the batch before it: some milliseconds.
const ROWS_AT_A_TIME: u32 = 200;

/// How often it is looked for what commands have left to the server.
const LOOK: Duration = Duration::from_secs(1);

/// Keeps a provider well: what it reads and changes.
pub struct Upkeep<'a> {
    pub(crate) database: &'a dyn Maintenance,
    pub(crate) signing_keys: &'a dyn SigningKeys,
    pub(crate) keys: &'a KeyRing,
    pub(crate) audit: &'a Arc<AuditTrail>,
    pub(crate) client_documents: &'a ClientDocuments,
    pub(crate) published_keys: PublishedKeys<'a>,
    /// Notified when sessions ended.
    pub(crate) logout_queued: &'a Notify,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) entropy: &'a dyn Entropy,
}

impl Upkeep<'_> {
    /// Rotates keys that are due and removes expired rows. Call it about every minute.
    pub async fn maintain(&self) -> Result<u64, KeyRingError> {
        self.forget_what_is_over();
        // A key that fails must not stop the sweep.
        let rotated = self.maintain_keys().await;
        self.check_clock().await?;
        let mut removed = self.audit.sweep(self.clock.now()).await?;
        loop {
            let batch = self.database.remove_expired(self.clock.now(), ROWS_AT_A_TIME).await?;
            removed += batch;
            if batch < u64::from(ROWS_AT_A_TIME) {
                return rotated.map(|()| removed);
            }
        }
    }

    /// Removes what commands have left to the server, and looks for more every second, until it is
    /// dropped.
    pub(crate) async fn watch_left_behind(&self) {
        let mut failed = false;
        loop {
            let outcome = self.remove_left_behind().await;
            match &outcome {
                Ok(0) => {}
                Ok(rows) => {
                    tracing::info!(rows, "rows of disabled users and removed clients were removed");
                }
                Err(error) if !failed => {
                    tracing::error!(
                        %error,
                        "rows of disabled users and removed clients can't be removed; it is tried \
                         again every second"
                    );
                }
                Err(_) => {}
            }
            failed = outcome.is_err();
            sleep(LOOK).await;
        }
    }

    /// Removes what commands have left to the server, page by page: the sessions of users who are
    /// disabled, whose clients are told, and everything of clients that were removed. Of a user
    /// with many sessions it takes a while. Returns how many rows it removed or changed.
    pub async fn remove_left_behind(&self) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let page = self.database.remove_left_behind(self.clock.now()).await?;
            if page == 0 {
                return Ok(removed);
            }
            self.logout_queued.notify_waiters();
            removed += page;
        }
    }

    /// Drops what clients published and what is not usable any more.
    fn forget_what_is_over(&self) {
        let now = self.clock.now();
        self.client_documents.sweep(now);
        self.published_keys.of_operators.sweep(now);
        self.published_keys.of_strangers.sweep(now);
    }

    /// Rotates keys that are due and takes over what other processes did. Call it every few seconds
    /// where there are others.
    pub async fn maintain_keys(&self) -> Result<(), KeyRingError> {
        self.check_clock().await?;
        let rotation = self.keys.maintain(self.signing_keys, self.clock.now(), self.entropy);
        self.audit.audited(audit::Request::default(), rotation).await
    }

    /// Fails with [`StoreError::WrongClock`] if this machine's clock differs too much from that of
    /// a database which other processes use as well.
    pub async fn check_clock(&self) -> Result<(), StoreError> {
        self.database.check_clock(self.clock.now()).await
    }

    /// Answers if the store does, and accepts writes.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.database.ping().await
    }

    /// Answers if the store answers a query, whether or not it accepts writes.
    pub async fn answers_queries(&self) -> Result<(), StoreError> {
        self.database.answers_queries().await
    }
}
