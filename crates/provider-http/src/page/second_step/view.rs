//! The view of the second step.

use leptos::prelude::*;

use crate::{
    http::csrf,
    page::{
        account_form::RETURN_URL,
        authenticator::view::code_field,
        layout::{Layout, document, hidden},
        login::{Passkeys, passkey_button},
    },
};

/// What the page asks for.
pub(crate) struct SecondStep {
    pub(crate) action: String,
    pub(crate) form_token: String,
    pub(crate) return_url: Option<String>,
    pub(crate) username: String,
    /// Whether the field is for a recovery code.
    pub(crate) by_recovery_code: bool,
    /// Whether a recovery code was the first step.
    pub(crate) after_recovery_code: bool,
    /// The link to the same page with the other field, if the user has both.
    pub(crate) other_way: Option<String>,
    /// For how many days the browser may be remembered; 0: not.
    pub(crate) remember_days: u32,
    /// The login page, to begin again.
    pub(crate) login: String,
    /// What the script of the passkeys needs, if the user has one.
    pub(crate) passkey: Option<Passkeys>,
    pub(crate) has_app: bool,
    pub(crate) problem: Option<String>,
}

pub(crate) fn second_step(layout: &Layout, step: SecondStep) -> String {
    let f = layout.texts.factors;
    document(layout, f.second_step, move || {
        let failed = step.problem.is_some();
        let problem = step.problem.map(|problem| {
            view! { <p class="alert alert-error" role="alert" id="problem">{problem}</p> }
        });
        let (label, lead, other) = if step.passkey.is_some() && !step.has_app {
            (f.recovery_code, f.use_passkey_or_code, f.use_app)
        } else if step.after_recovery_code {
            (f.code_of_app, f.enter_code_of_app_too, f.use_app)
        } else if step.by_recovery_code {
            (f.recovery_code, f.enter_recovery_code, f.use_app)
        } else {
            (f.code_of_app, f.enter_code_of_app, f.use_recovery_code)
        };
        let remember = (step.remember_days > 0 && !step.by_recovery_code).then(|| {
            view! {
                <label class="checkbox">
                    <input type="checkbox" name="remember_browser" value="true"/>
                    {f.remember_browser.of(step.remember_days)}
                </label>
            }
        });
        let options = step.passkey.as_ref().map(|passkey| passkey.options.clone());
        let button = options.is_some().then(|| passkey_button(f.use_passkey));
        let script =
            step.passkey.map(|passkey| view! { <script src=passkey.script defer=true></script> });
        view! {
            <div class="stack-tight">
                <h1>{f.second_step}</h1>
                <p class="muted">{f.signing_in_as.with(&step.username)}" "{lead}</p>
            </div>
            {problem}
            <form
                class="stack"
                id="passkey-form"
                method="post"
                action=step.action
                data-kind="second-step"
                data-options=options
                data-cancelled=f.passkey_cancelled
                data-failed=f.passkey_failed
            >
                {hidden(csrf::FIELD, step.form_token)}
                {button}
                {step.return_url.map(|return_url| hidden(RETURN_URL, return_url))}
                {step.by_recovery_code.then(|| hidden("with", "recovery-code".to_owned()))}
                {code_field(label, !step.by_recovery_code, failed, true)}
                {remember}
                <button class="btn btn-primary btn-block" name="action" value="finish">
                    {f.confirm}
                </button>
            </form>
            <div class="stack-tight">
                {step.other_way.map(|href| view! {
                    <a class="btn btn-quiet btn-block" href=href>{other}</a>
                })}
                <a class="btn btn-quiet btn-block" href=step.login>{f.begin_again}</a>
            </div>
            {script}
        }
    })
}
