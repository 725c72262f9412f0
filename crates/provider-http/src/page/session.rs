//! The session of the browser, by its cookie.

use axum::http::HeaderMap;
use doorward_provider::{
    audit,
    model::{session::Session, user::User},
    use_case::sign_in::{SignIn, SignInBrowser, SignInError, StartedSession},
};

use crate::{
    AppState,
    http::{cookies::Cookie, peer::Peer, user_agent},
    page::error::{PageError, PageErrorCause},
};

impl AppState {
    /// The session of the browser that sent this request; `None` if no one is signed in.
    pub(crate) async fn session(&self, headers: &HeaderMap) -> Result<Option<Session>, PageError> {
        let cookie = self.cookies.read(headers, Cookie::Session);
        self.provider.sessions().find(cookie.as_ref()).await.map_err(|error| self.error(error))
    }

    /// The name of the signed-in user, as the user typed it. `sub` may be a random text.
    pub(crate) async fn username(&self, session: &Session) -> Result<String, PageError> {
        let sub = &session.authentication.sub;
        let username =
            self.provider.accounts().username(sub).await.map_err(|error| self.error(error))?;
        Ok(username.unwrap_or_else(|| sub.to_string()))
    }

    /// The user of a session. A user who was removed meanwhile has no page any more.
    pub(crate) async fn own_user(&self, session: &Session) -> Result<User, PageError> {
        let user = self.provider.accounts().own_user(&session.authentication).await;
        let user = user.map_err(|error| self.error(error))?;
        user.ok_or_else(|| self.error(PageErrorCause::NotFound))
    }

    /// Starts a session in place of the browser's earlier one, and keeps the sign-in for its user
    /// to see.
    pub(crate) async fn begin_session(
        &self,
        headers: &HeaderMap,
        peer: &Peer,
        user: &User,
        sign_in: SignIn,
        remember: bool,
    ) -> Result<StartedSession, SignInError> {
        let (before, known) = (
            self.cookies.read(headers, Cookie::Session),
            self.cookies.read(headers, Cookie::Device),
        );
        let browser = SignInBrowser {
            device: user_agent::device(headers, peer),
            session: before.as_ref(),
            known_by: known.as_ref(),
            language: self.texts.lang,
            client_id: self.client.as_deref().map(|client| &client.client_id),
        };
        let started =
            self.provider.sign_ins().begin_session(user, sign_in, remember, browser).await?;
        audit::Event::SignedIn { sub: &user.sub, peer: &peer.0 }.log();
        Ok(started)
    }
}
