//! Sign-in by password, and the sessions of browsers.

use doorward_protocol::{ids::Sub, params::Params, secret::Secret};

use super::Provider;
use crate::{
    model::{
        account_notice::AccountNotices,
        session::{Device, Session},
        token_handle::TokenHandle,
        user::User,
    },
    store::StoreError,
    use_case::{
        end_session::{EndSession, EndSessionError, EndSessionRequest},
        logout::SignedOut,
        sign_in::{
            Beginning, PasswordCheck, SessionLifetimes, Sessions, SignIn, SignInError,
            SignInOrigin, StartedSession, VerifiedPassword,
        },
    },
};

impl Provider {
    /// Checks a user name and password. Unknown users, wrong passwords and disabled users give the
    /// same answer after the same work; failures are counted for the account and for the address,
    /// or for the browser alone if `device`, its device cookie, shows that the user has signed in
    /// there before.
    pub async fn verify_password(
        &self,
        username: &str,
        password: Secret,
        origin: SignInOrigin<'_>,
    ) -> Result<VerifiedPassword, SignInError> {
        self.password_check().verify(username, password, origin).await
    }

    /// Starts a session under a new identifier; the browser's earlier one ends. The user is not
    /// told of it: [`Provider::begin_session`] does so.
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
        self.sessions().start(user, beginning).await
    }

    /// The session that a browser's cookie names, if it lives and its user may still sign in.
    pub async fn session(
        &self,
        cookie: Option<&TokenHandle>,
    ) -> Result<Option<Session>, StoreError> {
        self.sessions().find(cookie).await
    }

    /// The name that the user with this `sub` signs in with; `None` if the user was removed.
    pub async fn username(&self, sub: &Sub) -> Result<Option<String>, StoreError> {
        Ok(self.store.user(sub).await?.map(|user| user.username))
    }

    /// Ends a browser's session, and notifies its clients.
    pub async fn end_session(
        &self,
        cookie: &TokenHandle,
        address: &str,
    ) -> Result<SignedOut, StoreError> {
        self.sessions().end(cookie, address).await
    }

    /// Checks a request to sign out against the browser's session.
    pub async fn parse_end_session(
        &self,
        params: &Params,
        session: Option<&Session>,
    ) -> Result<EndSessionRequest, EndSessionError> {
        let end_session =
            EndSession { clients: self.directory(), keys: &self.keys, issuer: self.issuer() };
        end_session.parse(params, session).await
    }

    pub(super) fn password_check(&self) -> PasswordCheck<'_> {
        PasswordCheck {
            users: &*self.store,
            identities: &*self.store,
            directories: self.directories(),
            asks_directories: true,
            failures: &*self.store,
            passwords: &self.passwords,
            devices: &self.devices,
            sign_in_with: self.settings.accounts.sign_in_with,
            most_wrong: self.settings.accounts.most_wrong_attempts,
            accounts: self.accounts(),
            outbox: &*self.store,
            clock: &*self.clock,
        }
    }

    pub(super) fn sessions(&self) -> Sessions<'_> {
        Sessions {
            table: &*self.store,
            users: &*self.store,
            clients: &self.clients,
            lifetimes: SessionLifetimes {
                plain: self.settings.session_lifetime,
                remembered: self.settings.remember_me_lifetime,
            },
            devices: &self.devices,
            directories: self.directory_states(),
            issuer: &self.settings.issuer,
            logout_queued: &self.logout.queued,
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }
}
