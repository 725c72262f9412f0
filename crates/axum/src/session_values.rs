//! The session in the hands of a handler: values of the application, and its end.

use std::{any::type_name, fmt, sync::Arc};

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use doorward_client::SignoutRequestArgs;
use http::{StatusCode, request::Parts};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::error::Category;

use crate::{
    Refusal, SignedIn, StoreError,
    layer::RequestSession,
    refusal::session_challenge,
    routes::{leave, leave_here},
    session::{ChangeOf, SessionRecord},
};

/// The longest name of a value, in bytes.
const LONGEST_NAME: usize = 64;
/// How much all values of a session may have together, in bytes of JSON: they must fit into cookies
/// beside the tokens.
const MOST_BYTES: usize = 4096;

/// The session of a signed-in user. As an extractor it treats everybody else as [`SignedIn`] does.
///
/// It has small values of the application: what is in the cart, which step of a form is done. They
/// end with the session. If the same user signs in again, as a policy may ask for, they stay; a new
/// user begins with none. Where sessions are in cookies, a user can bring an older state back:
/// don't count there how often somebody may try something.
///
/// What a handler or a server function changes reaches the browser with its answer: nothing else is
/// to be done. [`Session::insert`] says what is different for an answer that is streamed.
///
/// ```
/// use doorward_axum::{Session, SessionError};
///
/// async fn add(session: Session) -> Result<String, SessionError> {
///     let mut cart: Vec<u64> = session.get("cart")?.unwrap_or_default();
///     cart.push(7);
///     session.insert("cart", &cart).await?;
///     Ok(format!("{} articles", cart.len()))
/// }
/// ```
#[derive(Clone)]
pub struct Session {
    slot: Arc<RequestSession>,
}

/// A session can't be used, or a value does not fit into it.
///
/// ```
/// use axum::{http::StatusCode, response::IntoResponse};
/// use doorward_axum::SessionError;
///
/// // As a response it says what to do, and nothing of the inside.
/// assert_eq!(SessionError::Ended.into_response().status(), StatusCode::UNAUTHORIZED);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// It ended, perhaps by another request.
    #[error("the session has ended")]
    Ended,
    /// The values of the session would be larger than 4096 bytes of JSON, or the name is longer
    /// than 64.
    #[error("the value {0:?} is too large for the session")]
    TooLarge(String),
    /// The value has no form in JSON, or is of another type than the one that is asked for.
    #[error("the value {0:?} can't be read or written: {1}")]
    Type(String, String),
    /// The store of sessions can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A handler may return it as it is. The answer has no internals.
impl IntoResponse for SessionError {
    fn into_response(self) -> Response {
        tracing::warn!(problem = %self, "a session can't be used");
        let (status, text) = match self {
            Self::Ended => (StatusCode::UNAUTHORIZED, "The session has ended. Sign in again."),
            Self::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "Please try again shortly."),
            Self::TooLarge(_) | Self::Type(..) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "This did not work.")
            }
        };
        let mut response = (status, text).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().extend(session_challenge());
        }
        response
    }
}

impl Session {
    /// A value. `None` if there is none under this name.
    ///
    /// # Errors
    /// [`SessionError::Type`] if it is of another type, [`SessionError::Ended`].
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, SessionError> {
        let session = self.slot.present().ok_or(SessionError::Ended)?;
        let read = |value| T::deserialize(value).map_err(|error| wrong_type::<T>(name, &error));
        session.record.values.get(name).map(read).transpose()
    }

    /// Keeps a value under a name, in place of an earlier one. When it returns, the next request
    /// finds it. Of requests that overlap, none undoes what another one does to other names. Where
    /// sessions are in cookies, that holds within one process.
    ///
    /// Cookies go out before the body. If sessions are in cookies, what the body of a streamed page
    /// changes is known to this process alone, and reaches the browser with its next request here.
    /// Another process, or this one after a restart, does not know it. So change the session before
    /// the page is streamed, or in a request of its own.
    ///
    /// # Errors
    /// Any of [`SessionError`]. The session is then as it was.
    pub async fn insert<T: Serialize + ?Sized>(
        &self,
        name: &str,
        value: &T,
    ) -> Result<(), SessionError> {
        let value = serde_json::to_value(value).map_err(|error| wrong_type::<T>(name, &error))?;
        self.change(|record| {
            record.values.insert(name.to_owned(), value.clone());
            let bytes = serde_json::to_vec(&record.values).map_or(usize::MAX, |json| json.len());
            if bytes > MOST_BYTES || name.len() > LONGEST_NAME {
                return Err(SessionError::TooLarge(name.to_owned()));
            }
            Ok(())
        })
        .await
    }

    /// Removes a value, if there is one.
    ///
    /// # Errors
    /// [`SessionError::Ended`], [`SessionError::Store`].
    pub async fn remove(&self, name: &str) -> Result<(), SessionError> {
        self.change(|record| {
            record.values.remove(name);
            Ok(())
        })
        .await
    }

    async fn change(
        &self,
        change: impl Fn(&mut SessionRecord) -> Result<(), SessionError>,
    ) -> Result<(), SessionError> {
        let auth = &self.slot.auth;
        let session = self.slot.present().ok_or(SessionError::Ended)?;
        let change = |present: &SessionRecord| {
            let mut record = present.clone();
            change(&mut record)?;
            Ok::<_, SessionError>(record)
        };
        let changed = auth.sessions.change(&session, auth.now(), ChangeOf::Values, change).await?;
        let Some(changed) = changed else {
            self.slot.end();
            return Err(SessionError::Ended);
        };
        Ok(self.slot.change(Arc::new(changed))?)
    }

    /// Ends the session. Returns where the browser must go next: to the provider's page that ends
    /// the session there, or to the page after sign-out. It is what the route `/signout` does, for
    /// handlers that have more to do.
    ///
    /// # Errors
    /// [`SessionError::Store`]: the user is still signed in.
    pub async fn sign_out(&self) -> Result<String, SessionError> {
        Ok(leave(&self.slot.auth, &self.slot, SignoutRequestArgs::default()).await?)
    }

    /// Ends the session here. The user stays signed in at the provider, and so the next sign-in may
    /// need no password.
    ///
    /// # Errors
    /// [`SessionError::Store`]: the user is still signed in.
    pub async fn sign_out_here(&self) -> Result<(), SessionError> {
        leave_here(&self.slot.auth, &self.slot).await?;
        Ok(())
    }
}

/// Says which type was wanted, and not what the value is: the text of a serde error quotes it, and
/// errors are logged.
fn wrong_type<T: ?Sized>(name: &str, error: &serde_json::Error) -> SessionError {
    let problem = match error.classify() {
        Category::Io => "it could not be written",
        Category::Syntax | Category::Eof => "the type has no form in JSON",
        Category::Data => "its content does not fit the type",
    };
    SessionError::Type(name.to_owned(), format!("{problem}, {}", type_name::<T>()))
}

/// Shows neither values nor tokens.
impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Session").finish_non_exhaustive()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        match SignedIn::of_request(parts).await? {
            (Some(_), slot) => Ok(Self { slot }),
            (None, slot) => Err(Refusal::sign_in(parts, &slot, None).await),
        }
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Refusal> {
        let (user, slot) = SignedIn::of_request(parts).await?;
        Ok(user.map(|_| Self { slot }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use http::header::WWW_AUTHENTICATE;

    use super::*;

    #[test]
    fn a_page_learns_that_the_session_has_ended() {
        let of =
            |error: SessionError| error.into_response().headers().get(WWW_AUTHENTICATE).cloned();
        assert_eq!(of(SessionError::Ended).unwrap(), "Session");
        assert_eq!(of(SessionError::TooLarge("x".to_owned())), None);
    }

    #[test]
    fn a_wrong_type_is_named_without_the_value() {
        let error = serde_json::from_str::<u64>("\"secret\"").unwrap_err();
        assert!(error.to_string().contains("secret"), "serde quotes it: {error}");
        let told = wrong_type::<u64>("cart", &error).to_string();
        assert_eq!(
            told,
            "the value \"cart\" can't be read or written: its content does not fit the type, u64"
        );
        let no_json = serde_json::to_value(BTreeMap::from([(vec!["secret"], 1)])).unwrap_err();
        let told = wrong_type::<Vec<u8>>("cart", &no_json).to_string();
        assert!(told.contains("alloc::vec::Vec<u8>") && !told.contains("secret"), "{told}");
    }
}
