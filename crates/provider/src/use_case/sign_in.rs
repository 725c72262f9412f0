//! Signing in at the provider: the password check with its throttle, and the sessions that come of
//! it.

use doorward_protocol::secret::Secret;
use tokio::sync::Notify;

use crate::{
    audit,
    model::{
        device_cookie::DeviceCookies,
        session::{Authentication, Device, PASSWORD_METHOD, Session, SessionSelector},
        throttle::{self, ThrottleKey},
        time::{Clock, Entropy},
        token_handle::{TokenHandle, random_id},
        user::{User, normalized_username},
    },
    store::{Store, StoreError},
    use_case::{
        client_registry::ClientRegistry,
        logout::{SignedOut, front_channel},
        password_verifier::{Busy, PasswordVerifier},
    },
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
    /// The device cookie's value, kept by the browser for
    /// [`LIFETIME`](crate::model::device_cookie::LIFETIME).
    pub device_cookie: TokenHandle,
}

/// Checks passwords behind the throttle.
#[derive(Clone, Copy)]
pub(crate) struct PasswordCheck<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) passwords: &'a PasswordVerifier,
    pub(crate) devices: &'a DeviceCookies,
    pub(crate) clock: &'a dyn Clock,
}

impl PasswordCheck<'_> {
    /// Checks a user name and password. Unknown users, wrong passwords and disabled users give the
    /// same answer after the same work; failures are counted for the account and for the address,
    /// or for the browser alone if its device cookie shows that the user has signed in there
    /// before.
    pub(crate) async fn verify(
        &self,
        username: &str,
        password: Secret,
        address: &str,
        device: Option<&TokenHandle>,
    ) -> Result<User, SignInError> {
        let outcome = match self.known_device(username, device).await {
            Ok(Some(device)) => self.check_on_device(username, password, device).await,
            Ok(None) => self.check_password(username, password, address).await,
            Err(error) => Err(error.into()),
        };
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
        let wait = self.store.admit_sign_in(&limits, self.clock.now()).await?;
        if wait > 0 {
            return Err(SignInError::Throttled(wait));
        }
        let user = self.look_up(&username, password).await?;
        self.store.sign_in_succeeded(&[account, account_at], &from).await?;
        Ok(user)
    }

    /// What failures in this browser are counted for, if it has signed the account in before.
    async fn known_device(
        &self,
        username: &str,
        cookie: Option<&TokenHandle>,
    ) -> Result<Option<ThrottleKey>, StoreError> {
        let Some(cookie) = cookie else { return Ok(None) };
        let user = self.store.user_by_username(&normalized_username(username)).await?;
        Ok(user.and_then(|user| self.devices.recognise(cookie, &user)))
    }

    /// The check in a browser that has signed this account in before.
    async fn check_on_device(
        &self,
        username: &str,
        password: Secret,
        device: ThrottleKey,
    ) -> Result<User, SignInError> {
        let limits = [(device.clone(), throttle::PER_DEVICE)];
        let wait = self.store.admit_sign_in(&limits, self.clock.now()).await?;
        if wait > 0 {
            return Err(SignInError::Throttled(wait));
        }
        let user = self.look_up(&normalized_username(username), password).await?;
        self.store.sign_in_succeeded(std::slice::from_ref(&device), &device).await?;
        Ok(user)
    }

    /// The user with this name and password.
    async fn look_up(&self, username: &str, password: Secret) -> Result<User, SignInError> {
        let user = self.store.user_by_username(username).await?;
        let hash = user.as_ref().map(|user| &user.password_hash);
        let verified = self.passwords.verify(hash, password).await?;
        user.filter(|user| verified && user.enabled).ok_or(SignInError::WrongPassword)
    }
}

/// Starts, finds and ends sessions.
#[derive(Clone, Copy)]
pub(crate) struct Sessions<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) clients: &'a ClientRegistry,
    pub(crate) lifetimes: SessionLifetimes,
    pub(crate) devices: &'a DeviceCookies,
    pub(crate) issuer: &'a str,
    pub(crate) logout_queued: &'a Notify,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) entropy: &'a dyn Entropy,
}

/// How long sessions live, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionLifetimes {
    /// Until the browser is closed, and no longer than this.
    pub(crate) plain: u32,
    /// Where the user asked to be remembered.
    pub(crate) remembered: u32,
}

impl Sessions<'_> {
    /// Starts a session under a new identifier; the browser's earlier one ends (no session
    /// fixation). `user` is as the password was verified for: if by now it is another one, the
    /// sign-in fails after all.
    pub(crate) async fn start(
        &self,
        user: &User,
        remember: bool,
        device: Device,
        replaces: Option<&TokenHandle>,
    ) -> Result<StartedSession, SignInError> {
        let now = self.clock.now();
        // Signed in again, the user goes on in the same session as far as clients know it by its
        // `sid`.
        let before = self.find(replaces).await?.map(|session| session.authentication);
        let sid = before.filter(|before| before.sub == user.sub).map(|before| before.sid);
        let cookie = TokenHandle::generate(self.entropy);
        let lifetime = if remember { self.lifetimes.remembered } else { self.lifetimes.plain };
        let session = Session {
            cookie_hash: cookie.hash(),
            authentication: Authentication {
                sub: user.sub.clone(),
                auth_time: now,
                amr: vec![PASSWORD_METHOD.to_owned()],
                sid: sid.unwrap_or_else(|| random_id(self.entropy)),
            },
            device,
            expires_at: now.plus(lifetime),
        };
        let earlier = replaces.map(TokenHandle::hash);
        if !self.store.start_session(session, &user.password_hash, earlier, now).await? {
            return Err(SignInError::WrongPassword);
        }
        self.logout_queued.notify_waiters();
        Ok(StartedSession {
            cookie,
            max_age: remember.then_some(lifetime),
            device_cookie: self.devices.issue(user, self.entropy),
        })
    }

    /// The session that a browser's cookie names, if it lives and its user may still sign in.
    pub(crate) async fn find(
        &self,
        cookie: Option<&TokenHandle>,
    ) -> Result<Option<Session>, StoreError> {
        let Some(cookie) = cookie else { return Ok(None) };
        let Some(session) = self.store.session(cookie.hash(), self.clock.now()).await? else {
            return Ok(None);
        };
        let user = self.store.user(&session.authentication.sub).await?;
        Ok(user.filter(|user| user.enabled).map(|_| session))
    }

    /// Ends a browser's session; its clients are told.
    pub(crate) async fn end(
        &self,
        cookie: &TokenHandle,
        address: &str,
    ) -> Result<SignedOut, StoreError> {
        let ended = self
            .store
            .end_sessions(SessionSelector::Cookie(cookie.hash()), self.clock.now())
            .await?;
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
        Ok(front_channel::frames(&ended, self.clients, self.issuer))
    }
}
