//! The question whether to sign out, and the page after it.

use leptos::prelude::*;

use super::{Frame, document, hidden};
use crate::{csrf, texts::Texts};

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
    let t = frame.texts;
    document(frame, t.sign_out, move || {
        let asked = question
            .client_name
            .map(|name| view! { <p class="muted">{(t.client_asks)(&name)}</p> });
        view! {
            <div class="stack-tight">
                <h1>{t.sign_out_question}</h1>
                <p>{t.signed_in_as}" "<strong>{question.sub}</strong>"."</p>
                {asked}
                {question.address_refused.then(|| view! {
                    <p class="alert alert-info">
                        {t.address_refused}
                    </p>
                })}
            </div>
            <form class="stack-tight" method="post" action=question.action>
                {hidden(csrf::FIELD, question.form_token)}
                {question.carried.into_iter().map(|(name, value)| hidden(name, value)).collect_view()}
                <button class="btn btn-primary btn-block" name="action" value="logout">{t.sign_out}</button>
                <a class="btn btn-quiet btn-block" href=question.stay>{t.stay_signed_in}</a>
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
    let t = frame.texts;
    document(frame, t.signed_out, move || {
        let hint = match done.return_to {
            Some(_) => t.others_are_told,
            None => t.you_can_close,
        };
        let client = done.client_name.unwrap_or_else(|| t.the_application.to_owned());
        let (address, text, class) = match done.return_to {
            Some(return_to) => (return_to, (t.back_to)(&client), "btn btn-primary btn-block"),
            None => (done.login, t.sign_in.to_owned(), "btn btn-block"),
        };
        view! {
            <div class="stack-tight">
                <h1>{t.you_are_signed_out}</h1>
                <p class="muted">{hint}</p>
            </div>
            <a class=class href=address>{text}</a>
            {done.frames.into_iter().map(|address| client_frame(t, address)).collect_view()}
        }
    })
}

/// Out of sight: the client removes its own cookies in it and shows nothing.
fn client_frame(t: &'static Texts, address: String) -> impl IntoView {
    view! { <iframe src=address title=t.client_signs_out hidden=true></iframe> }
}
