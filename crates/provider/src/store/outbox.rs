//! The outbox: mails that are still to be sent.

use async_trait::async_trait;

use crate::{
    model::{
        outbox::{AddressCursor, MailCursor, OutboxMail, QueuedMail},
        time::Timestamp,
    },
    store::StoreError,
};

/// The outbox table. Mails that belong to a change are put into it by the command that makes the
/// change.
#[async_trait]
pub trait Outbox: Send + Sync + 'static {
    /// Adds mails, which are due at once.
    async fn put_mails(&self, mails: Vec<OutboxMail>) -> Result<(), StoreError>;
    /// Takes up to `limit` mails that are due, those that wait longest first. Each counts an
    /// attempt and is due again at `due_again`, unless until then the caller reports what became of
    /// it; so none is lost with a process that dies, and no two callers have one at once.
    async fn due_mails(
        &self,
        limit: u32,
        now: Timestamp,
        due_again: Timestamp,
    ) -> Result<Vec<QueuedMail>, StoreError>;
    /// Removes a mail: sent, or given up.
    async fn mail_sent(&self, id: &str) -> Result<(), StoreError>;
    /// Notes why an attempt failed, and makes the mail due at that timestamp.
    async fn mail_failed(
        &self,
        id: &str,
        next_try: Timestamp,
        error: &str,
    ) -> Result<(), StoreError>;
    /// Puts what this mail says, encrypted otherwise, in place of what is kept; `false` if it does
    /// not wait any more.
    async fn reseal_mail(&self, mail: OutboxMail) -> Result<bool, StoreError>;
    /// Makes a mail due at once. Returns `false` if it does not wait any more.
    async fn retry_mail(&self, id: &str, now: Timestamp) -> Result<bool, StoreError>;
    /// At most `limit` mails that wait, the oldest first, from the one after the cursor on.
    async fn outbox(
        &self,
        after: Option<&MailCursor>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<QueuedMail>, StoreError>;
    /// At most `limit` mails that wait and go to addresses that begin so, in the order of the
    /// addresses, from the one after the cursor on. The prefix has the form in which addresses are
    /// compared.
    async fn mails_to(
        &self,
        prefix: &str,
        after: Option<&AddressCursor>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<QueuedMail>, StoreError>;
    /// How many mails wait that have not expired.
    async fn outbox_depth(&self, now: Timestamp) -> Result<u64, StoreError>;
}
