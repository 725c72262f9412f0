//! Rows of tickets, each of which counts once.

use async_trait::async_trait;
use doorward_protocol::ids::Sub;
use doorward_provider::{
    model::{
        group::GroupName,
        outbox::OutboxMail,
        ticket::{AboutCursor, Ticket, TicketBound, TicketCursor, TicketPurpose},
        time::Timestamp,
        token_handle::TokenHash,
    },
    store::{StoreError, TicketRedemption, Tickets, UserChange, Users as _},
};
use rusqlite::{Connection, params};

use super::{
    SqliteStore, failed_sign_ins,
    failure::Failure,
    groups, outbox,
    sql::{self, execute},
    users,
};
use crate::{
    record::{MailRow, UserRow, read},
    row::{Row as _, to_json},
    rules,
};

#[async_trait]
impl Tickets for SqliteStore {
    async fn add_ticket(
        &self,
        ticket: Ticket,
        bound: &TicketBound,
        mails: Vec<OutboxMail>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let data = to_json(&ticket.data, "tickets.data")?;
        let mails = MailRow::encode_all(mails)?;
        let TicketBound { most, counted } = bound.clone();
        self.write("add_ticket", move |connection| {
            let limits = counted.as_slice();
            let waits = failed_sign_ins::wait(connection, limits, now)? > 0;
            if waits || !add(connection, &ticket, &data, most, now)? {
                return Ok(false);
            }
            failed_sign_ins::admit(connection, limits, now)?;
            outbox::put(connection, &mails)?;
            Ok(true)
        })
        .await
    }

    async fn ticket(
        &self,
        hash: TokenHash,
        purpose: TicketPurpose,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError> {
        self.read("ticket", move |connection| find(connection, hash, purpose, now)).await
    }

    async fn take_ticket(
        &self,
        hash: TokenHash,
        purpose: TicketPurpose,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError> {
        self.write("take_ticket", move |connection| take(connection, hash, purpose, now)).await
    }

    async fn ticket_failed(
        &self,
        hash: TokenHash,
        purpose: TicketPurpose,
        most: u32,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        self.write("ticket_failed", move |connection| failed(connection, hash, purpose, most, now))
            .await
    }

    async fn redeem_ticket(
        &self,
        hash: TokenHash,
        purpose: TicketPurpose,
        change: UserChange,
        mails: Vec<OutboxMail>,
        now: Timestamp,
    ) -> Result<TicketRedemption, StoreError> {
        if self.ticket(hash, purpose, now).await?.is_none() {
            return Ok(TicketRedemption::NoTicket);
        }
        let (user, before) = match change {
            UserChange::Add(user) => (user, None),
            UserChange::Replace { user, before } => (user, Some(before)),
        };
        if let Some(before) = &before {
            if self.user(&before.sub).await?.as_ref() != Some(before) {
                return Ok(TicketRedemption::UserChanged);
            }
            self.end_surplus("redeem_ticket", &user, now).await?;
        }
        let sub = user.sub.clone();
        let (row, mails) = (UserRow::encode(user)?, MailRow::encode_all(mails)?);
        self.write("redeem_ticket", move |connection| {
            if find(connection, hash, purpose, now)?.is_none() {
                return Ok(TicketRedemption::NoTicket);
            }
            if let Some(obstacle) = users::obstacle(connection, &row, before.as_ref())? {
                return Ok(obstacle);
            }
            let groups = use_up(connection, hash, purpose, now)?;
            users::put(connection, &[row], now)?;
            groups::join_invited(connection, &groups, &sub)?;
            outbox::put(connection, &mails)?;
            Ok(TicketRedemption::Done)
        })
        .await
    }

    async fn tickets(
        &self,
        purpose: TicketPurpose,
        after: Option<&TicketCursor>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Ticket>, StoreError> {
        let after = after.copied();
        self.read("tickets", move |connection| page(connection, purpose, after, limit, now)).await
    }

    async fn tickets_about(
        &self,
        purpose: TicketPurpose,
        prefix: &str,
        after: Option<&AboutCursor>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Ticket>, StoreError> {
        let after = after.map(|after| (after.about.clone(), after.hash.as_bytes().to_vec()));
        let (about, hash) = rules::begin_after(prefix, after);
        let end = rules::end_of(prefix);
        self.read("tickets_about", move |connection| {
            let params = params![purpose.as_str(), about, hash, end, now.seconds(), limit];
            sql::all(connection, PAGE_BY_ABOUT, params, |row| read::ticket(row))
        })
        .await
    }

    async fn remove_tickets_about(
        &self,
        purpose: TicketPurpose,
        about: &str,
    ) -> Result<u64, StoreError> {
        let about = about.to_owned();
        self.write("remove_tickets_about", move |connection| {
            let sql = "DELETE FROM tickets WHERE purpose = ?1 AND about = ?2";
            Ok(execute(connection, sql, [purpose.as_str(), about.as_str()])? as u64)
        })
        .await
    }

    async fn remove_tickets_of(
        &self,
        sub: &Sub,
        purposes: &[TicketPurpose],
    ) -> Result<(), StoreError> {
        let (sub, purposes) = (sub.to_owned(), purposes.to_vec());
        self.write("remove_tickets_of", move |connection| {
            for purpose in purposes {
                let sql = "DELETE FROM tickets WHERE sub = ?1 AND purpose = ?2";
                execute(connection, sql, [sub.as_str(), purpose.as_str()])?;
            }
            Ok(())
        })
        .await
    }
}

/// Adds a ticket, unless `most` of its purpose wait for what it is about.
fn add(
    connection: &Connection,
    ticket: &Ticket,
    data: &str,
    most: u32,
    now: Timestamp,
) -> Result<bool, Failure> {
    let added = execute(
        connection,
        "INSERT INTO tickets (hash, purpose, sub, about, data, failures, expires_at)
         SELECT ?1, ?2, ?3, ?4, ?5, 0, ?6
         WHERE ?4 IS NULL
            OR (SELECT count(*) FROM tickets
                WHERE purpose = ?2 AND about = ?4 AND expires_at > ?7) < ?8",
        params![
            ticket.hash.as_bytes(),
            ticket.purpose.as_str(),
            ticket.sub.as_deref(),
            ticket.about,
            data,
            ticket.expires_at.seconds(),
            now.seconds(),
            most
        ],
    )?;
    Ok(added > 0)
}

/// A page of the tickets of a purpose, the next to expire first.
pub(super) const PAGE: &str = "SELECT hash, purpose, sub, about, data, expires_at FROM tickets
    WHERE purpose = ?1 AND (expires_at, hash) > (?2, ?3) AND expires_at > ?4
    ORDER BY expires_at, hash LIMIT ?5";

/// A page of the tickets of a purpose, in the order of what they are about.
pub(super) const PAGE_BY_ABOUT: &str =
    "SELECT hash, purpose, sub, about, data, expires_at FROM tickets
    WHERE purpose = ?1 AND (about, hash) > (?2, ?3) AND about < ?4 AND about IS NOT NULL
        AND expires_at > ?5
    ORDER BY about, hash LIMIT ?6";

fn page(
    connection: &Connection,
    purpose: TicketPurpose,
    after: Option<TicketCursor>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Ticket>, Failure> {
    let expires_at = after.map_or(now.seconds(), |after| after.expires_at.seconds());
    let hash = after.map_or([0; 32], |after| *after.hash.as_bytes());
    sql::all(
        connection,
        PAGE,
        params![purpose.as_str(), expires_at, hash, now.seconds(), limit],
        |row| read::ticket(row),
    )
}

/// Removes a ticket, and other links to register under the address that it is about: they would
/// make another account.
pub(super) fn use_up(
    connection: &Connection,
    hash: TokenHash,
    purpose: TicketPurpose,
    now: Timestamp,
) -> Result<Vec<GroupName>, Failure> {
    let Some(taken) = take(connection, hash, purpose, now)? else { return Ok(Vec::new()) };
    if let Some(about) = &taken.about {
        let sql = "DELETE FROM tickets WHERE about = ?1 AND purpose = ?2 AND sub IS NULL";
        for purpose in [TicketPurpose::Register, TicketPurpose::Invitation] {
            execute(connection, sql, [about.as_str(), purpose.as_str()])?;
        }
    }
    Ok(taken.groups())
}

/// The ticket, unless it has expired.
pub(super) fn find(
    connection: &Connection,
    hash: TokenHash,
    purpose: TicketPurpose,
    now: Timestamp,
) -> Result<Option<Ticket>, Failure> {
    sql::first(
        connection,
        "SELECT hash, purpose, sub, about, data, expires_at FROM tickets
         WHERE hash = ?1 AND purpose = ?2 AND expires_at > ?3",
        params![hash.as_bytes(), purpose.as_str(), now.seconds()],
        |row| read::ticket(row),
    )
}

/// Removes the ticket, and returns it unless it has expired.
fn take(
    connection: &Connection,
    hash: TokenHash,
    purpose: TicketPurpose,
    now: Timestamp,
) -> Result<Option<Ticket>, Failure> {
    let taken = sql::all(
        connection,
        "DELETE FROM tickets WHERE hash = ?1 AND purpose = ?2 AND expires_at > ?3
         RETURNING hash, purpose, sub, about, data, expires_at",
        params![hash.as_bytes(), purpose.as_str(), now.seconds()],
        |row| read::ticket(row),
    )?;
    Ok(taken.into_iter().next())
}

/// Counts a wrong guess; the last one removes the ticket.
fn failed(
    connection: &Connection,
    hash: TokenHash,
    purpose: TicketPurpose,
    most: u32,
    now: Timestamp,
) -> Result<u32, Failure> {
    let counted = sql::all(
        connection,
        "UPDATE tickets SET failures = failures + 1
         WHERE hash = ?1 AND purpose = ?2 AND expires_at > ?3 RETURNING failures",
        params![hash.as_bytes(), purpose.as_str(), now.seconds()],
        |row| row.count(0, "tickets.failures"),
    )?;
    let failures = counted.first().map_or(most, |&failures| failures.min(most));
    if failures >= most {
        let sql = "DELETE FROM tickets WHERE hash = ?1 AND purpose = ?2";
        execute(connection, sql, params![hash.as_bytes(), purpose.as_str()])?;
    }
    Ok(failures)
}

/// Removes what was issued to a user for a password or an address that is no more theirs.
pub(super) fn remove_outdated(connection: &Connection, sub: &Sub) -> Result<(), Failure> {
    let sql = "DELETE FROM tickets WHERE sub = ?1 AND purpose <> 'verify_email'";
    execute(connection, sql, [sub.as_str()])?;
    Ok(())
}

/// Removes all tickets of a user.
pub(super) fn remove_all(connection: &Connection, sub: &Sub) -> Result<(), Failure> {
    execute(connection, "DELETE FROM tickets WHERE sub = ?1", [sub.as_str()])?;
    Ok(())
}
