//! The page that posts an authorization response (OAuth 2.0 Form Post Response Mode). It is the
//! only page with a script, which its Content-Security-Policy allows by hash. Without script, the
//! user presses the button.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use doorward_provider::use_case::authorize::AuthorizationResponse;
use leptos::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::page::layout::{Layout, document};

const SCRIPT: &str = "document.forms[0].submit()";

/// The script's source expression (CSP Level 3 section 2.3.1).
pub(crate) fn script_hash() -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(SCRIPT)))
}

/// The parameters of a response as hidden fields.
pub(super) fn fields(response: &AuthorizationResponse) -> impl IntoView + use<> {
    let params: Vec<(String, String)> =
        response.params().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    params
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
        .collect_view()
}

pub(crate) fn view(layout: &Layout, response: &AuthorizationResponse) -> String {
    let action = response.redirect_uri().to_owned();
    let fields = fields(response);
    let t = layout.texts;
    document(layout, t.one_moment, move || {
        view! {
            <h1>{t.one_moment}</h1>
            <form class="stack" method="post" action=action>
                {fields}
                <p class="muted">{t.being_returned}</p>
                <button class="btn btn-primary btn-block">{t.go_on}</button>
            </form>
            <script>{SCRIPT}</script>
        }
    })
}
