//! The session of the browser, by its cookie.

use axum::http::HeaderMap;
use doorward_provider::model::session::Session;

use crate::{AppState, http::cookies::Cookie, page::error::PageError};

impl AppState {
    /// The session of the browser that sent this request; `None` if no one is signed in.
    pub(crate) async fn session(&self, headers: &HeaderMap) -> Result<Option<Session>, PageError> {
        let cookie = self.cookies.read(headers, Cookie::Session);
        self.provider.session(cookie.as_ref()).await.map_err(|error| self.error(error))
    }

    /// The name of the signed-in user, as the user typed it. `sub` may be a random text.
    pub(crate) async fn username(&self, session: &Session) -> Result<String, PageError> {
        let sub = &session.authentication.sub;
        let username = self.provider.username(sub).await.map_err(|error| self.error(error))?;
        Ok(username.unwrap_or_else(|| sub.clone()))
    }
}
