//! A new password in place of a forgotten one.

use doorward_protocol::{ids::Sub, secret::Secret};
use serde_json::Map;

use super::{ATTEMPTS, AccountError, Accounts, AskedIn, Asker, Link, with_link};
use crate::{
    audit,
    model::{
        account_event::AccountEventKind,
        email::EmailAddress,
        outbox::MailKind,
        password_rules::AboutUser,
        paths,
        ticket::{Ticket, TicketPurpose},
        token_handle::{TokenHandle, draw_id},
        user::{User, normalized_username},
    },
    store::{StoreError, TicketRedemption, UserChange},
};

const PURPOSE: TicketPurpose = TicketPurpose::ResetPassword;
/// Where the user wanted to go, in the data of a ticket.
const RETURN_URL: &str = "return_url";

/// A link to set another password that works.
#[derive(Debug)]
pub struct ResetLink {
    /// The user name, for password managers.
    pub username: String,
    /// Where the user wanted to go. It comes from a request: parse it.
    pub return_url: Option<String>,
    /// The browser in which it was asked for.
    pub asked_in: Option<AskedIn>,
    /// Whose password is set.
    pub sub: Sub,
}

impl ResetLink {
    fn of(ticket: &Ticket, user: User) -> Self {
        Self {
            username: user.username,
            return_url: ticket.text(RETURN_URL).map(str::to_owned),
            asked_in: AskedIn::of(ticket),
            sub: user.sub,
        }
    }
}

impl Accounts<'_> {
    /// Sends a link to the owner of an account, who is named by user name or e-mail address.
    /// Whether there is one is not told, and makes no difference to what the store does: for
    /// nobody, a ticket is stored whose handle nobody gets, and a mail that has expired already.
    pub(crate) async fn forgot_password(
        &self,
        typed: &str,
        return_url: Option<String>,
        asker: Asker<'_>,
    ) -> Result<(), AccountError> {
        self.admit(asker).await?;
        let found = self.owner(typed).await?;
        let lifetime = self.settings.reset_link_lifetime;
        let (user, to) = match &found {
            Some((user, to)) => (Some(user), Some(to)),
            None => (None, None),
        };
        let nobody = EmailAddress::nobody();
        let shown = to.unwrap_or(&nobody);
        let mail_lifetime = if user.is_some() { lifetime } else { 0 };
        let mail = self.mail(shown, MailKind::ResetPassword, user, asker, mail_lifetime);
        let mut data = Map::new();
        data.extend(return_url.map(|url| (RETURN_URL.to_owned(), url.into())));
        let link = Link {
            purpose: PURPOSE,
            path: paths::RESET_PASSWORD,
            sub: user.map(|user| &user.sub),
            // One account counts as one, however it is named.
            about: user
                .map_or_else(|| normalized_username(typed), |user| format!("sub {}", user.sub)),
            mailbox: to.map_or_else(|| normalized_username(typed), EmailAddress::mailbox),
            data,
            lifetime,
        };
        self.send_link(link, asker, |link| with_link(mail, link, lifetime)).await?;
        let sub = user.map(|user| &user.sub);
        audit::Event::PasswordResetAskedFor { sub, peer: asker.address }.log();
        Ok(())
    }

    /// The enabled user who is named, with the address that is known to be theirs. Who is in a
    /// directory has no password of ours.
    async fn owner(&self, typed: &str) -> Result<Option<(User, EmailAddress)>, StoreError> {
        let user = match EmailAddress::parse(typed) {
            Ok(address) => self.users.user_by_email(&address.normalized()).await?,
            Err(_) => self.users.user_by_username(&normalized_username(typed)).await?,
        };
        let looked_at = user.as_ref().map(|user| user.sub.clone());
        let looked_at = looked_at.unwrap_or_else(|| draw_id(self.entropy));
        let is_elsewhere = self.directories.has(&looked_at).await?;
        Ok(user
            .filter(|user| !is_elsewhere && user.enabled && user.verified_email().is_some())
            .and_then(|user| user.email().map(|address| (user, address))))
    }

    /// Looks at a link without using it up.
    pub(crate) async fn reset_link(&self, handle: &TokenHandle) -> Result<ResetLink, AccountError> {
        let (ticket, user) = self.reset_ticket(handle).await?;
        Ok(ResetLink::of(&ticket, user))
    }

    async fn reset_ticket(&self, handle: &TokenHandle) -> Result<(Ticket, User), AccountError> {
        let ticket = self.tickets.ticket(handle.hash(), PURPOSE, self.clock.now()).await?;
        let ticket = ticket.ok_or(AccountError::NoLink)?;
        let sub = ticket.sub.as_ref().ok_or(AccountError::NoLink)?;
        let user = self.users.user(sub).await?.filter(|user| user.enabled);
        Ok((ticket, user.ok_or(AccountError::NoLink)?))
    }

    /// Sets another password by a link, which is used up by it. All sessions and grants of the user
    /// end, and the user is told by mail. Nobody is signed in by it: the user signs in afterwards,
    /// with whatever else that needs.
    pub(crate) async fn reset_password(
        &self,
        handle: &TokenHandle,
        password: Secret,
        asker: Asker<'_>,
    ) -> Result<ResetLink, AccountError> {
        let (ticket, before) = self.reset_ticket(handle).await?;
        self.count_try(handle, PURPOSE).await?;
        let about = AboutUser::of(&before, self.service());
        let hash = self.new_passwords.hash(password, about, self.passwords).await?;
        let mut before = before;
        for _ in 0..ATTEMPTS {
            let user = User { password_hash: Some(hash.clone()), ..before.clone() };
            let told = self.notice(&user, MailKind::PasswordChanged, asker);
            let told = told.map(|mail| self.sealed(mail)).transpose()?;
            let change = UserChange::Replace { user, before: before.clone() };
            let mails = told.into_iter().collect();
            let now = self.clock.now();
            let redeemed =
                self.tickets.redeem_ticket(handle.hash(), PURPOSE, change, mails, now).await?;
            match redeemed {
                TicketRedemption::Done => {
                    self.mail_queued.notify_waiters();
                    self.logout_queued.notify_waiters();
                    let sub = &before.sub;
                    audit::Event::PasswordReset { sub, peer: asker.address }.log();
                    self.note(sub, AccountEventKind::PasswordReset, asker, None).await;
                    return Ok(ResetLink::of(&ticket, before));
                }
                TicketRedemption::UserChanged => before = self.reset_ticket(handle).await?.1,
                TicketRedemption::NoTicket
                | TicketRedemption::NameTaken
                | TicketRedemption::EmailTaken => return Err(AccountError::NoLink),
            }
        }
        Err(StoreError::Unavailable("the user was changed again and again".to_owned()).into())
    }
}
