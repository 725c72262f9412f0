//! The view of the user's passkeys.

use doorward_protocol::base64url;
use doorward_provider::model::factor::StoredPasskey;
use leptos::prelude::*;

use crate::{
    http::csrf,
    page::{
        layout::{Layout, document, hidden},
        utc_time::utc_time,
    },
};

/// What the page shows.
pub(crate) struct Passkeys {
    pub(crate) action: String,
    /// Where the script gets its questions.
    pub(crate) options: String,
    pub(crate) script: String,
    pub(crate) form_token: String,
    pub(crate) back: String,
    pub(crate) own: Vec<StoredPasskey>,
    /// Whether the user has no other factor yet.
    pub(crate) is_first: bool,
    /// A name to begin with.
    pub(crate) name: String,
    pub(crate) problem: Option<&'static str>,
}

pub(crate) fn passkeys(layout: &Layout, page: Passkeys) -> String {
    let (t, f) = (layout.texts, &layout.texts.factors);
    document(layout, f.passkeys, move || {
        let Passkeys { action, options, script, form_token, back, own, is_first, name, problem } =
            page;
        let problem = problem
            .map(|problem| view! { <p class="alert alert-error" role="alert">{problem}</p> });
        let none = own.is_empty().then(|| view! { <p class="muted">{f.no_passkeys}</p> });
        let effect = is_first.then(|| view! { <p class="muted">{f.first_factor_effect}</p> });
        let list = (!own.is_empty()).then(|| {
            let items = own
                .into_iter()
                .map(|passkey| item(layout, &action, &form_token, passkey))
                .collect_view();
            view! { <ul class="scope-list" id="passkeys">{items}</ul> }
        });
        view! {
            <div class="stack-tight">
                <h1>{f.passkeys}</h1>
                <p class="muted">{f.passkeys_are_for}</p>
            </div>
            {problem}
            {none}
            {list}
            <form
                class="stack"
                id="passkey-form"
                method="post"
                action=action
                data-kind="register"
                data-options=options
                data-cancelled=f.passkey_cancelled
                data-failed=f.passkey_failed
                data-known=f.passkey_is_known
            >
                {hidden(csrf::FIELD, form_token)}
                {hidden("ticket", String::new())}
                {hidden("credential", String::new())}
                <div class="field">
                    <label for="name">{f.passkey_name}</label>
                    <input
                        id="name"
                        name="name"
                        type="text"
                        value=name
                        maxlength="60"
                        autocomplete="off"
                        required=true
                    />
                </div>
                <p class="alert alert-error" role="alert" id="passkey-problem" hidden=true></p>
                {effect}
                <button class="btn btn-primary btn-block" id="passkey-button" hidden=true>
                    {f.add_passkey}
                </button>
                <noscript><p class="muted">{f.passkeys_need_script}</p></noscript>
            </form>
            <a class="btn btn-quiet btn-block" href=back>{t.back}</a>
            <script src=script defer=true></script>
        }
    })
}

fn item(
    layout: &Layout,
    action: &str,
    form_token: &str,
    passkey: StoredPasskey,
) -> impl IntoView + use<> {
    let (t, f) = (layout.texts, &layout.texts.factors);
    let kind = if passkey.backup_eligible { f.copied_between_devices } else { f.on_one_device };
    let used = match passkey.used_at {
        Some(used) => view! { ", "{t.last_used}" "{utc_time(used)} }.into_any(),
        None => view! { ", "{f.never_used} }.into_any(),
    };
    let label = f.remove_passkey.with(&passkey.name);
    let id = base64url::encode(&passkey.credential_id);
    let field = format!("name-{id}");
    view! {
        <li class="stack-tight">
            <div class="row row-spread">
                <strong>{passkey.name.clone()}</strong>
                <form method="post" action=action.to_owned()>
                    {hidden(csrf::FIELD, form_token.to_owned())}
                    {hidden("remove", id.clone())}
                    <button class="btn btn-danger btn-small" aria-label=label>{f.remove}</button>
                </form>
            </div>
            <p class="muted">{t.since}" "{utc_time(passkey.created_at)}{used}". "{kind}</p>
            <details class="fold">
                <summary>{f.rename}</summary>
                <form class="entry" method="post" action=action.to_owned()>
                    {hidden(csrf::FIELD, form_token.to_owned())}
                    {hidden("rename", id)}
                    <label class="visually-hidden" for=field.clone()>{f.passkey_name}</label>
                    <input
                        id=field
                        name="name"
                        type="text"
                        value=passkey.name
                        maxlength="60"
                        autocomplete="off"
                        required=true
                    />
                    <button class="btn btn-small">{f.save_name}</button>
                </form>
            </details>
        </li>
    }
}
