//! The form by which somebody asks for a link to be mailed: to register, or to set another password
//! in place of a forgotten one.

use axum::{http::HeaderMap, response::Response};
use leptos::prelude::*;

use super::account_form::{Problem, RETURN_URL, alert};
use crate::{
    AppState,
    http::{
        csrf::{self, FormToken},
        return_url::ReturnUrl,
    },
    page::{
        layout::{document, hidden},
        response::{html, with_cookie},
    },
};

/// What is asked for, and how the page calls it.
pub(super) struct LinkRequest {
    pub(super) title: &'static str,
    pub(super) lead: &'static str,
    /// The path of the page.
    pub(super) path: &'static str,
    /// The one field: name, label, type, and what a browser may fill in.
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) kind: &'static str,
    pub(super) autocomplete: &'static str,
    /// The most characters.
    pub(super) longest: usize,
    /// Words before the link to the sign-in, and the link.
    pub(super) before_back: Option<&'static str>,
    pub(super) back: (&'static str, String),
}

impl LinkRequest {
    /// The page with what was typed so far, and what is wrong with it.
    pub(super) fn show(
        self,
        state: &AppState,
        headers: &HeaderMap,
        return_url: Option<&ReturnUrl>,
        typed: &str,
        problem: Option<&Problem>,
    ) -> Response {
        let token = FormToken::for_page(headers, &state.cookies);
        let (form_token, set_cookie) = (token.value, token.set_cookie);
        let return_url = return_url.map(ReturnUrl::to_text);
        let (typed, refusal) = (typed.to_owned(), problem.map(|problem| problem.text.clone()));
        let action = state.base.join(self.path);
        let button = state.texts.accounts.send_link;
        let markup = document(&state.layout(), self.title, move || {
            let failed = refusal.is_some();
            let (label, href) = self.back;
            let back = match self.before_back {
                Some(words) => view! {
                    <p class="muted">{words}" "<a href=href>{label}</a></p>
                }
                .into_any(),
                None => view! {
                    <a class="btn btn-quiet btn-block" href=href>{label}</a>
                }
                .into_any(),
            };
            view! {
                <div class="stack-tight">
                    <h1>{self.title}</h1>
                    <p class="muted">{self.lead}</p>
                </div>
                {alert(refusal)}
                <form class="stack" method="post" action=action>
                    {hidden(csrf::FIELD, form_token)}
                    {return_url.map(|return_url| hidden(RETURN_URL, return_url))}
                    <div class="field">
                        <label for=self.name>{self.label}</label>
                        <input
                            id=self.name
                            name=self.name
                            type=self.kind
                            value=typed
                            autocomplete=self.autocomplete
                            autocapitalize="none"
                            spellcheck="false"
                            maxlength=self.longest.to_string()
                            required=true
                            autofocus=true
                            aria-invalid=failed.then_some("true")
                            aria-describedby=failed.then_some("problem")
                        />
                    </div>
                    <button class="btn btn-primary btn-block">{button}</button>
                </form>
                {back}
            }
        });
        let page = html(Problem::status(problem), markup);
        with_cookie(Problem::retry(problem, page), set_cookie)
    }
}
