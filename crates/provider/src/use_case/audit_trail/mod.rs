//! The trail of audit records: how they come into the store, are sealed, leave it by age, are
//! verified, and are delivered to a webhook (`docs/adr`, decision 40).
//!
//! A record that happens in a request is queued, stamped, and written a moment later together with
//! others, so that no request waits for it. A change that an administrator makes is written at once
//! ([`AuditTrail::write`]). The queue has a bound. What does not fit, or what the store does not
//! take, is counted and logged.

mod allowance;
mod key;
mod sealing;
mod verification;
mod webhook;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use tokio::{
    sync::{mpsc, watch},
    time::{Duration, MissedTickBehavior, interval, sleep},
};

use self::allowance::{Allowance, at_will};
pub use self::{
    key::{AuditKeyError, OWNER, PURPOSE, chain_key},
    verification::{Report, verify},
    webhook::{AuditChannel, Batch, ChannelError, InvalidWebhookSecret, WebhookKey},
};
use crate::{
    audit::{self, ChainKey, Record, StampedRecord, Trail},
    model::{
        time::{Clock, Entropy, Seconds},
        token_handle::random_id,
    },
    store::{AuditRecords, StoreError},
};

/// Records that may wait to be written.
const QUEUE: usize = 10_000;
/// Records that are written at once.
const AT_ONCE: usize = 256;
/// How often what was written is sealed.
const SEALING: Duration = Duration::from_secs(1);
/// How long the writer waits after the store failed.
const PAUSE: Duration = Duration::from_secs(1);
/// How often the writer tries to write a batch. Meanwhile the queue fills.
const TRIES: u32 = 60;

/// What is kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditSettings {
    /// How long a record is kept; `None`: for ever.
    pub keep: Option<Seconds>,
    /// Refusals that one process keeps within a minute, and as many of each other kind that a
    /// stranger can cause.
    pub refusals_per_minute: u32,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self { keep: Some(Seconds::new(365 * 86_400)), refusals_per_minute: 600 }
    }
}

/// The trail of a process.
pub struct AuditTrail {
    store: Arc<dyn AuditRecords>,
    key: ChainKey,
    settings: AuditSettings,
    allowance: Mutex<Allowance>,
    queue: mpsc::Sender<StampedRecord>,
    /// The other end of the queue, until the writer takes it.
    queued: Mutex<Option<mpsc::Receiver<StampedRecord>>>,
    /// Records that were lost and are not logged yet.
    lost: AtomicU64,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl AuditTrail {
    /// A trail into this store. Nothing is written until it is [`run`](Self::run).
    pub fn new(
        store: Arc<dyn AuditRecords>,
        key: ChainKey,
        settings: AuditSettings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let (queue, queued) = mpsc::channel(QUEUE);
        Self {
            store,
            key,
            settings,
            allowance: Mutex::new(Allowance::new(settings.refusals_per_minute)),
            queue,
            queued: Mutex::new(Some(queued)),
            lost: AtomicU64::new(0),
            clock,
            entropy,
        }
    }

    /// Logs a record and writes it at once: it is durable when this returns.
    pub async fn write(&self, record: Record) -> Result<(), StoreError> {
        let record = record.cleaned();
        record.log();
        let stamped = self.stamp(audit::with_request(record));
        self.store.add_audit_records(vec![stamped]).await?;
        count("written", 1);
        Ok(())
    }

    /// Logs a record and queues it like those of requests. Of refusals, and of each other kind that
    /// a stranger can cause, a limited number is kept in a minute.
    pub fn queue(&self, record: Record) {
        let record = record.cleaned();
        record.log();
        self.record(audit::with_request(record));
    }

    /// Writes queued records and seals what is written, until `stop` says so; what is queued by
    /// then is written.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let queued = self.queued.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut queued) = queued else { return };
        let work = async {
            let mut times = interval(SEALING);
            times.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut batch = Vec::new();
            while !*stop.borrow() {
                tokio::select! {
                    biased;
                    stopped = stop.changed() => if stopped.is_err() { break },
                    _ = times.tick() => self.upkeep().await,
                    _ = queued.recv_many(&mut batch, AT_ONCE) => {
                        self.store_batch(&mut batch, TRIES).await;
                    }
                }
            }
            self.tell_left_out();
            // The senders live on in requests that are still answered, so the end is an empty
            // queue.
            queued.close();
            while queued.recv_many(&mut batch, AT_ONCE).await > 0 {
                self.store_batch(&mut batch, 1).await;
            }
            self.upkeep().await;
        };
        self.audited(audit::Request::default(), work).await;
    }

    /// Runs a task whose events are recorded here, as those of this request.
    pub async fn audited<F: Future>(
        self: &Arc<Self>,
        request: audit::Request,
        task: F,
    ) -> F::Output {
        let trail: Arc<dyn Trail> = self.clone();
        audit::scope(trail, request, task).await
    }

    /// Writes a batch, and empties it. What can't be written is counted and logged.
    async fn store_batch(&self, batch: &mut Vec<StampedRecord>, tries: u32) {
        for attempt in 1..=tries {
            match self.store.add_audit_records(batch.clone()).await {
                Ok(()) => {
                    count("written", batch.len() as u64);
                    batch.clear();
                    return;
                }
                Err(error) if attempt == 1 => {
                    tracing::error!(
                        %error, records = batch.len(),
                        "audit records can't be written; it is tried again"
                    );
                }
                Err(_) => {}
            }
            if attempt < tries {
                sleep(PAUSE).await;
            }
        }
        self.lose(batch.len() as u64);
        batch.clear();
    }

    /// What is done every second: losses are told, and what was written is sealed.
    async fn upkeep(&self) {
        let lost = self.lost.swap(0, Relaxed);
        if lost > 0 {
            tracing::error!(
                records = lost,
                "audit records were lost: the store did not take them. They are in the log only"
            );
        }
        self.tell_left_out();
        if let Err(error) = self.seal().await {
            tracing::error!(%error, "audit records can't be sealed; it is tried again");
        }
    }

    /// Records how many were left out of all kinds, once their minute is over.
    fn tell_left_out(&self) {
        let count = {
            let mut allowance = self.allowance.lock().unwrap_or_else(PoisonError::into_inner);
            allowance.left_out(self.clock.now())
        };
        if count > 0 {
            audit::Event::RefusalsLeftOut { count }.log();
        }
    }

    fn stamp(&self, record: Record) -> StampedRecord {
        self.key.stamp(record, random_id(&*self.entropy), self.clock.now())
    }

    fn lose(&self, records: u64) {
        count("lost", records);
        if self.lost.fetch_add(records, Relaxed) == 0 {
            tracing::error!("audit records are lost: more wait than the store takes");
        }
    }
}

impl Trail for AuditTrail {
    fn record(&self, record: Record) {
        if let Some(kind) = at_will(&record) {
            let mut allowance = self.allowance.lock().unwrap_or_else(PoisonError::into_inner);
            if !allowance.admit(kind, self.clock.now()) {
                count("left_out", 1);
                return;
            }
        }
        if self.queue.try_send(self.stamp(record)).is_err() {
            self.lose(1);
        }
    }
}

fn count(outcome: &'static str, records: u64) {
    metrics::counter!("doorward_audit_records_total", "outcome" => outcome).increment(records);
}

impl std::fmt::Debug for AuditTrail {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("AuditTrail")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
