//! Delivery of logout tokens (OIDC Back-Channel Logout 1.0 section 2.5).
//!
//! Each client has a task and a few requests at once of its own, so that a receiver that hangs
//! delays nobody else. What fails is tried again, later each time, up to [`MAX_ATTEMPTS`]; the
//! store remembers, so that a restart changes nothing.

use std::{collections::HashSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use doorward_protocol::{ids::ClientId, secret::Secret, time::Seconds};
use futures::future::join_all;
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    audit,
    keys::KeyRing,
    model::{
        client::{Client, logout_uri::LogoutUri},
        logout_notice::LogoutNotice,
        time::{Clock, Entropy},
    },
    store::{LogoutNotices, StoreError},
    use_case::{backoff::Backoff, client_registry::ClientRegistry},
};

/// Requests to one client at once.
const AT_ONCE: u32 = 32;
/// A receiver has so long to answer.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// A claimed notice is due again after this time, unless its outcome is known before. An attempt
/// never takes that long.
const LEASE: Seconds = Seconds::new(60);
/// How often the store is asked whether any notice is due: other processes and commands queue
/// notices, too, and failed ones become due again.
const LOOK: Duration = Duration::from_secs(1);
/// How often each client's notices are looked for in any case.
const POLL: Duration = Duration::from_secs(10);
/// The waits between attempts.
const BACKOFF: Backoff = Backoff { first: 10, longest: 3600 };
/// Number of failures after which the notice is dropped: about three hours.
pub const MAX_ATTEMPTS: u32 = 12;

/// The way to the clients: HTTP. An implementation follows no redirects.
#[async_trait]
pub trait BackChannel: Send + Sync + 'static {
    /// Posts `logout_token` as a form (section 2.5). `Ok` if the receiver took it: 200 or 204
    /// (section 2.8).
    async fn post(&self, uri: &str, logout_token: Secret) -> Result<(), DeliveryError>;
}

/// Why a logout token did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// The receiver answered, but not with success.
    #[error("the receiver answered with status {0}")]
    Refused(u16),
    /// The receiver did not answer in time.
    #[error("the receiver did not answer in time")]
    TimedOut,
    /// There was no receiver.
    #[error("the receiver can't be reached: {0}")]
    Unreachable(String),
    /// No token could be made.
    #[error("the logout token can't be signed: {0}")]
    Unsigned(String),
}

/// Delivers logout tokens. It works in tasks of its own, and so owns its parts.
pub(crate) struct LogoutDelivery {
    pub(crate) notices: Arc<dyn LogoutNotices>,
    pub(crate) clients: Arc<ClientRegistry>,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) issuer: String,
    /// Notified when a session ended in this process.
    pub(crate) queued: Arc<Notify>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl LogoutDelivery {
    /// Delivers logout tokens until it is dropped.
    pub(crate) async fn run(self: Arc<Self>, channel: Arc<dyn BackChannel>) {
        let mut clients = self.clients.subscribe();
        let mut tasks = JoinSet::new();
        let mut served = HashSet::new();
        loop {
            let known = Arc::clone(&clients.borrow_and_update());
            for client in known.iter().filter(|client| client.back_channel_logout.is_some()) {
                if served.insert(client.client_id.clone()) {
                    let (delivery, channel) = (Arc::clone(&self), Arc::clone(&channel));
                    let client_id = client.client_id.clone();
                    tasks.spawn(audit::inherit(async move {
                        delivery.keep_delivering(client_id, &*channel).await
                    }));
                }
            }
            tokio::select! {
                changed = clients.changed() => if changed.is_err() { return },
                Some(Ok(client_id)) = tasks.join_next() => { served.remove(&client_id); },
                () = sleep(LOOK) => self.wake_if_due().await,
            }
        }
    }

    /// Wakes the deliveries if any notice is due.
    async fn wake_if_due(&self) {
        // A store that fails is reported by the deliveries themselves.
        if self.notices.logout_notice_is_due(self.clock.now()).await.unwrap_or(false) {
            self.queued.notify_waiters();
        }
    }

    /// Delivers to one client as long as it wants logout tokens; returns which one it was.
    async fn keep_delivering(&self, client_id: ClientId, channel: &dyn BackChannel) -> ClientId {
        loop {
            // Read each time: its settings may have changed.
            let client =
                self.clients.get(&client_id).filter(|client| client.back_channel_logout.is_some());
            let Some(client) = client else { return client_id };
            // Listening begins before the look into the store: what is queued in between is heard
            // of.
            let queued = self.queued.notified();
            match self.deliver_due(&client, channel).await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => {
                    tracing::error!(%error, "logout notices can't be read; it is tried again");
                }
            }
            let _ = timeout(POLL, queued).await;
        }
    }

    /// One round for one client: tries a few notices that are due; returns how many.
    pub(crate) async fn deliver_due(
        &self,
        client: &Client,
        channel: &dyn BackChannel,
    ) -> Result<usize, StoreError> {
        let Some(address) = &client.back_channel_logout else { return Ok(0) };
        let now = self.clock.now();
        let claimed = self
            .notices
            .claim_logout_notices(&client.client_id, AT_ONCE, now, now.plus(LEASE))
            .await?;
        let count = claimed.len();
        let outcomes = join_all(
            claimed.into_iter().map(|notice| self.deliver(client, address, channel, notice)),
        )
        .await;
        outcomes.into_iter().collect::<Result<(), _>>()?;
        Ok(count)
    }

    async fn deliver(
        &self,
        client: &Client,
        address: &LogoutUri,
        channel: &dyn BackChannel,
        notice: LogoutNotice,
    ) -> Result<(), StoreError> {
        let outcome = match self.logout_token(client, address, &notice) {
            Ok(token) => match timeout(TIME_LIMIT, channel.post(&address.uri, token)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(DeliveryError::TimedOut),
            },
            Err(error) => Err(DeliveryError::Unsigned(error.to_string())),
        };
        let LogoutNotice { client_id, sub, sid, attempts: count, .. } = &notice;
        let count = *count;
        match outcome {
            Ok(()) => {
                audit::Event::LogoutTokenDelivered { sub, client_id, sid, count }.log();
                self.notices.drop_logout_notice(notice.id).await
            }
            Err(cause) if count >= MAX_ATTEMPTS => {
                let cause = &cause;
                audit::Event::LogoutTokenDropped { sub, client_id, sid, count, cause }.log();
                self.notices.drop_logout_notice(notice.id).await
            }
            Err(cause) => {
                tracing::info!(
                    client_id = client_id.as_str(), sid = sid.as_str(), attempts = count, %cause,
                    "a logout token was not delivered; it is tried again"
                );
                let due = self.clock.now().plus(BACKOFF.wait(count, &*self.entropy));
                self.notices.postpone_logout_notice(notice.id, due).await
            }
        }
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
        let longest: Vec<u32> =
            (1..=MAX_ATTEMPTS).map(|attempts| BACKOFF.wait(attempts, &Fixed(0))).collect();
        assert_eq!(longest, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]);
        assert_eq!(BACKOFF.wait(u32::MAX, &Fixed(0)), 3600);
    }

    #[test]
    fn chance_takes_off_at_most_half() {
        for attempts in 1..=MAX_ATTEMPTS {
            let longest = BACKOFF.wait(attempts, &Fixed(0));
            for byte in 1..=255 {
                let waited = BACKOFF.wait(attempts, &Fixed(byte));
                assert!((longest / 2..=longest).contains(&waited), "{attempts}: {waited}");
            }
        }
    }
}
