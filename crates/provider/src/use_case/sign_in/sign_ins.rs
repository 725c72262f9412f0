//! How the session of a sign-in begins, and what its user is told of it.

use super::{
    SignIn, SignInError,
    sessions::{Beginning, Sessions, SignInBrowser, StartedSession},
};
use crate::{
    model::{
        account_event::AccountEventKind,
        account_notice::AccountNotices,
        outbox::MailKind,
        session::{Authentication, Device, Session, SignInProof},
        user::User,
    },
    use_case::accounts::{Accounts, Asker, Told},
};

/// Begins the sessions of sign-ins: what it reads and changes.
pub struct SignIns<'a> {
    pub(crate) sessions: Sessions<'a>,
    /// Tells the user.
    pub(crate) accounts: Accounts<'a>,
}

impl SignIns<'_> {
    /// Starts a session under a new identifier, in place of the browser's earlier one, and keeps
    /// the sign-in for the user to see. Signed in with a browser whose device cookie is not known,
    /// the user is told by mail, unless it is the first sign-in that is known of.
    pub async fn begin_session(
        &self,
        user: &User,
        sign_in: SignIn,
        remember: bool,
        browser: SignInBrowser<'_>,
    ) -> Result<StartedSession, SignInError> {
        let SignInBrowser { device, session, known_by, language, client_id } = browser;
        let is_known = known_by.and_then(|cookie| self.accounts.devices.recognise(cookie, user));
        // A browser in which a password was set by a link may be that of somebody who reads the
        // owner's mail.
        let is_known = is_known.is_some_and(|browser| browser.has_signed_in);
        let is_first = self.accounts.account_events(&user.sub, None, 1).await?.is_empty();
        let (kind, event) = if is_known || is_first {
            (None, AccountEventKind::SignedIn)
        } else {
            (Some(MailKind::NewDevice), AccountEventKind::SignedInFromNewDevice)
        };
        let asker = Asker {
            address: device.address.as_deref().unwrap_or_default(),
            browser: device.browser.as_deref(),
            language,
            mark: None,
            client_id,
        };
        let notices = self.accounts.notices(user, kind, Told::new(event), asker)?;
        let replaces = session;
        let beginning = Beginning { sign_in, remember, device, replaces, notices };
        let started = self.sessions.start(user, beginning).await?;
        self.accounts.mail_queued.notify_waiters();
        Ok(started)
    }

    /// Goes on with a session whose user has just set another password, in a new one. The user has
    /// signed in when they did, and not again.
    pub async fn go_on_signed_in(
        &self,
        user: &User,
        session: &Session,
        device: Device,
    ) -> Result<StartedSession, SignInError> {
        // A session that is not remembered never lasts longer from now on. Its sign-in says nothing
        // of that: it may have been elsewhere, and long ago.
        let left = session.expires_at.since(self.sessions.clock.now());
        let remember = left > i64::from(self.sessions.lifetimes.plain);
        let Authentication { amr, auth_time, .. } = session.authentication.clone();
        // A session that began elsewhere stays one: it ends when that there ends.
        let elsewhere = session.upstream.clone().map(SignInProof::External);
        let password = || user.password_hash.clone().map(SignInProof::Password);
        let proof = elsewhere.or_else(password).ok_or(SignInError::WrongPassword)?;
        let beginning = Beginning {
            sign_in: SignIn { proof, amr, auth_time: Some(auth_time) },
            remember,
            device,
            replaces: None,
            notices: AccountNotices::default(),
        };
        self.sessions.start(user, beginning).await
    }
}
