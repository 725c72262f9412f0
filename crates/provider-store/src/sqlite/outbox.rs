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
use rusqlite::{Connection, params};

use super::{
    SqliteStore, account_events,
    failure::Failure,
    sql::{self, execute},
};
use crate::{
    record::{MailRow, NoticesRow, read},
    row::Row as _,
    rules,
};

#[async_trait]
impl Outbox for SqliteStore {
    async fn put_mails(&self, mails: Vec<OutboxMail>) -> Result<(), StoreError> {
        let mails = MailRow::encode_all(mails)?;
        self.write("put_mails", move |connection| put(connection, &mails)).await
    }

    async fn due_mails(
        &self,
        limit: u32,
        now: Timestamp,
        due_again: Timestamp,
    ) -> Result<Vec<QueuedMail>, StoreError> {
        // Seldom is one due, and a look costs no commit.
        let is_due = self.read("due_mails", move |connection| {
            let sql = "SELECT 1 FROM outbox WHERE due_at <= ?1 AND expires_at > ?1 LIMIT 1";
            Ok(sql::first(connection, sql, [now.seconds()], |_| Ok(()))?.is_some())
        });
        if !is_due.await? {
            return Ok(Vec::new());
        }
        self.write("due_mails", move |connection| claim(connection, limit, now, due_again)).await
    }

    async fn mail_sent(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write("mail_sent", move |connection| {
            execute(connection, "DELETE FROM outbox WHERE id = ?1", [id])?;
            Ok(())
        })
        .await
    }

    async fn mail_failed(
        &self,
        id: &str,
        next_try: Timestamp,
        error: &str,
    ) -> Result<(), StoreError> {
        let (id, error) = (id.to_owned(), error.to_owned());
        self.write("mail_failed", move |connection| {
            let sql = "UPDATE outbox SET due_at = ?2, error = ?3 WHERE id = ?1";
            execute(connection, sql, params![id, next_try.seconds(), error])?;
            Ok(())
        })
        .await
    }

    async fn reseal_mail(&self, mail: OutboxMail) -> Result<bool, StoreError> {
        let MailRow { mail, data, .. } = MailRow::encode(mail)?;
        self.write("reseal_mail", move |connection| {
            let sql = "UPDATE outbox SET data = ?2 WHERE id = ?1";
            Ok(execute(connection, sql, params![mail.id, data])? > 0)
        })
        .await
    }

    async fn retry_mail(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write("retry_mail", move |connection| {
            let sql = "UPDATE outbox SET due_at = ?2 WHERE id = ?1 AND expires_at > ?2";
            Ok(execute(connection, sql, params![id, now.seconds()])? > 0)
        })
        .await
    }

    async fn outbox(
        &self,
        after: Option<&MailCursor>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<QueuedMail>, StoreError> {
        let after = after.cloned();
        self.read("outbox", move |connection| page(connection, after.as_ref(), limit, now)).await
    }

    async fn mails_to(
        &self,
        prefix: &str,
        after: Option<&AddressCursor>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<QueuedMail>, StoreError> {
        let after = after.map(|after| (after.address.clone(), after.id.clone()));
        let (address, id) = rules::begin_after(prefix, after);
        let end = rules::end_of(prefix);
        self.read("mails_to", move |connection| {
            let params = params![address, id, end, limit, now.seconds()];
            sql::all(connection, PAGE_BY_ADDRESS, params, |row| read::mail(row))
        })
        .await
    }

    async fn outbox_depth(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.read("outbox_depth", move |connection| {
            let sql = "SELECT count(*) FROM outbox WHERE expires_at > ?1";
            let count =
                sql::first(connection, sql, [now.seconds()], |row| row.count(0, "outbox.count"))?;
            Ok(count.unwrap_or(0).into())
        })
        .await
    }
}

/// Adds mails.
pub(super) fn put(connection: &Connection, mails: &[MailRow]) -> Result<(), Failure> {
    for MailRow { mail, address, data } in mails {
        execute(
            connection,
            "INSERT INTO outbox (id, recipient, kind, language, data, sub, attempts, due_at,
                 created_at, expires_at, address, client_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?7, ?8, ?9, ?10)",
            params![
                mail.id,
                mail.to,
                mail.kind.as_str(),
                mail.language,
                data,
                mail.sub.as_deref(),
                mail.created_at.seconds(),
                mail.expires_at.seconds(),
                address,
                mail.client_id.as_deref()
            ],
        )?;
    }
    Ok(())
}

/// Keeps what tells a user of a change.
pub(super) fn put_notices(connection: &Connection, notices: &NoticesRow) -> Result<(), Failure> {
    put(connection, &notices.mails)?;
    notices.events.iter().try_for_each(|event| account_events::add(connection, event))
}

/// Removes the mails about a user.
pub(super) fn remove_all(connection: &Connection, sub: &Sub) -> Result<(), Failure> {
    execute(connection, "DELETE FROM outbox WHERE sub = ?1", [sub.as_str()])?;
    Ok(())
}

/// Takes mails that are due; they are due again at `due_again`.
fn claim(
    connection: &Connection,
    limit: u32,
    now: Timestamp,
    due_again: Timestamp,
) -> Result<Vec<QueuedMail>, Failure> {
    sql::all(
        connection,
        "UPDATE outbox SET attempts = attempts + 1, due_at = ?3
         WHERE id IN (SELECT id FROM outbox WHERE due_at <= ?2 AND expires_at > ?2
             ORDER BY due_at, id LIMIT ?1)
         RETURNING id, recipient, kind, language, data, sub, created_at, expires_at, attempts,
             due_at, error, client_id",
        params![limit, now.seconds(), due_again.seconds()],
        |row| read::mail(row),
    )
}

/// A page of the mails, the oldest first.
pub(super) const PAGE: &str =
    "SELECT id, recipient, kind, language, data, sub, created_at, expires_at, attempts,
        due_at, error, client_id
    FROM outbox WHERE (created_at, id) > (?1, ?2) AND expires_at > ?4
    ORDER BY created_at, id LIMIT ?3";

/// A page of the mails to some addresses, in the order of these.
pub(super) const PAGE_BY_ADDRESS: &str =
    "SELECT id, recipient, kind, language, data, sub, created_at, expires_at, attempts,
        due_at, error, client_id
    FROM outbox WHERE (address, id) > (?1, ?2) AND address < ?3 AND address IS NOT NULL
        AND expires_at > ?5
    ORDER BY address, id LIMIT ?4";

fn page(
    connection: &Connection,
    after: Option<&MailCursor>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<QueuedMail>, Failure> {
    let (created_at, id) =
        after.map_or((i64::MIN, ""), |after| (after.created_at.seconds(), after.id.as_str()));
    sql::all(connection, PAGE, params![created_at, id, limit, now.seconds()], |row| read::mail(row))
}
