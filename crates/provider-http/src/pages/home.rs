//! The provider's front door for somebody who is signed in.

use leptos::prelude::*;

use super::{Frame, document};

pub(crate) fn page(frame: &Frame, sub: &str, grants: String, logout: String) -> String {
    let sub = sub.to_owned();
    let t = frame.texts;
    document(frame, t.signed_in, move || {
        view! {
            <div class="stack-tight">
                <h1>{t.you_are_signed_in}</h1>
                <p>{t.browser_signed_in_as}" "<strong>{sub}</strong>". "{t.no_password_again}</p>
            </div>
            <div class="stack-tight">
                <a class="btn btn-block" href=grants>{t.access_and_sessions}</a>
                <a class="btn btn-block" href=logout>{t.sign_out}</a>
            </div>
        }
    })
}
