//! The answer to a refused server function, by `leptos_axum`.

use doorward_protocol::{challenge::Challenge, error::ErrorCode};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ACCEPT, CACHE_CONTROL, WWW_AUTHENTICATE},
    request::Parts,
};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use leptos_router::location::RequestUrl;

use crate::NotAuthorized;

/// How `authorized` refused the call.
#[derive(Clone)]
#[cfg_attr(not(feature = "resource-server"), allow(dead_code))]
struct Refused {
    told: NotAuthorized,
    status: StatusCode,
    headers: HeaderMap,
}

/// Keeps the answer to a refusal until the server function ends with it. The function may go on
/// without it: then the answer is another one, and nobody may repeat the call.
#[cfg(feature = "resource-server")]
pub(crate) fn keep(told: NotAuthorized, status: StatusCode, headers: HeaderMap) {
    leptos::prelude::provide_context(Refused { told, status, headers });
}

/// Sets status and challenge of the answer to a server function that ends with this refusal.
pub(crate) fn answer(refused: &NotAuthorized) {
    let kept = use_context::<Refused>().filter(|kept| kept.told == *refused);
    if let Some(Refused { status, headers, .. }) = kept {
        return answer_with(status, &headers);
    }
    let Some((status, challenge)) = of(refused) else {
        return;
    };
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let challenge = challenge.and_then(|text| HeaderValue::from_str(&text.to_string()).ok());
    if let Some(challenge) = challenge {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    answer_with(status, &headers);
}

/// Sets status and headers, if a server function is asked. A page that asks while it is rendered is
/// an answer of its own: a part of it may be refused.
fn answer_with(status: StatusCode, headers: &HeaderMap) {
    let (Some(parts), Some(response)) = (use_context::<Parts>(), use_context::<ResponseOptions>())
    else {
        return;
    };
    let accept = parts.headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let is_form_of_page = accept.is_some_and(|accept| accept.contains("text/html"));
    if use_context::<RequestUrl>().is_some() || is_form_of_page {
        return;
    }
    response.set_status(status);
    for name in headers.keys() {
        let mut values = headers.get_all(name).iter();
        // It may have been set before.
        if let Some(value) = values.next() {
            response.insert_header(name.clone(), value.clone());
        }
        for value in values {
            response.append_header(name.clone(), value.clone());
        }
    }
}

/// The status, and the challenge for 401. `None` for a failure of the function itself, which sets
/// its own status. Without one, leptos sets 500.
fn of(refused: &NotAuthorized) -> Option<(StatusCode, Option<Challenge>)> {
    match refused {
        NotAuthorized::SignedOut => Some((StatusCode::UNAUTHORIZED, Some(Challenge::session()))),
        NotAuthorized::StepUp(step_up) => {
            let challenge = Challenge::session()
                .with_error(&ErrorCode::InsufficientUserAuthentication, &refused.to_string())
                .with_sign_in(&step_up.acr_values, step_up.max_age);
            Some((StatusCode::UNAUTHORIZED, Some(challenge)))
        }
        NotAuthorized::Denied(_) => Some((StatusCode::FORBIDDEN, None)),
        NotAuthorized::Failed(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_policy::StepUp;
    use leptos::prelude::{Owner, provide_context};

    use super::*;

    fn answered(accept: &str, is_page: bool, refused: &NotAuthorized) -> ResponseOptions {
        Owner::new().with(|| {
            let request = http::Request::get("/api/close").header(ACCEPT, accept).body(());
            provide_context(request.unwrap().into_parts().0);
            if is_page {
                provide_context(RequestUrl::new("http://leptos.dev/orders"));
            }
            let response = ResponseOptions::default();
            provide_context(response.clone());
            answer(refused);
            response
        })
    }

    #[test]
    fn a_script_gets_a_status_and_what_would_help() {
        let json = "application/json";
        let step_up = StepUp { acr_values: vec!["2".to_owned()], max_age: Some(300) };
        for (refused, status, challenge) in [
            (NotAuthorized::SignedOut, 401, Some("Session")),
            (
                NotAuthorized::StepUp(step_up),
                401,
                Some(
                    "Session error=\"insufficient_user_authentication\", \
                     error_description=\"a stronger or a more recent sign-in is needed\", \
                     acr_values=\"2\", max_age=\"300\"",
                ),
            ),
            (NotAuthorized::Denied(vec!["needs department Sales".to_owned()]), 403, None),
        ] {
            let parts = answered(json, false, &refused);
            let parts = parts.0.read().unwrap();
            assert_eq!(parts.status.unwrap().as_u16(), status);
            let sent = parts.headers.get(WWW_AUTHENTICATE).map(|value| value.to_str().unwrap());
            assert_eq!(sent, challenge);
        }
    }

    #[test]
    fn a_failure_of_the_function_itself_sets_nothing() {
        let failed = NotAuthorized::Failed("there is no such order".to_owned());
        let parts = answered("application/json", false, &failed);
        let parts = parts.0.read().unwrap();
        assert!(parts.status.is_none() && parts.headers.is_empty());
    }

    #[test]
    fn a_page_and_a_form_of_one_are_answered_by_leptos() {
        for (accept, is_page) in [("application/json", true), ("text/html,*/*", false)] {
            let parts = answered(accept, is_page, &NotAuthorized::SignedOut);
            assert_eq!(parts.0.read().unwrap().status, None);
        }
    }
}
