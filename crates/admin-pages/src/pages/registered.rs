//! Clients that registered themselves, and the tokens that they need for it.

use doorward_admin::{
    Operation,
    types::registration::{
        CreatedRegistrationToken, NewRegistrationToken, RegisteredClientRow, RegistrationTokenRow,
    },
};
use doorward_leptos::boxed_effect;
use leptos::prelude::*;

use crate::{
    api::{Answer, Call},
    route::{Route, query},
    session::Session,
    ui::{
        self, badge, button, card,
        dialog::{Dialog, Question, confirm},
        form::{Field, Form, form},
        link,
        list::List,
        mono, named_button, nothing, or_dash, plain,
        search::search,
    },
};

/// The page.
pub fn page(session: Session) -> AnyView {
    let t = session.texts;
    view! {
        {link(session, Route::Clients, "back-link", t.clients)}
        {ui::heading(t.registered_clients, nothing())}
        {clients(session)}
        {tokens(session)}
    }
    .into_any()
}

fn clients(session: Session) -> AnyView {
    let t = session.texts;
    let prefix = RwSignal::new(String::new());
    let list = List::<RegisteredClientRow>::new(session, move || {
        let query = query(&[("prefix", &prefix.get())]);
        Call::new(Operation::ListRegisteredClients, &[]).query(&query)
    });
    let (open, chosen) = (RwSignal::new(false), RwSignal::new(String::new()));
    let may_remove = Memo::new(move |_| session.offers(Operation::RemoveRegisteredClient));
    boxed_effect(move || {
        let name = may_remove.get().then(|| session.resumes_on("remove-registered")).flatten();
        if let Some(client_id) = name {
            chosen.set(client_id);
            open.set(true);
        }
    });
    let columns = t.registered_columns;
    let table =
        list.searched(prefix).table(t.registered_clients, columns, t.no_registered, move |row| {
            let (id, name) = (row.client_id.clone(), row.client_id.clone());
            let remove = may_remove.get().then(|| {
                named_button(t.remove, name, "btn btn-small", move || {
                    chosen.set(id.clone());
                    let intent = format!("remove-registered:{id}");
                    session.begin(Operation::RemoveRegisteredClient, &intent, || open.set(true));
                })
            });
            let used = if row.used { badge("badge-ok", t.yes) } else { badge("", t.no) };
            vec![
                mono(row.client_id),
                or_dash(row.name),
                or_dash(Some(row.redirect_uris.join(", "))),
                used,
                plain(session.moment(row.issued_at)),
                plain(session.moment(row.expires_at)),
                remove.unwrap_or_else(nothing),
            ]
        });
    let question = Question {
        id: "remove-registered",
        title: t.remove_registered_title.to_owned(),
        text: t.remove_client_text.to_owned(),
        action: t.remove.to_owned(),
    };
    let remove = move || Call::new(Operation::RemoveRegisteredClient, &[&chosen.get_untracked()]);
    let removed = move || {
        list.reload();
        session.done(t.client_removed);
    };
    view! {
        {card(
            t.registered_clients,
            nothing(),
            view! { {search("registered-search", t.search_clients, prefix)} {table} }.into_any(),
        )}
        {confirm(session, open, question, remove, removed)}
    }
    .into_any()
}

fn tokens(session: Session) -> AnyView {
    let t = session.texts;
    let list = List::<RegistrationTokenRow>::new(session, || {
        Call::new(Operation::ListRegistrationTokens, &[])
    });
    let (adding, removing) = (RwSignal::new(false), RwSignal::new(false));
    let chosen = RwSignal::new(String::new());
    let may_remove = Memo::new(move |_| session.offers(Operation::RemoveRegistrationToken));
    boxed_effect(move || {
        if session.offers(Operation::AddRegistrationToken) && session.resumes("add-token") {
            adding.set(true);
        }
        if let Some(id) = may_remove.get().then(|| session.resumes_on("remove-token")).flatten() {
            chosen.set(id);
            removing.set(true);
        }
    });
    let columns = t.registration_token_columns;
    let table = list.table(t.registration_tokens, columns, t.no_registration_tokens, move |row| {
        let (id, name) = (row.id.clone(), row.id.clone());
        let remove = may_remove.get().then(|| {
            named_button(t.remove, name, "btn btn-small", move || {
                chosen.set(id.clone());
                let intent = format!("remove-token:{id}");
                session.begin(Operation::RemoveRegistrationToken, &intent, || removing.set(true));
            })
        });
        vec![
            mono(row.id),
            or_dash(row.note),
            plain(row.uses_left.to_string()),
            plain(session.moment(row.expires_at)),
            remove.unwrap_or_else(nothing),
        ]
    });
    let actions = move || {
        session.offers(Operation::AddRegistrationToken).then(|| {
            button(t.add_registration_token, "btn btn-small", move || {
                session.begin(Operation::AddRegistrationToken, "add-token", || adding.set(true));
            })
        })
    };
    let question = Question {
        id: "remove-token",
        title: t.remove_registration_token_title.to_owned(),
        text: t.remove_registration_token_text.to_owned(),
        action: t.remove.to_owned(),
    };
    let remove = move || Call::new(Operation::RemoveRegistrationToken, &[&chosen.get_untracked()]);
    let removed = move || {
        list.reload();
        session.done(t.registration_token_removed);
    };
    view! {
        {card(t.registration_tokens, actions.into_any(), table)}
        {confirm(session, removing, question, remove, removed)}
        <Dialog open=adding title=t.add_registration_token id="add-token">
            {add(session, adding, list)}
        </Dialog>
    }
    .into_any()
}

fn add(session: Session, open: RwSignal<bool>, list: List<RegistrationTokenRow>) -> AnyView {
    let t = session.texts;
    let state = Form::new(session);
    let note = RwSignal::new(String::new());
    let (uses, days) = (RwSignal::new("1".to_owned()), RwSignal::new("7".to_owned()));
    let made = RwSignal::new(None::<String>);
    let save = move || {
        state.clear();
        let number = |field: &str, value: RwSignal<String>| {
            let number = value.get_untracked().trim().parse().ok();
            if number.is_none() {
                state.refuse(field, t.number_rule);
            }
            number
        };
        let (Some(uses), Some(days)) = (number("uses", uses), number("days", days)) else {
            return;
        };
        let note = Some(note.get_untracked().trim().to_owned()).filter(|note| !note.is_empty());
        let new = NewRegistrationToken { uses, days, note };
        let call = Call::new(Operation::AddRegistrationToken, &[]).body(&new);
        let done = move |answer: Answer| {
            if let Ok(created) = answer.read::<CreatedRegistrationToken>() {
                list.reload();
                made.set(Some(created.token));
            }
        };
        state.send(call, done, |_| false);
    };
    let shown = move || match made.get() {
        Some(token) => view! {
            {ui::once(session, t.registration_token, t.secret_once, token)}
            <div class="row">{button(t.close, "btn", move || open.set(false))}</div>
        }
        .into_any(),
        None => {
            let content = view! {
                {Field::text("token-note", "note", t.description).view(state, note)}
                {Field::text("token-uses", "uses", t.token_uses).kind("number").view(state, uses)}
                {Field::text("token-days", "days", t.days).kind("number").view(state, days)}
                {state.failure()}
                <div class="row">
                    {state.submit(t.add_registration_token)}
                    {button(t.cancel, "btn btn-quiet", move || open.set(false))}
                </div>
            };
            form(save, content.into_any())
        }
    };
    shown.into_any()
}
