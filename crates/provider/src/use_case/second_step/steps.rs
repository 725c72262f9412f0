//! How a sign-in goes on after its first step, and how it is finished: each way with what its user
//! is told of it.

use std::sync::Arc;

use doorward_protocol::secret::Secret;

use super::{
    AfterPassword, FinishedSignIn, FirstStep, SecondStepError, SecondSteps, SignInRequest,
    StepOrigin, UnfinishedSignIn,
};
use crate::{
    audit,
    model::{
        account_event::AccountEventKind,
        acr::AcrLevel,
        directory,
        email::EmailAddress,
        factor::{RecoveryCode, StoredPasskey},
        outbox::MailKind,
        session::SignInProof,
        token_handle::{TokenHandle, draw_id},
        user::{User, normalized_username},
    },
    use_case::{
        accounts::{Asker, Told},
        factors::{app, passkey},
        passkeys::{PasskeyError, PasskeyQuestion, signed_in_by},
        sign_in::{SignIn, SignInError},
    },
};

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

impl SecondSteps<'_> {
    /// What comes after the right password of this user: the session, or the second step of the
    /// sign-in.
    pub async fn after_password(
        &self,
        user: &User,
        request: SignInRequest<'_>,
    ) -> Result<AfterPassword, SignInError> {
        self.begin(user, FirstStep::Password, request).await
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
                // The first factor ends what began without it, and so a sign-in from before it.
                let began_without = match sign_in.auth_time {
                    Some(time) => self.own.has_one_since(&user.sub, time).await?,
                    None => false,
                };
                let two_factors = request.two_factors || began_without;
                self.begin(user, first, SignInRequest { two_factors, ..request }).await
            }
            _ => Ok(AfterPassword::SignedIn),
        }
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
            self.own.accounts.notices(&sign_in.user, Some(MailKind::RecoveryCodeUsed), told, asker)
        };
        let finished = self.finish(handle, typed, origin, code_used).await?;
        self.own.accounts.mail_queued.notify_waiters();
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
        let (user, passkey) = self.own.passkeys.sign_in(ticket, answer, address).await?;
        let shown = (&user.sub, passkey);
        let finished = self.finish_by_passkey(handle, shown).await?;
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
        let addition = |user: &User| self.own.addition(user, None, app(user, asker), asker);
        let finished = self.finish_by_setting_up(handle, kept, typed, origin, addition).await?;
        let sub = &finished.0.user.sub;
        audit::Event::TotpAdded { sub, peer: origin.address }.log();
        self.own.factor_changed();
        Ok(finished)
    }

    /// Asks the browser for a first passkey of the user whose sign-in waits for one.
    pub async fn ask_for_first_passkey(
        &self,
        handle: &TokenHandle,
    ) -> Result<PasskeyQuestion, PasskeyStepError> {
        let sign_in = self.sign_in_without_factor(handle).await?;
        Ok(self.own.passkeys.ask_to_register(&sign_in.user).await?)
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
            |added: &StoredPasskey| self.own.addition(&user, None, passkey(&added.name), asker);
        let added = self.own.passkeys.register(&user, ticket, answer, name, addition).await?;
        audit::Event::PasskeyAdded { sub: &user.sub, peer: asker.address }.log();
        self.own.factor_changed();
        let shown = (&user.sub, signed_in_by(added.credential_id, added.backup_eligible));
        Ok(self.finish_by_passkey(handle, shown).await?)
    }

    /// The sign-in that waits until its user has a first factor. Whoever has one shows that.
    async fn sign_in_without_factor(
        &self,
        handle: &TokenHandle,
    ) -> Result<UnfinishedSignIn, SecondStepError> {
        let sign_in = self.unfinished(handle).await?;
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
        let named = self.passwords.user_named(&normalized_username(username)).await?;
        let user = named.filter(|user| user.enabled && user.password_hash.is_none());
        let (mut is_somebody, nobody) = (user.is_some(), || self.nobody(username));
        let mut user = user.unwrap_or_else(nobody);
        let factors = self.own.of(&user.sub).await?;
        // Who has another first step has the code for the second one.
        if factors.identities > 0 {
            (is_somebody, user) = (false, nobody());
        }
        let left = factors.recovery_codes.saturating_sub(1);
        let told = Told::new(AccountEventKind::RecoveryCodeUsed).saying("left", left);
        let kind = Some(MailKind::RecoveryCodeUsed);
        let notices = self.own.accounts.notices(&user, kind, told, asker)?;
        let hash = code.hash(&user.sub);
        let left =
            self.factors.use_recovery_code(&user.sub, hash, notices, self.clock.now()).await?;
        let Some(count) = left.filter(|_| is_somebody) else { return Ok(None) };
        self.own.accounts.mail_queued.notify_waiters();
        audit::Event::RecoveryCodeUsed { sub: &user.sub, peer: asker.address, count }.log();
        let first = FirstStep::RecoveryCode;
        let after = if factors.has_second_step() {
            let request = SignInRequest { remember, ..SignInRequest::default() };
            self.begin(&user, first, request).await?
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
            sub: draw_id(self.entropy),
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
}
