//! Asks in a hidden frame whether the user has a session at the provider (OIDC Session Management
//! section 5.1, `prompt=none`).

use doorward_protocol::error::ErrorCode;

use super::frame::silent_args;
use crate::{Error, Fault, client::Client, id_token::VerifiedIdToken};

/// A session at the provider.
///
/// ```no_run
/// use doorward_client::{Error, UserManager};
///
/// async fn somebody_else(manager: UserManager, own_sub: &str) -> Result<bool, Error> {
///     let session = manager.query_session_status().await?;
///     Ok(session.is_some_and(|session| session.sub != own_sub))
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionStatus {
    /// The user who is signed in there.
    pub sub: String,
    /// The session's current state (OIDC Session Management section 2).
    pub session_state: Option<String>,
}

impl Client {
    /// Returns `None` if nobody is signed in there, or if the browser hides the session from the
    /// frame. The tokens that this brings are discarded.
    pub(super) async fn query_session_status(&self) -> Result<Option<SessionStatus>, Fault> {
        let mut args = silent_args();
        args.scope = Some("openid".to_owned());
        match self.ask_in_frame(args).await {
            Ok((tokens, id_token)) => Ok(Some(SessionStatus {
                sub: id_token.as_ref().map_or("", VerifiedIdToken::sub).to_owned(),
                session_state: tokens.accepted.session_state,
            })),
            Err(error) => match &*error {
                Error::Authorization(refusal) if refusal.code == ErrorCode::LoginRequired => {
                    Ok(None)
                }
                _ => Err(error),
            },
        }
    }
}
