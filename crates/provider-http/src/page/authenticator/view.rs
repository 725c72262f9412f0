//! The views of the authenticator app.

use doorward_provider::model::{factor::FEW_RECOVERY_CODES, time::Timestamp};
use leptos::prelude::*;

use crate::{
    http::csrf,
    page::{
        account_form::RETURN_URL,
        layout::{Layout, document, hidden},
        login::Passkeys,
        qr_code::qr_code,
        upstream::view as upstream,
        utc_time::utc_time,
    },
    texts::Texts,
};

/// What the page shows.
pub(crate) struct Overview {
    pub(crate) action: String,
    pub(crate) form_token: String,
    /// The page of the recovery codes.
    pub(crate) recovery_codes: String,
    pub(crate) back: String,
    /// Since when there is an app.
    pub(crate) since: Option<Timestamp>,
    /// How many recovery codes are unused.
    pub(crate) codes_left: u32,
}

/// What the form shows by which an app is set up.
pub(crate) struct SetUp {
    pub(crate) action: String,
    pub(crate) form_token: String,
    pub(crate) return_url: Option<String>,
    /// The encrypted secret, which comes back with the code.
    pub(crate) kept: String,
    pub(crate) secret: String,
    /// The content of the QR code.
    pub(crate) uri: String,
    pub(crate) lead: &'static str,
    /// What happens with it.
    pub(crate) effect: Option<&'static str>,
    /// The link that leaves the form.
    pub(crate) cancel: Option<String>,
    pub(crate) problem: Option<String>,
    /// The passkey that does as well, if the page offers one.
    pub(crate) passkey: Option<NewPasskey>,
}

/// What the form shows by which a passkey is added in place of an app.
pub(crate) struct NewPasskey {
    /// What the script needs.
    pub(crate) needs: Passkeys,
    /// A name to begin with. The user can change it later.
    pub(crate) name: String,
}

pub(crate) fn overview(layout: &Layout, overview: Overview) -> String {
    let (t, f) = (layout.texts, &layout.texts.factors);
    document(layout, f.authenticator_app, move || {
        let Overview { action, form_token, recovery_codes, back, since, codes_left } = overview;
        let state = since.map(|since| {
            let few = codes_left <= FEW_RECOVERY_CODES;
            let class = if few { "alert alert-error" } else { "muted" };
            view! {
                <p>{f.app_in_use_since}" "{utc_time(since)}"."</p>
                <p class=class id="codes-left">
                    {(f.recovery_codes_left)(codes_left)}" "
                    <a href=recovery_codes>{f.recovery_codes}</a>
                </p>
            }
        });
        let begin = if since.is_some() { f.use_another_app } else { f.set_up_app };
        let remove = since.map(|_| {
            view! {
                <button class="btn btn-danger btn-block" name="action" value="remove">
                    {f.remove_app}
                </button>
            }
        });
        view! {
            <div class="stack-tight">
                <h1>{f.authenticator_app}</h1>
                <p class="muted">{f.app_is_for}</p>
            </div>
            {state}
            <form class="stack-tight" method="post" action=action>
                {hidden(csrf::FIELD, form_token)}
                <button class="btn btn-primary btn-block" name="action" value="set-up">
                    {begin}
                </button>
                {remove}
            </form>
            <a class="btn btn-quiet btn-block" href=back>{t.back}</a>
        }
    })
}

pub(crate) fn set_up(layout: &Layout, form: SetUp) -> String {
    let (t, f) = (layout.texts, &layout.texts.factors);
    let is_choice = form.passkey.is_some();
    let title = if is_choice { f.second_step } else { f.set_up_app };
    document(layout, title, move || {
        let failed = form.problem.is_some();
        let script = form.passkey.as_ref().map(|passkey| passkey.needs.script.clone());
        let script = script.map(|script| view! { <script src=script defer=true></script> });
        let passkey = form.passkey.map(|passkey| {
            let fields = (form.form_token.clone(), form.return_url.clone());
            view! {
                {new_passkey(t, form.action.clone(), fields, passkey)}
                {upstream::or(t)}
            }
        });
        let confirm = if is_choice { "btn btn-block" } else { "btn btn-primary btn-block" };
        let problem = form.problem.map(|problem| {
            view! { <p class="alert alert-error" role="alert" id="problem">{problem}</p> }
        });
        view! {
            <div class="stack-tight">
                <h1>{title}</h1>
                <p class="muted">{form.lead}</p>
            </div>
            {problem}
            {passkey}
            <p>{f.scan_this}</p>
            {qr_code(&form.uri, f.qr_code)}
            <details class="fold">
                <summary>{f.or_type_secret}</summary>
                <p class="mono break-words" id="secret">{form.secret}</p>
            </details>
            <form class="stack" method="post" action=form.action>
                {hidden(csrf::FIELD, form.form_token)}
                {hidden("secret", form.kept)}
                {form.return_url.map(|return_url| hidden(RETURN_URL, return_url))}
                {code_field(f.code_of_app, true, failed, !is_choice)}
                {form.effect.map(|effect| view! { <p class="muted">{effect}</p> })}
                <div class="stack-tight">
                    <button class=confirm name="action" value="confirm">
                        {f.confirm}
                    </button>
                    {form.cancel.map(|href| view! {
                        <a class="btn btn-quiet btn-block" href=href>{t.cancel}</a>
                    })}
                </div>
            </form>
            {script}
        }
    })
}

/// The form of a first passkey. Without script, it only says what is missing.
fn new_passkey(
    t: &'static Texts,
    action: String,
    (form_token, return_url): (String, Option<String>),
    NewPasskey { needs, name }: NewPasskey,
) -> impl IntoView {
    let f = &t.factors;
    view! {
        <form
            class="stack"
            id="passkey-form"
            method="post"
            action=action
            data-kind="set-up"
            data-options=needs.options
            data-cancelled=f.passkey_cancelled
            data-failed=f.passkey_failed
            data-known=f.passkey_is_known
        >
            {hidden(csrf::FIELD, form_token)}
            {return_url.map(|return_url| hidden(RETURN_URL, return_url))}
            {hidden("ticket", String::new())}
            {hidden("credential", String::new())}
            {hidden("name", name)}
            <p>{f.passkeys_are_for}</p>
            <p class="alert alert-error" role="alert" id="passkey-problem" hidden=true></p>
            <button class="btn btn-primary btn-block" id="passkey-button" hidden=true>
                {f.add_passkey}
            </button>
            <noscript><p class="muted">{f.passkeys_need_script}</p></noscript>
        </form>
    }
}

/// The field for a code; `digits`: of an app, and not a recovery code. `focused`: it is what the
/// page is for.
pub(crate) fn code_field(
    label: &'static str,
    digits: bool,
    failed: bool,
    focused: bool,
) -> impl IntoView + use<> {
    view! {
        <div class="field">
            <label for="code">{label}</label>
            <input
                id="code"
                name="code"
                type="text"
                class="mono"
                inputmode=if digits { "numeric" } else { "text" }
                autocomplete=if digits { "one-time-code" } else { "off" }
                autocapitalize="characters"
                spellcheck="false"
                maxlength=if digits { "10" } else { "60" }
                required=true
                autofocus=focused
                aria-invalid=failed.then_some("true")
                aria-describedby=failed.then_some("problem")
            />
        </div>
    }
}
