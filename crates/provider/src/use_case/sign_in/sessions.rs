//! The sessions of browsers: how they begin, are found and end.

use doorward_protocol::ids::ClientId;
use tokio::sync::Notify;

use super::{SignIn, SignInError};
use crate::{
    audit,
    model::{
        account_notice::AccountNotices,
        device_cookie::DeviceCookies,
        directory,
        session::{Authentication, Device, EndedSession, Session, SessionSelector, SignInProof},
        time::{Clock, Entropy, Seconds},
        token_handle::{TokenHandle, draw_id},
        user::User,
    },
    store::{self, StoreError},
    use_case::{
        client_registry::ClientRegistry,
        directory::{DirectoryStates, Standing},
        logout::{SignedOut, front_channel},
    },
};

/// A session that has just begun.
#[derive(Debug)]
pub struct StartedSession {
    /// The cookie's value, to be sent to the browser only.
    pub cookie: TokenHandle,
    /// How long the browser keeps the cookie; `None`: until it is closed.
    pub max_age: Option<Seconds>,
    /// The device cookie's value, kept by the browser for
    /// [`LIFETIME`](crate::model::device_cookie::LIFETIME).
    pub device_cookie: TokenHandle,
}

/// Starts, finds and ends sessions.
#[derive(Clone, Copy)]
pub struct Sessions<'a> {
    pub(crate) table: &'a dyn store::Sessions,
    pub(crate) clients: &'a ClientRegistry,
    pub(crate) lifetimes: SessionLifetimes,
    pub(crate) devices: &'a DeviceCookies,
    pub(crate) directories: DirectoryStates<'a>,
    pub(crate) issuer: &'a str,
    pub(crate) logout_queued: &'a Notify,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) entropy: &'a dyn Entropy,
}

/// How long sessions live.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionLifetimes {
    /// Until the browser is closed, and no longer than this.
    pub(crate) plain: Seconds,
    /// Where the user asked to be remembered.
    pub(crate) remembered: Seconds,
}

/// How a session begins.
pub(super) struct Beginning<'a> {
    pub(super) sign_in: SignIn,
    pub(super) remember: bool,
    pub(super) device: Device,
    /// The cookie of the browser's earlier session.
    pub(super) replaces: Option<&'a TokenHandle>,
    /// What tells the user of the sign-in.
    pub(super) notices: AccountNotices,
}

/// The browser in which somebody signs in.
#[derive(Debug)]
pub struct SignInBrowser<'a> {
    /// From where, for the list of sessions.
    pub device: Device,
    /// The cookie of its session so far, which ends.
    pub session: Option<&'a TokenHandle>,
    /// Its device cookie.
    pub known_by: Option<&'a TokenHandle>,
    /// The language of the page.
    pub language: &'a str,
    /// The client that waits for the sign-in, if its pages have a look of their own.
    pub client_id: Option<&'a ClientId>,
}

impl Sessions<'_> {
    /// Starts a session under a new identifier; the browser's earlier one ends. The user is not
    /// told of it: [`SignIns::begin_session`](super::SignIns::begin_session) does so.
    pub async fn start_session(
        &self,
        user: &User,
        sign_in: SignIn,
        remember: bool,
        device: Device,
        replaces: Option<&TokenHandle>,
    ) -> Result<StartedSession, SignInError> {
        let notices = AccountNotices::default();
        let beginning = Beginning { sign_in, remember, device, replaces, notices };
        self.start(user, beginning).await
    }

    /// Starts a session under a new identifier; the browser's earlier one ends (no session
    /// fixation). `user` is as they were verified: if by now the proof is not theirs any more, the
    /// sign-in fails after all.
    pub(super) async fn start(
        &self,
        user: &User,
        beginning: Beginning<'_>,
    ) -> Result<StartedSession, SignInError> {
        let Beginning { sign_in, remember, device, replaces, notices } = beginning;
        let now = self.clock.now();
        self.admit(user, &sign_in.proof).await?;
        // Signed in again, the user goes on in the same session as far as clients know it by its
        // `sid`.
        let before = self.find(replaces).await?.map(|session| session.authentication);
        let sid = before.filter(|before| before.sub == user.sub).map(|before| before.sid);
        let cookie = TokenHandle::generate(self.entropy);
        let lifetime = if remember { self.lifetimes.remembered } else { self.lifetimes.plain };
        let upstream = match &sign_in.proof {
            SignInProof::External(upstream) => Some(upstream.clone()),
            _ => None,
        };
        let session = Session {
            cookie_hash: cookie.hash(),
            upstream,
            authentication: Authentication {
                sub: user.sub.clone(),
                // Nobody has signed in later than now.
                auth_time: sign_in.auth_time.map_or(now, |before| before.min(now)),
                amr: sign_in.amr,
                sid: sid.unwrap_or_else(|| draw_id(self.entropy)),
            },
            device,
            expires_at: now.plus(lifetime),
        };
        let earlier = replaces.map(TokenHandle::hash);
        if !self.table.start_session(session, &sign_in.proof, earlier, notices, now).await? {
            return Err(SignInError::WrongPassword);
        }
        self.logout_queued.notify_waiters();
        let device_cookie = self.devices.issue(user, self.entropy);
        Ok(StartedSession { cookie, max_age: remember.then_some(lifetime), device_cookie })
    }

    /// Whether a directory that has the user lets them in. It has just done so if the proof is its
    /// own word.
    async fn admit(&self, user: &User, proof: &SignInProof) -> Result<(), SignInError> {
        if let SignInProof::External(session) = proof
            && directory::is_directory(&session.id.issuer)
        {
            return Ok(());
        }
        match self.directories.admit(&user.sub).await? {
            Standing::AsBefore | Standing::Confirmed => Ok(()),
            Standing::Unknown | Standing::Untrusted => Err(SignInError::DirectoryUnavailable),
            Standing::Ended(problem) => Err(SignInError::Account(problem)),
        }
    }

    /// The session that a browser's cookie names, if it lives and its user may still sign in.
    pub async fn find(&self, cookie: Option<&TokenHandle>) -> Result<Option<Session>, StoreError> {
        let Some(cookie) = cookie else { return Ok(None) };
        let Some(session) = self.table.session(cookie.hash(), self.clock.now()).await? else {
            return Ok(None);
        };
        let standing = self.directories.confirm(&session.authentication.sub).await?;
        let is_over = matches!(standing, Standing::Ended(_) | Standing::Untrusted);
        Ok((!is_over).then_some(session))
    }

    /// Ends a browser's session, and notifies its clients.
    pub async fn end(&self, cookie: &TokenHandle, address: &str) -> Result<SignedOut, StoreError> {
        let ended = self
            .table
            .end_sessions(SessionSelector::Cookie(cookie.hash()), self.clock.now())
            .await?;
        self.logout_queued.notify_waiters();
        for session in &ended {
            let EndedSession { sub, sid, .. } = session;
            audit::Event::SignedOut { sub, sid, peer: address }.log();
        }
        Ok(front_channel::frames(&ended, self.clients, self.issuer))
    }
}
