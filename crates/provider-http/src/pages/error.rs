//! The error page: what happened, what to do, and the code for whoever is asked for help.

use leptos::prelude::*;

use super::{Frame, document};

pub(crate) fn page(frame: &Frame, code: &str, message: &str) -> String {
    let (code, message) = (code.to_owned(), message.to_owned());
    document(frame, "Something is wrong", move || {
        view! {
            <h1>"This did not work"</h1>
            <p class="alert alert-error" role="alert">{message}</p>
            <p class="muted">
                "Go back to the application and try again. If it happens again, tell the people who run it this code: "
                <code class="mono">{code}</code>
            </p>
        }
    })
}
