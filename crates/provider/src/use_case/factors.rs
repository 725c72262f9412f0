//! What users do with their factors: passwords, authenticator apps, recovery codes and passkeys are
//! added and removed, and their users are told.

use doorward_protocol::ids::{SessionId, Sub};

use crate::{
    audit,
    model::{
        account_event::AccountEventKind,
        account_notice::{AccountNotices, FactorAddition},
        factor::{FactorSummary, RecoveryCode, StoredPasskey},
        outbox::MailKind,
        session::{Authentication, method},
        time::Timestamp,
        token_handle::TokenHandle,
        totp::TotpSecret,
        user::User,
    },
    store::{ExternalIdentities, Factors, RemovedPasskey, StoreError, Users},
    use_case::{
        accounts::{AccountError, Accounts, Asker, Told, language},
        identity_provider_registry::IdentityProviderRegistry,
        passkeys::{PasskeyError, PasskeyQuestion, Passkeys, passkey_name},
        totp::AuthenticatorApps,
    },
};

/// Adds and removes the factors of users: what it reads and changes.
#[derive(Clone, Copy)]
pub struct UserFactors<'a> {
    pub(crate) users: &'a dyn Users,
    pub(crate) factors: &'a dyn Factors,
    pub(crate) identities: &'a dyn ExternalIdentities,
    pub(crate) apps: AuthenticatorApps<'a>,
    pub(crate) passkeys: Passkeys<'a>,
    /// Tells the user.
    pub(crate) accounts: Accounts<'a>,
    /// Says by which other providers users sign in.
    pub(crate) providers: &'a IdentityProviderRegistry,
}

impl UserFactors<'_> {
    /// Which factors a user has. Identities at other providers count if users can sign in by them.
    pub async fn of(&self, sub: &Sub) -> Result<FactorSummary, StoreError> {
        let factors = self.factors.factors(sub).await?;
        let identities = self.identities.external_identities(sub).await?;
        let providers = self.providers.vouching().ways_in();
        let usable = identities.iter().filter(|own| own.is_at_one_of(&providers));
        let identities = u32::try_from(usable.count()).unwrap_or(u32::MAX);
        Ok(FactorSummary { identities, ..factors })
    }

    /// Whether this sign-in is strong enough to change how the account is reached: by two factors,
    /// if the user had a second factor when signing in. A factor that was added since is no reason
    /// to sign in again.
    pub async fn is_strong_enough(&self, sign_in: &Authentication) -> Result<bool, StoreError> {
        if sign_in.amr.iter().any(|method| method == method::MULTI_FACTOR) {
            return Ok(true);
        }
        let factors = self.of(&sign_in.sub).await?;
        // Without any other first step, a recovery code is for the day on which the passkeys are
        // lost.
        let by_code = sign_in.amr.iter().any(|method| method == method::ONE_TIME);
        if by_code && factors.identities == 0 {
            let user = self.users.user(&sign_in.sub).await?;
            if user.is_some_and(|user| user.password_hash.is_none()) {
                return Ok(true);
            }
        }
        let added = self.added_at(&sign_in.sub, &factors).await?;
        Ok(!added.iter().any(|added| *added < sign_in.auth_time))
    }

    /// Whether the user has a second factor that was added at this time or later.
    pub(crate) async fn has_one_since(
        &self,
        sub: &Sub,
        time: Timestamp,
    ) -> Result<bool, StoreError> {
        let factors = self.factors.factors(sub).await?;
        let added = self.added_at(sub, &factors).await?;
        Ok(added.iter().any(|added| *added >= time))
    }

    /// When the second factors were added that the user has.
    async fn added_at(
        &self,
        sub: &Sub,
        factors: &FactorSummary,
    ) -> Result<Vec<Timestamp>, StoreError> {
        let passkeys = self.passkeys.table.passkeys(sub).await?;
        let passkeys = passkeys.iter().map(|key| key.created_at);
        Ok(factors.totp_since.into_iter().chain(passkeys).collect())
    }

    /// The secret of an authenticator app that is being set up, and its encrypted form, which the
    /// user's form keeps. A new one, unless `kept` is one of this user.
    pub fn totp_being_set_up(
        &self,
        sub: &Sub,
        kept: Option<&str>,
    ) -> Result<(TotpSecret, String), StoreError> {
        self.apps.being_set_up(sub, kept)
    }

    /// Puts the authenticator app that is being set up in use, and returns new recovery codes;
    /// `None` if the code is wrong.
    pub async fn confirm_totp(
        &self,
        session: &Authentication,
        kept: &str,
        typed: &str,
        asker: Asker<'_>,
    ) -> Result<Option<Vec<RecoveryCode>>, StoreError> {
        let Some(user) = self.users.user(&session.sub).await? else { return Ok(None) };
        let addition = self.addition(&user, Some(&session.sid), app(&user, asker), asker)?;
        let codes = self.apps.confirm(&session.sub, kept, typed, addition).await?;
        if codes.is_some() {
            audit::Event::TotpAdded { sub: &session.sub, peer: asker.address }.log();
            self.factor_changed();
        }
        Ok(codes)
    }

    /// Removes the authenticator app of this session's user.
    pub async fn remove_totp(
        &self,
        session: &Authentication,
        asker: Asker<'_>,
    ) -> Result<(), StoreError> {
        let Some(user) = self.users.user(&session.sub).await? else { return Ok(()) };
        let notices = self.removal(&user, app(&user, asker), asker)?;
        if self.factors.remove_totp(&session.sub, notices).await? {
            audit::Event::TotpRemoved { sub: &session.sub, peer: asker.address }.log();
            self.factor_changed();
        }
        Ok(())
    }

    /// Makes new recovery codes for this session's user, in place of those that are there; none if
    /// the user was removed, or has no second factor any more that they stand in for.
    pub async fn new_recovery_codes(
        &self,
        session: &Authentication,
        asker: Asker<'_>,
    ) -> Result<Vec<RecoveryCode>, StoreError> {
        let Some(user) = self.users.user(&session.sub).await? else { return Ok(Vec::new()) };
        let told = Told::new(AccountEventKind::RecoveryCodesMade);
        let kind = Some(MailKind::RecoveryCodesMade);
        let notices = self.accounts.notices(&user, kind, told, asker)?;
        let codes = self.apps.new_recovery_codes(session, notices).await?;
        if codes.is_empty() {
            return Ok(codes);
        }
        self.accounts.mail_queued.notify_waiters();
        audit::Event::RecoveryCodesMade { sub: &session.sub, peer: asker.address }.log();
        Ok(codes)
    }

    /// Whether there can be passkeys: the issuer has a host name.
    pub fn offers_passkeys(&self) -> bool {
        self.passkeys.verifier.is_possible()
    }

    /// A user's passkeys, the oldest first.
    pub async fn passkeys(&self, sub: &Sub) -> Result<Vec<StoredPasskey>, StoreError> {
        self.passkeys.table.passkeys(sub).await
    }

    /// Asks the browser for a new passkey of this session's user.
    pub async fn ask_to_register_passkey(
        &self,
        session: &Authentication,
    ) -> Result<PasskeyQuestion, PasskeyError> {
        let user = self.users.user(&session.sub).await?.ok_or(PasskeyError::Expired)?;
        self.passkeys.ask_to_register(&user).await
    }

    /// Takes a new passkey of this session's user, and gives it this name.
    pub async fn register_passkey(
        &self,
        session: &Authentication,
        ticket: &TokenHandle,
        answer: &str,
        name: &str,
        asker: Asker<'_>,
    ) -> Result<(), PasskeyError> {
        let user = self.users.user(&session.sub).await?.ok_or(PasskeyError::Expired)?;
        let addition = |added: &StoredPasskey| {
            self.addition(&user, Some(&session.sid), passkey(&added.name), asker)
        };
        self.passkeys.register(&user, ticket, answer, name, addition).await?;
        audit::Event::PasskeyAdded { sub: &session.sub, peer: asker.address }.log();
        self.factor_changed();
        Ok(())
    }

    /// Gives a passkey of this session's user another name.
    pub async fn rename_passkey(
        &self,
        session: &Authentication,
        credential_id: &[u8],
        name: &str,
    ) -> Result<(), StoreError> {
        self.passkeys
            .table
            .rename_passkey(&session.sub, credential_id, &passkey_name(name))
            .await?;
        Ok(())
    }

    /// Removes a passkey of this session's user. Returns `false` if it is the last way in.
    pub async fn remove_passkey(
        &self,
        session: &Authentication,
        credential_id: &[u8],
        asker: Asker<'_>,
    ) -> Result<bool, StoreError> {
        let Some(user) = self.users.user(&session.sub).await? else { return Ok(true) };
        let before = self.passkeys.table.passkey(credential_id).await?;
        let name = before.filter(|key| key.sub == user.sub).map(|key| key.name);
        let notices = self.removal(&user, passkey(&name.unwrap_or_default()), asker)?;
        let (sub, providers) = (&user.sub, self.providers.vouching().ways_in());
        let removed =
            self.passkeys.table.remove_passkey(sub, credential_id, &providers, notices).await?;
        if removed == RemovedPasskey::Removed {
            audit::Event::PasskeyRemoved { sub: &session.sub, peer: asker.address }.log();
            self.factor_changed();
        }
        Ok(removed != RemovedPasskey::LastWayIn)
    }

    /// Takes the password of a user away who can sign in without it, and ends all sessions and
    /// grants of the user. Returns `false` if there is no other way to sign in.
    pub async fn remove_password(
        &self,
        user: &User,
        asker: Asker<'_>,
    ) -> Result<bool, AccountError> {
        let providers = self.providers.vouching().ways_in();
        self.accounts.remove_password(user, &providers, asker).await
    }

    /// The addition of a factor that mails call so, in this session.
    pub(crate) fn addition(
        &self,
        user: &User,
        session: Option<&SessionId>,
        factor: String,
        asker: Asker<'_>,
    ) -> Result<FactorAddition, StoreError> {
        let told = Told::new(AccountEventKind::FactorAdded).about(&factor).saying("factor", factor);
        let notices = self.accounts.notices(user, Some(MailKind::FactorAdded), told, asker)?;
        Ok(FactorAddition { session: session.cloned(), notices, at: self.accounts.clock.now() })
    }

    /// What tells of the removal of a factor that mails call so.
    fn removal(
        &self,
        user: &User,
        factor: String,
        asker: Asker<'_>,
    ) -> Result<AccountNotices, StoreError> {
        let told =
            Told::new(AccountEventKind::FactorRemoved).about(&factor).saying("factor", factor);
        self.accounts.notices(user, Some(MailKind::FactorRemoved), told, asker)
    }

    /// Wakes the tasks that deliver what a change of factors has queued.
    pub(crate) fn factor_changed(&self) {
        self.accounts.mail_queued.notify_waiters();
        self.accounts.logout_queued.notify_waiters();
    }
}

/// The authenticator app, as a mail to the user calls it.
pub(crate) fn app(user: &User, asker: Asker<'_>) -> String {
    let is_german = language(Some(user), asker) == "de";
    if is_german { "Authenticator-App" } else { "authenticator app" }.to_owned()
}

/// A passkey, as mails call it.
pub(crate) fn passkey(name: &str) -> String {
    format!("Passkey “{name}”")
}
