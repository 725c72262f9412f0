//! What runs beside the requests, and whether all is well: keys, expired rows, deliveries.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use tokio::sync::watch;

use super::Provider;
use crate::{
    audit,
    keys::KeyRingError,
    model::client::Client,
    store::StoreError,
    use_case::{
        audit_trail::AuditChannel, logout::back_channel::BackChannel, mail_delivery::MailChannel,
    },
};

impl Provider {
    /// Rotates keys that are due and removes expired rows. Call it about every minute.
    pub async fn maintain(&self) -> Result<u64, KeyRingError> {
        // A request that arrives meanwhile waits for the batch before it: some milliseconds.
        const ROWS_AT_A_TIME: u32 = 200;
        self.forget_what_is_over();
        // A key that fails must not stop the sweep.
        let rotated = self.maintain_keys().await;
        self.store.check_clock(self.now()).await?;
        let mut removed = self.audit.sweep(self.now()).await?;
        loop {
            let batch = self.store.remove_expired(self.now(), ROWS_AT_A_TIME).await?;
            removed += batch;
            if batch < u64::from(ROWS_AT_A_TIME) {
                return rotated.map(|()| removed);
            }
        }
    }

    /// Drops what clients published and what is not usable any more.
    fn forget_what_is_over(&self) {
        let now = self.now();
        self.client_documents.sweep(now);
        self.remote_keys.sweep(now);
        self.keys_of_strangers.sweep(now);
    }

    /// Rotates keys that are due and takes over what other processes did. Call it every few seconds
    /// where there are others.
    pub async fn maintain_keys(&self) -> Result<(), KeyRingError> {
        self.store.check_clock(self.now()).await?;
        let rotation = self.keys.maintain(&*self.store, self.now(), &*self.entropy);
        self.audited(audit::Request::default(), rotation).await
    }

    /// Fails with [`StoreError::WrongClock`] if this machine's clock differs too much from that of
    /// a database which other processes use as well.
    pub async fn check_clock(&self) -> Result<(), StoreError> {
        self.store.check_clock(self.now()).await
    }

    /// Answers if the store does, and accepts writes.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }

    /// Answers if the store answers a query, whether or not it accepts writes.
    pub async fn answers_queries(&self) -> Result<(), StoreError> {
        self.store.answers_queries().await
    }

    /// Takes over the store's clients if they changed, and returns whether they did.
    pub async fn refresh_clients(&self) -> Result<bool, StoreError> {
        self.clients.refresh(&*self.store).await
    }

    /// Takes over changes of the clients until it is dropped.
    pub async fn watch_clients(self: Arc<Self>) {
        self.clients.watch(&*self.store).await;
    }

    /// Takes over the store's identity providers if they changed, and returns whether they did.
    pub async fn refresh_identity_providers(&self) -> Result<bool, StoreError> {
        self.identity_providers.refresh(&*self.store).await
    }

    /// Takes over changes of the identity providers until it is dropped.
    pub async fn watch_identity_providers(self: Arc<Self>) {
        self.identity_providers.watch(&*self.store).await;
    }

    /// Delivers at once what a change in the store has queued: logout tokens and mails.
    pub fn notice_changes(&self) {
        self.logout.queued.notify_waiters();
        self.mail_queued.notify_waiters();
    }

    /// Delivers logout tokens until it is dropped.
    pub async fn deliver_logout_tokens(self: Arc<Self>, channel: Arc<dyn BackChannel>) {
        let delivery = Arc::clone(&self.logout).run(channel);
        self.audited(audit::Request::default(), delivery).await;
    }

    /// Tries some logout tokens for one client that are due, and returns how many.
    pub async fn deliver_due(
        &self,
        client: &Client,
        channel: &dyn BackChannel,
    ) -> Result<usize, StoreError> {
        self.logout.deliver_due(client, channel).await
    }

    /// Delivers mails until `stop` says so; what has begun by then is finished.
    pub async fn deliver_mails(
        self: Arc<Self>,
        channel: Arc<dyn MailChannel>,
        stop: watch::Receiver<bool>,
    ) {
        let delivery = Arc::clone(&self.mail);
        self.audited(audit::Request::default(), delivery.run(&*channel, stop)).await;
    }

    /// Tries some mails that are due, and returns how many.
    pub async fn deliver_due_mails(&self, channel: &dyn MailChannel) -> Result<usize, StoreError> {
        self.mail.deliver_due(channel).await
    }

    /// Whether the last attempt to deliver a mail failed, for a reason that is not the mail's own.
    pub fn mail_is_failing(&self) -> bool {
        self.mail.is_failing.load(Relaxed)
    }

    /// How many mails wait.
    pub async fn waiting_mails(&self) -> Result<u64, StoreError> {
        self.store.outbox_depth(self.now()).await
    }

    /// Whether a directory did not answer when it was asked last.
    pub fn is_a_directory_down(&self) -> bool {
        self.directory_clients.values().any(|client| !client.is_up())
    }

    /// Writes and seals audit records until `stop` says so; what has happened by then is written.
    pub async fn keep_audit_records(self: Arc<Self>, stop: watch::Receiver<bool>) {
        Arc::clone(&self.audit).run(stop).await;
    }

    /// Delivers audit records until it is dropped.
    pub async fn deliver_audit_records(self: Arc<Self>, channel: Arc<dyn AuditChannel>) {
        self.audit.deliver(&*channel).await;
    }
}
