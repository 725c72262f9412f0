//! A client: its settings, its secrets, and what happened to it.

use doorward_admin::{
    Operation,
    types::clients::{ClientChanges, ClientView, CreatedSecret, NewSecret, SecretRow},
};
use doorward_leptos::boxed_effect;
use leptos::{prelude::*, task::spawn_local};
use serde_json::{Map, Value};

use crate::{
    api::{Answer, Call, Failure},
    route::{Route, query},
    session::Session,
    ui::{
        self, alert, badge, button, card,
        dialog::{Dialog, Question, confirm},
        facts, fill,
        form::{Field, Form, form},
        history::history,
        json, link,
        list::List,
        mono, named_button, nothing,
        object::{Object, Read},
        or_dash, plain,
    },
};

/// The client that a page shows.
type Client = Object<ClientView>;

/// The page.
pub fn page(session: Session, client_id: String) -> AnyView {
    let t = session.texts;
    let client = Client::new(session, Call::new(Operation::ReadClient, &[&client_id]));
    let can_change =
        Memo::new(move |_| client.get().is_some_and(|read| read.value.read_only.is_none()));
    let (editing, removing) = (RwSignal::new(false), RwSignal::new(false));
    boxed_effect(move || {
        if !can_change.get() {
            return;
        }
        if session.offers(Operation::ChangeClient) && session.resumes("edit-client") {
            editing.set(true);
        }
        if session.offers(Operation::RemoveClient) && session.resumes("remove-client") {
            removing.set(true);
        }
    });
    let actions = move || {
        let edit = (can_change.get() && session.offers(Operation::ChangeClient)).then(|| {
            button(t.edit, "btn btn-small", move || {
                session.begin(Operation::ChangeClient, "edit-client", || editing.set(true));
            })
        });
        let remove = (can_change.get() && session.offers(Operation::RemoveClient)).then(|| {
            button(t.remove, "btn btn-small btn-danger", move || {
                session.begin(Operation::RemoveClient, "remove-client", || removing.set(true));
            })
        });
        view! { {edit} {remove} }
    };
    let question = Question {
        id: "remove-client",
        title: fill(t.remove_client_title, &[&client_id]),
        text: t.remove_client_text.to_owned(),
        action: t.remove.to_owned(),
    };
    let of = client_id.clone();
    let remove = move || Call::new(Operation::RemoveClient, &[&of]).if_match(client.etag());
    let removed = move || {
        session.go(Route::Clients);
        session.done(t.client_removed);
    };
    let body = client.view(move |read| {
        let shown = move || {
            if editing.get() {
                edit(session, client, read.clone(), editing)
            } else {
                settings(session, &read.value)
            }
        };
        shown.into_any()
    });
    let of = query(&[("object_kind", "client_id"), ("object", &client_id)]);
    view! {
        {link(session, Route::Clients, "back-link", t.clients)}
        {ui::heading(client_id.clone(), actions.into_any())}
        <div class="admin-columns">
            <div class="stack">{body} {secrets(session, client_id, client, can_change)}</div>
            <div class="stack">{history(session, of)}</div>
        </div>
        {confirm(session, removing, question, remove, removed)}
    }
    .into_any()
}

fn settings(session: Session, client: &ClientView) -> AnyView {
    let t = session.texts;
    let reason = client.read_only.clone().map(|reason| alert("alert-info", reason));
    // What says nothing is left out.
    let says = |value: &&Value| match value {
        Value::Null => false,
        Value::Array(values) => !values.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    };
    let rows = client.settings.iter().filter(|(_, value)| says(value));
    let rows = rows.map(|(name, value)| (name.clone(), shown(session, value))).collect();
    card(t.settings, nothing(), view! { {reason} {facts(rows)} }.into_any())
}

fn shown(session: Session, value: &Value) -> AnyView {
    let t = session.texts;
    match value {
        Value::Bool(true) => badge("badge-ok", t.yes),
        Value::Bool(false) => badge("", t.no),
        Value::Array(values) if values.iter().all(Value::is_string) => {
            let lines = values.iter().filter_map(Value::as_str);
            let lines = lines.map(|line| view! { <li class="mono">{line.to_owned()}</li> });
            view! { <ul class="lines">{lines.collect_view()}</ul> }.into_any()
        }
        other => mono(json::shown(other)),
    }
}

fn edit(
    session: Session,
    client: Client,
    read: Read<ClientView>,
    editing: RwSignal<bool>,
) -> AnyView {
    let t = session.texts;
    let state = Form::new(session);
    // Secrets are a list of their own.
    let own = |settings: &Map<String, Value>| {
        let own = settings.iter().filter(|(name, _)| *name != "client_secrets");
        own.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<String, Value>>()
    };
    let before = StoredValue::new(own(&read.value.settings));
    let client_id = StoredValue::new(read.value.client_id);
    let etag = RwSignal::new(read.etag);
    let text = RwSignal::new(before.with_value(json::text));
    let save = move || {
        state.clear();
        let after = match json::parse(&text.get_untracked()) {
            Ok(after) => after,
            Err(problem) => return state.refuse("settings", problem),
        };
        let settings = before.with_value(|before| json::changes(before, &after));
        let call = Call::new(Operation::ChangeClient, &[&client_id.get_value()])
            .if_match(etag.get_untracked())
            .body(&ClientChanges { settings });
        let done = move |answer: Answer| {
            editing.set(false);
            client.set(&answer);
            session.done(t.saved);
        };
        let failed = move |failure: &Failure| {
            let overtaken = failure.changed();
            if let Some(changed) = &overtaken {
                state.overtaken(fill(t.overtaken_reload, &[&changed.join(", ")]));
                spawn_local(async move {
                    let call = Call::new(Operation::ReadClient, &[&client_id.get_value()]);
                    let answer = session.call(call).await;
                    if let Ok(Ok(present)) = answer.map(|answer| Read::<ClientView>::of(&answer)) {
                        etag.set(present.etag);
                    }
                });
            }
            overtaken.is_some()
        };
        session.begin(Operation::ChangeClient, "edit-client", || state.send(call, done, failed));
    };
    let content = view! {
        {Field::text("edit-settings", "settings", t.settings)
            .kind("area")
            .hint(t.settings_hint)
            .view(state, text)}
        {state.failure()}
        <div class="row">
            {state.submit(t.save)} {button(t.cancel, "btn btn-quiet", move || editing.set(false))}
        </div>
    };
    card(t.settings, nothing(), form(save, content.into_any()))
}

fn secrets(session: Session, client_id: String, client: Client, can_change: Memo<bool>) -> AnyView {
    let t = session.texts;
    let of = StoredValue::new(client_id);
    let list = List::<SecretRow>::new(session, move || {
        Call::new(Operation::ListSecrets, &[&of.get_value()])
    });
    let (adding, removing) = (RwSignal::new(false), RwSignal::new(false));
    let chosen = RwSignal::new(String::new());
    boxed_effect(move || {
        let may = can_change.get() && session.offers(Operation::AddSecret);
        if may && session.resumes("add-secret") {
            adding.set(true);
        }
    });
    let may_remove =
        Memo::new(move |_| can_change.get() && session.offers(Operation::RemoveSecret));
    let table = list.table(t.secrets, t.secret_columns, t.no_secrets, move |row| {
        let name = row.secret.clone();
        let remove = name.filter(|_| may_remove.get()).map(|name| {
            named_button(t.remove, name.clone(), "btn btn-small", move || {
                chosen.set(name.clone());
                session.begin(Operation::RemoveSecret, "", || removing.set(true));
            })
        });
        let expires = row.expires_at.map(|at| session.moment(at));
        vec![
            row.secret.map_or_else(|| or_dash(None), mono),
            or_dash(row.description),
            plain(expires.unwrap_or_else(|| t.never.to_owned())),
            remove.unwrap_or_else(nothing),
        ]
    });
    let actions = move || {
        (can_change.get() && session.offers(Operation::AddSecret)).then(|| {
            button(t.add_secret, "btn btn-small", move || {
                session.begin(Operation::AddSecret, "add-secret", || adding.set(true));
            })
        })
    };
    let question = Question {
        id: "remove-secret",
        title: t.remove_secret_title.to_owned(),
        text: t.remove_secret_text.to_owned(),
        action: t.remove.to_owned(),
    };
    let remove = move || {
        Call::new(Operation::RemoveSecret, &[&of.get_value(), &chosen.get_untracked()])
            .if_match(client.etag())
    };
    let changed = move || {
        list.reload();
        client.reload();
    };
    view! {
        {card(t.secrets, actions.into_any(), table)}
        {confirm(session, removing, question, remove, changed)}
        <Dialog open=adding title=t.add_secret id="add-secret">
            {add_secret(session, of.get_value(), client, adding, changed)}
        </Dialog>
    }
    .into_any()
}

fn add_secret(
    session: Session,
    client_id: String,
    client: Client,
    open: RwSignal<bool>,
    changed: impl Fn() + Copy + Send + Sync + 'static,
) -> AnyView {
    let t = session.texts;
    let state = Form::new(session);
    let (description, days) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let made = RwSignal::new(None::<String>);
    let save = move || {
        state.clear();
        let days = days.get_untracked();
        let days = Some(days.trim()).filter(|days| !days.is_empty()).map(str::parse);
        let Ok(days) = days.transpose() else { return state.refuse("days", t.number_rule) };
        let description = Some(description.get_untracked()).filter(|text| !text.is_empty());
        let call = Call::new(Operation::AddSecret, &[&client_id])
            .if_match(client.etag())
            .key(state.key())
            .body(&NewSecret { days, description });
        let done = move |answer: Answer| {
            if let Ok(created) = answer.read::<CreatedSecret>() {
                client.set_etag(answer.etag);
                made.set(Some(created.client_secret));
                changed();
            }
        };
        state.send(call, done, |_| false);
    };
    let save = StoredValue::new(save);
    let shown = move || match made.get() {
        Some(secret) => view! {
            {ui::once(session, t.client_secret, t.secret_once, secret)}
            <div class="row">{button(t.close, "btn", move || open.set(false))}</div>
        }
        .into_any(),
        None => {
            let content = view! {
                {Field::text("secret-description", "description", t.description)
                    .view(state, description)}
                {Field::text("secret-days", "days", t.days)
                    .kind("number")
                    .hint(t.days_hint)
                    .view(state, days)}
                {state.failure()}
                <div class="row">
                    {state.submit(t.add_secret)}
                    {button(t.cancel, "btn btn-quiet", move || open.set(false))}
                </div>
            };
            form(move || save.with_value(|save| save()), content.into_any())
        }
    };
    shown.into_any()
}
