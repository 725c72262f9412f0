//! What a provider delivers beside the requests: logout tokens, mails and audit records.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{
    audit,
    model::client::Client,
    store::StoreError,
    use_case::{
        audit_trail::{AuditChannel, AuditTrail},
        logout::back_channel::{BackChannel, LogoutDelivery},
        mail_delivery::{MailChannel, MailDelivery},
    },
};

/// The deliveries of a process. They work in tasks of their own, and so own their parts.
#[derive(Clone)]
pub struct Deliveries {
    pub(crate) logout: Arc<LogoutDelivery>,
    pub(crate) mail: Arc<MailDelivery>,
    pub(crate) audit: Arc<AuditTrail>,
}

impl Deliveries {
    /// Delivers at once what a change in the store has queued: logout tokens and mails.
    pub fn notice_changes(&self) {
        self.logout.queued.notify_waiters();
        self.mail.queued.notify_waiters();
    }

    /// Delivers logout tokens until it is dropped.
    pub async fn deliver_logout_tokens(self, channel: Arc<dyn BackChannel>) {
        self.audit.audited(audit::Request::default(), self.logout.run(channel)).await;
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
    pub async fn deliver_mails(self, channel: Arc<dyn MailChannel>, stop: watch::Receiver<bool>) {
        self.audit.audited(audit::Request::default(), self.mail.run(&*channel, stop)).await;
    }

    /// Tries some mails that are due, and returns how many.
    pub async fn deliver_due_mails(&self, channel: &dyn MailChannel) -> Result<usize, StoreError> {
        self.mail.deliver_due(channel).await
    }

    /// Whether the last attempt to deliver a mail failed, for a reason that is not the mail's own.
    pub fn mail_is_failing(&self) -> bool {
        self.mail.is_failing()
    }

    /// How many mails wait.
    pub async fn waiting_mails(&self) -> Result<u64, StoreError> {
        self.mail.waiting().await
    }

    /// Writes and seals audit records until `stop` says so; what has happened by then is written.
    pub async fn keep_audit_records(self, stop: watch::Receiver<bool>) {
        self.audit.run(stop).await;
    }

    /// Delivers audit records until it is dropped.
    pub async fn deliver_audit_records(self, channel: Arc<dyn AuditChannel>) {
        self.audit.deliver(&*channel).await;
    }
}
