//! Signing in at the provider: the password check with its throttle, and the sessions that come of
//! it.

use doorward_protocol::secret::Secret;
use tokio::sync::Notify;

use crate::{
    audit,
    model::{
        device_cookie::DeviceCookies,
        session::{Authentication, Device, PASSWORD_METHOD, Session, SessionSelector},
        throttle::{self, ThrottleKey, ThrottlePolicy},
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
    /// Unknown user, wrong password or disabled user. The answer does not say which.
    #[error("the user name or the password is wrong")]
    WrongPassword,
    /// Too many failures. The next attempt is checked after this many seconds.
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
    /// same answer after the same work; failures are counted for where the attempt came from.
    pub(crate) async fn verify(
        &self,
        username: &str,
        password: Secret,
        origin: SignInOrigin<'_>,
    ) -> Result<User, SignInError> {
        let outcome = self.admit_and_check(username, password, origin).await;
        let label = outcome.as_ref().map_or_else(SignInError::label, |_| "succeeded");
        metrics::counter!("doorward_sign_ins_total", "outcome" => label).increment(1);
        outcome
    }

    async fn admit_and_check(
        &self,
        username: &str,
        password: Secret,
        origin: SignInOrigin<'_>,
    ) -> Result<User, SignInError> {
        let username = normalized_username(username);
        let counters = self.counters(&username, origin).await?;
        let wait = self.store.admit_sign_in(&counters.limits(), self.clock.now()).await?;
        if wait > 0 {
            return Err(SignInError::Throttled(wait));
        }
        match self.check(&username, password).await {
            Ok(user) => {
                let Counters { own: (own, _), wide, known } = &counters;
                let wide: Vec<_> = wide.iter().map(|(key, _)| key.clone()).collect();
                let now = self.clock.now();
                self.store.sign_in_succeeded(own, &wide, known.as_slice(), now).await?;
                Ok(user)
            }
            Err(SignInError::WrongPassword) => Err(SignInError::WrongPassword),
            // Nobody found out anything, so nobody has failed.
            Err(error) => {
                let _ = self.store.withdraw_attempt(&counters.keys()).await;
                Err(error)
            }
        }
    }

    async fn check(&self, username: &str, password: Secret) -> Result<User, SignInError> {
        let user = self.store.user_by_username(username).await?;
        let hash = user.as_ref().map(|user| &user.password_hash);
        if let Some(hash) = hash {
            self.passwords.learn(hash);
        }
        let verified = self.passwords.verify(username, hash, password.clone()).await?;
        let user =
            user.filter(|user| verified && user.enabled).ok_or(SignInError::WrongPassword)?;
        if user.password_hash.is_outdated() { self.rehash(user, password).await } else { Ok(user) }
    }

    /// Replaces a hash with other parameters than today's, while the password is known.
    async fn rehash(&self, user: User, password: Secret) -> Result<User, SignInError> {
        let Some(hash) = self.passwords.rehash(password.clone()).await? else { return Ok(user) };
        if self.store.rehash_password(&user.sub, &user.password_hash, &hash).await? {
            return Ok(User { password_hash: hash, ..user });
        }
        // Another sign-in was faster, or the password was changed meanwhile.
        let by_now = self.store.user(&user.sub).await?.filter(|user| user.enabled);
        let by_now = by_now.ok_or(SignInError::WrongPassword)?;
        let hash = Some(&by_now.password_hash);
        let is_right = self.passwords.verify(&by_now.username, hash, password).await?;
        if is_right { Ok(by_now) } else { Err(SignInError::WrongPassword) }
    }

    /// What failures in this browser are counted for, if it has signed the account in before.
    async fn known_device(
        &self,
        username: &str,
        cookie: Option<&TokenHandle>,
    ) -> Result<Option<ThrottleKey>, StoreError> {
        let Some(cookie) = cookie else { return Ok(None) };
        let user = self.store.user_by_username(username).await?;
        Ok(user.and_then(|user| self.devices.recognise(cookie, &user)))
    }

    /// What this attempt is counted for. The owner of an account is known by a browser or an
    /// address that has signed it in before: only failures there hold them up.
    async fn counters(
        &self,
        username: &str,
        origin: SignInOrigin<'_>,
    ) -> Result<Counters, StoreError> {
        let (address, device) = match origin {
            SignInOrigin::Browser { address, device } => (address, device),
            SignInOrigin::Client { client_id } => {
                let own = ThrottleKey::account_at_client(username, client_id);
                return Ok(Counters::alone(own, throttle::PER_ACCOUNT_AND_CLIENT));
            }
        };
        let here = ThrottleKey::account_at(username, address);
        if let Some(own) = self.known_device(username, device).await? {
            let counters = Counters::alone(own, throttle::PER_DEVICE);
            return Ok(Counters { known: Some(here), ..counters });
        }
        let is_known =
            self.store.has_signed_in(std::slice::from_ref(&here), self.clock.now()).await?;
        let own = (here.clone(), throttle::PER_ACCOUNT_AND_ADDRESS);
        let wide = if is_known.is_empty() {
            vec![
                (ThrottleKey::account(username), throttle::PER_ACCOUNT),
                (ThrottleKey::address(address), throttle::PER_ADDRESS),
            ]
        } else {
            Vec::new()
        };
        Ok(Counters { own, wide, known: Some(here) })
    }
}

/// Where an attempt to sign in comes from.
#[derive(Debug, Clone, Copy)]
pub enum SignInOrigin<'a> {
    /// A browser of the user.
    Browser {
        /// The network address.
        address: &'a str,
        /// The device cookie.
        device: Option<&'a TokenHandle>,
    },
    /// A client that asks its users for their passwords itself (RFC 6749 section 4.3).
    Client {
        /// The client.
        client_id: &'a str,
    },
}

/// The keys that one attempt is counted for.
struct Counters {
    /// The narrowest one, which a success clears.
    own: (ThrottleKey, ThrottlePolicy),
    wide: Vec<(ThrottleKey, ThrottlePolicy)>,
    /// What a success makes known.
    known: Option<ThrottleKey>,
}

impl Counters {
    fn alone(own: ThrottleKey, policy: ThrottlePolicy) -> Self {
        Self { own: (own, policy), wide: Vec::new(), known: None }
    }

    fn limits(&self) -> Vec<(ThrottleKey, ThrottlePolicy)> {
        [self.own.clone()].into_iter().chain(self.wide.iter().cloned()).collect()
    }

    fn keys(&self) -> Vec<ThrottleKey> {
        self.limits().into_iter().map(|(key, _)| key).collect()
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
        let device_cookie = self.devices.issue(user, self.entropy);
        Ok(StartedSession { cookie, max_age: remember.then_some(lifetime), device_cookie })
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

    /// Ends a browser's session, and notifies its clients.
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
