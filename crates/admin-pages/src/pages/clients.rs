//! All clients, and a new one.

use doorward_admin::{
    AdminScope, Operation,
    types::clients::{ClientRow, CreatedClient, NewClient},
};
use doorward_leptos::boxed_effect;
use leptos::prelude::*;
use serde_json::{Map, Value, json};

use crate::{
    api::{Answer, Call},
    route::{Route, query},
    session::Session,
    setting_texts::client::CLIENT,
    ui::{
        self, badge, button,
        dialog::Dialog,
        form::{Field, Form, Part, form, select},
        link,
        list::List,
        or_dash, plain,
        rows::rows,
        search::search,
        settings::scopes,
    },
};

/// The page.
pub fn page(session: Session) -> AnyView {
    let t = session.texts;
    let prefix = RwSignal::new(String::new());
    let list = List::<ClientRow>::new(session, move || {
        Call::new(Operation::ListClients, &[]).query(&query(&[("prefix", &prefix.get())]))
    });
    let adding = RwSignal::new(false);
    boxed_effect(move || {
        if session.offers(Operation::CreateClient) && session.resumes("add-client") {
            adding.set(true);
        }
    });
    let table =
        list.searched(prefix).table(t.clients, t.client_columns, t.no_clients, move |row| {
            let kind = if row.require_client_secret { t.confidential } else { t.public };
            let is_admin =
                row.allowed_scopes.iter().any(|scope| AdminScope::parse(scope).is_some());
            let state = (!row.enabled).then(|| badge("badge-no", t.disabled));
            let admin = is_admin.then(|| badge("", t.administers));
            let file = row.configured.then(|| badge("", t.from_file));
            vec![
                link(session, Route::Client(row.client_id.clone()), "strong-link", row.client_id),
                or_dash(row.client_name),
                plain(kind),
                view! { <span class="row">{admin} {file} {state}</span> }.into_any(),
            ]
        });
    let actions = move || {
        let registered = link(session, Route::RegisteredClients, "btn", t.registered_clients);
        let add = session.offers(Operation::CreateClient).then(|| {
            button(t.add_client, "btn btn-primary", move || {
                session.begin(Operation::CreateClient, "add-client", || adding.set(true));
            })
        });
        view! { {registered} {add} }
    };
    view! {
        {ui::heading(t.clients, actions.into_any())}
        <section class="card stack admin-card">
            {search("client-search", t.search_clients, prefix)} {table}
        </section>
        <Dialog open=adding title=t.add_client id="add-client">{add(session, adding, list)}</Dialog>
    }
    .into_any()
}

/// The settings that a kind of client begins with.
fn template(kind: &str) -> Map<String, Value> {
    let settings = match kind {
        "page" => json!({
            "require_client_secret": false,
            "allowed_grant_types": ["authorization_code"],
            "allow_offline_access": true,
        }),
        "machine" => json!({"allowed_grant_types": ["client_credentials"]}),
        _ => json!({"allowed_grant_types": ["authorization_code"], "allow_offline_access": true}),
    };
    settings.as_object().cloned().unwrap_or_default()
}

fn add(session: Session, open: RwSignal<bool>, list: List<ClientRow>) -> AnyView {
    let t = session.texts;
    let state = Form::new(session);
    let text = || RwSignal::new(String::new());
    let (client_id, name) = (text(), text());
    let chosen = RwSignal::new(["openid", "profile"].map(str::to_owned).to_vec());
    let field = |name: &'static str| {
        let label = CLIENT.label(t, name);
        let field = Field::text(format!("client-{name}"), format!("settings.{name}"), label);
        field.hint(CLIENT.hint(t, name))
    };
    let uris = rows(session, state, field("redirect_uris").kind("url"), &[String::new()]);
    let Part { view: uris_view, said: uris } = uris;
    let scopes = scopes(session, state, field("allowed_scopes"), chosen);
    let kind = RwSignal::new("server".to_owned());
    let made = RwSignal::new(None::<(String, String)>);
    let save = move || {
        state.clear();
        let client_id = client_id.get_untracked().trim().to_owned();
        if client_id.is_empty() {
            state.refuse("client_id", t.required);
            return;
        }
        let mut settings = template(&kind.get_untracked());
        let name = name.get_untracked();
        if !name.trim().is_empty() {
            settings.insert("client_name".to_owned(), name.trim().into());
        }
        let is_machine = kind.get_untracked() == "machine";
        if !is_machine {
            settings.insert("redirect_uris".to_owned(), uris().unwrap_or_default());
        }
        // Nobody signs in at a machine, so it has no identity.
        let scopes = chosen.get_untracked().into_iter();
        let own = scopes.filter(|scope| !is_machine || !["openid", "profile"].contains(&&**scope));
        settings.insert("allowed_scopes".to_owned(), json!(own.collect::<Vec<_>>()));
        let new = NewClient { client_id, settings };
        let call = Call::new(Operation::CreateClient, &[]).body(&new);
        let done = move |answer: Answer| {
            let Ok(created) = answer.read::<CreatedClient>() else { return };
            list.reload();
            let client_id = created.client.client_id;
            match created.client_secret {
                Some(secret) => made.set(Some((client_id, secret))),
                None => {
                    open.set(false);
                    session.go(Route::Client(client_id));
                    session.done(t.client_added);
                }
            }
        };
        state.send(call, done, |_| false);
    };
    let kinds = [("server", t.kind_server), ("page", t.kind_page), ("machine", t.kind_machine)];
    let kinds = kinds.map(|(name, label)| (name.to_owned(), label.to_owned())).to_vec();
    let content = view! {
        {select("client-kind", t.kind, kinds, kind)}
        {Field::text("client-id", "client_id", t.client_id).view(state, client_id)}
        {Field::text("client-name", "settings.client_name", t.client_name).view(state, name)}
        <div hidden=move || kind.with(|kind| kind == "machine")>{uris_view}</div>
        {scopes.view}
        {state.failure()}
        <div class="row">
            {state.submit(t.add_client)}
            {button(t.cancel, "btn btn-quiet", move || open.set(false))}
        </div>
    };
    let secret = move || {
        made.get().map(|(client_id, secret)| {
            let go = button(t.to_client, "btn btn-primary", move || {
                open.set(false);
                session.go(Route::Client(client_id.clone()));
            });
            let secret = ui::once(session, t.client_secret, t.secret_once, secret);
            view! { {secret} <div class="row">{go}</div> }
        })
    };
    view! {
        <div hidden=move || made.with(Option::is_some)>{form(save, content.into_any())}</div>
        {secret}
    }
    .into_any()
}
