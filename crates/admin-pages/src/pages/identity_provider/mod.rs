//! An identity provider: its settings, what to enter there, a check of it, and what happened to
//! it.

mod check;
mod credential;
mod edit;
pub mod fields;
pub mod registration;

use doorward_admin::{
    Operation,
    types::{
        identity_provider_settings::{Preset, PresetIssuer, with_defaults},
        identity_providers::{IdentityProviderChanges, IdentityProviderView},
    },
};
use doorward_leptos::boxed_effect;
use leptos::prelude::*;
use serde_json::{Map, Value, json};

use self::credential::{Credential, KEY};
use super::identity_providers::problem;
use crate::{
    api::{Answer, Call},
    route::{Route, query},
    session::Session,
    ui::{
        self, alert, button, card,
        dialog::{Dialog, Question, confirm_of},
        facts, fill,
        form::{Form, form},
        history::history,
        link, nothing,
        object::Object,
        plain,
        settings::facts_of,
    },
};

/// The provider that a page shows.
type Provider = Object<IdentityProviderView>;

/// What can be done with it, and whether that is asked at the moment.
#[derive(Clone, Copy)]
struct Doing {
    editing: RwSignal<bool>,
    replacing: RwSignal<bool>,
    toggling: RwSignal<bool>,
    removing: RwSignal<bool>,
}

/// The page.
pub fn page(session: Session, name: String) -> AnyView {
    let t = session.texts;
    let call = Call::new(Operation::ReadIdentityProvider, &[&name]);
    let provider = Provider::new(session, call);
    let closed = || RwSignal::new(false);
    let doing =
        Doing { editing: closed(), replacing: closed(), toggling: closed(), removing: closed() };
    let body = provider.view(move |read| {
        let entered = read.value.registration.clone();
        let shown = move || {
            if doing.editing.get() {
                edit::edit(session, provider, read.clone(), doing.editing)
            } else {
                settings(session, &read.value)
            }
        };
        view! { {shown} {registration::registration(session, entered)} }.into_any()
    });
    let of = query(&[("object_kind", "identity_provider"), ("object", &name)]);
    let check = check::check(session, name.clone());
    view! {
        {link(session, Route::IdentityProviders, "back-link", t.identity_providers)}
        {ui::heading(name.clone(), actions(session, provider, doing))}
        <div class="admin-columns">
            <div class="stack">{body}</div>
            <div class="stack">{check} {history(session, of)}</div>
        </div>
        {move || provider.get().map(|read| questions(session, provider, &read.value, doing))}
        <Dialog open=doing.replacing title=t.replace_credential id="replace-credential">
            {replace(session, provider, name.clone(), doing.replacing)}
        </Dialog>
    }
    .into_any()
}

fn actions(session: Session, provider: Provider, doing: Doing) -> AnyView {
    let t = session.texts;
    let can_change =
        Memo::new(move |_| provider.get().is_some_and(|read| read.value.read_only.is_none()));
    let offered = move |operation| can_change.get() && session.offers(operation);
    let may_change = Memo::new(move |_| offered(Operation::ChangeIdentityProvider));
    let may_remove = Memo::new(move |_| offered(Operation::RemoveIdentityProvider));
    let enabled = Memo::new(move |_| provider.get().is_none_or(|read| is_enabled(&read.value)));
    let all = [
        ("edit-provider", doing.editing, may_change),
        ("replace-credential", doing.replacing, may_change),
        ("toggle-provider", doing.toggling, may_change),
        ("remove-provider", doing.removing, may_remove),
    ];
    boxed_effect(move || {
        for (intent, open, may) in all {
            if may.get() && session.resumes(intent) {
                open.set(true);
            }
        }
    });
    let change = move |label: &'static str, intent: &'static str, open: RwSignal<bool>| {
        button(label, "btn btn-small", move || {
            session.begin(Operation::ChangeIdentityProvider, intent, || open.set(true));
        })
    };
    let buttons = move || {
        let changes = may_change.get().then(|| {
            let toggle = if enabled.get() { t.disable_provider } else { t.enable_provider };
            view! {
                {change(t.edit, "edit-provider", doing.editing)}
                {change(t.replace_credential, "replace-credential", doing.replacing)}
                {change(toggle, "toggle-provider", doing.toggling)}
            }
        });
        let remove = may_remove.get().then(|| {
            button(t.remove, "btn btn-small btn-danger", move || {
                let operation = Operation::RemoveIdentityProvider;
                session.begin(operation, "remove-provider", || doing.removing.set(true));
            })
        });
        view! { {changes} {remove} }
    };
    buttons.into_any()
}

/// The questions before it is disabled, enabled or removed.
fn questions(
    session: Session,
    provider: Provider,
    view: &IdentityProviderView,
    doing: Doing,
) -> AnyView {
    let t = session.texts;
    let (name, is_enabled) = (StoredValue::new(view.name.clone()), is_enabled(view));
    let (title, text, action, said) = if is_enabled {
        let (title, text) = (t.disable_provider_title, t.disable_provider_text);
        (title, text, t.disable_provider, t.provider_was_disabled)
    } else {
        let (title, text) = (t.enable_provider_title, t.enable_provider_text);
        (title, text, t.enable_provider, t.provider_was_enabled)
    };
    let toggle = Question {
        id: "toggle-provider",
        title: fill(title, &[&view.name]),
        text: text.to_owned(),
        action: action.to_owned(),
    };
    let toggling = move || {
        let settings = Map::from_iter([("enabled".to_owned(), json!(!is_enabled))]);
        let changes = IdentityProviderChanges { settings, ..IdentityProviderChanges::default() };
        Call::new(Operation::ChangeIdentityProvider, &[&name.get_value()])
            .if_match(provider.etag())
            .body(&changes)
    };
    let toggled = move || {
        provider.reload();
        session.done(said);
    };
    let remove = Question {
        id: "remove-provider",
        title: fill(t.remove_provider_title, &[&view.name]),
        text: t.remove_provider_text.to_owned(),
        action: t.remove.to_owned(),
    };
    let removing = move || {
        Call::new(Operation::RemoveIdentityProvider, &[&name.get_value()]).if_match(provider.etag())
    };
    let removed = move || {
        session.go(Route::IdentityProviders);
        session.done(t.provider_removed);
    };
    view! {
        {confirm_of(session, doing.toggling, toggle, provider, toggling, toggled)}
        {confirm_of(session, doing.removing, remove, provider, removing, removed)}
    }
    .into_any()
}

/// Another secret or key in place of the one that there is.
fn replace(session: Session, provider: Provider, name: String, open: RwSignal<bool>) -> AnyView {
    let t = session.texts;
    let state = Form::new(session);
    let credential = Credential::new(session, state, false);
    let has = untrack(|| provider.get()).and_then(|read| read.value.credential);
    if let Some(has) = has {
        credential.chosen.set(has);
    }
    let save = move || {
        state.clear();
        let Some((client_secret, client_key)) = credential.said() else { return };
        let changes = IdentityProviderChanges { settings: Map::new(), client_secret, client_key };
        let call = Call::new(Operation::ChangeIdentityProvider, &[&name])
            .if_match(provider.etag())
            .body(&changes);
        let done = move |answer: Answer| {
            provider.set(&answer);
            open.set(false);
            session.done(t.credential_replaced);
        };
        state.send(call, done, move |failure| state.overtaken(failure, move || provider.reload()));
    };
    let content = view! {
        <p>{t.replace_credential_text}</p>
        {credential.view("replace")}
        {state.failure()}
        <div class="row">
            {state.submit(t.replace_credential)}
            {button(t.cancel, "btn btn-quiet", move || open.set(false))}
        </div>
    };
    form(save, content.into_any())
}

/// The settings, and what they are where nobody has given them.
fn settings(session: Session, view: &IdentityProviderView) -> AnyView {
    let t = session.texts;
    let reason = view.read_only.clone().map(|reason| alert("alert-info", reason));
    let credential = view.credential.as_deref().map_or_else(nothing, |kind| {
        let kind = if kind == KEY { t.credential_key } else { t.credential_secret };
        facts(vec![(t.credential.to_owned(), plain(kind))])
    });
    let known = facts_of(session, fields::groups(t, credential), &in_effect(view));
    let problem = problem(view.problem.clone());
    let body = view! { {reason} {problem} {known} };
    card(t.settings, nothing(), body.into_any())
}

/// The settings as they count: with the defaults, with what the preset knows, and without what it
/// does not take.
fn in_effect(view: &IdentityProviderView) -> Map<String, Value> {
    let mut settings = with_defaults(view.settings.clone());
    let preset = Preset::of(&settings);
    let issuer = match preset.issuer() {
        PresetIssuer::Known(issuer) => Some(issuer),
        PresetIssuer::Given | PresetIssuer::OfTenants => None,
    };
    let title = preset.title().unwrap_or(&view.name);
    for (name, known) in [("title", Some(title)), ("issuer", issuer)] {
        if let (Some(Value::Null), Some(known)) = (settings.get(name), known) {
            settings.insert(name.to_owned(), known.into());
        }
    }
    let by_key = view.credential.as_deref() == Some(KEY);
    settings.retain(|name, _| fields::takes(preset, by_key, name));
    settings
}

fn is_enabled(view: &IdentityProviderView) -> bool {
    view.settings.get("enabled").and_then(Value::as_bool).unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn view(settings: &Value) -> IdentityProviderView {
        IdentityProviderView {
            name: "company".to_owned(),
            configured: false,
            read_only: None,
            problem: None,
            credential: None,
            settings: settings.as_object().cloned().unwrap_or_default(),
            registration: BTreeMap::new(),
        }
    }

    #[test]
    fn what_nobody_has_given_is_shown_as_it_counts() {
        let google = in_effect(&view(&json!({"preset": "google", "client_id": "x"})));
        assert_eq!(google["title"], json!("Google"));
        assert_eq!(google["issuer"], json!("https://accounts.google.com"));
        assert_eq!(google["first_sign_in"], json!("ask"));
        let other = in_effect(&view(&json!({"issuer": "https://a.example", "title": "A"})));
        assert_eq!((&other["title"], &other["issuer"]), (&json!("A"), &json!("https://a.example")));
        assert_eq!(in_effect(&view(&json!({})))["title"], json!("company"));
        let entra = in_effect(&view(&json!({"preset": "entra"})));
        assert!(!entra.contains_key("issuer") && !entra.contains_key("client_key_alg"));
    }

    #[test]
    fn it_is_enabled_unless_its_settings_say_otherwise() {
        assert!(is_enabled(&view(&json!({}))));
        assert!(!is_enabled(&view(&json!({"enabled": false}))));
    }
}
