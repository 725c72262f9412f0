//! The provider's front door for somebody who is signed in.

use leptos::prelude::*;

use super::{Frame, document};

pub(crate) fn page(frame: &Frame, sub: &str, grants: String, logout: String) -> String {
    let sub = sub.to_owned();
    document(frame, "Signed in", move || {
        view! {
            <div class="stack-tight">
                <h1>"You are signed in"</h1>
                <p>"This browser is signed in as "<strong>{sub}</strong>". Applications that use this provider will not ask for your password again."</p>
            </div>
            <div class="stack-tight">
                <a class="btn btn-block" href=grants>"Access and sessions"</a>
                <a class="btn btn-block" href=logout>"Sign out"</a>
            </div>
        }
    })
}
