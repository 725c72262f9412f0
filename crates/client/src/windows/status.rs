//! Whether the user still has a session at the provider, asked through a hidden frame (OIDC Session
//! Management section 5.1, `prompt=none`).

use doorward_protocol::error::ErrorCode;

use super::frame::silent_args;
use crate::{Error, Fault, client::Client, id_token::VerifiedIdToken};

/// A session at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionStatus {
    /// Who is signed in there.
    pub sub: String,
    /// The session's present state (OIDC Session Management section 2).
    pub session_state: Option<String>,
}

impl Client {
    /// Asks; `None`: nobody is signed in there, or the browser shows the frame nothing of it. What
    /// is granted on the way is thrown away.
    pub(super) async fn query_session_status(&self) -> Result<Option<SessionStatus>, Fault> {
        let mut args = silent_args();
        args.scope = Some("openid".to_owned());
        match self.ask_in_frame(args).await {
            Ok((tokens, id_token)) => Ok(Some(SessionStatus {
                sub: id_token.as_ref().map_or("", VerifiedIdToken::sub).to_owned(),
                session_state: tokens.accepted.session_state,
            })),
            Err(error) => match &*error {
                Error::Authorization(told) if told.code == ErrorCode::LoginRequired => Ok(None),
                _ => Err(error),
            },
        }
    }
}
