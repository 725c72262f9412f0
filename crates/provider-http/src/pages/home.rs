//! The provider's front door for somebody who is signed in.

use leptos::prelude::*;

use super::{Frame, document};

pub(crate) fn page(frame: &Frame, sub: &str, logout: &str) -> String {
    let (sub, logout) = (sub.to_owned(), logout.to_owned());
    document(frame, "Signed in", move || {
        view! {
            <div class="stack-tight">
                <h1>"You are signed in"</h1>
                <p>"This browser is signed in as "<strong>{sub}</strong>". Applications that use this provider will not ask for your password again."</p>
            </div>
            <a class="btn btn-block" href=logout>"Sign out"</a>
        }
    })
}
