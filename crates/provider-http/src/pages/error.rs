//! The error page: what happened, what to do, and the code for whoever is asked for help.

use leptos::prelude::*;

use super::{Frame, document};

pub(crate) fn page(frame: &Frame, code: &str, message: &str) -> String {
    let (code, message) = (code.to_owned(), message.to_owned());
    let t = frame.texts;
    document(frame, t.something_is_wrong, move || {
        view! {
            <h1>{t.did_not_work}</h1>
            <p class="alert alert-error" role="alert">{message}</p>
            <p class="muted">
                {t.go_back}
                " "
                <code class="mono">{code}</code>
            </p>
        }
    })
}
