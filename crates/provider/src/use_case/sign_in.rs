//! Signing in at the provider: the password check with its throttle, and the sessions that come of
//! it.

use doorward_protocol::secret::Secret;

use crate::model::session::PASSWORD_METHOD;
use crate::{
    Provider, audit,
    model::{
        session::{Authentication, Device, Session, SessionSelector},
        throttle::{self, ThrottleKey},
        token_handle::{TokenHandle, random_id},
        user::{User, normalized_username},
    },
    store::StoreError,
    use_case::{logout::SignedOut, password_verifier::Busy},
};

/// Why a sign-in failed.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Unknown user, wrong password or disabled user: nobody is told which.
    #[error("the user name or the password is wrong")]
    WrongPassword,
    /// Too many failures; the next attempt counts after so many seconds.
    #[error("too many failed sign-ins: try again in {0} seconds")]
    Throttled(u32),
    /// More sign-ins wait than the machine can check.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SignInError {
    /// The outcome as a label of a metric.
    fn label(&self) -> &'static str {
        match self {
            Self::WrongPassword => "wrong_password",
            Self::Throttled(_) => "throttled",
            Self::Busy(_) => "busy",
            Self::Store(_) => "unavailable",
        }
    }
}

/// A session that has just begun.
#[derive(Debug)]
pub struct StartedSession {
    /// The cookie's value, to be sent to the browser only.
    pub cookie: TokenHandle,
    /// Seconds for which the browser keeps the cookie; `None`: until it is closed.
    pub max_age: Option<u32>,
}

impl Provider {
    /// Checks a user name and password. Unknown users, wrong passwords and disabled users give the
    /// same answer after the same work; failures are counted for the account and for the address.
    pub async fn verify_password(
        &self,
        username: &str,
        password: Secret,
        address: &str,
    ) -> Result<User, SignInError> {
        let outcome = self.check_password(username, password, address).await;
        let label = outcome.as_ref().map_or_else(SignInError::label, |_| "succeeded");
        metrics::counter!("doorward_sign_ins_total", "outcome" => label).increment(1);
        outcome
    }

    async fn check_password(
        &self,
        username: &str,
        password: Secret,
        address: &str,
    ) -> Result<User, SignInError> {
        let username = normalized_username(username);
        let (account, from) = (ThrottleKey::account(&username), ThrottleKey::address(address));
        let account_at = ThrottleKey::account_at(&username, address);
        let limits = [
            (account.clone(), throttle::PER_ACCOUNT),
            (account_at.clone(), throttle::PER_ACCOUNT_AND_ADDRESS),
            (from.clone(), throttle::PER_ADDRESS),
        ];
        let wait = self.store.admit_sign_in(&limits, self.now()).await?;
        if wait > 0 {
            return Err(SignInError::Throttled(wait));
        }
        let user = self.store.user_by_username(&username).await?;
        let verified =
            self.passwords.verify(user.as_ref().map(|user| &user.password_hash), password).await?;
        let user =
            user.filter(|user| verified && user.enabled).ok_or(SignInError::WrongPassword)?;
        self.store.sign_in_succeeded(&[account, account_at], &from).await?;
        Ok(user)
    }

    /// Starts a session under a new identifier; the browser's earlier one ends (no session
    /// fixation). `user` is as the password was verified for: if by now it is another one, the
    /// sign-in fails after all.
    pub async fn start_session(
        &self,
        user: &User,
        remember: bool,
        device: Device,
        replaces: Option<&TokenHandle>,
    ) -> Result<StartedSession, SignInError> {
        let now = self.now();
        // Signed in again, the user goes on in the same session as far as clients know it by its
        // `sid`.
        let before = self.session(replaces).await?.map(|session| session.authentication);
        let sid = before.filter(|before| before.sub == user.sub).map(|before| before.sid);
        let cookie = TokenHandle::generate(&*self.entropy);
        let lifetime = if remember {
            self.settings.remember_me_lifetime
        } else {
            self.settings.session_lifetime
        };
        let session = Session {
            cookie_hash: cookie.hash(),
            authentication: Authentication {
                sub: user.sub.clone(),
                auth_time: now,
                amr: vec![PASSWORD_METHOD.to_owned()],
                sid: sid.unwrap_or_else(|| random_id(&*self.entropy)),
            },
            device,
            expires_at: now.plus(lifetime),
        };
        let earlier = replaces.map(TokenHandle::hash);
        if !self.store.start_session(session, &user.password_hash, earlier, now).await? {
            return Err(SignInError::WrongPassword);
        }
        self.logout_queued.notify_waiters();
        Ok(StartedSession { cookie, max_age: remember.then_some(lifetime) })
    }

    /// The session that a browser's cookie names, if it lives and its user may still sign in.
    pub async fn session(
        &self,
        cookie: Option<&TokenHandle>,
    ) -> Result<Option<Session>, StoreError> {
        let Some(cookie) = cookie else { return Ok(None) };
        let Some(session) = self.store.session(cookie.hash(), self.now()).await? else {
            return Ok(None);
        };
        let user = self.store.user(&session.authentication.sub).await?;
        Ok(user.filter(|user| user.enabled).map(|_| session))
    }

    /// Ends a browser's session; its clients are told.
    pub async fn end_session(
        &self,
        cookie: &TokenHandle,
        address: &str,
    ) -> Result<SignedOut, StoreError> {
        let ended =
            self.store.end_sessions(SessionSelector::Cookie(cookie.hash()), self.now()).await?;
        self.logout_queued.notify_waiters();
        for session in &ended {
            audit::Event {
                event: "signed_out",
                sub: Some(&session.sub),
                sid: Some(&session.sid),
                peer: Some(address),
                ..audit::Event::default()
            }
            .log();
        }
        Ok(self.front_channel(&ended))
    }
}
