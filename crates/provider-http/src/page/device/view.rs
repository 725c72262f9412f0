//! The views for devices (RFC 8628 section 3.3): the form for the code, the question and the
//! result.

use doorward_provider::model::resource::ScopeDescription;
use leptos::prelude::*;

use super::LINKED;
use crate::http::csrf;
use crate::page::{
    consent,
    layout::{Layout, document, hidden},
    qr_code::qr_code,
};

/// What the form for the code shows.
pub(crate) struct Enter {
    pub(crate) action: String,
    pub(crate) form_token: String,
    pub(crate) user_code: String,
    /// The address of this page with the code, to continue on another device.
    pub(crate) link: Option<String>,
    pub(crate) problem: Option<String>,
}

/// What the question shows.
pub(crate) struct Confirm {
    pub(crate) action: String,
    pub(crate) form_token: String,
    pub(crate) user_code: String,
    pub(crate) username: String,
    pub(crate) client_name: String,
    /// Whether it gets the rights of an administrator.
    pub(crate) is_command_line: bool,
    pub(crate) scopes: Vec<ScopeDescription>,
}

pub(crate) fn enter(layout: &Layout, enter: Enter) -> String {
    let t = layout.texts;
    document(layout, t.connect_a_device, move || {
        let failed = enter.problem.is_some();
        let linked = !enter.user_code.is_empty() && !failed;
        let linked = linked.then(|| hidden(LINKED, "true".to_owned()));
        let problem = enter.problem.map(|problem| {
            view! { <p class="alert alert-error" role="alert" id="problem">{problem}</p> }
        });
        let picture = enter.link.and_then(|link| qr_code(&link, t.qr_code)).map(|picture| {
            view! {
                <details class="fold">
                    <summary>{t.go_on_with_phone}</summary>
                    {picture}
                </details>
            }
        });
        view! {
            <div class="stack-tight">
                <h1>{t.connect_a_device}</h1>
                <p class="muted">{t.enter_device_code}</p>
            </div>
            {problem}
            <form class="stack" method="post" action=enter.action>
                {hidden(csrf::FIELD, enter.form_token)}
                {linked}
                <div class="field">
                    <label for="user_code">{t.code}</label>
                    <input
                        id="user_code"
                        name="user_code"
                        type="text"
                        class="mono"
                        value=enter.user_code
                        placeholder="XXXX-XXXX"
                        autocomplete="off"
                        autocapitalize="characters"
                        spellcheck="false"
                        maxlength="20"
                        required=true
                        autofocus=true
                        aria-invalid=failed.then_some("true")
                        aria-describedby=failed.then_some("problem")
                    />
                </div>
                <button class="btn btn-primary btn-block" name="action" value="continue">
                    {t.go_on}
                </button>
            </form>
            {picture}
        }
    })
}

pub(crate) fn confirm(layout: &Layout, confirm: Confirm) -> String {
    let t = layout.texts;
    document(layout, t.connect_a_device, move || {
        let scopes = confirm.scopes.into_iter().map(|scope| consent::view::scope(t, scope));
        let scopes = scopes.collect_view();
        let (alert, warning) = if confirm.is_command_line {
            ("alert alert-error", t.command_line_warning)
        } else {
            ("alert alert-info", t.device_warning)
        };
        view! {
            <div class="stack-tight">
                <h1>{t.allow_client.with(&confirm.client_name)}</h1>
                <p>
                    {t.device_shows}" "<strong class="mono">{confirm.user_code.clone()}</strong>"?"
                </p>
            </div>
            <p class=alert>{warning}</p>
            <p class="muted">
                {t.signed_in_as}" "<strong>{confirm.username}</strong>". "{t.device_asks_for}
            </p>
            <form class="stack" method="post" action=confirm.action>
                {hidden(csrf::FIELD, confirm.form_token)}
                {hidden("user_code", confirm.user_code)}
                <ul class="scope-list">{scopes}</ul>
                <div class="stack-tight">
                    <button class="btn btn-primary btn-block" name="action" value="allow">
                        {t.allow}
                    </button>
                    <button class="btn btn-quiet btn-block" name="action" value="deny">
                        {t.do_not_allow}
                    </button>
                </div>
            </form>
        }
    })
}

pub(crate) fn done(layout: &Layout, allowed: bool) -> String {
    let t = layout.texts;
    let (title, text) = if allowed { t.device_connected } else { t.device_not_connected };
    document(layout, title, move || {
        view! {
            <h1>{title}</h1>
            <p class="muted">{text}</p>
        }
    })
}
