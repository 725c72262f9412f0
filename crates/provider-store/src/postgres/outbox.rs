//! Rows of the outbox: mails that are still to be sent.

use async_trait::async_trait;
use doorward_protocol::ids::Sub;
use doorward_provider::{
    model::{
        outbox::{AddressCursor, MailCursor, OutboxMail, QueuedMail},
        time::Timestamp,
    },
    store::{Outbox, StoreError},
};

use super::{PostgresStore, account_events, connection::Connection, failure::Failure, run, sql};
use crate::{
    record::{MailRow, NoticesRow, read},
    rules,
};

#[async_trait]
impl Outbox for PostgresStore {
    async fn put_mails(&self, mails: Vec<OutboxMail>) -> Result<(), StoreError> {
        let mails = MailRow::encode_all(mails)?;
        run!(self, "put_mails", put_all, &mails)
    }

    async fn due_mails(
        &self,
        limit: u32,
        now: Timestamp,
        due_again: Timestamp,
    ) -> Result<Vec<QueuedMail>, StoreError> {
        run!(self, "due_mails", claim, limit, now, due_again)
    }

    async fn mail_sent(&self, id: &str) -> Result<(), StoreError> {
        run!(self, "mail_sent", remove, id)
    }

    async fn mail_failed(
        &self,
        id: &str,
        next_try: Timestamp,
        error: &str,
    ) -> Result<(), StoreError> {
        run!(self, "mail_failed", postpone, id, next_try, error)
    }

    async fn reseal_mail(&self, mail: OutboxMail) -> Result<bool, StoreError> {
        let row = MailRow::encode(mail)?;
        run!(self, "reseal_mail", reseal, &row)
    }

    async fn retry_mail(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        run!(self, "retry_mail", retry, id, now)
    }

    async fn outbox(
        &self,
        after: Option<&MailCursor>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<QueuedMail>, StoreError> {
        run!(self, "outbox", page, after, limit, now)
    }

    async fn mails_to(
        &self,
        prefix: &str,
        after: Option<&AddressCursor>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<QueuedMail>, StoreError> {
        run!(self, "mails_to", page_by_address, prefix, after, limit, now)
    }

    async fn outbox_depth(&self, now: Timestamp) -> Result<u64, StoreError> {
        run!(self, "outbox_depth", depth, now)
    }
}

/// Adds mails, all or none.
async fn put_all(connection: &Connection, mails: &[MailRow]) -> Result<(), Failure> {
    connection.begin().await?;
    put(connection, mails).await?;
    connection.commit().await
}

/// Adds mails, within a transaction.
pub(super) async fn put(connection: &Connection, mails: &[MailRow]) -> Result<(), Failure> {
    for MailRow { mail, address, data } in mails {
        connection
            .execute(
                "INSERT INTO outbox (id, recipient, kind, language, data, sub, attempts, due_at,
                     created_at, expires_at, address, client_id)
                 VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $7, $8, $9, $10)",
                &[
                    &mail.id,
                    &mail.to,
                    &mail.kind.as_str(),
                    &mail.language,
                    data,
                    &mail.sub.as_deref(),
                    &mail.created_at.seconds(),
                    &mail.expires_at.seconds(),
                    address,
                    &mail.client_id.as_deref(),
                ],
            )
            .await?;
    }
    Ok(())
}

/// Keeps what tells a user of a change, within a transaction.
pub(super) async fn put_notices(
    connection: &Connection,
    notices: &NoticesRow,
) -> Result<(), Failure> {
    put(connection, &notices.mails).await?;
    for event in &notices.events {
        account_events::add(connection, event).await?;
    }
    Ok(())
}

/// Removes the mails about a user.
pub(super) async fn remove_all(connection: &Connection, sub: &Sub) -> Result<(), Failure> {
    connection.execute("DELETE FROM outbox WHERE sub = $1", &[&sub.as_str()]).await?;
    Ok(())
}

/// Takes mails that are due; they are due again at `due_again`. Mails that another process is
/// taking are left to it.
async fn claim(
    connection: &Connection,
    limit: u32,
    now: Timestamp,
    due_again: Timestamp,
) -> Result<Vec<QueuedMail>, Failure> {
    connection
        .all(
            "WITH due AS (
                 SELECT id FROM outbox WHERE due_at <= $2 AND expires_at > $2
                 ORDER BY due_at, id LIMIT $1 FOR UPDATE SKIP LOCKED
             )
             UPDATE outbox o SET attempts = o.attempts + 1, due_at = $3 FROM due
                 WHERE o.id = due.id
             RETURNING o.id, o.recipient, o.kind, o.language, o.data, o.sub, o.created_at,
                 o.expires_at, o.attempts, o.due_at, o.error, o.client_id",
            &[&i64::from(limit), &now.seconds(), &due_again.seconds()],
            read::mail,
        )
        .await
}

/// Removes a mail.
async fn remove(connection: &Connection, id: &str) -> Result<(), Failure> {
    connection.execute("DELETE FROM outbox WHERE id = $1", &[&id]).await?;
    Ok(())
}

/// Notes why an attempt failed, and when the next one is due.
async fn postpone(
    connection: &Connection,
    id: &str,
    next_try: Timestamp,
    error: &str,
) -> Result<(), Failure> {
    // PostgreSQL stores no NUL character, and a mail server may answer anything.
    let error = error.replace('\0', "");
    connection
        .execute(
            "UPDATE outbox SET due_at = $2, error = $3 WHERE id = $1",
            &[&id, &next_try.seconds(), &error],
        )
        .await?;
    Ok(())
}

/// Makes a mail due at once.
async fn reseal(connection: &Connection, row: &MailRow) -> Result<bool, Failure> {
    let sql = "UPDATE outbox SET data = $2 WHERE id = $1";
    Ok(connection.execute(sql, &[&row.mail.id, &row.data]).await? > 0)
}

async fn retry(connection: &Connection, id: &str, now: Timestamp) -> Result<bool, Failure> {
    if !sql::can_hold(id) {
        return Ok(false);
    }
    let sql = "UPDATE outbox SET due_at = $2 WHERE id = $1 AND expires_at > $2";
    Ok(connection.execute(sql, &[&id, &now.seconds()]).await? > 0)
}

/// A page of the mails, the oldest first.
pub(super) const PAGE: &str =
    "SELECT id, recipient, kind, language, data, sub, created_at, expires_at, attempts,
        due_at, error, client_id
    FROM outbox WHERE (created_at, id COLLATE \"C\") > ($1, $2) AND expires_at > $4
    ORDER BY created_at, id COLLATE \"C\" LIMIT $3";

async fn page(
    connection: &Connection,
    after: Option<&MailCursor>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<QueuedMail>, Failure> {
    let (created_at, id) =
        after.map_or((i64::MIN, ""), |after| (after.created_at.seconds(), after.id.as_str()));
    connection.all(PAGE, &[&created_at, &id, &i64::from(limit), &now.seconds()], read::mail).await
}

/// A page of the mails to some addresses, in the order of these.
pub(super) const PAGE_BY_ADDRESS: &str =
    "SELECT id, recipient, kind, language, data, sub, created_at, expires_at, attempts,
        due_at, error, client_id
    FROM outbox WHERE (address COLLATE \"C\", id COLLATE \"C\") > ($1, $2)
        AND address COLLATE \"C\" < $3 AND address IS NOT NULL AND expires_at > $5
    ORDER BY address COLLATE \"C\", id COLLATE \"C\" LIMIT $4";

async fn page_by_address(
    connection: &Connection,
    prefix: &str,
    after: Option<&AddressCursor>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<QueuedMail>, Failure> {
    let after = after.map(|after| (after.address.clone(), after.id.clone()));
    let (address, id) = rules::begin_after(prefix, after);
    let end = rules::end_of(prefix);
    if ![&address, &id, &end].into_iter().all(|text| sql::can_hold(text)) {
        return Ok(Vec::new());
    }
    connection
        .all(PAGE_BY_ADDRESS, &[&address, &id, &end, &i64::from(limit), &now.seconds()], read::mail)
        .await
}

/// How many mails wait.
async fn depth(connection: &Connection, now: Timestamp) -> Result<u64, Failure> {
    let sql = "SELECT count(*) FROM outbox WHERE expires_at > $1";
    let count = connection.count(sql, &[&now.seconds()]).await?;
    Ok(u64::try_from(count).unwrap_or(0))
}
