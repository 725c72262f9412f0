//! The page before an error goes to the page of an application for which nobody vouches: it says
//! where that is, and the user goes there or not.

use axum::{
    Extension,
    http::{StatusCode, header::REFERRER_POLICY},
    response::{IntoResponse as _, Response},
};
use doorward_protocol::error::ErrorCode;
use doorward_provider::use_case::authorize::{AuthorizationResponse, ResponseMode};
use leptos::prelude::*;

use crate::{
    AppState,
    http::refusal::Refused,
    page::{
        form_post::fields,
        layout::{Layout, document},
        policy::PagePolicy,
        response::html_with_policy,
    },
};

/// The page for this error, which goes to this host.
pub(super) fn page(
    state: &AppState,
    response: &AuthorizationResponse,
    host: &str,
    code: &ErrorCode,
) -> Response {
    let markup = view(&state.layout(), response, host, code);
    let policy = PagePolicy::leading_to_client();
    // With `same-origin`, the client would see `Origin: null`.
    let referrer = [(REFERRER_POLICY, "strict-origin")];
    let page = html_with_policy(StatusCode::BAD_REQUEST, markup, &policy);
    (Extension(Refused(code.clone())), referrer, page).into_response()
}

fn view(layout: &Layout, response: &AuthorizationResponse, host: &str, code: &ErrorCode) -> String {
    const BUTTON: &str = "btn btn-block";
    let t = layout.texts;
    let (message, go_on) = (t.unvouched_page.with(host), t.go_on_to.with(host));
    let code = code.to_string();
    let way = if response.mode() == ResponseMode::FormPost {
        let (action, fields) = (response.redirect_uri().to_owned(), fields(response));
        view! {
            <form method="post" action=action>
                {fields}
                <button class=BUTTON>{go_on}</button>
            </form>
        }
        .into_any()
    } else {
        view! { <a class=BUTTON rel="noreferrer" href=response.location()>{go_on}</a> }.into_any()
    };
    document(layout, t.something_is_wrong, move || {
        view! {
            <h1>{t.did_not_work}</h1>
            <p class="alert alert-error" role="alert">
                {message} " " <code class="mono">{code}</code>
            </p>
            {way}
        }
    })
}
