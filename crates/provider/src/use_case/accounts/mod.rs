//! What users do with their accounts by themselves: set a new password in place of a forgotten one,
//! register, follow an invitation, confirm an address.
//!
//! Each begins with a mail and ends with the link in it. A link carries a ticket: 256 bits, of
//! which the store has the hash, for one purpose, for minutes, once. A stranger who begins
//! something with an address learns nothing: the answer is the same, and the store does the same
//! work, whether somebody has the address or not. Only the mail tells, and it goes to the owner.

mod invitation;
mod own_account;
mod password_reset;
mod registration;
mod verification;

use doorward_protocol::{
    ids::{ClientId, Sub},
    params::encode,
};
use serde_json::{Map, Value};
use tokio::sync::Notify;

pub(crate) use self::own_account::Told;
pub use self::{
    invitation::{Invitation, Invitations, InviteError},
    password_reset::{ResetLink, SendLinkError},
    registration::{PendingRegistration, RegistrationForm, RegistrationLink},
    verification::PendingAddress,
};
use crate::{
    keys::{KeyRing, waiting_mail},
    model::{
        account_settings::AccountSettings,
        device_cookie::DeviceCookies,
        email::EmailAddress,
        outbox::{MailKind, OutboxMail},
        password_rules::PasswordProblem,
        throttle::{self, ThrottleKey, ThrottlePolicy},
        ticket::{Ticket, TicketBound, TicketPurpose},
        time::{Clock, Entropy, Seconds},
        token_handle::{TokenHandle, random_id},
        user::User,
    },
    store::{AccountEvents, FailedSignIns, StoreError, Tickets, Users},
    use_case::{
        directory::DirectoryStates,
        new_password::{NewPasswordError, NewPasswords},
        password_verifier::{Busy, PasswordVerifier},
    },
};

/// The longest wait of somebody who asks for more links than one address may.
const LONGEST_WAIT: Seconds = Seconds::new(300);
/// An hour.
const HOUR: Seconds = Seconds::new(3600);
/// How many forms may be sent for one link. Each is work, whether or not it is taken.
const MOST_TRIES: u32 = 100;
/// The longest address to return to that a ticket keeps, in bytes.
pub const LONGEST_RETURN_URL: usize = 4096;
/// How often a change is tried when others change the same user.
const ATTEMPTS: u32 = 5;

/// Why something about an account was not done.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// What was typed is not an e-mail address.
    #[error("this is not an e-mail address")]
    NotAnAddress,
    /// Addresses of this domain may not register.
    #[error("addresses of this domain may not register")]
    ForeignDomain,
    /// Too many links were asked for. The next one is sent after this many seconds.
    #[error("too many links were asked for: try again in {0} seconds")]
    Throttled(u32),
    /// The link was used, has expired, or never was one.
    #[error("the link is unknown, was used, or has expired")]
    NoLink,
    /// The user name can't be one.
    #[error("a user name has 1 to 255 bytes without control characters and without @")]
    UnusableName,
    /// Another user has the user name.
    #[error("another user has this user name")]
    NameTaken,
    /// The password does not comply with the rules.
    #[error(transparent)]
    Password(#[from] PasswordProblem),
    /// More passwords wait to be hashed than the machine can.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NewPasswordError> for AccountError {
    fn from(error: NewPasswordError) -> Self {
        match error {
            NewPasswordError::Problem(problem) => Self::Password(problem),
            NewPasswordError::Busy(busy) => Self::Busy(busy),
        }
    }
}

/// Who asks for something, and from where.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// The network address.
    pub address: &'a str,
    /// The browser, as `Firefox, Linux`.
    pub browser: Option<&'a str>,
    /// The language of the page. Mails to a user whose language is not known are written in it.
    pub language: &'a str,
    /// What the browser is known by, if it is: a link that it asks for is best opened in it.
    pub mark: Option<&'a str>,
    /// The client that waits for the sign-in, if its pages have a look of their own. Mails have it,
    /// too.
    pub client_id: Option<&'a ClientId>,
}

/// What users do with their accounts: what it reads and changes.
#[derive(Clone, Copy)]
pub struct Accounts<'a> {
    pub(crate) users: &'a dyn Users,
    pub(crate) tickets: &'a dyn Tickets,
    pub(crate) events: &'a dyn AccountEvents,
    pub(crate) failures: &'a dyn FailedSignIns,
    pub(crate) devices: &'a DeviceCookies,
    pub(crate) settings: &'a AccountSettings,
    /// Encrypts the mails that wait.
    pub(crate) keys: &'a KeyRing,
    pub(crate) issuer: &'a str,
    pub(crate) new_passwords: &'a NewPasswords,
    pub(crate) passwords: &'a PasswordVerifier,
    pub(crate) directories: DirectoryStates<'a>,
    /// Notified when a mail was queued.
    pub(crate) mail_queued: &'a Notify,
    /// Notified when sessions ended.
    pub(crate) logout_queued: &'a Notify,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) entropy: &'a dyn Entropy,
}

/// The browser in which a link was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedIn {
    /// What it is known by.
    pub mark: String,
    /// As `Firefox, Linux`, if that is known.
    pub browser: Option<String>,
}

impl AskedIn {
    const MARK: &'static str = "asked_in";
    const BROWSER: &'static str = "asked_in_browser";

    /// What a ticket says of it.
    fn of(ticket: &Ticket) -> Option<Self> {
        let mark = ticket.text(Self::MARK)?.to_owned();
        Some(Self { mark, browser: ticket.text(Self::BROWSER).map(str::to_owned) })
    }

    fn data(asker: Asker<'_>) -> impl Iterator<Item = (String, Value)> {
        let pairs = [(Self::MARK, asker.mark), (Self::BROWSER, asker.mark.and(asker.browser))];
        pairs.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into())))
    }
}

/// A link to be mailed: a ticket and the mail with it.
struct Link<'a> {
    purpose: TicketPurpose,
    /// The page that it leads to.
    path: &'a str,
    sub: Option<&'a Sub>,
    about: String,
    /// What it counts for if it is sent.
    counted: Option<(ThrottleKey, ThrottlePolicy)>,
    data: Map<String, Value>,
    lifetime: u32,
}

impl Accounts<'_> {
    /// Counts a request for a link against the address that it came from, and against all that are
    /// asked for in this hour: nobody makes this provider flood a mail server. Half of the hour's
    /// are kept for those who are known as a user, by a session or by the cookie of their browser:
    /// strangers with many addresses do not use them up. A user is counted, too, wherever the
    /// requests come from.
    async fn admit(&self, asker: Asker<'_>, known: Option<&Sub>) -> Result<(), AccountError> {
        let now = self.clock.now();
        let in_hour = |most| ThrottlePolicy::wall(most, HOUR);
        let most = self.settings.most_links_per_hour;
        let mut limits = throttle::of_links_from(asker.address, self.links_of_one());
        limits.push((ThrottleKey::links_in_hour(now), in_hour(most)));
        limits.push(match known {
            Some(sub) => (ThrottleKey::links_for(sub), self.links_of_one()),
            None => (ThrottleKey::links_of_strangers_in_hour(now), in_hour(most.div_ceil(2))),
        });
        self.admit_by(&limits).await
    }

    /// How many links one address, user or administrator asks for before it must wait.
    fn links_of_one(&self) -> ThrottlePolicy {
        ThrottlePolicy::doubling(self.settings.most_links_per_address, LONGEST_WAIT)
    }

    async fn admit_by(&self, limits: &[(ThrottleKey, ThrottlePolicy)]) -> Result<(), AccountError> {
        match self.failures.admit_sign_in(limits, self.clock.now()).await? {
            0 => Ok(()),
            seconds => Err(AccountError::Throttled(seconds)),
        }
    }

    /// What a link counts for that goes to this mailbox, however its address is written. Whoever
    /// asks without being signed in is not told when there are too many: somebody else may have
    /// asked.
    fn of_mailbox(&self, key: ThrottleKey) -> (ThrottleKey, ThrottlePolicy) {
        (key, ThrottlePolicy::wall(self.settings.most_links_per_mailbox, HOUR))
    }

    /// Counts a form that was sent for a link, before any work is done for it.
    async fn count_try(
        &self,
        handle: &TokenHandle,
        purpose: TicketPurpose,
    ) -> Result<(), AccountError> {
        let now = self.clock.now();
        let tries = self.tickets.ticket_failed(handle.hash(), purpose, MOST_TRIES, now).await?;
        if tries < MOST_TRIES { Ok(()) } else { Err(AccountError::NoLink) }
    }

    /// Stores a ticket and queues the mail with its link, unless as many are on their way to the
    /// same address as may be, or as many went to the mailbox: `false` then, and nothing counts.
    /// Whoever asked without being known is told the same in both cases.
    async fn send_link(
        &self,
        link: Link<'_>,
        asker: Asker<'_>,
        mail: impl FnOnce(String) -> OutboxMail,
    ) -> Result<bool, StoreError> {
        let (handle, now) = (TokenHandle::generate(self.entropy), self.clock.now());
        let query = encode([("token", handle.expose())]);
        let mail = mail(format!("{}{}?{query}", self.issuer, link.path));
        let ticket = Ticket {
            hash: handle.hash(),
            purpose: link.purpose,
            sub: link.sub.cloned(),
            about: Some(link.about),
            data: link.data.into_iter().chain(AskedIn::data(asker)).collect(),
            expires_at: now.plus(link.lifetime),
        };
        let bound =
            TicketBound { most: self.settings.most_links_per_account, counted: link.counted };
        let sent = self.tickets.add_ticket(ticket, &bound, vec![self.sealed(mail)?], now).await?;
        self.mail_queued.notify_waiters();
        Ok(sent)
    }

    /// A mail of this kind. `lifetime` is in seconds.
    pub(crate) fn mail(
        &self,
        to: &EmailAddress,
        kind: MailKind,
        user: Option<&User>,
        asker: Asker<'_>,
        lifetime: u32,
    ) -> OutboxMail {
        let now = self.clock.now();
        let mut data = Map::new();
        let name = user.and_then(|user| user.claims.0.get("name")?.as_str());
        let texts = [("name", name), ("device", asker.browser), ("address", Some(asker.address))];
        for (key, text) in texts {
            if let Some(text) = text {
                data.insert(key.to_owned(), text.into());
            }
        }
        OutboxMail {
            id: random_id(self.entropy),
            to: to.as_str().to_owned(),
            kind,
            language: language(user, asker),
            data,
            sub: user.map(|user| user.sub.clone()),
            client_id: asker.client_id.cloned(),
            created_at: now,
            expires_at: now.plus(lifetime),
        }
    }

    /// A mail as it waits in the outbox.
    pub(crate) fn sealed(&self, mail: OutboxMail) -> Result<OutboxMail, StoreError> {
        waiting_mail::seal(self.keys.master(), mail)
            .map_err(|_| StoreError::Unavailable("a mail can't be encrypted".to_owned()))
    }

    /// The name of the service as people know it: the host of the issuer.
    pub(crate) fn service(&self) -> &str {
        let rest = self.issuer.split_once("://").map_or(self.issuer, |(_, rest)| rest);
        rest.split(['/', ':']).next().unwrap_or(rest)
    }
}

/// The language of a mail: the user's own, if it is known.
pub(crate) fn language(user: Option<&User>, asker: Asker<'_>) -> String {
    user.and_then(User::language).unwrap_or_else(|| asker.language.to_owned())
}

/// A mail with a link, and how long the link works in words that the reader's language has.
fn with_link(mut mail: OutboxMail, link: String, lifetime: u32) -> OutboxMail {
    let valid_for = valid_for(lifetime, &mail.language);
    mail.data.insert("link".to_owned(), link.into());
    mail.data.insert("valid_for".to_owned(), valid_for.into());
    mail
}

/// A time in words: minutes up to two hours, hours up to two days, or else days.
fn valid_for(seconds: u32, language: &str) -> String {
    let (number, unit) = match seconds {
        0..7_200 => (seconds.div_ceil(60), 0),
        7_200..172_800 => (seconds / 3_600, 1),
        _ => (seconds / 86_400, 2),
    };
    let (one, many) = match language {
        "de" => (["Minute", "Stunde", "Tag"], ["Minuten", "Stunden", "Tage"]),
        _ => (["minute", "hour", "day"], ["minutes", "hours", "days"]),
    };
    let word = if number == 1 { one[unit] } else { many[unit] };
    format!("{number} {word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_words() {
        assert_eq!(valid_for(60, "en"), "1 minute");
        assert_eq!(valid_for(900, "en"), "15 minutes");
        assert_eq!(valid_for(3600, "de"), "60 Minuten");
        assert_eq!(valid_for(7200, "de"), "2 Stunden");
        assert_eq!(valid_for(604_800, "en"), "7 days");
        assert_eq!(valid_for(604_800, "fr"), "7 days");
    }
}
