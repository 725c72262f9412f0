//! What signed-in users change of their own accounts: profile, password, and the account as a
//! whole. What matters is told by mail to the address that was known before.

use doorward_protocol::{ids::Sub, secret::Secret};
use serde_json::Value;

use super::{ATTEMPTS, AccountError, Accounts, Asker};
use crate::{
    audit,
    model::{
        account_event::{AccountEvent, AccountEventKind, KeptEvent},
        account_notice::AccountNotices,
        editable_claim::EditableClaim,
        identity_provider::IdentityProvider,
        outbox::{MailKind, NOTICE_LIFETIME, OutboxMail},
        password::PasswordHash,
        password_rules::AboutUser,
        paths,
        session::{Authentication, Device},
        user::User,
    },
    store::{RemovedPassword, StoreError},
};

/// What a user is told of a change.
#[derive(Debug)]
pub(crate) struct Told {
    event: AccountEventKind,
    detail: Option<String>,
    data: Option<(&'static str, Value)>,
}

impl Told {
    /// Of an event.
    pub(crate) fn new(event: AccountEventKind) -> Self {
        Self { event, detail: None, data: None }
    }

    /// With what was changed, for the list of events.
    pub(crate) fn about(self, detail: &str) -> Self {
        Self { detail: Some(detail.to_owned()), ..self }
    }

    /// With a value for the mail.
    pub(crate) fn saying(self, name: &'static str, value: impl Into<Value>) -> Self {
        Self { data: Some((name, value.into())), ..self }
    }
}

impl Accounts<'_> {
    /// The user of a session; `None` if the user was removed.
    pub async fn own_user(&self, session: &Authentication) -> Result<Option<User>, StoreError> {
        self.users.user(&session.sub).await
    }

    /// The name that the user with this `sub` signs in with; `None` if the user was removed.
    pub async fn username(&self, sub: &Sub) -> Result<Option<String>, StoreError> {
        Ok(self.users.user(sub).await?.map(|user| user.username))
    }

    /// At most `limit` events of a user's account, the latest first, those before this number.
    pub async fn account_events(
        &self,
        sub: &Sub,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<KeptEvent>, StoreError> {
        self.events.account_events(sub, before, limit).await
    }

    /// Sets these claims of the session's user, or takes those away that have no value.
    pub async fn change_profile(
        &self,
        session: &Authentication,
        changes: &[(EditableClaim, Option<String>)],
        asker: Asker<'_>,
    ) -> Result<(), AccountError> {
        let sub = &session.sub;
        let allowed = &self.settings.editable_claims;
        let change = |user: &mut User| {
            for (claim, value) in changes.iter().filter(|(claim, _)| allowed.contains(claim)) {
                match value {
                    Some(value) => {
                        user.claims_mut().insert(claim.name().to_owned(), value.as_str().into());
                    }
                    None => {
                        user.claims_mut().remove(claim.name());
                    }
                }
            }
        };
        let told = |user: &User| {
            let told = Told::new(AccountEventKind::ProfileChanged);
            self.notices(user, Some(MailKind::ProfileChanged), told, asker)
        };
        if self.change_user(sub, change, told).await?.is_some() {
            audit::Event::ProfileChanged { sub, peer: asker.address }.log();
        }
        Ok(())
    }

    /// Sets another password of a user whose present one was verified, if there is one. All
    /// sessions and grants of the user end. Returns the user as they are now.
    pub async fn change_password(
        &self,
        user: &User,
        password: Secret,
        asker: Asker<'_>,
    ) -> Result<User, AccountError> {
        let about = AboutUser::of(user, self.service());
        let hash = self.new_passwords.hash(password, about, self.passwords).await?;
        let present: Option<PasswordHash> = user.password_hash.clone();
        let set = |user: &mut User| {
            // If somebody else has changed it meanwhile, what was verified is not the present one.
            if user.password_hash == present {
                user.password_hash = Some(hash.clone());
            }
        };
        let told = |user: &User| {
            let told = Told::new(AccountEventKind::PasswordChanged);
            self.notices(user, Some(MailKind::PasswordChanged), told, asker)
        };
        let changed = self.change_user(&user.sub, set, told).await?;
        let user = changed.ok_or(AccountError::NoLink)?;
        self.logout_queued.notify_waiters();
        audit::Event::PasswordChanged { sub: &user.sub, peer: asker.address }.log();
        Ok(user)
    }

    /// Takes the password of a user away who can sign in without it. All sessions and grants of the
    /// user end. Returns whether it was done. `providers` are the others by which users sign
    /// in.
    pub(crate) async fn remove_password(
        &self,
        user: &User,
        providers: &[IdentityProvider],
        asker: Asker<'_>,
    ) -> Result<bool, AccountError> {
        let told = Told::new(AccountEventKind::PasswordRemoved);
        let notices = self.notices(user, Some(MailKind::PasswordRemoved), told, asker)?;
        let now = self.clock.now();
        let removed = self.users.remove_password(&user.sub, providers, notices, now).await?;
        if removed == RemovedPassword::Removed {
            self.logout_queued.notify_waiters();
            self.mail_queued.notify_waiters();
            audit::Event::PasswordRemoved { sub: &user.sub, peer: asker.address }.log();
        }
        Ok(removed != RemovedPassword::NoOtherWay)
    }

    /// Removes a user with everything that is stored about them.
    pub async fn delete_account(&self, user: &User, asker: Asker<'_>) -> Result<(), AccountError> {
        // Mails about the user go with the user; this one is about nobody any more.
        let mail = self.notice(user, MailKind::AccountDeleted, asker);
        let mail = mail.map(|mail| self.sealed(OutboxMail { sub: None, ..mail })).transpose()?;
        let mails = mail.into_iter().collect();
        if self.users.delete_user(&user.sub, mails, self.clock.now()).await? {
            self.logout_queued.notify_waiters();
            self.mail_queued.notify_waiters();
            audit::Event::AccountDeleted { sub: &user.sub, peer: asker.address }.log();
        }
        Ok(())
    }

    /// Changes a user, whatever others change at the same time, and tells of it; `None` if nothing
    /// is different.
    async fn change_user(
        &self,
        sub: &Sub,
        change: impl Fn(&mut User),
        notices: impl Fn(&User) -> Result<AccountNotices, StoreError>,
    ) -> Result<Option<User>, AccountError> {
        for _ in 0..ATTEMPTS {
            let before = self.users.user(sub).await?.ok_or(AccountError::NoLink)?;
            let mut user = before.clone();
            change(&mut user);
            if user == before {
                return Ok(None);
            }
            // The address before the change is told.
            let notices = notices(&before)?;
            let now = self.clock.now();
            if self.users.change_user(user.clone(), before, notices, now).await? {
                self.mail_queued.notify_waiters();
                return Ok(Some(user));
            }
        }
        Err(StoreError::Unavailable("the user was changed again and again".to_owned()).into())
    }

    /// What tells a user of a change: a mail of this kind, and an event for the list of what
    /// happened to the account.
    pub(crate) fn notices(
        &self,
        user: &User,
        kind: Option<MailKind>,
        told: Told,
        asker: Asker<'_>,
    ) -> Result<AccountNotices, StoreError> {
        let Told { event, detail, data } = told;
        let mail = kind.and_then(|kind| self.notice(user, kind, asker));
        let mail = mail.map(|mut mail| {
            mail.data.extend(data.map(|(name, value)| (name.to_owned(), value)));
            self.sealed(mail)
        });
        let event = self.event(&user.sub, event, asker, detail);
        Ok(AccountNotices { mails: mail.transpose()?.into_iter().collect(), events: vec![event] })
    }

    pub(crate) fn event(
        &self,
        sub: &Sub,
        kind: AccountEventKind,
        asker: Asker<'_>,
        detail: Option<String>,
    ) -> AccountEvent {
        let device = Device {
            address: Some(asker.address.to_owned()),
            browser: asker.browser.map(str::to_owned),
        };
        AccountEvent { sub: sub.clone(), at: self.clock.now(), kind, device, detail }
    }

    /// The mail that tells an owner that so many passwords were wrong that no more are taken.
    pub(crate) fn too_many_wrong_passwords(
        &self,
        owner: &User,
        asker: Asker<'_>,
    ) -> Result<Option<OutboxMail>, StoreError> {
        let mail = self.notice(owner, MailKind::PasswordGuessed, asker);
        mail.map(|mut mail| {
            // Who has none of our own has that of a directory, which can't be replaced by mail.
            if owner.password_hash.is_some() {
                let link = format!("{}{}", self.issuer, paths::FORGOT_PASSWORD);
                mail.data.insert("link".to_owned(), link.into());
            }
            self.sealed(mail)
        })
        .transpose()
    }

    /// A mail to the user's confirmed address, if there is one and mail is sent here.
    pub(super) fn notice(
        &self,
        user: &User,
        kind: MailKind,
        asker: Asker<'_>,
    ) -> Option<OutboxMail> {
        if !self.settings.mail {
            return None;
        }
        let address = user.email().filter(|_| user.verified_email().is_some())?;
        Some(self.mail(&address, kind, Some(user), asker, NOTICE_LIFETIME))
    }

    /// Keeps an event for the user to see. What happened has happened, whether that succeeds or
    /// not.
    pub(crate) async fn note(
        &self,
        sub: &Sub,
        kind: AccountEventKind,
        asker: Asker<'_>,
        detail: Option<String>,
    ) {
        let event = self.event(sub, kind, asker, detail);
        if let Err(error) = self.events.add_account_event(event).await {
            tracing::error!(%error, "an event was not kept for its user to see");
        }
    }
}
