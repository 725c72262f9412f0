//! Invitations: an operator arranges an account, and the invited person fills in the rest.

use doorward_protocol::params::encode;
use serde_json::{Map, Value};

use super::{registration, valid_for};
use crate::{
    keys::{MasterKey, waiting_mail},
    model::{
        email::EmailAddress,
        group::{GroupName, MOST_PER_USER},
        outbox::{MailKind, OutboxMail},
        paths,
        ticket::{GROUPS, Ticket, TicketBound, TicketPurpose},
        time::{Clock, Entropy},
        token_handle::{TokenHandle, random_id},
    },
    store::{Groups, StoreError, Tickets, Users},
};

/// How many invitations of one address may wait.
const MOST: u32 = 10;

/// Seconds for which the mail is tried to be sent at most: a day.
const LONGEST_IN_OUTBOX: u32 = 86_400;

/// Whom an operator invites.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// The address that the account will have.
    pub email: EmailAddress,
    /// The full name, if it is known.
    pub name: Option<String>,
    /// Claims that the account will have, as `role`.
    pub claims: Map<String, Value>,
    /// Groups whose member the user will be.
    pub groups: Vec<GroupName>,
    /// How long the invitation works, in seconds.
    pub lifetime: u32,
    /// The language of the mail; `None`: no mail, the operator passes the link on.
    pub language: Option<String>,
}

/// Why nobody was invited.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// There is no group of this name.
    #[error("there is no group {0:?}: add it first")]
    NoGroup(String),
    /// There are more groups than a user may be in.
    #[error("a user is in at most {MOST_PER_USER} groups")]
    TooManyGroups,
    /// The address has an account.
    #[error("a user has this address already")]
    Known,
    /// Too many invitations of the address wait.
    #[error("{MOST} invitations of this address wait already: wait until they expire")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Invites people: what it reads and changes.
#[allow(missing_docs)]
#[derive(Clone, Copy)]
pub struct Invitations<'a> {
    pub users: &'a dyn Users,
    pub tickets: &'a dyn Tickets,
    pub groups: &'a dyn Groups,
    /// Encrypts the mails that wait.
    pub master: &'a MasterKey,
    pub issuer: &'a str,
    pub clock: &'a dyn Clock,
    pub entropy: &'a dyn Entropy,
}

impl Invitations<'_> {
    /// Stores an invitation and queues its mail. Returns the link.
    pub async fn invite(&self, invitation: Invitation) -> Result<String, InviteError> {
        let Self { users, tickets, groups: known, master, issuer, clock, entropy } = *self;
        let Invitation { email, name, claims, groups, lifetime, language } = invitation;
        if groups.len() > MOST_PER_USER as usize {
            return Err(InviteError::TooManyGroups);
        }
        for group in &groups {
            if known.group(group).await?.is_none() {
                return Err(InviteError::NoGroup(group.to_string()));
            }
        }
        if users.user_by_email(&email.normalized()).await?.is_some() {
            return Err(InviteError::Known);
        }
        let (handle, now) = (TokenHandle::generate(entropy), clock.now());
        let link =
            format!("{issuer}{}?{}", paths::INVITATION, encode([("token", handle.expose())]));
        let mut data = Map::from_iter([
            (registration::EMAIL.to_owned(), email.as_str().into()),
            (registration::CLAIMS.to_owned(), Value::Object(claims)),
        ]);
        data.extend(name.clone().map(|name| (registration::NAME.to_owned(), name.into())));
        if !groups.is_empty() {
            let names = groups.iter().map(|name| Value::from(name.as_str()));
            data.insert(GROUPS.to_owned(), names.collect());
        }
        let mail = language.map(|language| {
            let valid_for = valid_for(lifetime, &language);
            let mut data = Map::from_iter([
                ("link".to_owned(), link.as_str().into()),
                ("valid_for".to_owned(), valid_for.into()),
            ]);
            data.extend(name.map(|name| ("name".to_owned(), name.into())));
            OutboxMail {
                id: random_id(entropy),
                to: email.as_str().to_owned(),
                kind: MailKind::Invitation,
                language,
                data,
                sub: None,
                client_id: None,
                created_at: now,
                // The link lives longer, but it must not lie in the outbox for as long.
                expires_at: now.plus(lifetime.min(LONGEST_IN_OUTBOX)),
            }
        });
        let mail = mail.map(|mail| waiting_mail::seal(master, mail)).transpose();
        let mail =
            mail.map_err(|_| StoreError::Unavailable("a mail can't be encrypted".to_owned()))?;
        let ticket = Ticket {
            hash: handle.hash(),
            purpose: TicketPurpose::Invitation,
            sub: None,
            about: Some(email.normalized()),
            data,
            expires_at: now.plus(lifetime),
        };
        let (bound, mails) = (TicketBound::at_once(MOST), mail.into_iter().collect());
        let added = tickets.add_ticket(ticket, &bound, mails, now).await?;
        if added { Ok(link) } else { Err(InviteError::TooMany) }
    }
}
