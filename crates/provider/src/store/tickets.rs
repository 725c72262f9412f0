//! Tickets, each of which counts once.

use async_trait::async_trait;
use doorward_protocol::ids::Sub;

use crate::{
    model::{
        outbox::OutboxMail,
        ticket::{AboutCursor, Ticket, TicketBound, TicketCursor, TicketPurpose},
        time::Timestamp,
        token_handle::TokenHash,
        user::User,
    },
    store::StoreError,
};

/// What a ticket makes of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserChange {
    /// A user is added. Nobody may have the same `sub`.
    Add(User),
    /// A user is replaced as by [`replace_user`](crate::store::Users::replace_user).
    Replace {
        /// The user as they will be.
        user: User,
        /// The user as they must still be.
        before: User,
    },
}

/// The outcome of [`Tickets::redeem_ticket`]. Only the first one has changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketRedemption {
    /// The ticket was used up and the user is changed.
    Done,
    /// There is no such ticket: it was used, it has expired, or it never was.
    NoTicket,
    /// The user to be replaced is not as before, or is gone.
    UserChanged,
    /// Another user has the user name, or the `sub`.
    NameTaken,
    /// Another user has the verified e-mail address.
    EmailTaken,
}

/// The tickets table.
#[async_trait]
pub trait Tickets: Send + Sync + 'static {
    /// Adds a ticket, and puts mails into the outbox in the same transaction. Returns `false`, and
    /// neither keeps nor counts anything, if the bound is reached.
    async fn add_ticket(
        &self,
        ticket: Ticket,
        bound: &TicketBound,
        mails: Vec<OutboxMail>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// The ticket with this hash and purpose, unless it has expired. It is not used up: programs
    /// that check mails open their links, too.
    async fn ticket(
        &self,
        hash: TokenHash,
        purpose: TicketPurpose,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError>;
    /// Uses a ticket up. Of any number of calls at the same time one gets it.
    async fn take_ticket(
        &self,
        hash: TokenHash,
        purpose: TicketPurpose,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError>;
    /// Counts a wrong guess against a ticket, and removes the ticket with the guess that makes
    /// `most`. Returns how many guesses there were, and `most` if there is no such ticket.
    async fn ticket_failed(
        &self,
        hash: TokenHash,
        purpose: TicketPurpose,
        most: u32,
        now: Timestamp,
    ) -> Result<u32, StoreError>;
    /// Uses a ticket up, changes its user, and puts mails into the outbox, in one transaction: a
    /// ticket is not used in vain, and what it allows happens once.
    ///
    /// A user who is added by an invitation becomes a member of those of its groups that are there.
    ///
    /// What ends or is removed with the change may be more than one transaction should hold. Then
    /// it ends in pages before, as for [`Users`](crate::store::Users).
    async fn redeem_ticket(
        &self,
        hash: TokenHash,
        purpose: TicketPurpose,
        change: UserChange,
        mails: Vec<OutboxMail>,
        now: Timestamp,
    ) -> Result<TicketRedemption, StoreError>;
    /// At most `limit` tickets of this purpose that have not expired, the next to expire first,
    /// from the one after the cursor on.
    async fn tickets(
        &self,
        purpose: TicketPurpose,
        after: Option<&TicketCursor>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Ticket>, StoreError>;
    /// At most `limit` tickets of this purpose that have not expired and are about what begins so,
    /// in the order of what they are about, from the one after the cursor on.
    async fn tickets_about(
        &self,
        purpose: TicketPurpose,
        prefix: &str,
        after: Option<&AboutCursor>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Ticket>, StoreError>;
    /// Removes the tickets of this purpose that are about this, and returns how many.
    async fn remove_tickets_about(
        &self,
        purpose: TicketPurpose,
        about: &str,
    ) -> Result<u64, StoreError>;
    /// Removes a user's tickets of these purposes.
    async fn remove_tickets_of(
        &self,
        sub: &Sub,
        purposes: &[TicketPurpose],
    ) -> Result<(), StoreError>;
}
