//! Whether the user must do something before the client gets its answer (OIDC Core sections 3.1.2.3
//! and 3.1.2.4): a pure rule.

use doorward_protocol::error::ErrorCode;

use super::AuthorizeRequest;
use crate::model::{session::Session, time::Timestamp};

/// What has to happen next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interaction<'a> {
    /// Nothing: answer the client. This session is good enough for the request.
    Proceed(&'a Session),
    /// The user signs in.
    SignIn,
    /// The user of this session consents.
    Consent(&'a Session),
    /// The client wanted no interaction, or another user: it gets this error.
    Refuse(ErrorCode, &'static str),
}

/// Decides for a request, the browser's session and the consents on record.
pub(super) fn decide<'a>(
    request: &AuthorizeRequest,
    session: Option<&'a Session>,
    consented: bool,
    now: Timestamp,
) -> Interaction<'a> {
    let prompt = request.prompt;
    let Some(session) = session.filter(|session| !sign_in_is_stale(request, session, now)) else {
        return if prompt.none {
            Interaction::Refuse(
                ErrorCode::LoginRequired,
                "The user has to sign in, but prompt=none forbids to ask.",
            )
        } else if !request.client.enable_local_login {
            let description =
                "This client takes no sign-in by password, and there is no other here.";
            Interaction::Refuse(ErrorCode::LoginRequired, description)
        } else {
            Interaction::SignIn
        };
    };
    if request.expected_subjects.iter().any(|expected| !expected.is(&session.authentication.sub)) {
        return Interaction::Refuse(
            ErrorCode::LoginRequired,
            "Another user than the expected one is signed in.",
        );
    }
    if prompt.consent || !consented {
        return if prompt.none {
            Interaction::Refuse(
                ErrorCode::ConsentRequired,
                "The user has to consent, but prompt=none forbids to ask.",
            )
        } else {
            Interaction::Consent(session)
        };
    }
    Interaction::Proceed(session)
}

/// Whether the user must sign in again although there is a session.
fn sign_in_is_stale(request: &AuthorizeRequest, session: &Session, now: Timestamp) -> bool {
    if request.waiting.is_some_and(|waiting| waiting.signed_in_since(session)) {
        return false;
    }
    let sign_in = &session.authentication;
    request.prompt.login || !request.client.accepts_sign_in(sign_in, request.max_age, now)
}
