//! The tasks that run beside the requests.

use std::{sync::Arc, time::Duration};

use doorward_provider::{Provider, keys::KeyRingError, store::StoreError};
use tokio::{
    sync::watch,
    task::{AbortHandle, JoinHandle},
    time::timeout,
};

use super::{
    audit_webhook::HttpAuditChannel, directories::OpenDirectory, mail::Mailer,
    to_clients::HttpBackChannel,
};
use crate::{config::WebhookConfig, error::StartError};

/// How often keys are maintained. A key that another process made is known here after this time.
const KEY_INTERVAL: Duration = Duration::from_secs(10);
/// Expired rows are removed on every sixth round.
const ROUNDS_PER_SWEEP: u64 = 6;
/// How long a mail that is being sent, or the writing of audit records, may take when the process
/// stops.
const FINISHING_TIME: Duration = Duration::from_secs(5);

/// The tasks of a provider.
pub(super) struct Tasks {
    /// Those that may end in the middle of what they do.
    others: Vec<AbortHandle>,
    mail: Option<FinishingTask>,
    audit: FinishingTask,
}

/// A task that comes to its end when the process stops.
struct FinishingTask {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Tasks {
    /// Starts them. `trusted` are certification authorities (DER) for requests to clients and to
    /// the webhook, beside the machine's.
    pub(super) fn spawn(
        provider: &Arc<Provider>,
        directories: Vec<OpenDirectory>,
        mailer: Option<Arc<Mailer>>,
        webhook: Option<WebhookConfig>,
        trusted: &[Vec<u8>],
    ) -> Result<Self, StartError> {
        let channel = Arc::new(HttpBackChannel::new(trusted)?);
        let mut others = vec![
            tokio::spawn(maintain(Arc::clone(provider))).abort_handle(),
            tokio::spawn(Arc::clone(provider).watch_left_behind()).abort_handle(),
            tokio::spawn(Arc::clone(provider.clients()).watch()).abort_handle(),
            tokio::spawn(Arc::clone(provider).watch_identity_providers()).abort_handle(),
            tokio::spawn(provider.deliveries().deliver_logout_tokens(channel)).abort_handle(),
        ];
        others.extend(directories.into_iter().map(|own| tokio::spawn(own.watch()).abort_handle()));
        if let Some(webhook) = webhook {
            let channel = Arc::new(HttpAuditChannel::new(webhook, trusted)?);
            others.push(
                tokio::spawn(provider.deliveries().deliver_audit_records(channel)).abort_handle(),
            );
        }
        let mail = mailer.map(|mailer| {
            FinishingTask::start(|stopped| provider.deliveries().deliver_mails(mailer, stopped))
        });
        let audit =
            FinishingTask::start(|stopped| provider.deliveries().keep_audit_records(stopped));
        Ok(Self { others, mail, audit })
    }

    /// Ends them, the audit records last, so that they hold what the others did.
    pub(super) async fn stop(self) {
        if let Some(mail) = self.mail {
            mail.stop("a mail was being sent: it may be sent again").await;
        }
        self.others.iter().for_each(AbortHandle::abort);
        self.audit.stop("audit records were being written: some may be in the log only").await;
    }
}

impl FinishingTask {
    /// Starts a task that ends when it is told `true`.
    fn start<F>(task: impl FnOnce(watch::Receiver<bool>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(task(stopped)) }
    }

    /// Lets what has begun come to its end. `unfinished` is logged if that takes too long.
    async fn stop(mut self, unfinished: &'static str) {
        let _ = self.stop.send(true);
        if timeout(FINISHING_TIME, &mut self.task).await.is_err() {
            tracing::warn!("{unfinished}");
            self.task.abort();
        }
    }
}

async fn maintain(provider: Arc<Provider>) {
    let mut times = tokio::time::interval(KEY_INTERVAL);
    times.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for round in 0_u64.. {
        times.tick().await;
        let done = if round % ROUNDS_PER_SWEEP == 0 {
            provider.upkeep().maintain().await
        } else {
            provider.upkeep().maintain_keys().await.map(|()| 0)
        };
        match done {
            // The store logs a wrong clock once a minute.
            Ok(0) | Err(KeyRingError::Store(StoreError::WrongClock(_))) => {}
            Ok(rows) => tracing::debug!(rows, "expired rows were removed"),
            Err(error) => {
                tracing::error!(%error, "maintenance failed; it is tried again in ten seconds");
            }
        }
    }
}
