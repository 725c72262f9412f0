//! The user of a server function by the access token that the call carries.

use std::future::Future;

use doorward_policy::RequiredPolicy;
use doorward_resource_server::{
    Authorized, Refusal, RefusalCause, ResourceServer, axum::extract::FromRequestParts as _,
};
use http::{HeaderValue, header::AUTHORIZATION, request::Parts};
use leptos::prelude::{provide_context, use_context};

use crate::{NotAuthorized, ServerUser, refusal};

/// Whether the call carries an access token (RFC 6750 section 2.1, RFC 9449 section 7.1). What it
/// carries was given on purpose, but a cookie goes along by itself and may be another user's.
pub(crate) fn is_sent() -> bool {
    let is_token = |value: &HeaderValue| {
        let scheme = value.as_bytes().split(|byte| *byte == b' ').next().unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"bearer") || scheme.eq_ignore_ascii_case(b"dpop")
    };
    use_context::<Parts>()
        .is_some_and(|parts| parts.headers.get_all(AUTHORIZATION).iter().any(is_token))
}

/// Verifies the call's token and asks the policies of `P`. `None` if the application verifies no
/// tokens.
pub(crate) fn begin<P: RequiredPolicy>()
-> Option<impl Future<Output = Result<ServerUser, NotAuthorized>> + Send> {
    let server = use_context::<ResourceServer>()?;
    let mut parts = use_context::<Parts>()?;
    Some(async move {
        let verified = Authorized::<P>::from_request_parts(&mut parts, &server).await;
        // Who asks for another policy finds the token there: its proof counts once.
        provide_context(parts);
        verified.map(|caller| ServerUser::from(caller.principal().clone())).map_err(|refused| {
            let told = told(&refused);
            refusal::keep(told.clone(), refused.status(), refused.headers());
            told
        })
    })
}

/// What the page learns.
fn told(refused: &Refusal) -> NotAuthorized {
    let body = refused.body();
    match refused.cause() {
        RefusalCause::NoCredentials | RefusalCause::Token(_) | RefusalCause::Proof(_) => {
            NotAuthorized::SignedOut
        }
        RefusalCause::Denied(denial) => match denial.step_up() {
            Some(step_up) => NotAuthorized::StepUp(step_up.clone()),
            None => NotAuthorized::Denied(body.reasons),
        },
        _ => NotAuthorized::Failed(body.error_description),
    }
}
