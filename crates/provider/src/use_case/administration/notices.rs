//! What tells users of what operators change of their accounts, by command and by the API alike.
//!
//! Told is what changes how somebody gets in: the password, the address, the factors and the links.
//! Imports and SCIM tell nobody: an import changes thousands, and what another system says of its
//! own users is no news to them.

use serde_json::{Map, Value};

use crate::{
    keys::{MasterKey, waiting_mail},
    model::{
        account_event::{AccountEvent, AccountEventKind},
        account_notice::AccountNotices,
        account_settings::AccountSettings,
        outbox::{MailKind, NOTICE_LIFETIME, OutboxMail},
        session::Device,
        time::{Clock, Entropy},
        token_handle::random_id,
        user::User,
    },
    store::StoreError,
};

/// In the data of a mail: whether an operator or administrator made the change.
const BY_ADMINISTRATOR: &str = "by_administrator";
/// The language of mails to users whose language is not known.
const LANGUAGE: &str = "en";

/// Tells users: what it reads.
#[allow(missing_docs)]
#[derive(Clone, Copy)]
pub struct OperatorNotices<'a> {
    pub accounts: &'a AccountSettings,
    /// Encrypts the mails that wait. Without it, none is written.
    pub master: Option<&'a MasterKey>,
    pub clock: &'a dyn Clock,
    pub entropy: &'a dyn Entropy,
}

/// One change.
struct Change {
    event: AccountEventKind,
    mail: MailKind,
    /// What was changed, for the list of events.
    detail: Option<String>,
    /// A value for the mail.
    data: Option<(&'static str, String)>,
}

impl OperatorNotices<'_> {
    /// Of another password or address. It goes to the address before the change.
    pub fn of_change(&self, before: &User, after: &User) -> Result<AccountNotices, StoreError> {
        let mut notices = AccountNotices::default();
        if has_another_address(before, after) {
            let address = after.email().filter(|_| is_another(before, after));
            let address = address.map(|address| address.as_str().to_owned());
            let change = Change {
                event: AccountEventKind::EmailSetByAdministrator,
                mail: MailKind::EmailChanged,
                detail: address.clone(),
                data: address.map(|address| ("new_email", address)),
            };
            notices = self.notices(before, change)?;
        }
        if before.password_hash != after.password_hash {
            let change = Change {
                event: AccountEventKind::PasswordSetByAdministrator,
                mail: MailKind::PasswordChanged,
                detail: None,
                data: None,
            };
            let AccountNotices { mails, events } = self.notices(before, change)?;
            notices.mails.extend(mails);
            notices.events.extend(events);
        }
        Ok(notices)
    }

    /// Of second factors that were taken away.
    pub fn of_reset_factors(&self, user: &User) -> Result<AccountNotices, StoreError> {
        let (event, mail) = (AccountEventKind::FactorsReset, MailKind::FactorsReset);
        self.notices(user, Change { event, mail, detail: None, data: None })
    }

    /// Of a passkey of this name that was taken away.
    pub fn of_passkey(&self, user: &User, name: String) -> Result<AccountNotices, StoreError> {
        self.of_factor(user, AccountEventKind::FactorRemoved, MailKind::FactorRemoved, name)
    }

    /// Of a link with an account at another provider, which is called so.
    pub fn of_link(&self, user: &User, called: String) -> Result<AccountNotices, StoreError> {
        self.of_factor(user, AccountEventKind::IdentityLinked, MailKind::FactorAdded, called)
    }

    /// Of the end of such a link.
    pub fn of_unlink(&self, user: &User, called: String) -> Result<AccountNotices, StoreError> {
        self.of_factor(user, AccountEventKind::IdentityUnlinked, MailKind::FactorRemoved, called)
    }

    /// Of one way to sign in, which is called so.
    fn of_factor(
        &self,
        user: &User,
        event: AccountEventKind,
        mail: MailKind,
        called: String,
    ) -> Result<AccountNotices, StoreError> {
        let detail = Some(called.clone());
        self.notices(user, Change { event, mail, detail, data: Some(("factor", called)) })
    }

    /// A mail to the confirmed address, if there is one and mail is sent here, and an event.
    fn notices(&self, user: &User, change: Change) -> Result<AccountNotices, StoreError> {
        let Change { event: kind, mail, detail, data } = change;
        let at = self.clock.now();
        let to = user.email().filter(|_| self.accounts.mail && user.verified_email().is_some());
        let mail = to.zip(self.master).map(|(to, master)| {
            let name = user.claims.0.get("name").and_then(Value::as_str);
            let texts = name.map(|name| ("name", name.to_owned())).into_iter().chain(data);
            let mut values: Map<String, Value> =
                texts.map(|(name, text)| (name.to_owned(), text.into())).collect();
            values.insert(BY_ADMINISTRATOR.to_owned(), true.into());
            let mail = OutboxMail {
                id: random_id(self.entropy),
                to: to.as_str().to_owned(),
                kind: mail,
                language: user.language().unwrap_or_else(|| LANGUAGE.to_owned()),
                data: values,
                sub: Some(user.sub.clone()),
                client_id: None,
                created_at: at,
                expires_at: at.plus(NOTICE_LIFETIME),
            };
            waiting_mail::seal(master, mail)
                .map_err(|_| StoreError::Unavailable("a mail can't be encrypted".to_owned()))
        });
        let (sub, device) = (user.sub.clone(), Device::default());
        let event = AccountEvent { sub, at, kind, device, detail };
        Ok(AccountNotices { mails: mail.transpose()?.into_iter().collect(), events: vec![event] })
    }
}

/// Whether an operator's change is one that the user is told of.
pub fn is_told(before: &User, after: &User) -> bool {
    has_another_address(before, after) || before.password_hash != after.password_hash
}

/// Whether the address is another one, or is not known to be the user's any more: nobody is told of
/// a later change then.
fn has_another_address(before: &User, after: &User) -> bool {
    let is_lost = before.verified_email().is_some() && after.verified_email().is_none();
    is_lost || is_another(before, after)
}

fn is_another(before: &User, after: &User) -> bool {
    let address = |user: &User| user.email().map(|address| address.normalized());
    address(before) != address(after)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::model::{
        password::PasswordHash,
        time::{SystemClock, SystemEntropy},
    };

    #[test]
    fn of_a_change_of_address_and_password_at_once_both_are_noted() {
        let mut before = User {
            sub: "1".parse().unwrap(),
            username: "ada".to_owned(),
            password_hash: None,
            enabled: true,
            claims: Arc::default(),
            groups: Arc::default(),
            mapped: Arc::default(),
        };
        before.claims_mut().insert("email".to_owned(), json!("ada@example.com"));
        let mut after = before.clone();
        after.claims_mut().insert("email".to_owned(), json!("new@example.com"));
        let hash = format!("$argon2id$v=19$m=19456,t=2,p=1${}${}", "A".repeat(22), "A".repeat(43));
        after.password_hash = Some(PasswordHash::parse(&hash).unwrap());
        let accounts = AccountSettings::default();
        let (clock, entropy) = (&SystemClock, &SystemEntropy);
        let notices = OperatorNotices { accounts: &accounts, master: None, clock, entropy };
        let events = notices.of_change(&before, &after).unwrap().events;
        let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
        let both = [
            AccountEventKind::EmailSetByAdministrator,
            AccountEventKind::PasswordSetByAdministrator,
        ];
        assert_eq!(kinds, both);
        assert_eq!(events[0].detail.as_deref(), Some("new@example.com"));
    }
}
