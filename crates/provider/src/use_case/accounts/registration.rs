//! Registration by an address: the link shows that the address is the user's, and the page behind
//! it asks for the rest. Until then nothing of the user is stored but the ticket.

use std::sync::Arc;

use doorward_protocol::secret::Secret;
use serde_json::{Map, Value};

use super::{AccountError, Accounts, AskedIn, Asker, Link, with_link};
use crate::{
    audit,
    model::{
        account_event::AccountEventKind,
        email::{EmailAddress, normalized_email},
        outbox::MailKind,
        password_rules::AboutUser,
        paths,
        throttle::ThrottleKey,
        ticket::{Ticket, TicketPurpose},
        time::Entropy,
        token_handle::{TokenHandle, draw_id},
        user::{User, normalized_username},
        username,
    },
    store::{StoreError, TicketRedemption, UserChange},
};

/// In the data of a ticket: the address.
pub(super) const EMAIL: &str = "email";
/// In the data of a ticket: the full name, if an operator gave it.
pub(super) const NAME: &str = "name";
/// In the data of a ticket: claims that an operator gave.
pub(super) const CLAIMS: &str = "claims";
/// In the data of a ticket: where the user wanted to go.
pub(super) const RETURN_URL: &str = "return_url";
/// The longest name in characters.
const LONGEST_NAME: usize = 200;

/// How somebody came to the page that asks for the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationLink {
    /// They registered by their address.
    Own,
    /// An operator invited them.
    Invitation,
}

impl RegistrationLink {
    pub(super) fn purpose(self) -> TicketPurpose {
        match self {
            Self::Own => TicketPurpose::Register,
            Self::Invitation => TicketPurpose::Invitation,
        }
    }
}

/// A registration that waits for the rest.
#[derive(Debug)]
pub struct PendingRegistration {
    /// The address, which is known to be the user's.
    pub email: EmailAddress,
    /// The name that an operator gave.
    pub name: Option<String>,
    /// Whether the user chooses a user name. If not, the address is the user name.
    pub asks_username: bool,
    /// Where the user wanted to go. It comes from a request: parse it.
    pub return_url: Option<String>,
    /// The browser in which the link was asked for; `None` for an invitation.
    pub asked_in: Option<AskedIn>,
}

/// What the user fills in.
#[derive(Debug)]
pub struct RegistrationForm {
    /// The user name, if it is asked for.
    pub username: Option<String>,
    /// The full name.
    pub name: Option<String>,
    /// The password.
    pub password: Secret,
}

impl Accounts<'_> {
    /// Sends a link to register to an address. If somebody has the address, the mail says so and
    /// its link leads to the sign-in; whoever asked is told the same, after the same work.
    pub async fn register(
        &self,
        typed: &str,
        return_url: Option<String>,
        asker: Asker<'_>,
    ) -> Result<(), AccountError> {
        let address = EmailAddress::parse(typed).map_err(|_| AccountError::NotAnAddress)?;
        if !self.settings.allows(&address) {
            return Err(AccountError::ForeignDomain);
        }
        self.admit(asker, None).await?;
        let owner = self.users.user_by_email(&address.normalized()).await?;
        let lifetime = self.settings.registration_link_lifetime;
        let kind = if owner.is_some() { MailKind::AccountExists } else { MailKind::VerifyEmail };
        let mail = self.mail(&address, kind, owner.as_ref(), asker, lifetime);
        let mut data = Map::from_iter([(EMAIL.to_owned(), address.as_str().into())]);
        data.extend(return_url.map(|url| (RETURN_URL.to_owned(), url.into())));
        let link = Link {
            purpose: TicketPurpose::Register,
            path: paths::VERIFY_EMAIL,
            sub: None,
            about: address.normalized(),
            counted: Some(self.of_mailbox(ThrottleKey::links_to(&address.mailbox()))),
            data,
            lifetime,
        };
        let sign_in = format!("{}{}", self.issuer, paths::LOGIN);
        self.send_link(link, asker, |link| {
            // Nobody gets the handle of the ticket then.
            let link = if owner.is_some() { sign_in } else { link };
            with_link(mail, link, lifetime)
        })
        .await?;
        audit::Event::RegistrationAskedFor { peer: asker.address }.log();
        Ok(())
    }

    /// Looks at a link without using it up.
    pub async fn pending_registration(
        &self,
        link: RegistrationLink,
        handle: &TokenHandle,
    ) -> Result<PendingRegistration, AccountError> {
        let ticket = self.registration_ticket(link, handle).await?;
        let typed = ticket.text(EMAIL).unwrap_or_default();
        let email = EmailAddress::parse(typed).map_err(|_| AccountError::NoLink)?;
        // The setting may have changed since the link was sent.
        if link == RegistrationLink::Own && !self.settings.allows(&email) {
            return Err(AccountError::NoLink);
        }
        Ok(PendingRegistration {
            email,
            name: ticket.text(NAME).map(str::to_owned),
            asks_username: self.settings.sign_in_with.username,
            return_url: ticket.text(RETURN_URL).map(str::to_owned),
            asked_in: AskedIn::of(&ticket),
        })
    }

    async fn registration_ticket(
        &self,
        link: RegistrationLink,
        handle: &TokenHandle,
    ) -> Result<Ticket, AccountError> {
        let is_offered = match link {
            RegistrationLink::Own => self.settings.offers_registration(),
            RegistrationLink::Invitation => self.settings.takes_invitations(),
        };
        let ticket = self.tickets.ticket(handle.hash(), link.purpose(), self.clock.now()).await?;
        ticket.filter(|_| is_offered).ok_or(AccountError::NoLink)
    }

    /// What an invitation says, without using it up: the address, the name, and the claims that an
    /// operator gave.
    pub(crate) async fn invited(
        &self,
        handle: &TokenHandle,
    ) -> Result<(EmailAddress, Option<String>, Map<String, Value>), AccountError> {
        let ticket = self.registration_ticket(RegistrationLink::Invitation, handle).await?;
        let typed = ticket.text(EMAIL).unwrap_or_default();
        let email = EmailAddress::parse(typed).map_err(|_| AccountError::NoLink)?;
        let claims = ticket.data.get(CLAIMS).and_then(Value::as_object).cloned();
        Ok((email, ticket.text(NAME).and_then(full_name), claims.unwrap_or_default()))
    }

    /// Adds the user. The link is used up by it, and works on if anything is wrong with the form.
    pub async fn finish_registration(
        &self,
        link: RegistrationLink,
        handle: &TokenHandle,
        form: RegistrationForm,
        asker: Asker<'_>,
    ) -> Result<User, AccountError> {
        let pending = self.pending_registration(link, handle).await?;
        let ticket = self.registration_ticket(link, handle).await?;
        let RegistrationForm { username, name, password } = form;
        let names = match username.filter(|_| pending.asks_username) {
            Some(typed) => vec![chosen_username(&typed, &pending.email)?],
            None if pending.asks_username => return Err(AccountError::UnusableName),
            None => names_of(&pending.email, self.entropy),
        };
        self.count_try(handle, link.purpose()).await?;
        let username = self.first_free(names).await?.ok_or(AccountError::NameTaken)?;
        let sub = draw_id(self.entropy);
        let mut user = User {
            sub,
            username,
            password_hash: None,
            enabled: true,
            claims: Arc::default(),
            groups: Arc::default(),
            mapped: Arc::default(),
        };
        let claims = user.claims_mut();
        claims.insert("email".to_owned(), pending.email.as_str().into());
        claims.insert("email_verified".to_owned(), true.into());
        let name = name.or(pending.name).as_deref().and_then(full_name);
        claims.extend(name.map(|name| ("name".to_owned(), name.into())));
        if let Some(Value::Object(given)) = ticket.data.get(CLAIMS) {
            claims.extend(given.clone());
        }
        let preferred = Value::from(user.username.as_str());
        user.claims_mut().insert("preferred_username".to_owned(), preferred);
        let about = AboutUser::of(&user, self.service());
        let hash = self.new_passwords.hash(password, about, self.passwords).await?;
        self.add(link, handle, User { password_hash: Some(hash), ..user }, asker).await
    }

    /// The first of the names that nobody has, and that looks like nobody's.
    async fn first_free(&self, names: Vec<String>) -> Result<Option<String>, StoreError> {
        'names: for username in names {
            let imitated = username::imitated(&username);
            for name in [Some(normalized_username(&username)), imitated].into_iter().flatten() {
                if self.users.user_by_username(&name).await?.is_some() {
                    continue 'names;
                }
            }
            return Ok(Some(username));
        }
        Ok(None)
    }

    async fn add(
        &self,
        link: RegistrationLink,
        handle: &TokenHandle,
        user: User,
        asker: Asker<'_>,
    ) -> Result<User, AccountError> {
        let (change, now) = (UserChange::Add(user.clone()), self.clock.now());
        let purpose = link.purpose();
        let redeemed =
            self.tickets.redeem_ticket(handle.hash(), purpose, change, Vec::new(), now).await?;
        match redeemed {
            TicketRedemption::Done => {}
            TicketRedemption::NameTaken => return Err(AccountError::NameTaken),
            TicketRedemption::NoTicket
            | TicketRedemption::UserChanged
            | TicketRedemption::EmailTaken => return Err(AccountError::NoLink),
        }
        let (sub, peer) = (&user.sub, asker.address);
        match link {
            RegistrationLink::Own => audit::Event::Registered { sub, peer },
            RegistrationLink::Invitation => audit::Event::InvitationAccepted { sub, peer },
        }
        .log();
        self.note(sub, AccountEventKind::Registered, asker, None).await;
        Ok(user)
    }
}

/// A user name that somebody chose. With an `@` it could be taken for somebody's address, so it
/// must be their own.
fn chosen_username(typed: &str, own: &EmailAddress) -> Result<String, AccountError> {
    let name = username::chosen(typed).ok_or(AccountError::UnusableName)?;
    let is_foreign_address = name.contains('@') && normalized_email(&name) != own.normalized();
    if is_foreign_address { Err(AccountError::UnusableName) } else { Ok(name) }
}

/// Names for somebody who signs in by this address and is asked for none: the address, and others
/// in case somebody has it as a user name, who may have had the address before.
fn names_of(email: &EmailAddress, entropy: &dyn Entropy) -> Vec<String> {
    let beginning = username::beginning(email.as_str());
    let others = username::alike(beginning.as_deref(), entropy);
    [email.as_str().to_owned()].into_iter().chain(others).collect()
}

/// A full name on one line, or `None` if there is none.
fn full_name(typed: &str) -> Option<String> {
    let name: String =
        typed.trim().chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_user_name_is_nobody_elses_address() {
        let own = EmailAddress::parse("Ada@example.com").unwrap();
        let chosen = |typed: &str| chosen_username(typed, &own).ok();
        assert_eq!(chosen(" ada ").as_deref(), Some("ada"));
        assert_eq!(chosen("ada@EXAMPLE.com").as_deref(), Some("ada@EXAMPLE.com"));
        for refused in ["", "  ", "bob@example.com", "a@", "a\nb", &"x".repeat(256)] {
            assert_eq!(chosen(refused), None, "{refused:?}");
        }
    }

    #[test]
    fn a_full_name_is_one_line() {
        assert_eq!(full_name(" Ada Lovelace ").as_deref(), Some("Ada Lovelace"));
        assert_eq!(full_name("Ada\r\nBcc: x").as_deref(), Some("AdaBcc: x"));
        assert_eq!(full_name(" \n ").as_deref(), None);
        assert_eq!(full_name(&"x".repeat(900)).unwrap().len(), LONGEST_NAME);
    }
}
