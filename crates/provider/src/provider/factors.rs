//! Second factors: the use cases of [`Provider`] for them.

use std::sync::Arc;

use doorward_protocol::{
    ids::{SessionId, Sub},
    secret::Secret,
};

use super::Provider;
use crate::{
    audit,
    model::{
        account_event::AccountEventKind,
        account_notice::{AccountNotices, FactorAddition},
        acr::AcrLevel,
        directory,
        email::EmailAddress,
        factor::{FactorSummary, RecoveryCode, StoredPasskey},
        outbox::MailKind,
        session::{Authentication, SignInProof, method},
        time::Seconds,
        token_handle::{TokenHandle, draw_id},
        totp::TotpSecret,
        user::{User, normalized_username},
    },
    store::{RemovedPasskey, StoreError},
    use_case::{
        accounts::{Asker, Told, language},
        passkeys::{PasskeyError, PasskeyQuestion, Passkeys, passkey_name, signed_in_by},
        second_step::{
            AfterPassword, FinishedSignIn, FirstStep, SecondStepError, SecondSteps, SignInRequest,
            StepOrigin, UnfinishedSignIn,
        },
        sign_in::{SignIn, SignInError},
        totp::AuthenticatorApps,
    },
};

/// What users do with their second factors.
impl Provider {
    /// What comes after the right password of this user: the session, or the second step of the
    /// sign-in.
    pub async fn after_password(
        &self,
        user: &User,
        request: SignInRequest<'_>,
    ) -> Result<AfterPassword, SignInError> {
        self.second_steps().begin(user, FirstStep::Password, request).await
    }

    /// The same after a sign-in at another provider. One by several factors, where the operator
    /// trusts that provider with them, has no second step here.
    pub async fn after_sign_in_elsewhere(
        &self,
        user: &User,
        sign_in: &SignIn,
        request: SignInRequest<'_>,
    ) -> Result<AfterPassword, SignInError> {
        match &sign_in.proof {
            SignInProof::External(session) if AcrLevel::of(&sign_in.amr) == AcrLevel::One => {
                let first = if directory::is_directory(&session.id.issuer) {
                    FirstStep::Directory(session.clone())
                } else {
                    FirstStep::Elsewhere(session.clone(), sign_in.auth_time)
                };
                self.second_steps().begin(user, first, request).await
            }
            _ => Ok(AfterPassword::SignedIn),
        }
    }

    /// The sign-in that waits for its second step in this browser.
    pub async fn unfinished_sign_in(
        &self,
        handle: &TokenHandle,
    ) -> Result<UnfinishedSignIn, SecondStepError> {
        self.second_steps().unfinished(handle).await
    }

    /// Checks a code of the authenticator app or a recovery code, and finishes the sign-in by it.
    pub async fn finish_sign_in(
        &self,
        handle: &TokenHandle,
        typed: &str,
        origin: StepOrigin<'_>,
        asker: Asker<'_>,
    ) -> Result<FinishedSignIn, SecondStepError> {
        let code_used = |sign_in: &UnfinishedSignIn| {
            let left = sign_in.factors.recovery_codes.saturating_sub(1);
            let told = Told::new(AccountEventKind::RecoveryCodeUsed).saying("left", left);
            self.accounts().notices(&sign_in.user, Some(MailKind::RecoveryCodeUsed), told, asker)
        };
        let finished = self.second_steps().finish(handle, typed, origin, code_used).await?;
        self.mail_queued.notify_waiters();
        Ok(finished)
    }

    /// Finishes a sign-in by a passkey in place of a code. Returns how the user has signed in, and
    /// whether to remember the sign-in beyond the closing of the browser.
    pub async fn finish_sign_in_by_passkey(
        &self,
        handle: &TokenHandle,
        ticket: &Secret,
        answer: &str,
        address: &str,
    ) -> Result<(User, SignIn, bool), PasskeyStepError> {
        let (user, passkey) = self.passkey_flow().sign_in(ticket, answer, address).await?;
        let shown = (&user.sub, passkey);
        let finished = self.second_steps().finish_by_passkey(handle, shown).await?;
        Ok((user, finished.sign_in, finished.remember))
    }

    /// Finishes a sign-in by setting an authenticator app up; returns the new recovery codes, too.
    pub async fn finish_sign_in_by_setting_up(
        &self,
        handle: &TokenHandle,
        kept: &str,
        typed: &str,
        origin: StepOrigin<'_>,
        asker: Asker<'_>,
    ) -> Result<(FinishedSignIn, Vec<RecoveryCode>), SecondStepError> {
        let addition = |user: &User| self.addition(user, None, app(user, asker), asker);
        let steps = self.second_steps();
        let finished = steps.finish_by_setting_up(handle, kept, typed, origin, addition).await?;
        let sub = &finished.0.user.sub;
        audit::Event::TotpAdded { sub, peer: origin.address }.log();
        self.factor_changed();
        Ok(finished)
    }

    /// Asks the browser for a first passkey of the user whose sign-in waits for one.
    pub async fn ask_for_first_passkey(
        &self,
        handle: &TokenHandle,
    ) -> Result<PasskeyQuestion, PasskeyStepError> {
        let sign_in = self.sign_in_without_factor(handle).await?;
        Ok(self.passkey_flow().ask_to_register(&sign_in.user).await?)
    }

    /// Finishes a sign-in by a first passkey, to which it gives this name.
    pub async fn finish_sign_in_by_first_passkey(
        &self,
        handle: &TokenHandle,
        ticket: &TokenHandle,
        answer: &str,
        name: &str,
        asker: Asker<'_>,
    ) -> Result<FinishedSignIn, PasskeyStepError> {
        let UnfinishedSignIn { user, .. } = self.sign_in_without_factor(handle).await?;
        let addition =
            |added: &StoredPasskey| self.addition(&user, None, passkey(&added.name), asker);
        let flow = self.passkey_flow();
        let added = flow.register(&user, ticket, answer, name, addition).await?;
        audit::Event::PasskeyAdded { sub: &user.sub, peer: asker.address }.log();
        self.factor_changed();
        let shown = (&user.sub, signed_in_by(added.credential_id, added.backup_eligible));
        Ok(self.second_steps().finish_by_passkey(handle, shown).await?)
    }

    /// The sign-in that waits until its user has a first factor. Whoever has one shows that.
    async fn sign_in_without_factor(
        &self,
        handle: &TokenHandle,
    ) -> Result<UnfinishedSignIn, SecondStepError> {
        let sign_in = self.second_steps().unfinished(handle).await?;
        if sign_in.set_up { Ok(sign_in) } else { Err(SecondStepError::Expired) }
    }

    /// Takes a recovery code of a user who has no password, and whom no other provider signs in;
    /// `None` if it is none. Who has an authenticator app shows a code of it, too: a recovery code
    /// takes the place of one step and not of both. Call it only after the same text was refused as
    /// the password: so the attempt is counted. For a name without such a user the store does the
    /// same work, so that nobody learns whether there is one.
    pub async fn sign_in_by_recovery_code(
        &self,
        username: &str,
        typed: &Secret,
        remember: bool,
        asker: Asker<'_>,
    ) -> Result<Option<(User, AfterRecoveryCode)>, SignInError> {
        let Some(code) = RecoveryCode::typed(typed.expose()) else { return Ok(None) };
        let named = self.password_check().user_named(&normalized_username(username)).await?;
        let user = named.filter(|user| user.enabled && user.password_hash.is_none());
        let (mut is_somebody, nobody) = (user.is_some(), || self.nobody(username));
        let mut user = user.unwrap_or_else(nobody);
        let factors = self.factors(&user.sub).await?;
        // Who has another first step has the code for the second one.
        if factors.identities > 0 {
            (is_somebody, user) = (false, nobody());
        }
        let left = factors.recovery_codes.saturating_sub(1);
        let told = Told::new(AccountEventKind::RecoveryCodeUsed).saying("left", left);
        let kind = Some(MailKind::RecoveryCodeUsed);
        let notices = self.accounts().notices(&user, kind, told, asker)?;
        let hash = code.hash(&user.sub);
        let left = self.store.use_recovery_code(&user.sub, hash, notices, self.now()).await?;
        let Some(count) = left.filter(|_| is_somebody) else { return Ok(None) };
        self.mail_queued.notify_waiters();
        audit::Event::RecoveryCodeUsed { sub: &user.sub, peer: asker.address, count }.log();
        let first = FirstStep::RecoveryCode;
        let after = if factors.has_second_step() {
            let request = SignInRequest { remember, ..SignInRequest::default() };
            self.second_steps().begin(&user, first, request).await?
        } else {
            AfterPassword::SignedIn
        };
        let after = match after {
            AfterPassword::SecondStep(handle) => AfterRecoveryCode::SecondStep(handle),
            AfterPassword::SignedIn => AfterRecoveryCode::SignedIn(SignIn::by_recovery_code()),
        };
        Ok(Some((user, after)))
    }

    /// A user who does not exist, with whose identifier nobody has a recovery code.
    fn nobody(&self, username: &str) -> User {
        let mut user = User {
            sub: draw_id(&*self.entropy),
            username: username.to_owned(),
            password_hash: None,
            enabled: false,
            claims: Arc::default(),
            groups: Arc::default(),
            mapped: Arc::default(),
        };
        let claims = user.claims_mut();
        claims.insert("email".to_owned(), EmailAddress::nobody().as_str().into());
        claims.insert("email_verified".to_owned(), true.into());
        user
    }

    /// The cookie by which this browser is remembered for the second factor, and its lifetime;
    /// `None` where browsers are not remembered.
    pub async fn remember_browser(
        &self,
        user: &User,
    ) -> Result<Option<(TokenHandle, Seconds)>, StoreError> {
        self.second_steps().remember_browser(user).await
    }

    /// Which factors a user has. Identities at other providers count if users can sign in by them.
    pub async fn factors(&self, sub: &Sub) -> Result<FactorSummary, StoreError> {
        let factors = self.store.factors(sub).await?;
        let identities = self.store.external_identities(sub).await?;
        let providers = self.vouching().ways_in();
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
        let factors = self.factors(&sign_in.sub).await?;
        // Without any other first step, a recovery code is for the day on which the passkeys are
        // lost.
        let by_code = sign_in.amr.iter().any(|method| method == method::ONE_TIME);
        if by_code && factors.identities == 0 {
            let user = self.store.user(&sign_in.sub).await?;
            if user.is_some_and(|user| user.password_hash.is_none()) {
                return Ok(true);
            }
        }
        let since = factors.totp_since;
        let passkeys = self.store.passkeys(&sign_in.sub).await?;
        let mut added = since.into_iter().chain(passkeys.iter().map(|key| key.created_at));
        Ok(!added.any(|added| added < sign_in.auth_time))
    }

    /// The secret of an authenticator app that is being set up, and its encrypted form, which the
    /// user's form keeps. A new one, unless `kept` is one of this user.
    pub fn totp_being_set_up(
        &self,
        sub: &Sub,
        kept: Option<&str>,
    ) -> Result<(TotpSecret, String), StoreError> {
        self.authenticator_apps().being_set_up(sub, kept)
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
        let Some(user) = self.store.user(&session.sub).await? else { return Ok(None) };
        let addition = self.addition(&user, Some(&session.sid), app(&user, asker), asker)?;
        let apps = self.authenticator_apps();
        let codes = apps.confirm(&session.sub, kept, typed, addition).await?;
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
        let Some(user) = self.store.user(&session.sub).await? else { return Ok(()) };
        let notices = self.removal(&user, app(&user, asker), asker)?;
        if self.store.remove_totp(&session.sub, notices).await? {
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
        let Some(user) = self.store.user(&session.sub).await? else { return Ok(Vec::new()) };
        let told = Told::new(AccountEventKind::RecoveryCodesMade);
        let kind = Some(MailKind::RecoveryCodesMade);
        let notices = self.accounts().notices(&user, kind, told, asker)?;
        let codes = self.authenticator_apps().new_recovery_codes(session, notices).await?;
        if codes.is_empty() {
            return Ok(codes);
        }
        self.mail_queued.notify_waiters();
        audit::Event::RecoveryCodesMade { sub: &session.sub, peer: asker.address }.log();
        Ok(codes)
    }

    /// Whether there can be passkeys: the issuer has a host name.
    pub fn offers_passkeys(&self) -> bool {
        self.passkeys.is_possible()
    }

    /// A user's passkeys, the oldest first.
    pub async fn passkeys(&self, sub: &Sub) -> Result<Vec<StoredPasskey>, StoreError> {
        self.store.passkeys(sub).await
    }

    /// Asks the browser for a new passkey of this session's user.
    pub async fn ask_to_register_passkey(
        &self,
        session: &Authentication,
    ) -> Result<PasskeyQuestion, PasskeyError> {
        let user = self.store.user(&session.sub).await?.ok_or(PasskeyError::Expired)?;
        self.passkey_flow().ask_to_register(&user).await
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
        let user = self.store.user(&session.sub).await?.ok_or(PasskeyError::Expired)?;
        let addition = |added: &StoredPasskey| {
            self.addition(&user, Some(&session.sid), passkey(&added.name), asker)
        };
        self.passkey_flow().register(&user, ticket, answer, name, addition).await?;
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
        self.store.rename_passkey(&session.sub, credential_id, &passkey_name(name)).await?;
        Ok(())
    }

    /// Removes a passkey of this session's user. Returns `false` if it is the last way in.
    pub async fn remove_passkey(
        &self,
        session: &Authentication,
        credential_id: &[u8],
        asker: Asker<'_>,
    ) -> Result<bool, StoreError> {
        let Some(user) = self.store.user(&session.sub).await? else { return Ok(true) };
        let before = self.store.passkey(credential_id).await?;
        let name = before.filter(|key| key.sub == user.sub).map(|key| key.name);
        let notices = self.removal(&user, passkey(&name.unwrap_or_default()), asker)?;
        let (sub, providers) = (&user.sub, self.vouching().ways_in());
        let removed = self.store.remove_passkey(sub, credential_id, &providers, notices).await?;
        if removed == RemovedPasskey::Removed {
            audit::Event::PasskeyRemoved { sub: &session.sub, peer: asker.address }.log();
            self.factor_changed();
        }
        Ok(removed != RemovedPasskey::LastWayIn)
    }

    /// Asks the browser for any passkey of this provider.
    pub fn ask_for_passkey(&self) -> Result<PasskeyQuestion, PasskeyError> {
        self.passkey_flow().ask_to_sign_in()
    }

    /// Checks the answer of a passkey. Returns its user, and how the user has signed in.
    pub async fn verify_passkey(
        &self,
        ticket: &Secret,
        answer: &str,
        address: &str,
    ) -> Result<(User, SignIn), PasskeyError> {
        self.passkey_flow().sign_in(ticket, answer, address).await
    }

    /// The addition of a factor that mails call so, in this session.
    fn addition(
        &self,
        user: &User,
        session: Option<&SessionId>,
        factor: String,
        asker: Asker<'_>,
    ) -> Result<FactorAddition, StoreError> {
        let told = Told::new(AccountEventKind::FactorAdded).about(&factor).saying("factor", factor);
        let notices = self.accounts().notices(user, Some(MailKind::FactorAdded), told, asker)?;
        Ok(FactorAddition { session: session.cloned(), notices, at: self.now() })
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
        self.accounts().notices(user, Some(MailKind::FactorRemoved), told, asker)
    }

    /// Wakes the tasks that deliver what a change of factors has queued.
    fn factor_changed(&self) {
        self.mail_queued.notify_waiters();
        self.logout.queued.notify_waiters();
    }

    fn passkey_flow(&self) -> Passkeys<'_> {
        Passkeys {
            table: &*self.store,
            users: &*self.store,
            tickets: &*self.store,
            failures: &*self.store,
            single_uses: &*self.store,
            verifier: &self.passkeys,
            keys: &self.keys,
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }

    fn authenticator_apps(&self) -> AuthenticatorApps<'_> {
        AuthenticatorApps {
            factors: &*self.store,
            keys: &self.keys,
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }

    fn second_steps(&self) -> SecondSteps<'_> {
        SecondSteps {
            users: &*self.store,
            factors: &*self.store,
            failures: &*self.store,
            single_uses: &*self.store,
            apps: self.authenticator_apps(),
            devices: &self.devices,
            browsers: &self.browsers,
            settings: &self.settings.second_factor,
            most_wrong: self.settings.accounts.most_wrong_attempts,
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }
}

/// What comes after a recovery code in place of the password.
#[derive(Debug)]
pub enum AfterRecoveryCode {
    /// The session begins.
    SignedIn(SignIn),
    /// The second step, with this handle for the browser's cookie.
    SecondStep(TokenHandle),
}

/// Why a passkey, or a new one, did not finish a sign-in that waits for its second step.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyStepError {
    /// The passkey was not taken.
    #[error(transparent)]
    Passkey(#[from] PasskeyError),
    /// It is somebody else's, or the sign-in has expired.
    #[error(transparent)]
    Step(#[from] SecondStepError),
}

/// The authenticator app, as a mail to the user calls it.
fn app(user: &User, asker: Asker<'_>) -> String {
    let is_german = language(Some(user), asker) == "de";
    if is_german { "Authenticator-App" } else { "authenticator app" }.to_owned()
}

/// A passkey, as mails call it.
fn passkey(name: &str) -> String {
    format!("Passkey “{name}”")
}
