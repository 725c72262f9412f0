//! Delivery of the mails in the outbox.
//!
//! A mail is taken for some minutes, so that no other process sends it meanwhile, and removed once
//! it was sent. What fails is tried again, later each time, until the mail expires. The store
//! remembers, so that a restart changes nothing.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use async_trait::async_trait;
use futures::future::join_all;
use tokio::{
    sync::{Notify, watch},
    time::{Duration, sleep, timeout},
};

use crate::{
    audit,
    keys::{KeyRing, UnsealError, waiting_mail},
    model::{
        branding::ClientBranding,
        client::Client,
        outbox::{OutboxMail, QueuedMail},
        time::{Clock, Entropy, Seconds, Timestamp},
    },
    store::{Outbox, StoreError},
    use_case::{backoff::Backoff, client_registry::ClientRegistry},
};

/// Mails that are sent at once.
const AT_ONCE: u32 = 8;
/// Seconds after which a mail that was taken is due again. No attempt takes as long: each of its
/// few steps has at most a minute.
pub const LEASE: Seconds = Seconds::new(600);
/// How often the store is asked for mails in any case: other processes and commands queue some,
/// too, and failed ones become due again.
const POLL: Duration = Duration::from_secs(2);
/// How long a mail waits at least after it was queued. A stranger's request queues a mail that is
/// due only if there is a user. Its delivery is work, which must not slow down the answer to that
/// request: the time would tell who has an account.
const PAUSE: Duration = Duration::from_millis(250);
/// Timestamps are whole seconds: so long after it was queued, a mail's second is over.
const SECOND: Duration = Duration::from_secs(1);
/// The waits between attempts.
const BACKOFF: Backoff = Backoff { first: 5, longest: 900 };

/// The way to people: a mail server, or a mailbox for demonstrations.
#[async_trait]
pub trait MailChannel: Send + Sync + 'static {
    /// Writes the message, in the look of a client if one is given, and sends it. `Ok`: a mail
    /// server has taken it.
    async fn send(&self, mail: &OutboxMail, look: Option<&ClientBranding>)
    -> Result<(), MailError>;
}

/// Why a mail was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The address or the message is refused for good.
    #[error("{0}")]
    Refused(String),
    /// The recipient may take it later. It says nothing about the mail server.
    #[error("{0}")]
    Deferred(String),
    /// The mail server does not take it, and may take it later.
    #[error("{0}")]
    Failed(String),
}

/// Delivers mails. It works in a task of its own, and so owns its parts.
pub(crate) struct MailDelivery {
    pub(crate) outbox: Arc<dyn Outbox>,
    /// Whose look mails have.
    pub(crate) clients: Arc<ClientRegistry>,
    /// Notified when a mail was queued in this process.
    pub(crate) queued: Arc<Notify>,
    /// Whether the last attempt failed for a reason that is not the mail's own.
    pub(crate) is_failing: AtomicBool,
    /// Decrypts what the mails say.
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl MailDelivery {
    /// Delivers mails until `stop` says so. What has begun by then is finished.
    pub(crate) async fn run(&self, channel: &dyn MailChannel, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            // Listening begins before the look into the store: what is queued in between is heard
            // of.
            let queued = self.queued.notified();
            // Whatever was queued before this second has waited for the pause after it.
            let latest = Timestamp::from_seconds(self.clock.now().seconds() - 1);
            sleep(PAUSE).await;
            while !*stop.borrow() {
                match self.deliver_until(channel, latest).await {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) => {
                        tracing::error!(%error, "the outbox can't be read; it is tried again");
                        break;
                    }
                }
            }
            let more_is_due = async {
                if timeout(POLL, queued).await.is_ok() {
                    sleep(SECOND).await;
                }
            };
            tokio::select! {
                () = more_is_due => {}
                stopped = stop.changed() => if stopped.is_err() { return },
            }
        }
    }

    /// One round: tries a few mails that are due; returns how many.
    pub(crate) async fn deliver_due(&self, channel: &dyn MailChannel) -> Result<usize, StoreError> {
        self.deliver_until(channel, self.clock.now()).await
    }

    /// Whether the last attempt to deliver a mail failed, for a reason that is not the mail's own.
    pub(crate) fn is_failing(&self) -> bool {
        self.is_failing.load(Relaxed)
    }

    /// How many mails wait.
    pub(crate) async fn waiting(&self) -> Result<u64, StoreError> {
        self.outbox.outbox_depth(self.clock.now()).await
    }

    /// One round with the mails that were due at this timestamp.
    async fn deliver_until(
        &self,
        channel: &dyn MailChannel,
        latest: Timestamp,
    ) -> Result<usize, StoreError> {
        let due_again = self.clock.now().plus(LEASE);
        let taken = self.outbox.due_mails(AT_ONCE, latest, due_again).await?;
        let count = taken.len();
        let outcomes = join_all(taken.into_iter().map(|mail| self.deliver(channel, mail))).await;
        outcomes.into_iter().collect::<Result<(), _>>()?;
        Ok(count)
    }

    async fn deliver(
        &self,
        channel: &dyn MailChannel,
        queued: QueuedMail,
    ) -> Result<(), StoreError> {
        let QueuedMail { mail, attempts, .. } = queued;
        let (id, kind) = (mail.id.clone(), mail.kind.as_str());
        let sub = mail.sub.clone();
        let sent = match waiting_mail::open(self.keys.master(), mail) {
            Ok(mail) => {
                let client = mail.client_id.as_deref().and_then(|id| self.clients.get(id));
                let look = client.as_deref().and_then(Client::branding);
                channel.send(&mail, look).await
            }
            Err(error) => return self.left_to_others(&id, kind, attempts, &error).await,
        };
        let outcome = match &sent {
            Ok(()) => "sent",
            Err(MailError::Refused(_)) => "refused",
            Err(MailError::Deferred(_)) => "deferred",
            Err(MailError::Failed(_)) => "failed",
        };
        metrics::counter!("doorward_mails_total", "kind" => kind, "outcome" => outcome)
            .increment(1);
        match sent {
            Ok(()) => {
                self.is_failing.store(false, Relaxed);
                self.outbox.mail_sent(&id).await
            }
            Err(error @ MailError::Refused(_)) => {
                audit::Event::MailRefused { sub: sub.as_ref(), cause: &error }.log();
                self.outbox.mail_sent(&id).await
            }
            Err(MailError::Deferred(cause)) => {
                tracing::info!(kind, attempts, %cause, "a mail is tried again later");
                self.try_again(&id, attempts, &cause).await
            }
            Err(MailError::Failed(cause)) => {
                if self.is_failing.swap(true, Relaxed) {
                    tracing::info!(kind, attempts, %cause, "a mail is tried again later");
                } else {
                    tracing::error!(kind, %cause, "mail is not delivered; it is tried again");
                }
                self.try_again(&id, attempts, &cause).await
            }
        }
    }

    async fn try_again(&self, id: &str, attempts: u32, cause: &str) -> Result<(), StoreError> {
        let next_try = self.clock.now().plus(BACKOFF.wait(attempts, &*self.entropy));
        self.outbox.mail_failed(id, next_try, cause).await
    }

    /// The mail is encrypted by another master key: after `keys rekey`, servers that are restarted
    /// have it. So the mail waits. It says nothing about the mail server.
    async fn left_to_others(
        &self,
        id: &str,
        kind: &'static str,
        attempts: u32,
        error: &UnsealError,
    ) -> Result<(), StoreError> {
        metrics::counter!("doorward_mails_total", "kind" => kind, "outcome" => "failed")
            .increment(1);
        tracing::error!(kind, %error, "a mail can't be decrypted: restart after keys rekey");
        let cause = format!("it can't be decrypted by the master key of this server: {error}");
        self.try_again(id, attempts, &cause).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed(u8);

    impl Entropy for Fixed {
        fn bytes(&self) -> [u8; 32] {
            [self.0; 32]
        }
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits: Vec<u32> = (1..=10).map(|attempts| BACKOFF.wait(attempts, &Fixed(0))).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]);
        assert_eq!(BACKOFF.wait(u32::MAX, &Fixed(0)), 900);
        for byte in 1..=255 {
            assert!((450..=900).contains(&BACKOFF.wait(12, &Fixed(byte))));
        }
    }
}
