//! The view of the login page.

use doorward_provider::model::account_settings::SignInWith;
use leptos::prelude::*;

use crate::AppState;
use crate::http::csrf;
use crate::page::account_form::RETURN_URL;
use crate::page::layout::{Layout, document, hidden};
use crate::page::upstream::view::{self as upstream, ProviderButton};
use crate::texts::Texts;

/// What the login page shows.
#[allow(clippy::struct_excessive_bools)] // Independent facts.
pub(crate) struct Login {
    pub(crate) action: String,
    /// Where a forgotten password is replaced, if that is possible.
    pub(crate) forgot_password: Option<String>,
    /// Where an account is made, if anybody may.
    pub(crate) create_account: Option<String>,
    pub(crate) signs_in_with: SignInWith,
    pub(crate) form_token: String,
    pub(crate) return_url: Option<String>,
    /// Whether a client is waiting for the result.
    pub(crate) may_cancel: bool,
    /// Whether the waiting client takes sign-ins by password.
    pub(crate) takes_passwords: bool,
    pub(crate) client_name: Option<String>,
    pub(crate) username: String,
    pub(crate) remember: bool,
    pub(crate) problem: Option<String>,
    /// What the script of the passkeys needs, if there can be passkeys.
    pub(crate) passkeys: Option<Passkeys>,
    /// Whether the browser offers passkeys in the field of the name. After a refused one it does
    /// not: a device that answers by itself would send the same one again and again.
    pub(crate) passkeys_offered: bool,
    /// Whether a typed address may lead to another provider, without a password.
    pub(crate) password_can_wait: bool,
    /// The buttons of other providers.
    pub(crate) others: Vec<ProviderButton>,
}

/// What the script of the passkeys needs.
pub(crate) struct Passkeys {
    pub(crate) script: String,
    /// Where it gets its questions.
    pub(crate) options: String,
}

impl Passkeys {
    pub(crate) fn of(state: &AppState) -> Self {
        Self {
            script: state.base.join(&state.assets.passkeys_path()),
            options: state.base.join("/account/passkey-options"),
        }
    }
}

/// The longest user name that a user may have, in bytes. A browser counts UTF-16 code units, of
/// which a text never has more.
const LONGEST_USERNAME: usize = 255;

pub(crate) fn login(layout: &Layout, login: Login) -> String {
    let t = layout.texts;
    document(layout, t.sign_in, move || {
        let lead = match &login.client_name {
            Some(name) => t.to_continue_to.with(name),
            None => t.to_this_provider.to_owned(),
        };
        let failed = login.problem.is_some();
        let has_others = !login.others.is_empty();
        let name_label = match login.signs_in_with {
            SignInWith { username: true, email: true } => t.accounts.name_or_address,
            SignInWith { email: true, .. } => t.accounts.email,
            SignInWith { .. } => t.user_name,
        };
        let problem = login.problem.map(|problem| {
            view! { <p class="alert alert-error" role="alert" id="problem">{problem}</p> }
        });
        let autocomplete = if login.passkeys.is_some() { "username webauthn" } else { "username" };
        let options = login.passkeys.as_ref().map(|passkeys| passkeys.options.clone());
        let button = options.is_some().then(|| passkey_button(t.factors.sign_in_by_passkey));
        let script = login
            .passkeys
            .map(|passkeys| view! { <script src=passkeys.script defer=true></script> });
        view! {
            <div class="stack-tight">
                <h1>{t.sign_in}</h1>
                <p class="muted">{lead}</p>
            </div>
            {problem}
            <form
                class="stack"
                id="passkey-form"
                method="post"
                action=login.action
                data-kind="sign-in"
                data-options=options
                data-offered=login.passkeys_offered.then_some("true")
                data-cancelled=t.factors.passkey_cancelled
                data-failed=t.factors.passkey_failed
            >
                {hidden(csrf::FIELD, login.form_token)}
                {button}
                {login.return_url.map(|return_url| hidden(RETURN_URL, return_url))}
                {(!login.takes_passwords && !has_others).then(|| passkey_only(t))}
                {login.takes_passwords.then(|| {
                    let can_wait = login.password_can_wait;
                    let (label, value) = (name_label, login.username);
                    let field = NameField { label, value, autocomplete };
                    name_and_password(t, field, can_wait, failed)
                })}
                {remember_me(t, login.remember)}
                <div class="stack-tight">
                    {login.takes_passwords.then(|| view! {
                        <button class="btn btn-primary btn-block" name="action" value="login">
                            {t.sign_in}
                        </button>
                    })}
                    {(has_others && login.takes_passwords).then(|| upstream::or(t))}
                    {upstream::buttons(t, login.others)}
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
            {login.takes_passwords.then(|| links(t, login.forgot_password, login.create_account))}
            {script}
        }
    })
}

/// The ways to an account for somebody who can't sign in, where there are any.
fn links(
    t: &'static Texts,
    forgot_password: Option<String>,
    create_account: Option<String>,
) -> impl IntoView {
    let links: Vec<_> = [
        (t.accounts.forgot_password_link, forgot_password),
        (t.accounts.create_account_link, create_account),
    ]
    .into_iter()
    .filter_map(|(label, href)| href.map(|href| view! { <a href=href>{label}</a> }))
    .collect();
    (!links.is_empty()).then(|| view! { <p class="row row-spread">{links}</p> })
}

fn remember_me(t: &'static Texts, checked: bool) -> impl IntoView {
    view! {
        <label class="checkbox">
            <input type="checkbox" name="remember_login" value="true" checked=checked/>
            {t.remember_me}
        </label>
    }
}

/// The button by which the script signs in, and the fields that it fills in. Without script,
/// nothing of it shows.
pub(crate) fn passkey_button(label: &'static str) -> impl IntoView {
    view! {
        {hidden("ticket", String::new())}
        {hidden("credential", String::new())}
        <p class="alert alert-error" role="alert" id="passkey-problem" hidden=true></p>
        <button class="btn btn-block" type="button" id="passkey-button" hidden=true>
            {label}
        </button>
    }
}

/// What to say where the waiting client takes passkeys only.
fn passkey_only(t: &'static Texts) -> impl IntoView {
    view! {
        <p class="muted" id="passkey-only">{t.factors.passkey_only}</p>
        <noscript><p class="muted">{t.factors.sign_in_needs_script}</p></noscript>
    }
}

/// The field of the name.
struct NameField {
    label: &'static str,
    value: String,
    autocomplete: &'static str,
}

/// The two fields of a sign-in by password. `can_wait`: some names need no password here.
fn name_and_password(
    t: &'static Texts,
    NameField { label, value: username, autocomplete }: NameField,
    can_wait: bool,
    failed: bool,
) -> impl IntoView {
    let knows_user = !username.is_empty();
    view! {
        <div class="field">
            <label for="username">{label}</label>
            <input
                id="username"
                name="username"
                type="text"
                value=username
                autocomplete=autocomplete
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
                required=!can_wait
                autofocus=knows_user
                aria-invalid=failed.then_some("true")
                aria-describedby=failed.then_some("problem")
            />
        </div>
    }
}
