//! Confirmation of an address: the user's own, or one that is to replace it.

use doorward_protocol::ids::Sub;
use serde_json::Map;

use super::{ATTEMPTS, AccountError, Accounts, Asker, HOUR, Link, registration::EMAIL, with_link};
use crate::{
    audit,
    model::{
        account_event::AccountEventKind,
        email::EmailAddress,
        outbox::{MailKind, NOTICE_LIFETIME},
        paths,
        throttle::ThrottleKey,
        ticket::{Ticket, TicketPurpose},
        token_handle::TokenHandle,
        user::User,
    },
    store::{StoreError, TicketRedemption, UserChange},
};

/// The purposes of links that confirm an address of a user.
const PURPOSES: [TicketPurpose; 2] = [TicketPurpose::VerifyEmail, TicketPurpose::ChangeEmail];

/// An address that waits for its confirmation.
#[derive(Debug)]
pub struct PendingAddress {
    /// The address.
    pub email: EmailAddress,
    /// The user whose address it will be, and who must be signed in: the link alone shows that the
    /// address works, not whose account it should belong to.
    pub sub: Sub,
    /// That user's name.
    pub username: String,
    /// Whether the user has no password, neither here nor in a directory.
    pub lacks_password: bool,
}

impl Accounts<'_> {
    /// Sends a link to an address that a signed-in user says is theirs. Once it is confirmed, it
    /// replaces the one before. If another user has it, the mail says so, and the user who asks
    /// learns nothing: what counts and when there are too many does not depend on it. The user is
    /// told if nothing was sent.
    pub async fn confirm_address(
        &self,
        user: &User,
        address: &EmailAddress,
        asker: Asker<'_>,
    ) -> Result<(), AccountError> {
        self.admit(asker, Some(&user.sub)).await?;
        let is_own = user.email().is_some_and(|own| own.normalized() == address.normalized());
        let owner = self.users.user_by_email(&address.normalized()).await?;
        let is_foreign = owner.as_ref().is_some_and(|owner| owner.sub != user.sub);
        let (purpose, kind) = if is_own {
            (TicketPurpose::VerifyEmail, MailKind::VerifyEmail)
        } else {
            (TicketPurpose::ChangeEmail, MailKind::ChangeEmail)
        };
        let kind = if is_foreign { MailKind::AccountExists } else { kind };
        let mailbox = address.mailbox();
        let lifetime = self.settings.registration_link_lifetime;
        let about = if is_foreign { owner.as_ref() } else { Some(user) };
        let mail = self.mail(address, kind, about, asker, lifetime);
        let link = Link {
            purpose,
            path: paths::VERIFY_EMAIL,
            sub: Some(&user.sub),
            about: format!("sub {} {mailbox}", user.sub),
            counted: Some(self.of_mailbox(ThrottleKey::confirmations_to(&mailbox))),
            data: Map::from_iter([(EMAIL.to_owned(), address.as_str().into())]),
            lifetime,
        };
        let sign_in = format!("{}{}", self.issuer, paths::LOGIN);
        let link_or_sign_in = |link| if is_foreign { sign_in } else { link };
        let sent = self
            .send_link(link, asker, |link| with_link(mail, link_or_sign_in(link), lifetime))
            .await?;
        // Links on their way expire by then, and those to the mailbox are forgotten.
        if sent { Ok(()) } else { Err(AccountError::Throttled(lifetime.max(HOUR.get()))) }
    }

    /// Looks at a link without using it up.
    pub async fn pending_address(
        &self,
        handle: &TokenHandle,
    ) -> Result<PendingAddress, AccountError> {
        let (_, user, email) = self.address_ticket(handle).await?;
        Ok(self.pending(user, email).await?)
    }

    async fn pending(&self, user: User, email: EmailAddress) -> Result<PendingAddress, StoreError> {
        let lacks_password =
            user.password_hash.is_none() && !self.directories.has(&user.sub).await?;
        let User { sub, username, .. } = user;
        Ok(PendingAddress { email, sub, username, lacks_password })
    }

    async fn address_ticket(
        &self,
        handle: &TokenHandle,
    ) -> Result<(Ticket, User, EmailAddress), AccountError> {
        let now = self.clock.now();
        for purpose in PURPOSES {
            let Some(ticket) = self.tickets.ticket(handle.hash(), purpose, now).await? else {
                continue;
            };
            let email = ticket.text(EMAIL).and_then(|typed| EmailAddress::parse(typed).ok());
            let user = match &ticket.sub {
                Some(sub) => self.users.user(sub).await?.filter(|user| user.enabled),
                None => None,
            };
            // An address is verified only while it is still the user's.
            let is_current = |(user, email): &(User, EmailAddress)| {
                purpose == TicketPurpose::ChangeEmail
                    || user.email().is_some_and(|own| own.normalized() == email.normalized())
            };
            if let Some((user, email)) = user.zip(email).filter(is_current) {
                return Ok((ticket, user, email));
            }
        }
        Err(AccountError::NoLink)
    }

    /// Takes an address over by a link, which is used up by it. The address before is told.
    pub async fn take_address(
        &self,
        handle: &TokenHandle,
        asker: Asker<'_>,
    ) -> Result<PendingAddress, AccountError> {
        for _ in 0..ATTEMPTS {
            let (ticket, before, email) = self.address_ticket(handle).await?;
            let mut user = before.clone();
            user.claims_mut().insert("email".to_owned(), email.as_str().into());
            user.claims_mut().insert("email_verified".to_owned(), true.into());
            // One that nobody has confirmed may be a stranger's.
            let told = before.verified_email().and_then(|_| before.email());
            let told = told.filter(|own| own.normalized() != email.normalized());
            let told = told.map(|own| {
                let kind = MailKind::EmailChanged;
                let mut mail = self.mail(&own, kind, Some(&before), asker, NOTICE_LIFETIME);
                mail.data.insert("new_email".to_owned(), email.as_str().into());
                self.sealed(mail)
            });
            let pending = self.pending(before.clone(), email.clone()).await?;
            let (change, now) = (UserChange::Replace { user, before }, self.clock.now());
            let mails = told.transpose()?.into_iter().collect();
            let redeemed =
                self.tickets.redeem_ticket(ticket.hash, ticket.purpose, change, mails, now).await?;
            match redeemed {
                TicketRedemption::Done => {
                    self.mail_queued.notify_waiters();
                    let sub = &pending.sub;
                    audit::Event::EmailConfirmed { sub, peer: asker.address }.log();
                    let detail = Some(email.as_str().to_owned());
                    self.note(sub, AccountEventKind::EmailChanged, asker, detail).await;
                    return Ok(pending);
                }
                TicketRedemption::UserChanged => {}
                TicketRedemption::NoTicket
                | TicketRedemption::NameTaken
                | TicketRedemption::EmailTaken => return Err(AccountError::NoLink),
            }
        }
        Err(StoreError::Unavailable("the user was changed again and again".to_owned()).into())
    }
}
