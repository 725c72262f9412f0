//! Rows of tickets, each of which counts once.

use async_trait::async_trait;
use doorward_protocol::ids::Sub;
use doorward_provider::{
    model::{
        outbox::OutboxMail,
        throttle::Admission,
        ticket::{AboutCursor, Ticket, TicketBound, TicketCursor, TicketPurpose},
        time::Timestamp,
        token_handle::TokenHash,
        user::User,
    },
    store::{StoreError, TicketRedemption, Tickets, UserChange, Users as _},
};

use super::{
    PostgresStore, connection::Connection, failed_sign_ins, failure::Failure, groups, outbox, run,
    schema, sql, users,
};
use crate::{
    record::{MailRow, UserRow, read},
    row::{Row as _, to_json},
    rules,
};

#[async_trait]
impl Tickets for PostgresStore {
    async fn add_ticket(
        &self,
        ticket: Ticket,
        bound: &TicketBound,
        mails: Vec<OutboxMail>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let data = to_json(&ticket.data, "tickets.data")?;
        let mails = MailRow::encode_all(mails)?;
        run!(self, "add_ticket", add, &ticket, &data, bound, &mails, now)
    }

    async fn ticket(
        &self,
        hash: TokenHash,
        purpose: TicketPurpose,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError> {
        run!(self, "ticket", find, hash, purpose, now)
    }

    async fn take_ticket(
        &self,
        hash: TokenHash,
        purpose: TicketPurpose,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError> {
        run!(self, "take_ticket", take, hash, purpose, now)
    }

    async fn ticket_failed(
        &self,
        hash: TokenHash,
        purpose: TicketPurpose,
        most: u32,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        run!(self, "ticket_failed", failed, hash, purpose, most, now)
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
        let (row, mails) = (UserRow::encode(user)?, MailRow::encode_all(mails)?);
        let before = before.as_ref();
        run!(self, "redeem_ticket", redeem, hash, purpose, &row, before, &mails, now)
    }

    async fn tickets(
        &self,
        purpose: TicketPurpose,
        after: Option<&TicketCursor>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Ticket>, StoreError> {
        run!(self, "tickets", page, purpose, after, limit, now)
    }

    async fn tickets_about(
        &self,
        purpose: TicketPurpose,
        prefix: &str,
        after: Option<&AboutCursor>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Ticket>, StoreError> {
        run!(self, "tickets_about", page_by_about, purpose, prefix, after, limit, now)
    }

    async fn remove_tickets_about(
        &self,
        purpose: TicketPurpose,
        about: &str,
    ) -> Result<u64, StoreError> {
        run!(self, "remove_tickets_about", remove_about, purpose, about)
    }

    async fn remove_tickets_of(
        &self,
        sub: &Sub,
        purposes: &[TicketPurpose],
    ) -> Result<(), StoreError> {
        let purposes: Vec<&str> = purposes.iter().map(|purpose| purpose.as_str()).collect();
        run!(self, "remove_tickets_of", remove_of, sub, &purposes)
    }
}

/// Adds a ticket and its mails, unless the bound is reached.
async fn add(
    connection: &Connection,
    ticket: &Ticket,
    data: &str,
    bound: &TicketBound,
    mails: &[MailRow],
    now: Timestamp,
) -> Result<bool, Failure> {
    connection.begin().await?;
    if ticket.about.is_some() {
        // Two transactions at once would each count without the other's ticket: one waits here.
        schema::lock(connection).await?;
    }
    let added = connection
        .execute(
            "INSERT INTO tickets (hash, purpose, sub, about, data, failures, expires_at)
             SELECT $1, $2, $3, $4, $5, 0, $6
             WHERE $4::TEXT IS NULL
                OR (SELECT count(*) FROM tickets
                    WHERE purpose = $2 AND about = $4 AND expires_at > $7) < $8",
            &[
                &ticket.hash.as_bytes().as_slice(),
                &ticket.purpose.as_str(),
                &ticket.sub.as_deref(),
                &ticket.about,
                &data,
                &ticket.expires_at.seconds(),
                &now.seconds(),
                &i64::from(bound.most),
            ],
        )
        .await?;
    // Without a commit nothing has changed.
    if added == 0 {
        return Ok(false);
    }
    if let Some(counted) = &bound.counted {
        let limits = std::slice::from_ref(counted);
        let admission = failed_sign_ins::admit_within(connection, limits, now).await?;
        if let Admission::Wait(_) = admission {
            return Ok(false);
        }
    }
    outbox::put(connection, mails).await?;
    connection.commit().await?;
    Ok(true)
}

/// A page of the tickets of a purpose, the next to expire first.
pub(super) const PAGE: &str = "SELECT hash, purpose, sub, about, data, expires_at FROM tickets
    WHERE purpose = $1 AND (expires_at, hash) > ($2, $3) AND expires_at > $4
    ORDER BY expires_at, hash LIMIT $5";

async fn page(
    connection: &Connection,
    purpose: TicketPurpose,
    after: Option<&TicketCursor>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Ticket>, Failure> {
    let expires_at = after.map_or(now.seconds(), |after| after.expires_at.seconds());
    let hash = after.map_or([0; 32], |after| *after.hash.as_bytes());
    connection
        .all(
            PAGE,
            &[&purpose.as_str(), &expires_at, &hash.as_slice(), &now.seconds(), &i64::from(limit)],
            read::ticket,
        )
        .await
}

/// A page of the tickets of a purpose, in the order of what they are about.
pub(super) const PAGE_BY_ABOUT: &str =
    "SELECT hash, purpose, sub, about, data, expires_at FROM tickets
    WHERE purpose = $1 AND (about COLLATE \"C\", hash) > ($2, $3)
        AND about COLLATE \"C\" < $4 AND about IS NOT NULL AND expires_at > $5
    ORDER BY about COLLATE \"C\", hash LIMIT $6";

async fn page_by_about(
    connection: &Connection,
    purpose: TicketPurpose,
    prefix: &str,
    after: Option<&AboutCursor>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Ticket>, Failure> {
    let after = after.map(|after| (after.about.clone(), after.hash.as_bytes().to_vec()));
    let (about, hash) = rules::begin_after(prefix, after);
    let end = rules::end_of(prefix);
    if !sql::can_hold(&about) || !sql::can_hold(&end) {
        return Ok(Vec::new());
    }
    connection
        .all(
            PAGE_BY_ABOUT,
            &[&purpose.as_str(), &about, &hash, &end, &now.seconds(), &i64::from(limit)],
            read::ticket,
        )
        .await
}

/// Removes the tickets of a purpose that are about this.
async fn remove_about(
    connection: &Connection,
    purpose: TicketPurpose,
    about: &str,
) -> Result<u64, Failure> {
    let sql = "DELETE FROM tickets WHERE purpose = $1 AND about = $2";
    connection.execute(sql, &[&purpose.as_str(), &about]).await
}

/// The ticket, unless it has expired.
async fn find(
    connection: &Connection,
    hash: TokenHash,
    purpose: TicketPurpose,
    now: Timestamp,
) -> Result<Option<Ticket>, Failure> {
    connection
        .first(
            "SELECT hash, purpose, sub, about, data, expires_at FROM tickets
             WHERE hash = $1 AND purpose = $2 AND expires_at > $3",
            &[&hash.as_bytes().as_slice(), &purpose.as_str(), &now.seconds()],
            read::ticket,
        )
        .await
}

/// Removes the ticket, and returns it unless it has expired.
async fn take(
    connection: &Connection,
    hash: TokenHash,
    purpose: TicketPurpose,
    now: Timestamp,
) -> Result<Option<Ticket>, Failure> {
    connection
        .first(
            "DELETE FROM tickets WHERE hash = $1 AND purpose = $2 AND expires_at > $3
             RETURNING hash, purpose, sub, about, data, expires_at",
            &[&hash.as_bytes().as_slice(), &purpose.as_str(), &now.seconds()],
            read::ticket,
        )
        .await
}

/// Counts a wrong guess; the last one removes the ticket.
async fn failed(
    connection: &Connection,
    hash: TokenHash,
    purpose: TicketPurpose,
    most: u32,
    now: Timestamp,
) -> Result<u32, Failure> {
    let hash = hash.as_bytes().as_slice();
    connection.begin().await?;
    let counted = connection
        .first(
            "UPDATE tickets SET failures = failures + 1
             WHERE hash = $1 AND purpose = $2 AND expires_at > $3 RETURNING failures",
            &[&hash, &purpose.as_str(), &now.seconds()],
            |row| row.count(0, "tickets.failures"),
        )
        .await?;
    let failures = counted.map_or(most, |failures| failures.min(most));
    if failures >= most {
        let sql = "DELETE FROM tickets WHERE hash = $1 AND purpose = $2";
        connection.execute(sql, &[&hash, &purpose.as_str()]).await?;
    }
    connection.commit().await?;
    Ok(failures)
}

/// Uses a ticket up and changes its user. The lock keeps every other change of a user away between
/// the looks and the change.
async fn redeem(
    connection: &Connection,
    hash: TokenHash,
    purpose: TicketPurpose,
    row: &UserRow,
    before: Option<&User>,
    mails: &[MailRow],
    now: Timestamp,
) -> Result<TicketRedemption, Failure> {
    connection.begin().await?;
    schema::lock(connection).await?;
    let Some(used) = use_up(connection, hash, purpose, now).await? else {
        return Ok(TicketRedemption::NoTicket);
    };
    // Without a commit the ticket stays.
    if let Some(obstacle) = users::obstacle(connection, row, before).await? {
        return Ok(obstacle);
    }
    users::replace(connection, std::slice::from_ref(row), now).await?;
    groups::join_invited(connection, &used.groups(), &row.user.sub).await?;
    outbox::put(connection, mails).await?;
    connection.commit().await?;
    Ok(TicketRedemption::Done)
}

/// Removes a ticket, and other links to register under the address that it is about: they would
/// make another account. Returns it, if there was one.
pub(super) async fn use_up(
    connection: &Connection,
    hash: TokenHash,
    purpose: TicketPurpose,
    now: Timestamp,
) -> Result<Option<Ticket>, Failure> {
    let Some(taken) = take(connection, hash, purpose, now).await? else { return Ok(None) };
    if let Some(about) = &taken.about {
        let sql = "DELETE FROM tickets WHERE about = $1 AND purpose = $2 AND sub IS NULL";
        for purpose in [TicketPurpose::Register, TicketPurpose::Invitation] {
            connection.execute(sql, &[about, &purpose.as_str()]).await?;
        }
    }
    Ok(Some(taken))
}

/// Removes a user's tickets of these purposes.
async fn remove_of(connection: &Connection, sub: &Sub, purposes: &[&str]) -> Result<(), Failure> {
    let sql = "DELETE FROM tickets WHERE sub = $1 AND purpose = ANY($2)";
    connection.execute(sql, &[&sub.as_str(), &purposes]).await?;
    Ok(())
}

/// Removes what was issued to a user for a password or an address that is no more theirs.
pub(super) async fn remove_outdated(connection: &Connection, sub: &Sub) -> Result<(), Failure> {
    let sql = "DELETE FROM tickets WHERE sub = $1 AND purpose <> 'verify_email'";
    connection.execute(sql, &[&sub.as_str()]).await?;
    Ok(())
}

/// Removes all tickets of a user.
pub(super) async fn remove_all(connection: &Connection, sub: &Sub) -> Result<(), Failure> {
    connection.execute("DELETE FROM tickets WHERE sub = $1", &[&sub.as_str()]).await?;
    Ok(())
}
