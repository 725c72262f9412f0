//! A client: its settings, its secrets, and what happened to it.

mod edit;
mod secrets;

use doorward_admin::{
    Operation,
    types::{client_settings::Section, clients::ClientView},
};
use doorward_leptos::boxed_effect;
use leptos::prelude::*;

use crate::{
    api::Call,
    route::{Route, query},
    session::Session,
    setting_texts::client::{CLIENT, section_name},
    texts::Texts,
    ui::{
        self, alert, button, card,
        dialog::{Question, confirm_of},
        fill,
        history::history,
        link, nothing,
        object::Object,
        settings::{Group, facts_of},
    },
};

/// The client that a page shows.
type Client = Object<ClientView>;

/// The sections that are open at first.
const FIRST: [Section; 3] = [Section::General, Section::Redirects, Section::Access];

/// The settings by what belongs together.
fn groups(t: &Texts) -> Vec<Group> {
    let group = |section: Section| {
        let settings = section.settings().map(|setting| CLIENT.describe(setting));
        Group::new(section_name(t, section), FIRST.contains(&section), settings)
    };
    Section::ALL.map(group).into()
}

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
                edit::edit(session, client, read.clone(), editing)
            } else {
                settings(session, &read.value)
            }
        };
        shown.into_any()
    });
    let of = query(&[("object_kind", "client_id"), ("object", &client_id)]);
    let title = client_id.clone();
    let secrets = secrets::secrets(session, client_id, client, can_change);
    view! {
        {link(session, Route::Clients, "back-link", t.clients)}
        {ui::heading(title, actions.into_any())}
        <div class="admin-columns">
            <div class="stack">{body} {secrets}</div>
            <div class="stack">{history(session, of)}</div>
        </div>
        {confirm_of(session, removing, question, client, remove, removed)}
    }
    .into_any()
}

fn settings(session: Session, client: &ClientView) -> AnyView {
    let t = session.texts;
    let reason = client.read_only.clone().map(|reason| alert("alert-info", reason));
    let facts = facts_of(session, groups(t), &client.settings);
    card(t.settings, nothing(), view! { {reason} {facts} }.into_any())
}
