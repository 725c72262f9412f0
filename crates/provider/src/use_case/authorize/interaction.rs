//! Whether the user must do something before the client gets its answer (OIDC Core sections 3.1.2.3
//! and 3.1.2.4): a pure rule.

use doorward_protocol::error::ErrorCode;

use super::AuthorizeRequest;
use crate::model::{
    acr::AcrLevel, client::Client, identity_provider::IdentityProvider, provider_choice,
    session::Session, time::Timestamp,
};

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

/// By what users can sign in here beside their passwords.
#[derive(Debug, Clone, Copy)]
pub(super) struct WaysIn<'a> {
    /// Whether they can have passkeys.
    pub(super) passkeys: bool,
    /// The other providers.
    pub(super) providers: &'a [IdentityProvider],
}

/// Decides for a request, the browser's session and the consents on record.
pub(super) fn decide<'a>(
    request: &AuthorizeRequest,
    session: Option<&'a Session>,
    consented: bool,
    ways_in: WaysIn<'_>,
    now: Timestamp,
) -> Interaction<'a> {
    let prompt = request.prompt;
    let is_stale = |session: &&Session| sign_in_is_stale(request, session, ways_in, now);
    let Some(session) = session.filter(|session| !is_stale(session)) else {
        return if prompt.none {
            Interaction::Refuse(
                ErrorCode::LoginRequired,
                "The user has to sign in, but prompt=none forbids to ask.",
            )
        } else if !request.client.enable_local_login
            && !ways_in.passkeys
            && !provider_choice::is_any_offered(ways_in.providers, &request.client)
        {
            let description =
                "This client takes no sign-in by password, and there is no other here.";
            Interaction::Refuse(ErrorCode::LoginRequired, description)
        } else {
            Interaction::SignIn
        };
    };
    if request.expects_another(&session.authentication.sub) {
        return if prompt.none || request.expects_nobody() || was_asked_to_change(request, session) {
            Interaction::Refuse(
                ErrorCode::LoginRequired,
                "Another user than the expected one is signed in.",
            )
        } else {
            Interaction::SignIn
        };
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
fn sign_in_is_stale(
    request: &AuthorizeRequest,
    session: &Session,
    ways_in: WaysIn<'_>,
    now: Timestamp,
) -> bool {
    let sign_in = &session.authentication;
    if request.required_acr().is_some_and(|level| AcrLevel::of(&sign_in.amr) < level) {
        return true;
    }
    if request.client.refuses_password_of(sign_in) {
        return true;
    }
    if !request.client.takes_session(session, ways_in.providers) {
        return true;
    }
    if request.waiting.is_some_and(|waiting| waiting.signed_in_since(session)) {
        return false;
    }
    let accepts =
        |client: &Client| client.accepts_sign_in(session, ways_in.providers, request.max_age, now);
    request.prompt.wants_sign_in() || !accepts(&request.client)
}

/// Whether the user has already been told that the client expects another user, and has signed in
/// since then.
fn was_asked_to_change(request: &AuthorizeRequest, session: &Session) -> bool {
    request.signed_in_for_it
        || request.waiting.is_some_and(|waiting| waiting.signed_in_since(session))
}
