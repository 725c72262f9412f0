//! The views of the question whether to sign out, and of the page after it.

use doorward_provider::use_case::end_session::EndSessionProblem;
use leptos::prelude::*;

use crate::page::layout::{Layout, document, hidden};
use crate::{http::csrf, texts::Texts};

/// What the question shows.
pub(crate) struct Question {
    pub(crate) action: String,
    pub(crate) stay: String,
    pub(crate) form_token: String,
    pub(crate) username: String,
    pub(crate) client_name: Option<String>,
    pub(crate) problem: Option<EndSessionProblem>,
    pub(crate) carried: Vec<(&'static str, String)>,
}

pub(crate) fn question(layout: &Layout, question: Question) -> String {
    let t = layout.texts;
    document(layout, t.sign_out, move || {
        let carried = question.carried.into_iter().map(|(name, value)| hidden(name, value));
        let carried = carried.collect_view();
        let asked = question
            .client_name
            .map(|name| view! { <p class="muted">{t.client_asks.with(&name)}</p> });
        view! {
            <div class="stack-tight">
                <h1>{t.sign_out_question}</h1>
                <p>{t.signed_in_as}" "<strong>{question.username}</strong>"."</p>
                {asked}
                {question.problem.map(|problem| alert(t, problem))}
            </div>
            <form class="stack-tight" method="post" action=question.action>
                {hidden(csrf::FIELD, question.form_token)}
                {carried}
                <button class="btn btn-primary btn-block" name="action" value="logout">
                    {t.sign_out}
                </button>
                <a class="btn btn-quiet btn-block" href=question.stay>{t.stay_signed_in}</a>
            </form>
        }
    })
}

/// What the page after the sign-out shows.
pub(crate) struct Done {
    pub(crate) login: String,
    pub(crate) return_to: Option<String>,
    pub(crate) client_name: Option<String>,
    /// The host to return to, if nobody vouches for it.
    pub(crate) unvouched_host: Option<String>,
    pub(crate) problem: Option<EndSessionProblem>,
    /// Front-channel logout addresses of the other clients, each loaded in a frame.
    pub(crate) frames: Vec<String>,
}

pub(crate) fn done(layout: &Layout, done: Done) -> String {
    let t = layout.texts;
    document(layout, t.signed_out, move || {
        let hint = match (&done.return_to, &done.unvouched_host) {
            (Some(_), None) => t.signing_out_elsewhere,
            _ => t.you_can_close,
        };
        let client = done.client_name.unwrap_or_else(|| t.the_application.to_owned());
        let (address, text, class) = match (done.return_to, done.unvouched_host) {
            (Some(return_to), None) => {
                (return_to, t.back_to.with(&client), "btn btn-primary btn-block")
            }
            (Some(return_to), Some(host)) => (return_to, t.go_on_to.with(&host), "btn btn-block"),
            (None, _) => (done.login, t.sign_in.to_owned(), "btn btn-block"),
        };
        view! {
            <div class="stack-tight">
                <h1>{t.you_are_signed_out}</h1>
                <p class="muted">{hint}</p>
                {done.problem.map(|problem| alert(t, problem))}
            </div>
            <a class=class href=address>{text}</a>
            {done.frames.into_iter().map(|address| client_frame(t, address)).collect_view()}
        }
    })
}

/// What is wrong with the request, for the user and for the people who run the application.
fn alert(t: &'static Texts, problem: EndSessionProblem) -> impl IntoView {
    view! {
        <p class="alert alert-error" role="alert">
            {(t.end_session_problem)(problem)}
            " "
            <code class="mono">{EndSessionProblem::CODE.to_string()}</code>
        </p>
    }
}

/// A hidden frame, in which the client removes its cookies.
fn client_frame(t: &'static Texts, address: String) -> impl IntoView {
    view! { <iframe src=address title=t.client_signs_out hidden=true></iframe> }
}
