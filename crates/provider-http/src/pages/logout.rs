//! The question whether to sign out, and the page after it.

use leptos::prelude::*;

use super::{Frame, document, hidden};
use crate::csrf;

/// What the question shows.
pub(crate) struct Question {
    pub(crate) action: String,
    pub(crate) stay: String,
    pub(crate) form_token: String,
    pub(crate) sub: String,
    pub(crate) client_name: Option<String>,
    pub(crate) address_refused: bool,
    pub(crate) carried: Vec<(&'static str, String)>,
}

pub(crate) fn question(frame: &Frame, question: Question) -> String {
    document(frame, "Sign out", move || {
        let asked =
            question.client_name.map(|name| view! { <p class="muted">{format!("{name} asks to sign you out.")}</p> });
        view! {
            <div class="stack-tight">
                <h1>"Sign out?"</h1>
                <p>"You are signed in as "<strong>{question.sub}</strong>"."</p>
                {asked}
                {question.address_refused.then(|| view! {
                    <p class="alert alert-info">
                        "The application wants you to return to an address that is not registered for it. You will stay here."
                    </p>
                })}
            </div>
            <form class="stack-tight" method="post" action=question.action>
                {hidden(csrf::FIELD, question.form_token)}
                {question.carried.into_iter().map(|(name, value)| hidden(name, value)).collect_view()}
                <button class="btn btn-primary btn-block" name="action" value="logout">"Sign out"</button>
                <a class="btn btn-quiet btn-block" href=question.stay>"Stay signed in"</a>
            </form>
        }
    })
}

/// What the page after it shows.
pub(crate) struct Done {
    pub(crate) login: String,
    pub(crate) return_to: Option<String>,
    pub(crate) client_name: Option<String>,
    /// Addresses of clients that are told by a frame.
    pub(crate) frames: Vec<String>,
}

pub(crate) fn done(frame: &Frame, done: Done) -> String {
    document(frame, "Signed out", move || {
        let hint = match done.return_to {
            Some(_) => "Your other applications are being told. Then you are taken back.",
            None => "You can close this page, or sign in again.",
        };
        let client = done.client_name.unwrap_or_else(|| "the application".to_owned());
        let (address, text, class) = match done.return_to {
            Some(return_to) => (return_to, format!("Back to {client}"), "btn btn-primary btn-block"),
            None => (done.login, "Sign in".to_owned(), "btn btn-block"),
        };
        view! {
            <div class="stack-tight">
                <h1>"You are signed out"</h1>
                <p class="muted">{hint}</p>
            </div>
            <a class=class href=address>{text}</a>
            {done.frames.into_iter().map(client_frame).collect_view()}
        }
    })
}

/// Out of sight: the client removes its own cookies in it and shows nothing.
fn client_frame(address: String) -> impl IntoView {
    view! { <iframe src=address title="Signing out of an application" hidden=true></iframe> }
}
