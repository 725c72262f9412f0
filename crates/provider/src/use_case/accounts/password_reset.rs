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
        password::PasswordHash,
        password_rules::AboutUser,
        paths,
        throttle::{ThrottleKey, ThrottlePolicy},
        ticket::{Ticket, TicketPurpose},
        token_handle::{TokenHandle, draw_id},
        user::{User, normalized_username},
    },
    store::{StoreError, TicketRedemption, UserChange},
    use_case::new_password::NewPasswordError,
};

const PURPOSE: TicketPurpose = TicketPurpose::ResetPassword;
/// Where the user wanted to go, in the data of a ticket.
const RETURN_URL: &str = "return_url";

/// Why an administrator's link to set another password was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendLinkError {
    /// There is nobody to send it to.
    #[error("the user has no e-mail address that is known to be theirs, or may not sign in")]
    NoAddress,
    /// The password is a directory's.
    #[error("the user's password is in a directory: change it there")]
    InDirectory,
    /// The administrator has sent too many. The next one is sent after this many seconds.
    #[error("you have sent many links: try again in {0} seconds")]
    Throttled(u32),
    /// As many as may be are on their way. The next one is sent after this many seconds at most.
    #[error("links are on their way to the user already: try again in {0} seconds")]
    OnTheirWay(u32),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a link to set another password is sent for.
struct Reset<'a> {
    /// The owner of the account, and the address that is known to be theirs.
    owner: Option<(&'a User, &'a EmailAddress)>,
    /// One account counts as one, however it is named.
    about: String,
    counted: Option<(ThrottleKey, ThrottlePolicy)>,
    return_url: Option<String>,
}

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
    ///
    /// The owner is known by the cookie of a browser that has signed the account in. What strangers
    /// ask for does not keep a link from them: it is counted by itself, whether it is on its way or
    /// was mailed before.
    pub async fn forgot_password(
        &self,
        typed: &str,
        return_url: Option<String>,
        device: Option<&TokenHandle>,
        asker: Asker<'_>,
    ) -> Result<(), AccountError> {
        let found = self.owner(typed).await?;
        let owner = found.as_ref().map(|(user, to)| (user, to));
        let known = owner.zip(device).and_then(|((user, _), cookie)| {
            self.devices.recognise(cookie, user).map(|_| &user.sub)
        });
        self.admit(asker, known).await?;
        let typed = normalized_username(typed);
        let (mailbox, about) = match (owner, known) {
            (Some(_), Some(sub)) => {
                (ThrottleKey::links_to_owner(sub), format!("sub {sub} in a known browser"))
            }
            (Some((user, to)), None) => {
                (ThrottleKey::links_to(&to.mailbox()), format!("sub {}", user.sub))
            }
            // Whatever is typed that nobody has, it is about no account.
            (None, _) => (ThrottleKey::links_to_nobody(&typed), format!("nobody {typed}")),
        };
        let counted = Some(self.of_mailbox(mailbox));
        let sent = self.send_reset_link(Reset { owner, about, counted, return_url }, asker).await?;
        let sub = owner.filter(|_| sent).map(|(user, _)| &user.sub);
        audit::Event::PasswordResetAskedFor { sub, peer: asker.address }.log();
        Ok(())
    }

    /// Sends a link to this user because an administrator says so, whose name is the address of
    /// `asker`. It is counted for the administrator, and what strangers ask for keeps none from
    /// being sent. If this succeeds, the mail is queued. What the administrator did is for the
    /// caller to record: nobody asked for the link as a stranger does.
    pub async fn send_reset_link_for_administrator(
        &self,
        user: &User,
        asker: Asker<'_>,
    ) -> Result<EmailAddress, SendLinkError> {
        let to = user.email().filter(|_| user.enabled && user.verified_email().is_some());
        let to = to.ok_or(SendLinkError::NoAddress)?;
        if self.directories.has(&user.sub).await? {
            return Err(SendLinkError::InDirectory);
        }
        let limits = [(ThrottleKey::links_by_administrator(asker.address), self.links_of_one())];
        match self.failures.admit_sign_in(&limits, self.clock.now()).await? {
            0 => {}
            seconds => return Err(SendLinkError::Throttled(seconds)),
        }
        let reset = Reset {
            owner: Some((user, &to)),
            about: format!("sub {} for an administrator", user.sub),
            counted: None,
            return_url: None,
        };
        if !self.send_reset_link(reset, asker).await? {
            return Err(SendLinkError::OnTheirWay(self.settings.reset_link_lifetime));
        }
        Ok(to)
    }

    /// Whether it was sent.
    async fn send_reset_link(
        &self,
        reset: Reset<'_>,
        asker: Asker<'_>,
    ) -> Result<bool, StoreError> {
        let Reset { owner, about, counted, return_url } = reset;
        let lifetime = self.settings.reset_link_lifetime;
        let (user, to) = owner.unzip();
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
            about,
            counted,
            data,
            lifetime,
        };
        self.send_link(link, asker, |link| with_link(mail, link, lifetime)).await
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

    /// Checks a password that an administrator sets, and hashes it. The user may be one who is
    /// about to be added.
    pub async fn hash_new_password(
        &self,
        password: Secret,
        user: &User,
    ) -> Result<PasswordHash, NewPasswordError> {
        let about = AboutUser::of(user, self.service());
        self.new_passwords.hash(password, about, self.passwords).await
    }

    /// The device cookie for a browser in which this user has just set a password by a link; `None`
    /// if the user was removed. With it, guesses that others make do not delay the sign-in here.
    pub async fn device_cookie(&self, sub: &Sub) -> Result<Option<TokenHandle>, StoreError> {
        let user = self.users.user(sub).await?;
        Ok(user.map(|user| self.devices.issue_by_link(&user, self.entropy)))
    }

    /// Looks at a link without using it up.
    pub async fn reset_link(&self, handle: &TokenHandle) -> Result<ResetLink, AccountError> {
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
    pub async fn reset_password(
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
