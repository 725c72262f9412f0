//! The view of the login page.

use leptos::prelude::*;

use crate::http::csrf;
use crate::page::layout::{Layout, document, hidden};

/// What the login page shows.
pub(crate) struct Login {
    pub(crate) action: String,
    pub(crate) form_token: String,
    pub(crate) return_url: Option<String>,
    /// Whether a client is waiting for the result.
    pub(crate) may_cancel: bool,
    pub(crate) client_name: Option<String>,
    pub(crate) username: String,
    pub(crate) remember: bool,
    pub(crate) problem: Option<String>,
}

/// The longest user name that a user may have, in bytes. A browser counts UTF-16 code units, of
/// which a text never has more.
const LONGEST_USERNAME: usize = 255;

pub(crate) fn login(layout: &Layout, login: Login) -> String {
    let t = layout.texts;
    document(layout, t.sign_in, move || {
        let lead = match &login.client_name {
            Some(name) => (t.to_continue_to)(name),
            None => t.to_this_provider.to_owned(),
        };
        let knows_user = !login.username.is_empty();
        let failed = login.problem.is_some();
        let problem = login.problem.map(|problem| {
            view! { <p class="alert alert-error" role="alert" id="problem">{problem}</p> }
        });
        view! {
            <div class="stack-tight">
                <h1>{t.sign_in}</h1>
                <p class="muted">{lead}</p>
            </div>
            {problem}
            <form class="stack" method="post" action=login.action>
                {hidden(csrf::FIELD, login.form_token)}
                {login.return_url.map(|return_url| hidden("return_url", return_url))}
                <div class="field">
                    <label for="username">{t.user_name}</label>
                    <input
                        id="username"
                        name="username"
                        type="text"
                        value=login.username
                        autocomplete="username"
                        autocapitalize="none"
                        spellcheck="false"
                        maxlength=LONGEST_USERNAME.to_string()
                        required=true
                        autofocus=!knows_user
                        aria-invalid=failed.then_some("true")
                        aria-describedby=failed.then_some("problem")
                    />
                </div>
                <div class="field">
                    <label for="password">{t.password}</label>
                    <input
                        id="password"
                        name="password"
                        type="password"
                        autocomplete="current-password"
                        maxlength="1024"
                        required=true
                        autofocus=knows_user
                        aria-invalid=failed.then_some("true")
                        aria-describedby=failed.then_some("problem")
                    />
                </div>
                <label class="checkbox">
                    <input
                        type="checkbox"
                        name="remember_login"
                        value="true"
                        checked=login.remember
                    />
                    {t.remember_me}
                </label>
                <div class="stack-tight">
                    <button class="btn btn-primary btn-block" name="action" value="login">
                        {t.sign_in}
                    </button>
                    {login.may_cancel.then(|| view! {
                        <button
                            class="btn btn-quiet btn-block"
                            name="action"
                            value="cancel"
                            formnovalidate=true
                        >
                            {t.cancel}
                        </button>
                    })}
                </div>
            </form>
        }
    })
}
